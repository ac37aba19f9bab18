//! Sockets of families and options that nix does not name: [socket(2)](https://man7.org/linux/man-pages/man2/socket.2.html),
//! [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html).

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// A socket that closes on exec. `protocol` is in the byte order that the family wants.
pub fn open(family: i32, kind: i32, protocol: i32) -> nix::Result<OwnedFd> {
    // SAFETY: socket takes no pointers.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
    // SAFETY: a non-negative result is a new descriptor that nobody else owns.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets a socket option that is an integer.
pub fn set_int(socket: impl AsFd, level: i32, option: i32, value: i32) -> nix::Result<()> {
    let length = size_of::<i32>() as libc::socklen_t;
    // SAFETY: `value` is `length` readable bytes for the time of the call; the kernel only reads them.
    let done =
        unsafe { libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, (&raw const value).cast(), length) };
    Errno::result(done).map(drop)
}
