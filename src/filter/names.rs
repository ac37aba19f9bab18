//! The names of the language: protocols, constants, and the ports of services(5).

/// How a protocol is recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The link itself.
    Link,
    EtherType(u16),
    /// An IP protocol number, in IPv4, IPv6 or both.
    Ip {
        number: u8,
        v4: bool,
        v6: bool,
    },
}

/// A protocol that expressions can name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Protocol {
    pub name: &'static str,
    pub kind: Kind,
    /// Whether `name[...]` reads from its header.
    pub readable: bool,
}

pub(super) const IP: u16 = 0x0800;
pub(super) const IP6: u16 = 0x86dd;
pub(super) const ARP: u16 = 0x0806;
pub(super) const RARP: u16 = 0x8035;

const fn protocol(name: &'static str, kind: Kind) -> Protocol {
    Protocol { name, kind, readable: true }
}

const fn ip(name: &'static str, number: u8, v4: bool, v6: bool) -> Protocol {
    protocol(name, Kind::Ip { number, v4, v6 })
}

static PROTOCOLS: [Protocol; 18] = [
    protocol("ether", Kind::Link),
    protocol("link", Kind::Link),
    protocol("ip", Kind::EtherType(IP)),
    protocol("ip6", Kind::EtherType(IP6)),
    protocol("arp", Kind::EtherType(ARP)),
    protocol("rarp", Kind::EtherType(RARP)),
    ip("tcp", 6, true, true),
    ip("udp", 17, true, true),
    ip("sctp", 132, true, true),
    ip("icmp", 1, true, false),
    ip("icmp6", 58, false, true),
    ip("igmp", 2, true, false),
    ip("igrp", 9, true, false),
    ip("pim", 103, true, true),
    ip("vrrp", 112, true, false),
    ip("carp", 112, true, false),
    Protocol { readable: false, ..ip("ah", 51, true, true) },
    Protocol { readable: false, ..ip("esp", 50, true, true) },
];

/// The words that are no protocol.
pub(super) const WORDS: [&str; 22] = [
    "and",
    "or",
    "not",
    "host",
    "net",
    "mask",
    "port",
    "portrange",
    "proto",
    "src",
    "dst",
    "less",
    "greater",
    "len",
    "length",
    "broadcast",
    "multicast",
    "inbound",
    "outbound",
    "vlan",
    "protochain",
    "gateway",
];

/// Offsets and values that stand for a number (pcap-filter(7)).
static CONSTANTS: [(&str, u32); 47] = [
    ("icmptype", 0),
    ("icmpcode", 1),
    ("icmp-echoreply", 0),
    ("icmp-unreach", 3),
    ("icmp-sourcequench", 4),
    ("icmp-redirect", 5),
    ("icmp-echo", 8),
    ("icmp-routeradvert", 9),
    ("icmp-routersolicit", 10),
    ("icmp-timxceed", 11),
    ("icmp-paramprob", 12),
    ("icmp-tstamp", 13),
    ("icmp-tstampreply", 14),
    ("icmp-ireq", 15),
    ("icmp-ireqreply", 16),
    ("icmp-maskreq", 17),
    ("icmp-maskreply", 18),
    ("icmp6type", 0),
    ("icmp6code", 1),
    ("icmp6-destinationunreach", 1),
    ("icmp6-packettoobig", 2),
    ("icmp6-timeexceeded", 3),
    ("icmp6-parameterproblem", 4),
    ("icmp6-echo", 128),
    ("icmp6-echoreply", 129),
    ("icmp6-multicastlistenerquery", 130),
    ("icmp6-multicastlistenerreportv1", 131),
    ("icmp6-multicastlistenerdone", 132),
    ("icmp6-routersolicit", 133),
    ("icmp6-routeradvert", 134),
    ("icmp6-neighborsolicit", 135),
    ("icmp6-neighboradvert", 136),
    ("icmp6-redirect", 137),
    ("icmp6-routerrenum", 138),
    ("icmp6-nodeinformationquery", 139),
    ("icmp6-nodeinformationresponse", 140),
    ("icmp6-ineighbordiscoverysolicit", 141),
    ("icmp6-ineighbordiscoveryadvert", 142),
    ("icmp6-multicastlistenerreportv2", 143),
    ("tcpflags", 13),
    ("tcp-fin", 0x01),
    ("tcp-syn", 0x02),
    ("tcp-rst", 0x04),
    ("tcp-push", 0x08),
    ("tcp-ack", 0x10),
    ("tcp-urg", 0x20),
    ("tcp-ece", 0x40),
];

/// The last of the flags, and the longer names.
static MORE_CONSTANTS: [(&str, u32); 5] = [
    ("tcp-cwr", 0x80),
    ("icmp6-homeagentdiscoveryrequest", 144),
    ("icmp6-homeagentdiscoveryreply", 145),
    ("icmp6-mobileprefixsolicit", 146),
    ("icmp6-mobileprefixadvert", 147),
];

/// IP protocols by the names of protocols(5).
static NUMBERS: [(&str, u8); 17] = [
    ("icmp", 1),
    ("igmp", 2),
    ("ipencap", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("ipv6-icmp", 58),
    ("ospf", 89),
    ("pim", 103),
    ("sctp", 132),
];

pub(super) fn find_protocol(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|p| p.name == name)
}

pub(super) fn constant(name: &str) -> Option<u32> {
    CONSTANTS.iter().chain(&MORE_CONSTANTS).find(|(n, _)| *n == name).map(|(_, value)| *value)
}

/// An IP protocol, by its name in protocols(5).
pub(super) fn ip_number(name: &str) -> Option<u8> {
    NUMBERS.iter().find(|(n, _)| *n == name).map(|(_, number)| *number)
}

/// An EtherType, by the name of its protocol.
pub(super) fn ether_type(name: &str) -> Option<u16> {
    find_protocol(name).and_then(|p| match p.kind {
        Kind::EtherType(number) => Some(number),
        _ => None,
    })
}

/// The word of the language that is most like `typed`, where one is.
pub(super) fn similar(typed: &str) -> Option<&'static str> {
    let words = PROTOCOLS.iter().map(|p| p.name).chain(WORDS).chain(CONSTANTS.iter().map(|(name, _)| *name));
    let scored = words.map(|word| (strsim::damerau_levenshtein(typed, word), word));
    // A word of three letters with two wrong is another word.
    let most = if typed.len() <= 4 { 1 } else { 2 };
    scored.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, word)| word)
}

/// The ports that `name` has over TCP and UDP, in the text of services(5).
pub(super) fn service(services: &str, name: &str) -> (Option<u16>, Option<u16>) {
    let (mut tcp, mut udp) = (None, None);
    for line in services.lines() {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (Some(official), Some(port)) = (words.next(), words.next()) else { continue };
        if official != name && !words.any(|alias| alias == name) {
            continue;
        }
        let Some((port, transport)) = port.split_once('/') else { continue };
        let slot = match transport {
            "tcp" => &mut tcp,
            "udp" => &mut udp,
            _ => continue,
        };
        *slot = slot.or_else(|| port.parse().ok());
    }
    (tcp, udp)
}
