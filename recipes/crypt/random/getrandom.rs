//! [getrandom(2)](https://man7.org/linux/man-pages/man2/getrandom.2.html) (Linux 3.17): no descriptor, and it waits
//! until the generator was seeded at boot. Up to 256 bytes come whole; more may be cut short by a signal.

use nix::errno::Errno;

use super::{Random, Start};
use crate::error::{Context, Error, Result};
use crate::race::Contender;
use crate::sys::random::getrandom;

/// The system call.
pub static GETRANDOM: Contender<Start> =
    Contender { name: "getrandom", title: "getrandom(2)", needs: &[], approach: &(start as Start) };

fn start() -> Result<Box<dyn Random>> {
    Ok(Box::new(fill))
}

/// Fills `out`; a part that a signal cut short goes on where it ended.
pub(super) fn fill(out: &mut [u8]) -> Result<()> {
    let mut done = 0;
    while done < out.len() {
        match getrandom(&mut out[done..]) {
            Ok(0) => return Err(Error::failed("getrandom gave nothing")),
            Ok(got) => done += got,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno).sys("getrandom", || "cannot get random bytes".to_owned()),
        }
    }
    Ok(())
}
