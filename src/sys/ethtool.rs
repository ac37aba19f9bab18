//! Switches of a network device: SIOCETHTOOL of
//! [netdevice(7)](https://man7.org/linux/man-pages/man7/netdevice.7.html), ethtool(8).
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// The switches of linux/ethtool.h that change what a packet on the wire looks like, by the command that sets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Switch {
    /// ETHTOOL_SRXCSUM: checksums of what comes in are verified by the device.
    ReceiveChecksum = 0x15,
    /// ETHTOOL_STXCSUM: checksums of what goes out are left to the device.
    SendChecksum = 0x17,
    /// ETHTOOL_SSG: packets in several pieces of memory.
    ScatterGather = 0x19,
    /// ETHTOOL_STSO: TCP segments larger than the MTU.
    TcpSegmentation = 0x1f,
    /// ETHTOOL_SGSO: the same of every protocol, done by the kernel at the last moment.
    Segmentation = 0x24,
    /// ETHTOOL_SGRO: segments that came in are joined.
    ReceiveJoining = 0x2c,
}

/// struct ethtool_value.
#[repr(C)]
struct Value {
    command: u32,
    data: u32,
}

/// Sets a switch of the interface of this name in the network namespace of `socket`, which may be any socket.
///
/// # Errors
/// The errno of ioctl(2): EOPNOTSUPP where the device has no such switch. ENAMETOOLONG for a name that none can have.
pub fn set(socket: impl AsFd, interface: &str, switch: Switch, on: bool) -> nix::Result<()> {
    // SAFETY: ifreq is plain old data, for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    let name = interface.as_bytes();
    if name.len() >= request.ifr_name.len() {
        return Err(Errno::ENAMETOOLONG);
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name) {
        *to = *from as libc::c_char;
    }
    let mut value = Value { command: switch as u32, data: u32::from(on) };
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the request and the value that it points to live across the call; the kernel reads and writes only them.
    let done = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    Errno::result(done).map(drop)
}
