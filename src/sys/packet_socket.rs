//! Packet sockets: the parts of packet(7) that nix lacks.
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// What the kernel says of a packet besides its bytes, by whichever way it comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Arrival {
    /// When it came: seconds since the epoch.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
    /// Its length before a filter cut it, without a VLAN tag that the device took out.
    pub length: usize,
    /// The TP_STATUS_* bits.
    pub status: u32,
    /// The VLAN tag that the network device took out of the frame: tag protocol and control information.
    pub vlan: Option<(u16, u16)>,
    /// Index of the interface.
    pub interface: u32,
    /// Hardware type of the interface (ARPHRD_ETHER).
    pub hardware: u16,
    /// Whom it is for: PACKET_HOST, PACKET_OUTGOING and so on.
    pub kind: u8,
}

impl Arrival {
    /// True where a checksum was left to the network device.
    pub fn checksum_not_ready(&self) -> bool {
        self.status & libc::TP_STATUS_CSUMNOTREADY != 0
    }
}

/// The VLAN tag, where the status says that there is one.
#[inline]
pub(super) fn vlan(status: u32, protocol: u16, control: u16) -> Option<(u16, u16)> {
    let valid = |bit: u32| status & bit != 0;
    let protocol = if valid(libc::TP_STATUS_VLAN_TPID_VALID) { protocol } else { libc::ETH_P_8021Q as u16 };
    valid(libc::TP_STATUS_VLAN_VALID).then_some((protocol, control))
}

/// What a PACKET_AUXDATA control message tells (struct tpacket_auxdata).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Auxdata {
    /// The TP_STATUS_* bits.
    pub status: u32,
    /// Length of the packet before a filter cut it.
    pub length: u32,
    /// The VLAN tag that the network device took out of the frame: tag protocol and control information.
    pub vlan: Option<(u16, u16)>,
}

impl Auxdata {
    /// Reads the data of the control message.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let data: &[u8; 20] = data.first_chunk()?;
        let half = |at: usize| u16::from_ne_bytes([data[at], data[at + 1]]);
        let word = |at: usize| u32::from_ne_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
        Some(Auxdata { status: word(0), length: word(4), vlan: vlan(word(0), half(18), half(16)) })
    }
}

/// Whom a packet is from (struct sockaddr_ll).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sender {
    /// Index of the interface.
    pub interface: u32,
    /// The ARPHRD_ value of the interface.
    pub hardware: u16,
    /// The PACKET_ value: which way it went.
    pub kind: u8,
}

impl Sender {
    /// Reads the address that a receive gave.
    pub fn parse(address: &[u8]) -> Option<Self> {
        let [_, _, _, _, a, b, c, d, e, f, kind, ..] = *address else { return None };
        let interface = u32::from_ne_bytes([a, b, c, d]);
        Some(Sender { interface, hardware: u16::from_ne_bytes([e, f]), kind })
    }
}

/// Starts the flow of packets of every protocol from the interface with this index (0: all of them).
///
/// # Errors
/// The errno of bind(2). An interface that is down is no error here: the next receive gives ENETDOWN.
pub fn bind(socket: impl AsFd, interface: u32) -> nix::Result<()> {
    // SAFETY: sockaddr_ll is plain old data, for which all zeros is a value.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = interface as i32;
    let length = mem::size_of_val(&address) as libc::socklen_t;
    // SAFETY: the pointer and length are those of `address`, which lives across the call.
    let done = unsafe { libc::bind(socket.as_fd().as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(done).map(drop)
}

/// Asks for an [`Auxdata`] control message with every packet.
///
/// # Errors
/// The errno of setsockopt(2).
pub fn want_auxdata(socket: impl AsFd) -> nix::Result<()> {
    let on: libc::c_int = 1;
    let length = mem::size_of_val(&on) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length are those of `on`, which lives across the call.
    let done =
        unsafe { libc::setsockopt(fd, libc::SOL_PACKET, libc::PACKET_AUXDATA, (&raw const on).cast(), length) };
    Errno::result(done).map(drop)
}

/// Puts the interface with this index into promiscuous mode for as long as the socket is open.
///
/// # Errors
/// The errno of setsockopt(2).
pub fn promiscuous(socket: impl AsFd, interface: u32) -> nix::Result<()> {
    let membership = libc::packet_mreq {
        mr_ifindex: interface as i32,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    let length = size_of_val(&membership) as libc::socklen_t;
    let (fd, option) = (socket.as_fd().as_raw_fd(), libc::PACKET_ADD_MEMBERSHIP);
    // SAFETY: the pointer and length are those of `membership`, which lives across the call.
    let done = unsafe { libc::setsockopt(fd, libc::SOL_PACKET, option, (&raw const membership).cast(), length) };
    Errno::result(done).map(drop)
}

/// What a socket has lost since it was asked last: reading starts the counts anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets that the kernel dropped for want of buffer space.
    pub dropped: u32,
    /// How often a ring was full; only rings of version 3 tell.
    pub full: u32,
}

/// PACKET_STATISTICS.
///
/// # Errors
/// The errno of getsockopt(2).
pub fn statistics(socket: impl AsFd) -> nix::Result<Statistics> {
    let mut stats = libc::tpacket_stats_v3 { tp_packets: 0, tp_drops: 0, tp_freeze_q_cnt: 0 };
    let mut length = mem::size_of_val(&stats) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length are those of `stats`, which lives across the call; sockets without such a ring fill in
    // less.
    let done = unsafe {
        libc::getsockopt(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS, (&raw mut stats).cast(), &mut length)
    };
    Errno::result(done).map(|_| Statistics { dropped: stats.tp_drops, full: stats.tp_freeze_q_cnt })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auxdata_is_read_at_its_offsets() {
        let mut data = vec![0; 20];
        let status = libc::TP_STATUS_CSUMNOTREADY | libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
        data[..4].copy_from_slice(&status.to_ne_bytes());
        data[16..18].copy_from_slice(&7u16.to_ne_bytes());
        data[18..20].copy_from_slice(&0x88a8u16.to_ne_bytes());
        data[4..8].copy_from_slice(&1500_u32.to_ne_bytes());
        let aux = Auxdata::parse(&data).unwrap();
        assert_eq!((aux.status, aux.length, aux.vlan), (status, 1500, Some((0x88a8, 7))));
        assert_eq!(Auxdata::parse(&data[..19]), None);
    }
}
