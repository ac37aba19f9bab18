//! Between which sockets a packet passes, and which of the two may be of this host.

use std::net::{IpAddr, SocketAddr};

use crate::packet::{Addresses, Code, Part, icmp, icmp6, tcp, udp, walk};
use crate::recipes::sniff::capture::{Captured, Direction};

/// LOOPBACK_IFINDEX: the same in every network namespace.
const LOOPBACK: u32 = 1;
const ECHOES: [(u8, u8); 4] = [(icmp::NUMBER, 8), (icmp::NUMBER, 0), (icmp6::NUMBER, 128), (icmp6::NUMBER, 129)];

/// The two ends of a packet. Of an echo request or reply the port is the identifier; of a protocol without ports it is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    /// The IP protocol.
    pub protocol: u8,
    pub source: SocketAddr,
    pub destination: SocketAddr,
    /// Whether it begins a connection (SYN): what was known of these ends is of another one.
    pub begins: bool,
}

impl Flow {
    /// The ends of a packet; `None` where it has none, or does not say: ARP, a later fragment, what is cut or malformed.
    pub(super) fn of(packet: &Captured) -> Option<Flow> {
        let mut layers = walk(packet.frame());
        let (protocol, carried) = loop {
            let carried = layers.upcoming()?;
            match carried.code {
                Code::Ip(number) if !matches!(carried.part, Part::Later(_)) => break (number, carried),
                _ => layers.next()?,
            };
        };
        let (source, destination) = match carried.addresses? {
            Addresses::V4(from, to) => (IpAddr::from(*from), IpAddr::from(*to)),
            Addresses::V6(from, to) => (IpAddr::from(*from), IpAddr::from(*to)),
        };
        let kind = carried.bytes.first().copied().unwrap_or_default();
        let ports = match protocol {
            tcp::NUMBER | udp::NUMBER => (carried.word(0)?, carried.word(2)?),
            _ if ECHOES.contains(&(protocol, kind)) => (carried.word(4)?, carried.word(4)?),
            _ => (0, 0),
        };
        let flags = carried.bytes.get(13).copied().unwrap_or_default();
        Some(Flow {
            protocol,
            source: SocketAddr::new(source, ports.0),
            destination: SocketAddr::new(destination, ports.1),
            begins: protocol == tcp::NUMBER && flags & 0x12 == 0x02,
        })
    }

    /// Whether the sender, and whether the receiver, may be a socket of this host.
    pub(super) fn local(&self, packet: &Captured) -> (bool, bool) {
        let inside = packet.interface == LOOPBACK || self.source.ip() == self.destination.ip();
        match packet.direction {
            _ if inside || self.source.ip().is_loopback() => (true, true),
            Direction::Out => (true, false),
            Direction::In | Direction::Broadcast | Direction::Multicast => (false, true),
            Direction::Other => (false, false),
            Direction::Unknown => (true, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Link;

    fn packet(bytes: &[u8]) -> Captured<'_> {
        Captured {
            seconds: 0,
            nanoseconds: 0,
            direction: Direction::Out,
            interface: 2,
            link: Link::Ip,
            bytes,
            length: bytes.len(),
            offloaded: false,
            recorded: None,
            fragments: 0,
        }
    }

    #[test]
    fn the_ends_are_those_of_the_headers() {
        let mut bytes = [0; 40];
        bytes[0] = 0x45;
        (bytes[3], bytes[9]) = (40, 6);
        bytes[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        bytes[20..24].copy_from_slice(&[0x1f, 0x90, 0, 80]);
        (bytes[32], bytes[33]) = (0x50, 2);
        let flow = Flow::of(&packet(&bytes)).expect("ends");
        assert_eq!(
            (flow.source, flow.destination),
            ("10.0.0.1:8080".parse().unwrap(), "10.0.0.2:80".parse().unwrap())
        );
        assert!(flow.begins && flow.local(&packet(&bytes)) == (true, false));
        // SYN and ACK answers; a later fragment and a cut header do not say.
        bytes[33] = 0x12;
        assert!(!Flow::of(&packet(&bytes)).expect("ends").begins);
        assert_eq!(Flow::of(&packet(&bytes[..22])), None);
        bytes[7] = 1;
        assert_eq!(Flow::of(&packet(&bytes)), None);
    }
}
