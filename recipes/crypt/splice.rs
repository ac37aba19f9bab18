//! AF_ALG fed through a pipe: vmsplice(2) lends the pipe the pages of the message, splice(2) passes them on to the
//! socket; the pages of a file are spliced into the pipe instead.
//!
//! [vmsplice(2)](https://man7.org/linux/man-pages/man2/vmsplice.2.html),
//! [splice(2)](https://man7.org/linux/man-pages/man2/splice.2.html). Traps:
//! - a pipe holds 16 pages unless it is made larger, and a message that does not begin at a page needs one more.
//! - the message must not change before the result is read: the kernel reads it where it lies, or did already.
//! - SPLICE_F_MORE between the parts, or the socket takes the first one for the whole message.

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part};
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;
use crate::sys::af_alg::input::Pipe;

/// What the pipe is asked to hold.
const CAPACITY: usize = 1 << 20;

/// Control message, vmsplice and splice, read.
pub static SPLICE: Contender<Approach> = Contender {
    name: "splice",
    title: "AF_ALG: control message, vmsplice and splice, read",
    needs: &[&need::AF_ALG, &need::SPLICE],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, Splice::new(job.from_file)?)?))),
};

struct Splice {
    pipe: Pipe,
    from_file: bool,
}

impl Splice {
    fn new(from_file: bool) -> Result<Self> {
        let pipe = Pipe::new(CAPACITY).map_err(|e| Error::sys("cannot make a pipe to splice through", "pipe2", e))?;
        Ok(Splice { pipe, from_file })
    }
}

impl Feed for Splice {
    fn feed(&mut self, to: &Operation, mut part: Part<'_>) -> Result<()> {
        part.send_head(to)?;
        let len = part.range.len();
        let sent = if self.from_file {
            let mut at = (part.message.at + part.range.start as u64) as i64;
            self.pipe.send_file(to, part.message.file, &mut at, len, false)
        } else {
            self.pipe.send_memory(to, part.text(), false)
        };
        match sent {
            Ok(n) if n == len => Ok(()),
            Ok(n) => Err(Error::failed(format!("AF_ALG took {n} bytes of {len}"))),
            Err(e) => Err(Error::sys("cannot splice a message to AF_ALG", "splice", e)),
        }
    }
    fn reads_file(&self) -> bool {
        self.from_file
    }
    fn way(&self) -> String {
        let from = if self.from_file { "splice" } else { "vmsplice and splice" };
        format!("{from}, through a pipe")
    }
    fn by_reference(&self) -> bool {
        true
    }
}
