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

/// A socket option that is an integer.
pub fn set_int(socket: impl AsFd, level: i32, option: i32, value: i32) -> nix::Result<()> {
    set(socket, level, option, &value)
}

/// Asks for a TPACKET_V3 receive ring of `blocks` blocks of `block_size` bytes on a packet socket.
pub fn set_ring_v3(socket: impl AsFd, block_size: u32, blocks: u32) -> nix::Result<()> {
    set_int(&socket, libc::SOL_PACKET, libc::PACKET_VERSION, libc::tpacket_versions::TPACKET_V3 as i32)?;
    let frame_size = 2048;
    let request = libc::tpacket_req3 {
        tp_block_size: block_size,
        tp_block_nr: blocks,
        tp_frame_size: frame_size,
        tp_frame_nr: block_size / frame_size * blocks,
        tp_retire_blk_tov: 10,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    set(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request)
}

fn set<T: Copy>(socket: impl AsFd, level: i32, option: i32, value: &T) -> nix::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is `length` readable bytes for the time of the call; the kernel only reads them.
    let done = unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, std::ptr::from_ref(value).cast(), length)
    };
    Errno::result(done).map(drop)
}
