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

/// The number of the network namespace that this socket is in, which no other ever has (SO_NETNS_COOKIE, since Linux
/// 5.14; socket(7)). ENOPROTOOPT before that.
pub fn namespace(socket: impl AsFd) -> nix::Result<u64> {
    const SO_NETNS_COOKIE: i32 = 71;
    let (mut cookie, mut length) = (0u64, size_of::<u64>() as libc::socklen_t);
    let (fd, value) = (socket.as_fd().as_raw_fd(), (&raw mut cookie).cast());
    // SAFETY: value and length describe a u64 that outlives the call.
    let done = unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, SO_NETNS_COOKIE, value, &raw mut length) };
    Errno::result(done).map(|_| cookie)
}
