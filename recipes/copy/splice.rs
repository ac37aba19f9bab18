//! Copy with splice(2) through a pipe: what sendfile does inside, with the pipe in your hands.
//!
//! The first splice hangs the source's pages into the pipe without copying them, the second copies them into the
//! destination's pages. A pipe holds 16 pages unless told otherwise (F_SETPIPE_SZ), which is 64 KiB a round;
//! with 1 MiB there are sixteen times fewer calls.
//!
//! [splice(2)](https://man7.org/linux/man-pages/man2/splice.2.html). Linux 2.6.17. Traps:
//! - one of the two descriptors must be a pipe (EINVAL): file to file needs the pipe between.
//! - both splices move less than asked when they like; what went into the pipe must come out before the next round,
//!   or it is lost.
//! - above /proc/sys/fs/pipe-max-size (1 MiB) F_SETPIPE_SZ gives EPERM without CAP_SYS_RESOURCE; and a user's pipes
//!   together are limited (pipe-user-pages-soft), after which the size stays what it was.

use std::fs::File;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use super::method::{Approach, CopyFile, failed, refused, transfer};
use crate::error::{Error, Result};
use crate::race::Contender;
use crate::sys::eintr::retry;

struct Splice {
    reader: OwnedFd,
    writer: OwnedFd,
    capacity: usize,
}

impl Splice {
    fn new(capacity: usize) -> Result<Self> {
        let cannot = |call, errno| Error::sys("cannot make a pipe to copy through", call, errno);
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|e| cannot("pipe2", e))?;
        // A smaller pipe copies as well, in more rounds.
        let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(capacity as i32));
        let capacity = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).map_err(|e| cannot("fcntl(F_GETPIPE_SZ)", e))?;
        Ok(Splice { reader, writer, capacity: capacity as usize })
    }
}

impl CopyFile for Splice {
    fn copy(&mut self, src: &File, dst: &File, len: u64) -> Result<u64> {
        let mut copied = 0;
        while copied < len {
            let room = self.capacity.min((len - copied) as usize);
            let flags = SpliceFFlags::SPLICE_F_MOVE;
            let into =
                retry(|| splice(src, None, &self.writer, None, room, flags)).map_err(|e| refused("splice", e))?;
            if into == 0 {
                break;
            }
            let out = transfer("splice", into as u64, |left| splice(&self.reader, None, dst, None, left, flags));
            if !matches!(out, Ok(n) if n == into as u64) {
                // What is stuck in the pipe must not come out in the next copy.
                *self = Splice::new(self.capacity)?;
                out.and(Err(failed("splice", nix::errno::Errno::EIO)))?;
            }
            copied += into as u64;
        }
        Ok(copied)
    }
}

/// A pipe of a mebibyte.
pub static SPLICE: Contender<Approach> = Contender {
    name: "splice",
    title: "splice through a pipe of 1 MiB",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(Splice::new(1 << 20)?))),
};
