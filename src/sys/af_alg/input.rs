//! The ways in that spare a copy where the kernel lets them: sendfile(2), splice(2), vmsplice(2).
//!
//! Whether a page is really processed in its place is the kernel's business: since the fix of CVE-2026-31431 it copies
//! (`syskit doctor` says what this one does). A digest or MAC takes data of any length. A cipher's socket holds what it is
//! sent until it is read, and with more than [`Operation::capacity`] in it these calls wait for a reader that does not
//! come: send a part, read it, send the next.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice, vmsplice};
use nix::sys::sendfile::sendfile;
use nix::unistd::pipe2;

use super::Operation;
use crate::sys::eintr::retry;

impl Operation {
    /// [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html): `len` bytes of the file from `offset` on,
    /// which moves forward by what was taken: fewer where the file ends, or the socket is full. EINTR is returned.
    ///
    /// It does not tell the kernel where the message ends: the last page is sent without MSG_MORE if it is the last that
    /// was asked for. [`Operation::end`] makes sure.
    pub fn send_file(&self, file: &File, offset: &mut i64, len: usize) -> nix::Result<usize> {
        sendfile(&self.0, file, Some(offset), len)
    }

    /// Ends a message that was sent with `more`, or may have been (an empty send without MSG_MORE).
    pub fn end(&self) -> nix::Result<()> {
        match self.send_data(&[], false, true) {
            // The message has ended, and waits to be read.
            Ok(_) | Err(Errno::EINVAL) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

/// A pipe whose buffers take pages from a file or from memory to a socket.
///
/// After an error it may hold what was not sent: make another.
#[derive(Debug)]
pub struct Pipe {
    output: OwnedFd,
    input: OwnedFd,
    capacity: usize,
}

impl Pipe {
    /// A pipe of at least `capacity` bytes, or as much as fs.pipe-max-size allows.
    pub fn new(capacity: usize) -> nix::Result<Self> {
        let (output, input) = pipe2(OFlag::O_CLOEXEC)?;
        let wanted = i32::try_from(capacity).unwrap_or(i32::MAX);
        // It has 64 KiB from the beginning, and works with those too.
        let now = fcntl(&input, FcntlArg::F_SETPIPE_SZ(wanted)).or_else(|_| fcntl(&input, FcntlArg::F_GETPIPE_SZ))?;
        Ok(Pipe { output, input, capacity: usize::try_from(now).map_err(|_| Errno::EINVAL)? })
    }

    /// Sends `data` by reference to its pages (vmsplice and splice); `more` says that the message goes on after it.
    ///
    /// Returns how many bytes were taken: all of them, or fewer where the kernel stops. What the kernel processes is what
    /// the memory holds then, which for a cipher is at the read: leave it unchanged until then.
    pub fn send_memory(&self, to: &Operation, data: &[u8], more: bool) -> nix::Result<usize> {
        let mut sent = 0;
        for part in data.chunks(self.capacity) {
            let (mut rest, last) = (part, sent + part.len() == data.len());
            while !rest.is_empty() {
                let filled = retry(|| vmsplice(&self.input, &[IoSlice::new(rest)], SpliceFFlags::empty()))?;
                rest = &rest[filled..];
                let taken = self.empty_into(to, filled, more || !last || !rest.is_empty())?;
                sent += taken;
                if taken < filled {
                    return Ok(sent);
                }
            }
        }
        Ok(sent)
    }

    /// Sends `len` bytes of the file from `offset` on, which moves forward by what was taken. `more` as above.
    ///
    /// Returns how many bytes that were: fewer where the file ends. Then the message is not ended: [`Operation::end`].
    pub fn send_file(
        &self,
        to: &Operation,
        file: &File,
        offset: &mut i64,
        len: usize,
        more: bool,
    ) -> nix::Result<usize> {
        let mut sent = 0;
        while sent < len {
            let wanted = (len - sent).min(self.capacity);
            let flags = SpliceFFlags::empty();
            let filled = retry(|| splice(file, Some(offset), &self.input, None, wanted, flags))?;
            let taken = self.empty_into(to, filled, more || sent + filled < len)?;
            sent += taken;
            if filled == 0 || taken < filled {
                break;
            }
        }
        Ok(sent)
    }

    fn empty_into(&self, to: &Operation, len: usize, more: bool) -> nix::Result<usize> {
        let mut sent = 0;
        let flags = if more { SpliceFFlags::SPLICE_F_MORE } else { SpliceFFlags::empty() };
        while sent < len {
            match retry(|| splice(self.output.as_fd(), None, to.as_fd(), None, len - sent, flags))? {
                0 => break,
                taken => sent += taken,
            }
        }
        Ok(sent)
    }
}
