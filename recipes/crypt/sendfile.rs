//! AF_ALG fed by sendfile(2): the pages of a file go into the socket (cheat sheet 3.2.31).
//!
//! [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html). Where messages are in memory the file is one in
//! memory (memfd_create(2)). Traps:
//! - the kernel may lend the socket the file's own pages, or copy them (see "zero-copy" in the report): whoever changes the
//!   file before the result is read may change the result.
//! - sendfile stops short where the socket is full: what it returns must be looked at.

use super::race::approach::Approach;
use super::race::kernel::{Feed, Kernel, Part};
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Operation;
use crate::sys::eintr::retry;

/// Control message, sendfile, read.
pub static SENDFILE: Contender<Approach> = Contender {
    name: "sendfile",
    title: "AF_ALG: control message, sendfile from the page cache, read",
    needs: &[&need::AF_ALG],
    approach: &Approach::Kernel(|job| Ok(Box::new(Kernel::open(job, Sendfile)?))),
};

struct Sendfile;

impl Feed for Sendfile {
    fn feed(&mut self, to: &Operation, mut part: Part<'_>) -> Result<()> {
        part.send_head(to)?;
        let mut at = (part.message.at + part.range.start as u64) as i64;
        let mut left = part.range.len();
        while left > 0 {
            match retry(|| to.send_file(part.message.file, &mut at, left)) {
                Ok(0) => return Err(Error::failed(format!("the file of messages ended {left} bytes early"))),
                Ok(n) => left -= n,
                Err(e) => return Err(Error::sys("cannot send a file to AF_ALG", "sendfile", e)),
            }
        }
        Ok(())
    }
    fn reads_file(&self) -> bool {
        true
    }
    fn way(&self) -> String {
        "sendfile, from the page cache".to_owned()
    }
    fn by_reference(&self) -> bool {
        true
    }
}
