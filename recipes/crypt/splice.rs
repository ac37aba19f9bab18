//! AF_ALG fed through a pipe: vmsplice(2) lends the pipe the pages of the message, splice(2) passes them on to the
//! socket; the pages of a file are spliced into the pipe instead.
//!
//! [vmsplice(2)](https://man7.org/linux/man-pages/man2/vmsplice.2.html),
//! [splice(2)](https://man7.org/linux/man-pages/man2/splice.2.html). Traps:
//! - a pipe holds 16 pages unless it is made larger, and a message that does not begin at a page needs one more.
//! - the message must not change before the result is read: the kernel reads it where it lies, or did already.
//! - SPLICE_F_MORE between the parts, or the socket takes the first one for the whole message.

use std::io::IoSlice;
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, splice, vmsplice};
use nix::unistd::pipe2;

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part, send_all};
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;
use crate::sys::eintr::retry;
use crate::units;

/// What the pipe is asked to hold.
const CAPACITY: i32 = 1 << 20;

/// Control message, vmsplice and splice, read.
pub static SPLICE: Contender<Approach> = Contender {
    name: "splice",
    title: "AF_ALG: control message, vmsplice and splice, read",
    needs: &[&need::AF_ALG, &need::SPLICE],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, Splice::new(job.from_file)?)?))),
};

struct Splice {
    reader: OwnedFd,
    writer: OwnedFd,
    capacity: usize,
    from_file: bool,
}

impl Splice {
    fn new(from_file: bool) -> Result<Self> {
        let cannot = |call| move |e| Error::sys("cannot make a pipe to splice through", call, e);
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(cannot("pipe2"))?;
        // A smaller pipe does as well, in more rounds.
        let _ = fcntl(&writer, FcntlArg::F_SETPIPE_SZ(CAPACITY));
        let capacity = fcntl(&writer, FcntlArg::F_GETPIPE_SZ).map_err(cannot("fcntl(F_GETPIPE_SZ)"))? as usize;
        Ok(Splice { reader, writer, capacity, from_file })
    }

    /// Fills the pipe with what comes at `at`: how many bytes it took.
    fn fill(&self, part: &Part<'_>, at: usize) -> Result<usize> {
        let most = (part.range.end - at).min(self.capacity);
        let none = SpliceFFlags::empty();
        let filled = if self.from_file {
            let mut offset = (part.message.at + at as u64) as i64;
            retry(|| splice(part.message.file, Some(&mut offset), &self.writer, None, most, none))
        } else {
            let text = &part.message.text[at..at + most];
            retry(|| vmsplice(&self.writer, &[IoSlice::new(text)], none))
        };
        match filled {
            Ok(0) => Err(Error::failed("the message ended early")),
            filled => filled.map_err(|e| {
                let call = if self.from_file { "splice" } else { "vmsplice" };
                Error::sys("cannot fill a pipe with a message", call, e)
            }),
        }
    }

    /// Passes `len` bytes on from the pipe to the socket.
    fn drain(&self, to: &Operation, len: usize, more: bool) -> Result<()> {
        let flags = if more { SpliceFFlags::SPLICE_F_MORE } else { SpliceFFlags::empty() };
        let mut left = len;
        while left > 0 {
            match retry(|| splice(&self.reader, None, to, None, left, flags)) {
                Ok(0) => return Err(Error::failed("the pipe ended early")),
                Ok(n) => left -= n,
                Err(e) => return Err(Error::sys("cannot splice a message to AF_ALG", "splice", e)),
            }
        }
        Ok(())
    }
}

impl Feed for Splice {
    fn feed(&mut self, to: &Operation, part: &Part<'_>) -> Result<()> {
        if part.has_head() {
            send_all(to, &part.parameters, &[], part.aad, true)?;
        }
        let mut at = part.range.start;
        while at < part.range.end {
            let filled = self.fill(part, at)?;
            at += filled;
            self.drain(to, filled, at < part.range.end)?;
        }
        Ok(())
    }
    fn reads_file(&self) -> bool {
        self.from_file
    }
    fn way(&self) -> String {
        let from = if self.from_file { "spliced from the page cache" } else { "lent from memory by vmsplice" };
        format!("{from}, through a pipe of {}", units::bytes(self.capacity as u64))
    }
}
