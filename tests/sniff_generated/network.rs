//! IPv4, IPv6, and what is next to them.

use fastrand::Rng;

use super::{Case, Field};
use crate::common::packets::udp;

pub fn cases() -> Vec<Case> {
    vec![
        Case { protocols: &["ipv4"], link: 101, make: |r| ipv4(r, 17, &udp(2000, b"hello")), fields: IPV4 },
        Case { protocols: &["ipv4"], link: 101, make: fragment, fields: IPV4 },
        Case {
            protocols: &["ipv4"],
            link: 101,
            make: with_options,
            fields: &[
                ("/ipv4/header_length", "ip.hdr_len"),
                ("/ipv4/options/*/kind", "ip.opt.type"),
                ("/ipv4/options/*/pointer", "ip.opt.ptr"),
                ("/ipv4/options/*/overflow", "ip.opt.overflow"),
                ("/ipv4/options/*/value", "ip.opt.ra"),
            ],
        },
        Case {
            protocols: &["ipv4", "udp"],
            link: 101,
            make: |r| {
                let header = [&[17, 4, 0, 0][..], &bytes(r, 20)].concat();
                ipv4(r, 51, &[header, udp(2000, b"hello")].concat())
            },
            fields: &[
                ("/ipv4/protocol", "ip.proto"),
                ("/ipv4/authentications/0/protocol", "ah.next_header"),
                ("/ipv4/authentications/0/spi", "ah.spi"),
                ("/ipv4/authentications/0/sequence", "ah.sequence"),
            ],
        },
        Case { protocols: &["ipv6"], link: 101, make: |r| ipv6(r, 17, &udp(2000, b"hello")), fields: IPV6 },
        Case {
            protocols: &["ipv6", "udp"],
            link: 101,
            make: |r| {
                // Hop-by-hop and destination options of padding, and a whole "fragment", as a translator makes it.
                let headers =
                    [&[60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0][..], &bytes(r, 4)].concat();
                ipv6(r, 0, &[headers, udp(2000, b"hello")].concat())
            },
            fields: &[
                ("/ipv6/source", "ipv6.src"),
                ("/ipv6/hop_limit", "ipv6.hlim"),
                ("/ipv6/extensions/0", "ipv6.nxt"),
                ("/ipv6/extensions/1", "ipv6.hopopts.nxt"),
                ("/ipv6/extensions/2", "ipv6.dstopts.nxt"),
                ("/ipv6/protocol", "ipv6.fraghdr.nxt"),
                ("/udp/destination_port", "udp.dstport"),
            ],
        },
        Case {
            protocols: &["igmp"],
            link: 101,
            make: |r| {
                let message =
                    [vec![*r.choice(&[0x11, 0x16, 0x17]).expect("one"), 10], bytes(r, 2), group(r)].concat();
                ipv4(r, 2, &message)
            },
            fields: &[
                ("/igmp/type", "igmp.type"),
                ("/igmp/version", "igmp.version"),
                ("/igmp/checksum", "igmp.checksum"),
                ("/igmp/group", "igmp.maddr"),
            ],
        },
        Case {
            protocols: &["igmp"],
            link: 101,
            make: |r| {
                let record = |r: &mut Rng| [vec![r.u8(1..7), 0, 0, 1], group(r), bytes(r, 4)].concat();
                let report = [vec![0x22, 0], bytes(r, 2), vec![0, 0, 0, 2], record(r), record(r)].concat();
                ipv4(r, 2, &report)
            },
            fields: &[
                ("/igmp/type", "igmp.type"),
                ("/igmp/checksum", "igmp.checksum"),
                ("/igmp/records/*/type", "igmp.record_type"),
                ("/igmp/records/*/group", "igmp.maddr"),
                ("/igmp/records/*/sources/*", "igmp.saddr"),
            ],
        },
        Case {
            protocols: &["ipip"],
            link: 101,
            make: |r| {
                let inside = ipv4(r, 17, &udp(2000, b"hello"));
                ipv4(r, 4, &inside)
            },
            fields: &[
                ("/ipip/version", "ip.version"),
                ("/ipv4/source", "ip.src"),
                ("/inner/udp/length", "udp.length"),
            ],
        },
        Case {
            protocols: &["esp"],
            link: 101,
            make: |r| {
                let payload = bytes(r, 40);
                ipv4(r, 50, &payload)
            },
            fields: &[("/esp/spi", "esp.spi"), ("/esp/sequence", "esp.sequence")],
        },
        Case {
            protocols: &["gre"],
            link: 101,
            make: |r| {
                let (numbers, inside) = (bytes(r, 8), ipv4(r, 17, &udp(2000, b"hello")));
                ipv4(r, 47, &[&[0x30, 0, 8, 0][..], &numbers, &inside].concat())
            },
            fields: &[
                ("/gre/protocol", "gre.proto"),
                ("/gre/key", "gre.key"),
                ("/gre/sequence", "gre.sequence_number"),
                ("/gre/flags", "gre.flags_and_version"),
                ("/inner/ipv4/ttl", "ip.ttl"),
            ][..4],
        },
    ]
}

const IPV4: &[Field] = &[
    ("/ipv4/source", "ip.src"),
    ("/ipv4/destination", "ip.dst"),
    ("/ipv4/header_length", "ip.hdr_len"),
    ("/ipv4/tos", "ip.dsfield"),
    ("/ipv4/total_length", "ip.len"),
    ("/ipv4/identification", "ip.id"),
    ("/ipv4/dont_fragment", "ip.flags.df"),
    ("/ipv4/more_fragments", "ip.flags.mf"),
    ("/ipv4/fragment_offset", "ip.frag_offset"),
    ("/ipv4/ttl", "ip.ttl"),
    ("/ipv4/protocol", "ip.proto"),
    ("/ipv4/checksum", "ip.checksum"),
];

const IPV6: &[Field] = &[
    ("/ipv6/source", "ipv6.src"),
    ("/ipv6/destination", "ipv6.dst"),
    ("/ipv6/traffic_class", "ipv6.tclass"),
    ("/ipv6/flow_label", "ipv6.flow"),
    ("/ipv6/payload_length", "ipv6.plen"),
    ("/ipv6/hop_limit", "ipv6.hlim"),
    ("/ipv6/protocol", "ipv6.nxt"),
];

/// `n` random bytes.
pub fn bytes(r: &mut Rng, n: usize) -> Vec<u8> {
    std::iter::repeat_with(|| r.u8(..)).take(n).collect()
}

fn group(r: &mut Rng) -> Vec<u8> {
    vec![r.u8(225..239), r.u8(..), r.u8(..), r.u8(1..)]
}

/// An IPv4 packet: addresses, type of service, identification, DF and time to live are random.
pub fn ipv4(r: &mut Rng, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let flags = [if r.bool() { 0x40 } else { 0 }, 0];
    packet(r, flags, protocol, &[], payload)
}

fn packet(r: &mut Rng, fragment: [u8; 2], protocol: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = 20 + options.len();
    let total = ((length + payload.len()) as u16).to_be_bytes();
    let (tos, ttl) = (r.u8(..), r.u8(1..));
    let fixed =
        [&[0x40 | (length / 4) as u8, tos, total[0], total[1]][..], &bytes(r, 2), &fragment, &[ttl, protocol]];
    let addresses = [vec![10], bytes(r, 3), vec![10], bytes(r, 3)].concat();
    [&fixed.concat()[..], &bytes(r, 2), &addresses, options, payload].concat()
}

fn fragment(r: &mut Rng) -> Vec<u8> {
    let offset = r.u16(1..8000) | if r.bool() { 0x2000 } else { 0 };
    let payload = bytes(r, 24);
    packet(r, offset.to_be_bytes(), 17, &[], &payload)
}

fn with_options(r: &mut Rng) -> Vec<u8> {
    let route = [vec![*r.choice(&[7, 131, 137]).expect("one"), 11, 4 + 4 * r.u8(0..3)], bytes(r, 8)].concat();
    let stamps = [vec![68, 12, 5 + 4 * r.u8(0..3), r.u8(0..16) << 4], bytes(r, 8)].concat();
    let options = [&[1][..], &route, &stamps, &[148, 4, 0, r.u8(..)], &[0; 4]].concat();
    packet(r, [0, 0], 17, &options, &udp(2000, b"hello"))
}

/// An IPv6 packet: traffic class, flow label, hop limit and addresses are random.
pub fn ipv6(r: &mut Rng, next: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let head = [0x60 | r.u8(..16), r.u8(..), r.u8(..), r.u8(..), length[0], length[1], next, r.u8(..)];
    let address = |r: &mut Rng| [vec![0x20, 1, 0x0d, 0xb8], bytes(r, 12)].concat();
    [&head[..], &address(r), &address(r), payload].concat()
}
