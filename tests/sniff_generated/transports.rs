//! What IP carries: transports, control messages, tunnels over UDP.

use fastrand::Rng;

use super::network::{bytes, ipv4, ipv6};
use super::{Case, Field, links};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case {
            protocols: &["tcp"],
            link: 101,
            make: |r| {
                let (ports, options) = ([r.u16(1..), r.u16(1..)], options(r));
                let segment = tcp(r, ports, &options, b"");
                ipv4(r, 6, &segment)
            },
            fields: TCP,
        },
        Case {
            protocols: &["udp"],
            link: 101,
            make: |r| {
                let datagram = udp(r, 40_000, b"hello");
                ipv4(r, 17, &datagram)
            },
            fields: UDP,
        },
        Case {
            protocols: &["udp"],
            link: 101,
            make: |r| {
                let datagram = udp(r, 40_000, b"hello");
                ipv6(r, 17, &datagram)
            },
            fields: UDP,
        },
        Case { protocols: &["sctp"], link: 101, make: sctp, fields: SCTP },
        Case {
            protocols: &["vxlan"],
            link: 101,
            make: |r| {
                let header = [vec![8, 0, 0, 0], bytes(r, 3), vec![0]].concat();
                over_udp(r, 4789, &header)
            },
            fields: &[("/vxlan/vni", "vxlan.vni"), ("/ethernet/source", "eth.src")],
        },
        Case {
            protocols: &["geneve"],
            link: 101,
            make: |r| {
                let header = [vec![0, r.u8(0..4) << 6, 0x65, 0x58], bytes(r, 3), vec![0]].concat();
                over_udp(r, 6081, &header)
            },
            fields: &[
                ("/geneve/vni", "geneve.vni"),
                ("/geneve/protocol", "geneve.proto_type"),
                ("/geneve/control", "geneve.flags.oam"),
                ("/geneve/critical", "geneve.flags.critical"),
            ],
        },
    ];
    cases.extend(messages());
    cases
}

const TCP: &[Field] = &[
    ("/tcp/source_port", "tcp.srcport"),
    ("/tcp/destination_port", "tcp.dstport"),
    ("/tcp/sequence", "tcp.seq_raw"),
    ("/tcp/acknowledgement", "tcp.ack_raw"),
    ("/tcp/window", "tcp.window_size_value"),
    ("/tcp/checksum", "tcp.checksum"),
    ("/tcp/urgent_pointer", "tcp.urgent_pointer"),
    ("/tcp/payload_length", "tcp.len"),
    ("/tcp/options/*/kind", "tcp.option_kind"),
    ("/tcp/options/0/value", "tcp.options.mss_val"),
    ("/tcp/options/2/value", "tcp.options.wscale.shift"),
    ("/tcp/options/4/value", "tcp.options.timestamp.tsval"),
    ("/tcp/options/4/echo", "tcp.options.timestamp.tsecr"),
    ("/tcp/options/5/blocks/0/0", "tcp.options.sack_le"),
    ("/tcp/options/5/blocks/0/1", "tcp.options.sack_re"),
];

const UDP: &[Field] = &[
    ("/udp/source_port", "udp.srcport"),
    ("/udp/destination_port", "udp.dstport"),
    ("/udp/length", "udp.length"),
    ("/udp/checksum", "udp.checksum"),
    ("/udp/payload_hex", "udp.payload"),
];

const SCTP: &[Field] = &[
    ("/sctp/source_port", "sctp.srcport"),
    ("/sctp/destination_port", "sctp.dstport"),
    ("/sctp/verification_tag", "sctp.verification_tag"),
    ("/sctp/checksum", "sctp.checksum"),
    ("/sctp/chunks/*/type", "sctp.chunk_type"),
    ("/sctp/chunks/*/flags", "sctp.chunk_flags"),
    ("/sctp/chunks/*/length", "sctp.chunk_length"),
    ("/sctp/chunks/0/tsn", "sctp.data_tsn_raw"),
    ("/sctp/chunks/0/stream", "sctp.data_sid"),
];

/// Every option with a decoder that fits beside the others: MSS, NOP, window scale, SACK permitted, time stamps, SACK.
fn options(r: &mut Rng) -> Vec<u8> {
    let sack = [vec![5, 10], bytes(r, 8)].concat();
    let stamps = [vec![8, 10], bytes(r, 8)].concat();
    [&[2, 4][..], &bytes(r, 2), &[1, 3, 3, r.u8(0..15), 4, 2], &stamps, &sack].concat()
}

/// A TCP segment from and to these ports, padded with NOPs; SYN is not set, so that nothing is taken for a new connection.
pub fn tcp(r: &mut Rng, ports: [u16; 2], options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut padded = options.to_vec();
    padded.resize(options.len().next_multiple_of(4), 1);
    let offset = ((20 + padded.len()) / 4) as u8;
    let flags = if payload.is_empty() { *r.choice(&[0x10, 0x11, 0x14]).expect("one") } else { 0x18 };
    let fixed = [bytes(r, 8), vec![offset << 4, flags], bytes(r, 6)].concat();
    [ports.map(u16::to_be_bytes).concat(), fixed, padded, payload.to_vec()].concat()
}

/// A UDP datagram to `port`, from a random one that is nobody's.
pub fn udp(r: &mut Rng, port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let from = r.u16(50_000..60_000);
    [&from.to_be_bytes()[..], &port.to_be_bytes(), &length.to_be_bytes(), &bytes(r, 2), payload].concat()
}

fn over_udp(r: &mut Rng, port: u16, header: &[u8]) -> Vec<u8> {
    let inside = [links::mac(r), links::mac(r), vec![8, 0], links::datagram(r)].concat();
    let datagram = udp(r, port, &[header, &inside].concat());
    ipv4(r, 17, &datagram)
}

/// DATA (of no protocol), then a heartbeat.
fn sctp(r: &mut Rng) -> Vec<u8> {
    let header = bytes(r, 12);
    let data = [vec![0, 3, 0, 20], bytes(r, 8), vec![0, 0, 0, 0], b"ping".to_vec()].concat();
    let heartbeat = [vec![4, 0, 0, 12, 0, 1, 0, 8], bytes(r, 4)].concat();
    ipv4(r, 132, &[header, data, heartbeat].concat())
}

fn messages() -> Vec<Case> {
    vec![
        Case {
            protocols: &["icmp"],
            link: 101,
            make: |r| {
                let message = [vec![*r.choice(&[0, 8]).expect("one"), 0], bytes(r, 6), b"ping".to_vec()].concat();
                ipv4(r, 1, &message)
            },
            fields: &[
                ("/icmp/type", "icmp.type"),
                ("/icmp/code", "icmp.code"),
                ("/icmp/checksum", "icmp.checksum"),
                ("/icmp/identifier", "icmp.ident"),
                ("/icmp/sequence", "icmp.seq"),
            ],
        },
        Case {
            protocols: &["icmp"],
            link: 101,
            make: |r| {
                let about = udp(r, 40_000, b"");
                let quoted = ipv4(r, 17, &about);
                let error = [&[3, 4][..], &bytes(r, 2), &[0, 0], &bytes(r, 2), &quoted].concat();
                ipv4(r, 1, &error)
            },
            fields: &[
                ("/icmp/type", "icmp.type"),
                ("/icmp/mtu", "icmp.mtu"),
                ("/icmp/quoted/udp/source_port", "udp.srcport"),
                ("/icmp/quoted/udp/length", "udp.length"),
            ],
        },
        Case {
            protocols: &["icmp6"],
            link: 101,
            make: |r| {
                let message = [vec![r.u8(128..130), 0], bytes(r, 6), b"ping".to_vec()].concat();
                ipv6(r, 58, &message)
            },
            fields: &[
                ("/icmp6/type", "icmpv6.type"),
                ("/icmp6/code", "icmpv6.code"),
                ("/icmp6/checksum", "icmpv6.checksum"),
                ("/icmp6/identifier", "icmpv6.echo.identifier"),
                ("/icmp6/sequence", "icmpv6.echo.sequence_number"),
            ],
        },
        Case { protocols: &["icmp6"], link: 101, make: advertisement, fields: ADVERTISEMENT },
        Case {
            protocols: &["icmp6"],
            link: 101,
            make: |r| {
                let target = [vec![0xfe, 0x80], bytes(r, 14), vec![2, 1], links::mac(r)].concat();
                let head = [vec![136, 0], bytes(r, 2), vec![r.u8(0..8) << 5, 0, 0, 0]].concat();
                ipv6(r, 58, &[head, target].concat())
            },
            fields: &[
                ("/icmp6/advertisement/router", "icmpv6.nd.na.flag.r"),
                ("/icmp6/advertisement/solicited", "icmpv6.nd.na.flag.s"),
                ("/icmp6/advertisement/override", "icmpv6.nd.na.flag.o"),
                ("/icmp6/target", "icmpv6.nd.na.target_address"),
                ("/icmp6/options/*/kind", "icmpv6.opt.type"),
                ("/icmp6/options/0/hardware_address", "icmpv6.opt.linkaddr"),
            ],
        },
        Case {
            protocols: &["icmp6"],
            link: 101,
            make: |r| {
                let record =
                    |r: &mut Rng| [vec![r.u8(1..7), 0, 0, 1, 0xff, 0x15], bytes(r, 14), bytes(r, 16)].concat();
                let report = [vec![143, 0], bytes(r, 2), vec![0, 0, 0, 2], record(r), record(r)].concat();
                ipv6(r, 58, &report)
            },
            fields: &[
                ("/icmp6/type", "icmpv6.type"),
                ("/icmp6/records/*/type", "icmpv6.mldr.mar.record_type"),
                ("/icmp6/records/*/group", "icmpv6.mldr.mar.multicast_address"),
                ("/icmp6/records/*/sources/*", "icmpv6.mldr.mar.source_address"),
            ],
        },
    ]
}

const ADVERTISEMENT: &[Field] = &[
    ("/icmp6/router/hop_limit", "icmpv6.nd.ra.cur_hop_limit"),
    ("/icmp6/router/managed", "icmpv6.nd.ra.flag.m"),
    ("/icmp6/router/other", "icmpv6.nd.ra.flag.o"),
    ("/icmp6/router/lifetime", "icmpv6.nd.ra.router_lifetime"),
    ("/icmp6/router/reachable_time", "icmpv6.nd.ra.reachable_time"),
    ("/icmp6/router/retransmission_timer", "icmpv6.nd.ra.retrans_timer"),
    ("/icmp6/options/0/prefix_length", "icmpv6.opt.prefix.length"),
    ("/icmp6/options/0/on_link", "icmpv6.opt.prefix.flag.l"),
    ("/icmp6/options/0/autonomous", "icmpv6.opt.prefix.flag.a"),
    ("/icmp6/options/0/lifetime", "icmpv6.opt.prefix.valid_lifetime"),
    ("/icmp6/options/0/preferred_lifetime", "icmpv6.opt.prefix.preferred_lifetime"),
    ("/icmp6/options/1/mtu", "icmpv6.opt.mtu"),
];

fn advertisement(r: &mut Rng) -> Vec<u8> {
    let head = [vec![134, 0], bytes(r, 2), vec![r.u8(..), r.u8(0..4) << 6], bytes(r, 10)].concat();
    let prefix = [vec![3, 4, r.u8(0..=128), r.u8(0..4) << 6], bytes(r, 8), vec![0; 4], bytes(r, 16)].concat();
    let mtu = [vec![5, 1, 0, 0], bytes(r, 4)].concat();
    ipv6(r, 58, &[head, prefix, mtu].concat())
}
