//! How many packets a socket lost for want of buffer space: SO_MEMINFO of socket(7), since Linux 4.12.
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Place of the drop count among the values (SK_MEMINFO_DROPS of linux/sock_diag.h).
const DROPS: usize = 8;

/// Packets dropped since the socket was made (the count wraps at 32 bits).
///
/// # Errors
/// The errno of getsockopt(2).
pub fn drops(socket: impl AsFd) -> nix::Result<u32> {
    let mut values = [0u32; 16];
    let mut length = mem::size_of_val(&values) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length are those of `values`, which lives across the call.
    let done =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, (&raw mut values).cast(), &mut length) };
    Errno::result(done).map(|_| values[DROPS])
}
