//! Which of the captured packets are shown: those of the protocol and port, and what is malformed and may be.

use super::print::{Fate, Wanted};
use super::tool::Protocol;
use crate::packet::{Code, End, Layer, Walk, tcp};

/// The protocol and port that were asked for.
pub(super) struct Filter {
    pub protocol: Protocol,
    pub port: Option<u16>,
}

impl Filter {
    fn of_ports(&self, ports: Option<(u16, u16)>) -> Fate {
        let hit = |port| ports.is_some_and(|(source, destination)| port == source || port == destination);
        if self.port.is_none_or(hit) { Fate::Shown } else { Fate::OtherPort }
    }

    fn tcp(&self, mut layers: Walk) -> Fate {
        for layer in layers.by_ref() {
            match layer {
                Layer::Tcp(segment) => {
                    return self.of_ports(Some((segment.source_port(), segment.destination_port())));
                }
                // What is behind the extension header that cannot be followed may be anything.
                Layer::Ipv6(ip) if ip.trouble.is_some() => return Fate::Shown,
                _ => {}
            }
        }
        match layers.end() {
            end if !end.may_be(tcp::NUMBER) => Fate::OtherProtocol,
            // Of a header below TCP that is malformed nobody knows the port; the kernel's filter took it for one of it.
            End::Trouble(carried, _) if carried.code != Code::Ip(tcp::NUMBER) => Fate::Shown,
            end => self.of_ports(end.ports()),
        }
    }
}

impl Wanted for Filter {
    fn fate(&self, layers: Walk) -> Fate {
        match self.protocol {
            Protocol::Tcp => self.tcp(layers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Carried, Link, walk};

    fn fate(port: Option<u16>, bytes: &[u8]) -> Fate {
        Filter { protocol: Protocol::Tcp, port }.fate(walk(Carried::frame(Link::Ip, bytes, bytes.len())))
    }

    /// IPv4, 20 bytes of TCP from port 1000 to port 80.
    fn packet() -> Vec<u8> {
        let mut p = vec![0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2];
        p.extend([3, 232, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0]);
        p
    }

    fn with(at: usize, byte: u8) -> Vec<u8> {
        let mut p = packet();
        p[at] = byte;
        p
    }

    #[test]
    fn what_is_whole_is_told_by_protocol_and_port() {
        for (port, bytes, expected) in [
            (None, packet(), Fate::Shown),
            (Some(80), packet(), Fate::Shown),
            (Some(1000), packet(), Fate::Shown),
            (Some(81), packet(), Fate::OtherPort),
            (None, with(9, 17), Fate::OtherProtocol),
            (Some(80), with(9, 17), Fate::OtherProtocol),
            (None, with(7, 9), Fate::Shown),
            (Some(80), with(7, 9), Fate::OtherPort),
        ] {
            assert_eq!(fate(port, &bytes), expected, "port {port:?} of {bytes:02x?}");
        }
    }

    #[test]
    fn what_is_malformed_and_may_be_tcp_is_shown() {
        for (what, bytes) in [
            ("IHL 0", with(0, 0x40)),
            ("IHL 4", with(0, 0x44)),
            ("version 5", with(0, 0x55)),
            ("total length 19", with(3, 19)),
            ("an IP header cut before the protocol", packet()[..9].to_vec()),
        ] {
            assert_eq!((fate(None, &bytes), fate(Some(80), &bytes)), (Fate::Shown, Fate::Shown), "{what}");
            if let Some(protocol) = bytes.get(9) {
                let mut udp = bytes.clone();
                udp[9] = 17;
                assert_eq!((*protocol, fate(None, &udp)), (6, Fate::OtherProtocol), "{what}");
            }
        }
    }

    #[test]
    fn a_segment_cut_inside_its_header_goes_by_its_ports() {
        for length in [24, 30, 39] {
            let bytes = &with(3, length)[..usize::from(length)];
            assert_eq!((fate(None, bytes), fate(Some(80), bytes)), (Fate::Shown, Fate::Shown), "{length}");
            assert_eq!(fate(Some(81), bytes), Fate::OtherPort, "{length}");
        }
        let without = &with(3, 23)[..23];
        assert_eq!((fate(None, without), fate(Some(80), without)), (Fate::Shown, Fate::OtherPort));
    }

    #[test]
    fn an_extension_header_that_cannot_be_followed_hides_nothing() {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 8, 43, 64];
        bytes.extend([1; 32]);
        bytes.extend([6, 9, 0, 0, 0, 0, 0, 0]);
        assert_eq!((fate(None, &bytes), fate(Some(80), &bytes)), (Fate::Shown, Fate::Shown));
    }
}
