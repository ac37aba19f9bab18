//! Which of the captured packets are shown: those of the protocol and port, and what is malformed and may be.

use super::print::{Fate, Wanted};
use super::selection::{Selection, WITH_PORTS};
use crate::packet::{Addresses, Carried, Code, End, Layer, Part, Walk, ipv4, ipv6};

const ARP: u16 = 0x0806;

impl Selection {
    /// What becomes of a packet with these first bytes of its transport header.
    fn of_ports(&self, carried: &Carried) -> Fate {
        let ports = match (carried.part, carried.bytes.first_chunk::<4>()) {
            (Part::Later(_), _) | (_, None) => None,
            (_, Some(&[a, b, c, d])) => Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]),
        };
        let hit = |wanted: &[u16]| ports.is_some_and(|ports| ports.iter().any(|port| wanted.contains(port)));
        let known = self.protocol.shape().ports;
        if !known.is_empty() && !hit(known) {
            return Fate::OtherProtocol;
        }
        if self.port.is_none_or(|port| hit(&[port])) { Fate::Shown } else { Fate::OtherPort }
    }

    /// The IP protocols that are wanted in one version of IP; none listed where any is.
    fn numbers(&self, listed: Option<&'static [u8]>) -> Option<&'static [u8]> {
        listed.map(|numbers| if numbers.is_empty() && self.port.is_some() { WITH_PORTS } else { numbers })
    }

    /// What becomes of a packet by the header that comes next, where that decides.
    fn decided(&self, carried: &Carried) -> Option<Fate> {
        let shape = self.protocol.shape();
        let (v4, v6) = (self.numbers(shape.v4), self.numbers(shape.v6));
        let any = |numbers: Option<&[u8]>| numbers.is_some_and(<[u8]>::is_empty);
        match carried.code {
            Code::EtherType(ipv4::ETHERTYPE) => any(v4).then_some(Fate::Shown),
            Code::EtherType(ipv6::ETHERTYPE) => any(v6).then_some(Fate::Shown),
            Code::EtherType(ARP) => (shape.arp && self.port.is_none()).then_some(Fate::Shown),
            Code::Ip(number) => {
                let wanted = match carried.addresses {
                    Some(Addresses::V4(..)) => v4,
                    Some(Addresses::V6(..)) => v6,
                    None => v4.or(v6),
                };
                wanted.is_some_and(|numbers| numbers.contains(&number)).then(|| self.of_ports(carried))
            }
            _ => None,
        }
    }

    /// Whether what could not be decoded may be of the protocol.
    fn may_be(&self, end: &End) -> bool {
        let shape = self.protocol.shape();
        match end.carried().map(|carried| carried.code) {
            None => false,
            Some(Code::Link(_)) => matches!(end, End::Trouble(..)),
            Some(_) => {
                let numbers = [self.numbers(shape.v4), self.numbers(shape.v6)].into_iter().flatten().flatten();
                numbers.copied().any(|number| end.may_be(number))
            }
        }
    }
}

impl Wanted for Selection {
    fn fate(&self, mut layers: Walk) -> Fate {
        if self.takes_any() {
            return Fate::Shown;
        }
        while let Some(carried) = layers.upcoming() {
            if let Some(fate) = self.decided(&carried) {
                return fate;
            }
            // What is behind the extension header that cannot be followed may be anything.
            if let Some(Layer::Ipv6(ip)) = layers.next()
                && ip.trouble.is_some()
                && self.protocol.shape().v6.is_some()
            {
                return Fate::Shown;
            }
        }
        match layers.end() {
            end if !self.may_be(&end) => Fate::OtherProtocol,
            // Of a header below the transport that is malformed nobody knows the port; the kernel's filter took it for one
            // of it.
            End::Trouble(..) => Fate::Shown,
            _ if self.port.is_some() => Fate::OtherPort,
            _ => Fate::Shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::selection::Protocol;
    use super::*;
    use crate::packet::{Link, walk};

    fn fate(port: Option<u16>, bytes: &[u8]) -> Fate {
        of(Protocol::Tcp, port, bytes)
    }

    fn of(protocol: Protocol, port: Option<u16>, bytes: &[u8]) -> Fate {
        let selection = Selection { protocol, port, ..Selection::default() };
        selection.fate(walk(Carried::frame(Link::Ip, bytes, bytes.len())))
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

    #[test]
    fn each_protocol_has_its_own() {
        let arp = [&[0xff; 12][..], &[8, 6], &[0; 28]].concat();
        let all = [Protocol::Ip, Protocol::Tcp, Protocol::Udp, Protocol::Icmp, Protocol::Dns, Protocol::Http];
        for (what, bytes, shown) in [
            ("TCP to port 80", packet(), &[Protocol::Ip, Protocol::Tcp, Protocol::Http][..]),
            ("UDP to port 80", with(9, 17), &[Protocol::Ip, Protocol::Udp]),
            ("ICMP", with(9, 1), &[Protocol::Ip, Protocol::Icmp]),
            ("GRE", with(9, 47), &[Protocol::Ip]),
            ("TCP, of whatever port", with(0, 0x44), &[Protocol::Ip, Protocol::Tcp, Protocol::Dns, Protocol::Http]),
        ] {
            for protocol in all {
                let expected = if shown.contains(&protocol) { Fate::Shown } else { Fate::OtherProtocol };
                assert_eq!(of(protocol, None, &bytes), expected, "{what} as {protocol:?}");
            }
            assert_eq!(of(Protocol::Ip6, None, &bytes), Fate::OtherProtocol, "{what}");
            assert_eq!(of(Protocol::All, None, &bytes), Fate::Shown, "{what}");
        }
        for (protocol, expected) in [(Protocol::Arp, Fate::Shown), (Protocol::Ip, Fate::OtherProtocol)] {
            let selection = Selection { protocol, ..Selection::default() };
            let frame = Carried::frame(Link::Ethernet, &arp, arp.len());
            assert_eq!(selection.fate(walk(frame)), expected, "{protocol:?}");
        }
        for (port, expected) in [(80, Fate::Shown), (81, Fate::OtherPort)] {
            assert_eq!(of(Protocol::All, Some(port), &with(9, 17)), expected);
            assert_eq!(of(Protocol::Ip, Some(port), &packet()), expected);
        }
    }
}
