//! Packets of every protocol that the sniffer decodes, built byte by byte.

use syskit::packet::{Carried, Link};

/// A packet, and what is known of it.
pub struct Built {
    /// What it is.
    pub name: &'static str,
    /// Link type as in capture files.
    pub link: u16,
    /// The frame.
    pub bytes: Vec<u8>,
    /// The line where it is otherwise than tcpdump's on purpose, with the reason.
    pub otherwise: Option<(&'static str, &'static str)>,
    /// Fields here, as JSON pointers, and tshark's names of them.
    pub fields: &'static [(&'static str, &'static str)],
}

impl Built {
    /// The packet as a frame for the decoders.
    pub fn frame(&self) -> Carried<'_> {
        Carried::frame(Link::of_linktype(self.link), &self.bytes, self.bytes.len())
    }
}

/// A capture file of this one packet.
pub fn pcap(packet: &Built) -> Vec<u8> {
    let length = (packet.bytes.len() as u32).to_le_bytes();
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0];
    file.extend(u32::from(packet.link).to_le_bytes());
    file.extend([0; 8]);
    file.extend(length);
    file.extend(length);
    file.extend(&packet.bytes);
    file
}

/// An Ethernet frame.
pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    [&addresses[..], &ethertype.to_be_bytes(), payload].concat()
}

/// An IPv4 packet between 10.0.0.1 and 10.0.0.2, its checksum right.
pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    packet[2..4].copy_from_slice(&(20 + payload.len() as u16).to_be_bytes());
    let sum: u32 = packet.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    packet[10..12].copy_from_slice(&(!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
    packet.extend(payload);
    packet
}

/// An IPv6 packet between fe80::1 and fe80::2.
pub fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, next, 255];
    packet[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend(address6(1));
    packet.extend(address6(2));
    packet.extend(payload);
    packet
}

/// fe80:: and `last`.
pub fn address6(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    (address[0], address[1], address[15]) = (0xfe, 0x80, last);
    address
}

/// A UDP datagram from port 1000, without checksum.
pub fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    [&1000_u16.to_be_bytes()[..], &port.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload].concat()
}

fn arp(operation: u8) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1];
    ethernet(0x0806, &[&head[..], &[0, 0, 0, 0, 0, 0, 10, 0, 0, 2]].concat())
}

/// The start of a UDP packet that an error is about.
fn about() -> Vec<u8> {
    ipv4(17, &udp(2000, &[]))
}

fn icmp(head: [u8; 8], body: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(1, &[&head[..], body].concat()))
}

fn icmp6(head: [u8; 8], body: &[u8]) -> Vec<u8> {
    ethernet(0x86dd, &ipv6(58, &[&head[..], body].concat()))
}

fn igmp(message: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(2, message))
}

fn inner() -> Vec<u8> {
    icmp([8, 0, 0, 0, 0, 7, 0, 9], b"ping")
}

type Fields = &'static [(&'static str, &'static str)];

fn built(name: &'static str, bytes: Vec<u8>, fields: Fields) -> Built {
    Built { name, link: 1, bytes, otherwise: None, fields }
}

/// Every packet.
pub fn all() -> Vec<Built> {
    [links(), requests(), errors(), neighbours(), groups(), tunnels(), transports()].into_iter().flatten().collect()
}

fn links() -> Vec<Built> {
    let packet = ipv4(17, &udp(2000, b"hello"));
    let cooked = [&[0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0][..], &packet].concat();
    let cooked2 = [&[8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &packet].concat();
    let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &packet].concat();
    let line = "ifindex 7 Out IP 10.0.0.1.1000 > 10.0.0.2.2000: UDP, length 5";
    vec![
        Built {
            link: 113,
            ..built(
                "cooked",
                cooked,
                &[
                    ("/cooked/packet_type", "sll.pkttype"),
                    ("/cooked/hardware_type", "sll.hatype"),
                    ("/cooked/address_length", "sll.halen"),
                    ("/cooked/address", "sll.src.eth"),
                    ("/cooked/protocol", "sll.etype"),
                ],
            )
        },
        Built {
            link: 276,
            otherwise: Some((
                line,
                "the index is that of the machine that captured: it is not looked up on this one",
            )),
            ..built(
                "cooked2",
                cooked2,
                &[
                    ("/cooked/packet_type", "sll.pkttype"),
                    ("/cooked/interface_index", "sll.ifindex"),
                    ("/cooked/hardware_type", "sll.hatype"),
                    ("/cooked/protocol", "sll.etype"),
                ],
            )
        },
        Built {
            link: 0,
            ..built("null", [&[2, 0, 0, 0][..], &packet].concat(), &[("/loopback/family", "null.family")])
        },
        Built { link: 108, ..built("loop", [&[0, 0, 0, 2][..], &packet].concat(), &[("/ipv4/ttl", "ip.ttl")]) },
        built(
            "snap",
            ethernet(snap.len() as u16, &snap),
            &[("/llc/dsap", "llc.dsap"), ("/llc/ssap", "llc.ssap"), ("/llc/protocol", "llc.type")],
        ),
    ]
}

fn requests() -> Vec<Built> {
    let times = [0, 0, 0, 1, 0, 0, 3, 0xe8, 5, 0x26, 0x5b, 0xff];
    let mut packets = vec![built(
        "arp",
        arp(1),
        &[
            ("/arp/operation", "arp.opcode"),
            ("/arp/hardware_type", "arp.hw.type"),
            ("/arp/protocol_type", "arp.proto.type"),
            ("/arp/hardware_length", "arp.hw.size"),
            ("/arp/protocol_length", "arp.proto.size"),
            ("/arp/sender_hardware", "arp.src.hw_mac"),
            ("/arp/sender_protocol", "arp.src.proto_ipv4"),
            ("/arp/target_hardware", "arp.dst.hw_mac"),
            ("/arp/target_protocol", "arp.dst.proto_ipv4"),
        ],
    )];
    packets.extend([2, 3, 4, 8, 9].map(|operation| built("arp operation", arp(operation), &[])));
    packets.push(built("icmp echo", icmp([8, 0, 0, 0, 0, 7, 0, 9], b"ping"), ICMP_FIELDS));
    packets.push(built("icmp reply", icmp([0, 0, 0, 0, 0, 7, 0, 9], b"ping"), ICMP_FIELDS));
    packets.push(built("icmp time stamp", icmp([13, 0, 0, 0, 0, 7, 0, 9], &times), ICMP_FIELDS));
    packets.push(built("icmp time stamps", icmp([14, 0, 0, 0, 0, 7, 0, 9], &times), ICMP_FIELDS));
    packets.push(built("icmp mask", icmp([18, 0, 0, 0, 0, 7, 0, 9], &[255, 255, 255, 0]), &[]));
    packets.push(Built {
        otherwise: Some((
            "IP 10.0.0.1 > 10.0.0.2: ICMP extended echo request, id 7, seq 9, length 8",
            "older ones than 4.99.5 do not know it",
        )),
        ..built("icmp extended", icmp([42, 0, 0, 0, 0, 7, 9, 1], &[]), &[])
    });
    for kind in [4, 10, 15, 16, 17, 99] {
        packets.push(built("icmp type", icmp([kind, 0, 0, 0, 0, 0, 0, 0], &about()), &[]));
    }
    let router = [10, 0, 0, 1, 0, 0, 0, 5];
    for lifetime in [[0, 30], [0, 99], [0x2a, 0x30]] {
        let head = [9, 0, 0, 0, 1, 2, lifetime[0], lifetime[1]];
        packets.push(built("icmp router", icmp(head, &router), &[]));
    }
    packets
}

const ICMP_FIELDS: Fields = &[
    ("/icmp/type", "icmp.type"),
    ("/icmp/code", "icmp.code"),
    ("/icmp/checksum", "icmp.checksum"),
    ("/icmp/identifier", "icmp.ident"),
    ("/icmp/sequence", "icmp.seq"),
];

fn errors() -> Vec<Built> {
    let mut packets = vec![
        built(
            "icmp mtu",
            icmp([3, 4, 0, 0, 0, 0, 5, 0xdc], &about()),
            &[("/icmp/mtu", "icmp.mtu"), ("/icmp/quoted/udp/destination_port", "udp.dstport")],
        ),
        built("icmp redirect", icmp([5, 1, 0, 0, 10, 0, 0, 9], &about()), &[("/icmp/gateway", "icmp.redir_gw")]),
    ];
    for code in 0..17 {
        packets.push(built("icmp unreachable", icmp([3, code, 0, 0, 0, 0, 0, 0], &about()), &[]));
    }
    for code in 0..5 {
        packets.push(built("icmp redirect", icmp([5, code, 0, 0, 10, 0, 0, 9], &about()), &[]));
    }
    for code in 0..3 {
        packets.push(built("icmp time exceeded", icmp([11, code, 0, 0, 0, 0, 0, 0], &about()), &[]));
        packets.push(built("icmp parameter", icmp([12, code, 0, 0, 20, 0, 0, 0], &about()), &[]));
    }
    let about = ipv6(17, &udp(2000, &[]));
    for code in [0, 2, 3, 4] {
        packets.push(built("icmp6 unreachable", icmp6([1, code, 0, 0, 0, 0, 0, 0], &about), &[]));
    }
    packets.push(Built {
        otherwise: Some((
            "IP6 fe80::1 > fe80::2: ICMP6, destination unreachable, unreachable prohibited fe80::2, length 56",
            "tcpdump writes two blanks",
        )),
        ..built("icmp6 unreachable", icmp6([1, 1, 0, 0, 0, 0, 0, 0], &about), &[])
    });
    packets.push(built("icmp6 mtu", icmp6([2, 0, 0, 0, 0, 0, 5, 0], &about), &[("/icmp6/mtu", "icmpv6.mtu")]));
    for code in 0..3 {
        packets.push(built("icmp6 time exceeded", icmp6([3, code, 0, 0, 0, 0, 0, 0], &about), &[]));
        packets.push(built("icmp6 parameter", icmp6([4, code, 0, 0, 0, 0, 0, 40], &about), &[]));
    }
    packets
}

fn neighbours() -> Vec<Built> {
    let hardware = [1, 1, 2, 0, 0, 0, 0, 1];
    let target = [&address6(9)[..], &hardware].concat();
    let redirect = [address6(9), address6(8)].concat();
    let mut router = vec![0, 0, 0, 5, 0, 0, 0, 6, 3, 4, 64, 0xc0, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 0];
    router.extend(address6(0));
    router.extend([5, 1, 0, 0, 0, 0, 5, 0]);
    vec![
        built("icmp6 echo", icmp6([128, 0, 0, 0, 0, 7, 0, 9], b"ping"), ECHO6_FIELDS),
        built("icmp6 reply", icmp6([129, 0, 0, 0, 0, 7, 0, 9], b"ping"), ECHO6_FIELDS),
        built("router solicitation", icmp6([133, 0, 0, 0, 0, 0, 0, 0], &hardware), &[]),
        built(
            "router advertisement",
            icmp6([134, 0, 0, 0, 64, 0xc0, 0, 15], &router),
            &[
                ("/icmp6/router/hop_limit", "icmpv6.nd.ra.cur_hop_limit"),
                ("/icmp6/router/lifetime", "icmpv6.nd.ra.router_lifetime"),
                ("/icmp6/router/reachable_time", "icmpv6.nd.ra.reachable_time"),
                ("/icmp6/router/retransmission_timer", "icmpv6.nd.ra.retrans_timer"),
                ("/icmp6/options/0/prefix", "icmpv6.opt.prefix"),
                ("/icmp6/options/0/prefix_length", "icmpv6.opt.prefix.length"),
                ("/icmp6/options/0/lifetime", "icmpv6.opt.prefix.valid_lifetime"),
                ("/icmp6/options/0/preferred_lifetime", "icmpv6.opt.prefix.preferred_lifetime"),
                ("/icmp6/options/1/mtu", "icmpv6.opt.mtu"),
            ],
        ),
        built(
            "neighbor solicitation",
            icmp6([135, 0, 0, 0, 0, 0, 0, 0], &target),
            &[
                ("/icmp6/target", "icmpv6.nd.ns.target_address"),
                ("/icmp6/options/0/kind", "icmpv6.opt.type"),
                ("/icmp6/options/0/hardware_address", "icmpv6.opt.linkaddr"),
            ],
        ),
        built(
            "neighbor advertisement",
            icmp6([136, 0, 0, 0, 0x60, 0, 0, 0], &target),
            &[("/icmp6/target", "icmpv6.nd.na.target_address")],
        ),
        built(
            "redirect",
            icmp6([137, 0, 0, 0, 0, 0, 0, 0], &redirect),
            &[("/icmp6/destination", "icmpv6.rd.na.destination_address")],
        ),
    ]
}

const ECHO6_FIELDS: Fields = &[
    ("/icmp6/type", "icmpv6.type"),
    ("/icmp6/code", "icmpv6.code"),
    ("/icmp6/checksum", "icmpv6.checksum"),
    ("/icmp6/identifier", "icmpv6.echo.identifier"),
    ("/icmp6/sequence", "icmpv6.echo.sequence_number"),
];

fn groups() -> Vec<Built> {
    let group = [225, 1, 1, 3];
    let mut packets = vec![
        built(
            "igmp query",
            igmp(&[0x11, 10, 0, 0, 225, 1, 1, 3]),
            &[
                ("/igmp/type", "igmp.type"),
                ("/igmp/checksum", "igmp.checksum"),
                ("/igmp/group", "igmp.maddr"),
                ("/igmp/version", "igmp.version"),
            ],
        ),
        built("igmp report v3", igmp(&[&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0][..], &group].concat()), &[]),
        built("igmp query v3", igmp(&[0x11, 0xff, 0, 0, 225, 1, 1, 3, 2, 20, 0, 1, 10, 0, 0, 1]), &[]),
        built("igmp query v3, any", igmp(&[0x11, 10, 0, 0, 0, 0, 0, 0, 2, 20, 0, 0]), &[]),
        built("igmp query v3, bad", igmp(&[0x11, 10, 0, 0, 225, 1, 1, 3, 2, 20, 0, 9]), &[]),
    ];
    for kind in [0x11, 0x12, 0x16, 0x17, 0x99] {
        packets.push(built("igmp", igmp(&[&[kind, 0, 0, 0][..], &group].concat()), &[]));
    }
    let group = address6(9);
    for kind in [130, 131, 132] {
        packets.push(built("listener", icmp6([kind, 0, 0, 0, 3, 0xe8, 0, 0], &group), &[]));
    }
    let query = [&group[..], &[2, 60, 0, 1], &address6(8)].concat();
    packets.push(built("listener query", icmp6([130, 0, 0, 0, 3, 0xe8, 0, 0], &query), &[]));
    let report = [&[4, 0, 0, 0][..], &group].concat();
    packets.push(built(
        "listener report",
        icmp6([143, 0, 0, 0, 0, 0, 0, 1], &report),
        &[
            ("/icmp6/records/0/type", "icmpv6.mldr.mar.record_type"),
            ("/icmp6/records/0/group", "icmpv6.mldr.mar.multicast_address"),
        ],
    ));
    packets
}

fn tunnels() -> Vec<Built> {
    let inside = ipv4(17, &udp(2000, b"hello"));
    let over = |protocol: u8, head: &[u8], inside: &[u8]| ethernet(0x0800, &ipv4(protocol, &[head, inside].concat()));
    let on =
        |port: u16, head: &[u8], inside: &[u8]| ethernet(0x0800, &ipv4(17, &udp(port, &[head, inside].concat())));
    vec![
        built("ip in ip", over(4, &[], &inside), &[("/inner/ipv4/source", "ip.src")]),
        built("ipv6 in ip", over(41, &[], &ipv6(17, &udp(2000, b"hello"))), &[]),
        built(
            "gre",
            over(47, &[0x30, 0, 8, 0, 0, 0, 0, 9, 0, 0, 0, 7], &inside),
            &[("/gre/protocol", "gre.proto"), ("/gre/key", "gre.key"), ("/gre/sequence", "gre.sequence_number")],
        ),
        built("gre, ethernet", over(47, &[0, 0, 0x65, 0x58], &inner()), &[]),
        built("vxlan", on(4789, &[8, 0, 0, 0, 0, 0, 100, 0], &inner()), &[("/vxlan/vni", "vxlan.vni")]),
        built(
            "geneve",
            on(6081, &[1, 0x40, 0x65, 0x58, 0, 0, 0x53, 0, 1, 2, 0x80, 0], &inner()),
            &[("/geneve/vni", "geneve.vni"), ("/geneve/protocol", "geneve.proto_type")],
        ),
    ]
}

fn transports() -> Vec<Built> {
    let init =
        [0x80, 0, 0, 80, 0, 0, 0, 0, 1, 2, 3, 4, 1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0x80, 0, 0, 10, 0, 5, 0, 0, 0, 7];
    vec![
        built(
            "udp",
            ethernet(0x0800, &ipv4(17, &udp(2000, b"hello"))),
            &[
                ("/udp/source_port", "udp.srcport"),
                ("/udp/destination_port", "udp.dstport"),
                ("/udp/length", "udp.length"),
                ("/udp/checksum", "udp.checksum"),
            ],
        ),
        built("udp over ipv6", ethernet(0x86dd, &ipv6(17, &udp(2000, b"hello"))), &[]),
        built(
            "esp",
            ethernet(0x0800, &ipv4(50, &[0, 0, 1, 2, 0, 0, 0, 9, 1, 2, 3, 4])),
            &[("/esp/spi", "esp.spi"), ("/esp/sequence", "esp.sequence")],
        ),
        built(
            "sctp",
            ethernet(0x0800, &ipv4(132, &init)),
            &[
                ("/sctp/source_port", "sctp.srcport"),
                ("/sctp/destination_port", "sctp.dstport"),
                ("/sctp/verification_tag", "sctp.verification_tag"),
                ("/sctp/checksum", "sctp.checksum"),
                ("/sctp/chunks/0/type", "sctp.chunk_type"),
                ("/sctp/chunks/0/length", "sctp.chunk_length"),
                ("/sctp/chunks/0/initiate_tag", "sctp.init_initiate_tag"),
                ("/sctp/chunks/0/tsn", "sctp.init_initial_tsn"),
            ],
        ),
    ]
}
