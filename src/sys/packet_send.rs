//! A packet socket that only sends: [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html).
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// Binds a packet socket to the interface with this index for sending alone: with protocol 0 nothing is queued on it,
/// and nothing that passes the interface is copied for it.
///
/// # Errors
/// The errno of bind(2).
pub fn bind(socket: impl AsFd, interface: u32) -> nix::Result<()> {
    // SAFETY: sockaddr_ll is plain old data, for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = interface as i32;
    let length = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: the pointer and length are those of `address`, which lives across the call.
    let done = unsafe { libc::bind(socket.as_fd().as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(done).map(drop)
}
