//! Several packet sockets that share the packets between them: PACKET_FANOUT of
//! [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html). Linux 3.1; identifiers by the kernel since 4.12.
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

use super::socket::set_int;

/// Joins a bound socket to the group with this identifier, or to a new one; gives the identifier.
///
/// Packets of a flow go to one socket by their hash, both directions alike; to another where that one is full.
///
/// # Errors
/// The errno of setsockopt(2) or getsockopt(2): EINVAL where the interface is down or the group is of another kind.
pub fn join(socket: impl AsFd, group: Option<u16>) -> nix::Result<u16> {
    let flags = libc::PACKET_FANOUT_HASH | libc::PACKET_FANOUT_FLAG_ROLLOVER;
    let new = if group.is_none() { libc::PACKET_FANOUT_FLAG_UNIQUEID } else { 0 };
    let wanted = u32::from(group.unwrap_or(0)) | (flags | new) << 16;
    set_int(&socket, libc::SOL_PACKET, libc::PACKET_FANOUT, wanted as i32)?;
    match group {
        Some(group) => Ok(group),
        None => identifier(socket),
    }
}

fn identifier(socket: impl AsFd) -> nix::Result<u16> {
    let mut value: libc::c_int = 0;
    let mut length = size_of_val(&value) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length are those of `value`, which lives across the call.
    let done =
        unsafe { libc::getsockopt(fd, libc::SOL_PACKET, libc::PACKET_FANOUT, (&raw mut value).cast(), &mut length) };
    Errno::result(done).map(|_| value as u16)
}
