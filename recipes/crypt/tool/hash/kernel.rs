//! A digest by the kernel, of a file whose bytes do not pass through user space: splice(2) from the file into a pipe,
//! and from there into an AF_ALG socket (`recipes/crypt/af_alg_hash.rs` shows the plain way).

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{OFlag, SpliceFFlags, splice};
use nix::unistd::pipe2;

use super::input::Input;
use crate::error::{Error, Kind, Result};
use crate::recipes::crypt::algorithm::Algorithm;
use crate::sys::af_alg::Hash;
use crate::sys::eintr::retry;
use crate::sys::mmap::Pages;

/// What a pipe holds (pipe(7)); a splice takes no more at a time.
const PIPE: usize = 64 << 10;

/// An algorithm with its key, ready for one message after the other.
pub struct Kernel {
    hash: Hash,
    reader: OwnedFd,
    writer: OwnedFd,
    digest_len: usize,
}

impl Kernel {
    /// Readies `algorithm`; `key` is empty for a digest.
    pub fn new(algorithm: &'static Algorithm, key: &[u8]) -> Result<Self> {
        let cannot =
            |call| move |e| Error::sys(format!("cannot have the kernel compute {}", algorithm.kernel), call, e);
        let key = (!key.is_empty()).then_some(key);
        let hash = Hash::open(algorithm.kernel, key).map_err(|e| match e {
            Errno::ENOENT => Error { kind: Kind::Unavailable, ..cannot("bind")(e) },
            _ => cannot("setsockopt(ALG_SET_KEY)")(e),
        })?;
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(cannot("pipe2"))?;
        Ok(Kernel { hash, reader, writer, digest_len: algorithm.digest_len() })
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
                    let hash = &mut self.hash;
                    total = input.pieces(buffer, |piece| {
                        seen(piece.len() as u64);
                        hash.update(piece).map_err(|e| input.unreadable("send to the AF_ALG socket", e))
                    })?;
                    break;
                }
                Err(errno) => return Err(input.unreadable("splice", errno)),
            }
        }
        let mut digest = vec![0; self.digest_len];
        self.hash.finish(&mut digest).map_err(|e| input.unreadable("read from the AF_ALG socket", e))?;
        Ok((digest, total))
    }

    /// Empties the pipe, which holds `len` bytes, into the socket, which may take fewer at a time.
    fn drain(&self, input: &Input, mut len: usize) -> Result<()> {
        let flags = SpliceFFlags::SPLICE_F_MORE | SpliceFFlags::SPLICE_F_MOVE;
        while len > 0 {
            match retry(|| splice(&self.reader, None, self.hash.operation(), None, len, flags)) {
                Ok(0) => return Err(Error::failed("the kernel took nothing of what was spliced to it")),
                Ok(taken) => len -= taken,
                Err(errno) => return Err(input.unreadable("splice to the AF_ALG socket", errno)),
            }
        }
        Ok(())
    }
}
