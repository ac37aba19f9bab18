//! What the recipes of this family share: receiving from a raw or packet socket until enough was seen.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt::ReceiveTimeout};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::error::{Context, Error, Result};
use crate::interrupt;

/// How long a recipe waits for a packet that never comes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hands every packet that `socket` receives to `each`, until that says that it has seen enough.
///
/// # Errors
/// Those of `each` and of recv(2), and where `each` has not seen enough after 5 seconds or at Ctrl-C: then `missing`
/// says what was never seen.
pub fn until_enough(socket: &OwnedFd, missing: &str, mut each: impl FnMut(&[u8]) -> Result<bool>) -> Result<()> {
    let what = || "cannot receive from the socket".to_owned();
    // So that the wait for a packet that never comes has an end.
    setsockopt(socket, ReceiveTimeout, &TimeVal::milliseconds(100)).sys("setsockopt(SO_RCVTIMEO)", what)?;
    // The largest IPv4 packet behind an Ethernet header; a shorter buffer would cut packets without a word.
    let mut buffer = [0; 14 + 65_535];
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end && !interrupt::asked() {
        match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) if each(&buffer[..length])? => return Ok(()),
            Ok(_) | Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(Error::sys(what(), "recv", errno)),
        }
    }
    Err(Error::failed(format!("{missing} never seen")).fix("is loopback traffic filtered here?"))
}
