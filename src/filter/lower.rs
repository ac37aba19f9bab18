//! From what an expression says to conditions on the bytes of one kind of link.
//!
//! IPv6 as libpcap has it: the next header is looked at where it stands in the fixed header, and behind one fragment
//! header where a protocol is asked for; other extension headers are not followed.

use super::ast::{Expression, Side, Term, Version};
use super::condition::{Condition, ancillary, byte, half, half_behind, masked, word};
use super::fault::Fault;
use super::names::{IP, IP6, Kind, Protocol};
use crate::packet::Link;

/// Where the packets that a program sees come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Out of a file: nobody knows which way they went, unless the link's header tells.
    File,
    /// Off an interface, with their VLAN tags.
    Frame,
    /// At a socket of the kernel, which takes the outer VLAN tag out of the frame and keeps it beside it.
    Socket,
}

/// The EtherTypes of VLAN tags.
pub const VLAN_TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
/// The low bits of the fragment word: where in the datagram the fragment stands.
pub const FRAGMENT_OFFSET: u32 = 0x1fff;

const LARGEST_LENGTH: u32 = 1500;
const FRAGMENT_HEADER: u32 = 44;
const IP6_HEADER: u32 = 40;

/// Where the headers stand on one kind of link.
#[derive(Debug, Clone)]
pub struct Layout {
    link: Link,
    /// Where the type of what the link carries stands.
    kind: u32,
    /// Where the network header begins.
    pub network: u32,
    view: View,
    /// Whether the next VLAN tag stands beside the frame.
    pub(super) beside: bool,
}

impl Layout {
    /// That of `link`.
    ///
    /// # Errors
    /// Where no filter is known for it.
    pub fn of(link: Link, view: View) -> Result<Self, Fault> {
        let (kind, network) = match link {
            Link::Ethernet => (12, 14),
            Link::Ip => (0, 0),
            Link::Cooked => (14, 16),
            Link::Cooked2 => (0, 20),
            Link::Null => (0, 4),
            Link::Other(number) => return Err(Fault::new(format!("no filter is known for link type {number}"), 0)),
        };
        Ok(Layout { link, kind, network, view, beside: false })
    }

    /// The link carries this EtherType (or LLC service access point).
    pub fn carries(&self, number: u32) -> Condition {
        let version = |nibble| Condition::equal(masked(byte(self.network), 0xf0), nibble);
        // Both byte orders: that of the host that captured is not known.
        let family = |numbers: &[u32]| Condition::one_of(&word(0), numbers.iter().flat_map(|n| [*n, n.swap_bytes()]));
        let kind = half(self.kind);
        let service = |at| Condition::equal(byte(at), number);
        match (self.link, number) {
            (Link::Ip, 0x0800) => version(0x40),
            (Link::Ip, 0x86dd) => version(0x60),
            (Link::Null, 0x0800) => family(&[2]),
            // What Linux, NetBSD and OpenBSD, FreeBSD and macOS call AF_INET6.
            (Link::Null, 0x86dd) => family(&[10, 24, 28, 30]),
            (Link::Ip | Link::Null | Link::Other(_), _) => Condition::Known(false),
            (Link::Ethernet, 0..=LARGEST_LENGTH) => {
                let length = Condition::greater(kind, LARGEST_LENGTH).negated();
                Condition::All(vec![length, service(self.network)])
            }
            (Link::Cooked, 0..=LARGEST_LENGTH) => {
                Condition::All(vec![Condition::equal(kind, 4), service(self.network)])
            }
            (Link::Ethernet | Link::Cooked | Link::Cooked2, _) => Condition::equal(kind, number),
        }
    }

    fn of_type(&self, number: u16) -> Condition {
        self.carries(number.into())
    }

    /// What `expression` says of this link.
    pub(super) fn expression(&mut self, expression: &Expression) -> Result<Condition, Fault> {
        Ok(match expression {
            Expression::All(parts) => Condition::All(self.parts(parts)?),
            Expression::Any(parts) => Condition::Any(self.parts(parts)?),
            Expression::Not(inner) => self.expression(inner)?.negated(),
            Expression::Term(term) => self.term(term)?,
        })
    }

    // In the order in which they are written: a tag moves what is behind it.
    fn parts(&mut self, parts: &[Expression]) -> Result<Vec<Condition>, Fault> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    fn term(&mut self, term: &Term) -> Result<Condition, Fault> {
        Ok(match term {
            Term::Protocol(protocol) => self.protocol(protocol),
            Term::EtherType(number) => self.carries(*number),
            Term::IpProtocol(version, number) => self.ip_protocol(*version, *number),
            Term::V4 { protocols, side, address, mask } => self.v4(protocols, *side, *address, *mask),
            Term::V6 { side, address, mask } => self.v6(*side, address, mask),
            Term::Mac { side, address } => self.mac(*side, *address)?,
            Term::Port { transports, side, first, last } => self.port(transports, *side, *first, *last),
            Term::Broadcast => self.mac(Side::Destination, [0xff; 6])?,
            Term::Multicast => {
                self.ethernet_alone()?;
                Condition::any_bit(byte(0), 1)
            }
            Term::IpMulticast(Version::V6) => {
                Condition::All(vec![self.of_type(IP6), Condition::equal(byte(self.network + 24), 0xff)])
            }
            Term::IpMulticast(_) => {
                Condition::All(vec![self.of_type(IP), Condition::at_least(byte(self.network + 16), 0xe0)])
            }
            Term::Vlan(id) => self.vlan(*id)?,
            Term::Outbound => self.outbound()?,
            Term::Relation { left, relation, right } => self.relation(left, *relation, right)?,
        })
    }

    fn ethernet_alone(&self) -> Result<(), Fault> {
        if self.link == Link::Ethernet {
            return Ok(());
        }
        Err(Fault::new("hardware addresses and VLAN tags are of Ethernet alone: this link is another", 0))
    }

    fn protocol(&self, protocol: &Protocol) -> Condition {
        match protocol.kind {
            Kind::Link => Condition::Known(true),
            Kind::EtherType(number) => self.of_type(number),
            Kind::Ip { number, v4, v6 } => {
                let version = match (v4, v6) {
                    (true, false) => Version::V4,
                    (false, true) => Version::V6,
                    _ => Version::Any,
                };
                self.ip_protocol(version, number.into())
            }
        }
    }

    fn ip_protocol(&self, version: Version, number: u32) -> Condition {
        let next = byte(self.network + 6);
        let fragment = Condition::All(vec![
            Condition::equal(next.clone(), FRAGMENT_HEADER),
            Condition::equal(byte(self.network + IP6_HEADER), number),
        ]);
        let v4 = || Condition::All(vec![self.of_type(IP), Condition::equal(byte(self.network + 9), number)]);
        let v6 =
            Condition::All(vec![self.of_type(IP6), Condition::Any(vec![Condition::equal(next, number), fragment])]);
        match version {
            Version::V4 => v4(),
            Version::V6 => v6,
            Version::Any => Condition::Any(vec![v4(), v6]),
        }
    }

    fn v4(&self, protocols: &[u16], side: Side, address: u32, mask: u32) -> Condition {
        let sides = |source: u32, destination: u32| {
            let at = |offset| match mask {
                0 => Condition::Known(true),
                _ => Condition::equal(masked(word(self.network + offset), mask), address),
            };
            sides(side, || at(source), || at(destination))
        };
        // ARP and RARP have the addresses in the same places.
        let resolution = protocols.iter().filter(|p| **p != IP).map(|p| self.of_type(*p)).collect();
        let mut any = vec![Condition::All(vec![Condition::Any(resolution), sides(14, 24)])];
        if protocols.contains(&IP) {
            any.insert(0, Condition::All(vec![self.of_type(IP), sides(12, 16)]));
        }
        Condition::Any(any)
    }

    fn v6(&self, side: Side, address: &[u32; 4], mask: &[u32; 4]) -> Condition {
        let at = |offset: u32| {
            let words = (0_u32..).step_by(4).zip(address.iter().zip(mask)).filter(|(_, (_, mask))| **mask != 0);
            let equal = |(i, (address, mask)): (u32, (&u32, &u32))| {
                Condition::equal(masked(word(self.network + offset + i), *mask), *address)
            };
            Condition::All(words.map(equal).collect())
        };
        Condition::All(vec![self.of_type(IP6), sides(side, || at(8), || at(24))])
    }

    fn mac(&self, side: Side, [a, b, c, d, e, f]: [u8; 6]) -> Result<Condition, Fault> {
        self.ethernet_alone()?;
        let at = |offset| {
            Condition::All(vec![
                Condition::equal(word(offset + 2), u32::from_be_bytes([c, d, e, f])),
                Condition::equal(half(offset), u16::from_be_bytes([a, b]).into()),
            ])
        };
        Ok(sides(side, || at(6), || at(0)))
    }

    fn port(&self, transports: &[u8], side: Side, first: u16, last: u16) -> Condition {
        let within = |load: Vec<libc::sock_filter>| match first == last {
            true => Condition::equal(load, first.into()),
            false => Condition::All(vec![
                Condition::at_least(load.clone(), first.into()),
                Condition::greater(load, last.into()).negated(),
            ]),
        };
        let numbers = || transports.iter().map(|t| u32::from(*t));
        let behind = self.network + IP6_HEADER;
        let v6 = Condition::All(vec![
            self.of_type(IP6),
            Condition::one_of(&byte(self.network + 6), numbers()),
            sides(side, || within(half(behind)), || within(half(behind + 2))),
        ]);
        let v4 = Condition::All(vec![
            self.of_type(IP),
            Condition::one_of(&byte(self.network + 9), numbers()),
            self.not_a_later_fragment(),
            sides(side, || within(half_behind(self.network, 0)), || within(half_behind(self.network, 2))),
        ]);
        Condition::Any(vec![v6, v4])
    }

    /// The IPv4 packet has the transport header in it.
    pub fn not_a_later_fragment(&self) -> Condition {
        Condition::any_bit(half(self.network + 6), FRAGMENT_OFFSET).negated()
    }

    fn vlan(&mut self, id: Option<u16>) -> Result<Condition, Fault> {
        self.ethernet_alone()?;
        let of = |load, id: u16| Condition::equal(masked(load, 0xfff), id.into());
        if self.beside {
            self.beside = false;
            return Ok(id.map_or(Condition::Known(true), |id| of(ancillary(libc::SKF_AD_VLAN_TAG), id)));
        }
        let tagged = Condition::one_of(&half(self.kind), VLAN_TAGS);
        let control = half(self.kind + 2);
        self.kind += 4;
        self.network += 4;
        Ok(match id {
            Some(id) => Condition::All(vec![tagged, of(control, id)]),
            None => tagged,
        })
    }

    fn outbound(&self) -> Result<Condition, Fault> {
        let outgoing = u32::from(libc::PACKET_OUTGOING);
        let load = match (self.link, self.view) {
            (Link::Cooked, _) => half(0),
            (Link::Cooked2, _) => byte(10),
            (_, View::File) => {
                let fault = Fault::new("a file does not tell which way its packets went", 0);
                return Err(fault.hint("'inbound' and 'outbound' are for what is captured now"));
            }
            _ => half((libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32),
        };
        Ok(Condition::equal(load, outgoing))
    }

    /// Whether the protocol's header is there, and where: in front of it stands an IPv4 header of any length, or not.
    pub(super) fn header(&self, protocol: &Protocol) -> (Vec<Condition>, u32, bool) {
        match protocol.kind {
            Kind::Link => (Vec::new(), 0, false),
            Kind::EtherType(number) => (vec![self.of_type(number)], self.network, false),
            Kind::Ip { number, v4: true, .. } => {
                let carried = Condition::equal(byte(self.network + 9), number.into());
                (vec![self.of_type(IP), carried, self.not_a_later_fragment()], self.network, true)
            }
            Kind::Ip { number, v4: false, .. } => {
                let carried = Condition::equal(byte(self.network + 6), number.into());
                (vec![self.of_type(IP6), carried], self.network + IP6_HEADER, false)
            }
        }
    }
}

/// The condition on the side that is asked for.
pub(super) fn sides(side: Side, source: impl Fn() -> Condition, destination: impl Fn() -> Condition) -> Condition {
    match side {
        Side::Source => source(),
        Side::Destination => destination(),
        Side::Either => Condition::Any(vec![source(), destination()]),
        Side::Both => Condition::All(vec![source(), destination()]),
    }
}
