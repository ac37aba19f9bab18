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

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice};
use nix::unistd::pipe2;

use super::method::{Approach, CopyFile, failed, refused, transfer};
use super::trial::{copy_by, show};
use crate::demo::Demo;
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::recipe::Recipe;
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
                out.and(Err(failed("splice", Errno::EIO)))?;
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
    needs: &[&need::SPLICE],
    approach: &Approach::Files(|| Ok(Box::new(Splice::new(1 << 20)?))),
};

/// `syskit run splice-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "splice-copy",
    title: "Copy a file with splice through a pipe",
    sections: &[],
    needs: &[&need::SPLICE],
    source: include_str!("splice.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&SPLICE, demo)?;
    // The traps: no pipe, no splice; and a pipe takes what it holds, however much is asked for.
    let direct = splice(&trial.src, None, &trial.dst, None, 4096, SpliceFFlags::empty());
    show(demo, "splice(file, file)", &direct);
    demo.check_eq("splice needs a pipe on one side", Err(Errno::EINVAL), direct)?;
    let pipe = Splice::new(64 << 10)?;
    let asked = 1 << 20;
    let taken = splice(&trial.src, None, &pipe.writer, None, asked, SpliceFFlags::SPLICE_F_NONBLOCK);
    show(demo, &format!("splice(file, pipe of {}, {asked})", pipe.capacity), &taken);
    demo.check("a pipe takes what it holds", taken.is_ok_and(|n| n <= pipe.capacity), || format!("it gave {taken:?}"))
}
