//! What the socket methods share: waiting, receiving with control messages, buffers.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

/// Room for the largest packet: 64 KiB, or several times that where the kernel joins segments; tcpdump's choice.
pub const LARGEST: usize = 256 << 10;

/// What the kernel may queue for us, in bytes; it grants less where we lack CAP_NET_ADMIN (net.core.rmem_max).
const QUEUE: usize = 16 << 20;

/// Lets the kernel queue `size` bytes, or as much as it will.
pub fn enlarge_queue(socket: &impl AsFd, size: Option<usize>) {
    let size = size.unwrap_or(QUEUE).min(i32::MAX as usize);
    // Too small a queue is no failure: what it loses is counted and reported.
    let _ = setsockopt(socket, sockopt::RcvBufForce, &size).or_else(|_| setsockopt(socket, sockopt::RcvBuf, &size));
}

/// Waits at most `wait` for something to receive; false where nothing came or a signal did.
///
/// # Errors
/// The errno of poll(2), but for EINTR.
pub fn ready(socket: BorrowedFd, wait: Duration) -> nix::Result<bool> {
    let timeout = PollTimeout::try_from(wait.as_millis().max(1)).unwrap_or(PollTimeout::MAX);
    match poll(&mut [PollFd::new(socket, PollFlags::POLLIN)], timeout) {
        Ok(count) => Ok(count > 0),
        Err(Errno::EINTR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// The error that is pending on a socket, which is none any more then.
pub fn pending(socket: BorrowedFd) -> Option<Errno> {
    match getsockopt(&socket, sockopt::SocketError) {
        Ok(0) => None,
        Ok(errno) => Some(Errno::from_raw(errno)),
        Err(errno) => Some(errno),
    }
}

/// Receives by `receive` (which must not block); where there is nothing, waits and tries once more.
///
/// # Errors
/// The errno of either call, but for EAGAIN and EINTR, which give `None`.
pub fn within<T>(
    socket: BorrowedFd,
    wait: Duration,
    mut receive: impl FnMut() -> nix::Result<T>,
) -> nix::Result<Option<T>> {
    let nothing = |got: nix::Result<T>| match got {
        Ok(got) => Ok(Some(got)),
        Err(Errno::EAGAIN | Errno::EINTR) => Ok(None),
        Err(errno) => Err(errno),
    };
    match nothing(receive())? {
        None if !wait.is_zero() && ready(socket, wait)? => nothing(receive()),
        got => Ok(got),
    }
}
