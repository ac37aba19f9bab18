//! Packet sockets: the parts of packet(7) that nix lacks.
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// What the kernel tells beside a packet (struct tpacket_auxdata).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Auxdata {
    /// The TP_STATUS_* bits.
    pub status: u32,
    /// The VLAN tag that the network device took out of the frame: tag protocol and control information.
    pub vlan: Option<(u16, u16)>,
}

impl Auxdata {
    /// Reads the data of a PACKET_AUXDATA control message.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let word = |at: usize| data.get(at..at + 2).map(|b| u16::from_ne_bytes([b[0], b[1]]));
        let status = u32::from_ne_bytes(*data.first_chunk()?);
        let (control, protocol) = (word(16)?, word(18)?);
        let valid = |bit: u32| status & bit != 0;
        let vlan = valid(libc::TP_STATUS_VLAN_VALID).then_some((
            if valid(libc::TP_STATUS_VLAN_TPID_VALID) { protocol } else { libc::ETH_P_8021Q as u16 },
            control,
        ));
        Some(Auxdata { status, vlan })
    }

    /// True where a checksum was left to the network device.
    pub fn checksum_not_ready(&self) -> bool {
        self.status & libc::TP_STATUS_CSUMNOTREADY != 0
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

/// Packets that the kernel dropped for want of buffer space since the last call (reading resets the count).
///
/// # Errors
/// The errno of getsockopt(2).
pub fn drops(socket: impl AsFd) -> nix::Result<u32> {
    let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
    let mut length = mem::size_of_val(&stats) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the pointer and length are those of `stats`, which lives across the call.
    let done = unsafe {
        libc::getsockopt(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS, (&raw mut stats).cast(), &mut length)
    };
    Errno::result(done).map(|_| stats.tp_drops)
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
        let aux = Auxdata::parse(&data).unwrap();
        assert!(aux.checksum_not_ready());
        assert_eq!(aux.vlan, Some((0x88a8, 7)));
        assert_eq!(Auxdata::parse(&data[..19]), None);
    }
}
