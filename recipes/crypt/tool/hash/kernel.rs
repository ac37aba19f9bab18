//! A digest by the kernel, of a file whose bytes do not pass through user space: splice(2) from the file into a pipe,
//! and from there into an AF_ALG socket (`recipes/crypt/af_alg_hash.rs` shows the plain way).

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, SpliceFFlags, splice};
use nix::unistd::pipe2;

use super::input::Input;
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::Algorithm;
use crate::sys::af_alg::{Operation, Parameters, Transform};
use crate::sys::eintr::retry;
use crate::sys::mmap::Pages;

/// What a pipe holds (pipe(7)); a splice takes no more at a time.
const PIPE: usize = 64 << 10;

/// An algorithm with its key, ready for one message after the other.
pub struct Kernel {
    operation: Operation,
    reader: OwnedFd,
    writer: OwnedFd,
    digest_len: usize,
}

impl Kernel {
    /// Readies `algorithm`; `key` is empty for a digest.
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Result<Self> {
        let cannot =
            |call| move |e| Error::sys(format!("cannot have the kernel digest by {}", algorithm.kernel), call, e);
        let transform = Transform::open(algorithm.kernel_type(), algorithm.kernel)
            .map_err(|e| Error { kind: crate::error::Kind::Unavailable, ..cannot("bind")(e) })?;
        if !key.is_empty() {
            transform.set_key(key).map_err(cannot("setsockopt(ALG_SET_KEY)"))?;
        }
        let operation = transform.accept().map_err(cannot("accept"))?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(cannot("pipe2"))?;
        Ok(Kernel { operation, reader, writer, digest_len: algorithm.digest_len() })
    }

    /// The digest of `input` until its end, and how many bytes that were; `seen` is told how many more each time.
    ///
    /// Every part is sent with MSG_MORE, so that none of them, however short it was taken, ends the message: reading
    /// the digest does.
    pub fn digest(&mut self, input: &Input, buffer: &mut Pages, seen: impl Fn(u64)) -> Result<(Vec<u8>, u64)> {
        let mut total = 0;
        loop {
            input.await_data()?;
            match retry(|| splice(&input.file, None, &self.writer, None, PIPE, SpliceFFlags::SPLICE_F_MOVE)) {
                Ok(0) => break,
                Ok(len) => {
                    self.drain(input, len)?;
                    total += len as u64;
                    seen(len as u64);
                }
                // No pages to splice from: a terminal, some files of /proc.
                Err(Errno::EINVAL) if total == 0 => {
                    total = input.pieces(buffer, |piece| {
                        seen(piece.len() as u64);
                        self.send(input, piece)
                    })?;
                    break;
                }
                Err(errno) => return Err(input.unreadable("splice", errno)),
            }
        }
        Ok((self.finish(input)?, total))
    }

    /// Empties the pipe, which holds `len` bytes, into the socket, which may take fewer at a time.
    fn drain(&self, input: &Input, mut len: usize) -> Result<()> {
        let flags = SpliceFFlags::SPLICE_F_MORE | SpliceFFlags::SPLICE_F_MOVE;
        while len > 0 {
            match retry(|| splice(&self.reader, None, &self.operation, None, len, flags)) {
                Ok(0) => return Err(Error::failed("the kernel took nothing of what was spliced to it")),
                Ok(taken) => len -= taken,
                Err(errno) => return Err(input.unreadable("splice to the AF_ALG socket", errno)),
            }
        }
        Ok(())
    }

    fn send(&self, input: &Input, mut piece: &[u8]) -> Result<()> {
        while !piece.is_empty() {
            let sent = retry(|| self.operation.send(&Parameters::default(), &[IoSlice::new(piece)], true));
            piece = &piece[sent.map_err(|e| input.unreadable("sendmsg", e))?..];
        }
        Ok(())
    }

    fn finish(&self, input: &Input) -> Result<Vec<u8>> {
        let mut digest = vec![0; self.digest_len];
        let got = retry(|| self.operation.read(&mut [IoSliceMut::new(&mut digest)]));
        match got.map_err(|e| input.unreadable("read", e))? {
            len if len == digest.len() => Ok(digest),
            len => Err(Error::failed(format!("the kernel gave {len} bytes of a digest of {}", digest.len()))),
        }
    }
}
