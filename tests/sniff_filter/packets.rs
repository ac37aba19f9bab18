//! Packets of every kind that filters tell apart, made here.

use syskit::packet::Link;

/// A packet as it was captured.
#[derive(Clone)]
pub struct Packet {
    pub bytes: Vec<u8>,
    /// On the wire.
    pub length: usize,
}

const ADDRESSES: [[u8; 4]; 4] = [[10, 0, 0, 1], [10, 0, 0, 2], [192, 168, 1, 7], [224, 0, 0, 251]];

fn v6_address(i: usize) -> [u8; 16] {
    let mut address = [0; 16];
    let start: &[u8] = match i {
        0 => &[0x20, 0x01, 0x0d, 0xb8],
        1 => &[0xfe, 0x80],
        2 => &[0xff, 0x02],
        _ => &[0x20, 0x01, 0x0d, 0xb8, 0x80],
    };
    address[..start.len()].copy_from_slice(start);
    address[15] = 1;
    address
}

/// Ports, and bytes in which many offsets find something of their own.
fn transport(ports: [u16; 2], flags: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(ports[0].to_be_bytes());
    bytes.extend(ports[1].to_be_bytes());
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0]);
    bytes.extend(0..20);
    bytes
}

fn ipv4(protocol: u8, options: u8, fragment: u16, from: usize, to: usize, payload: &[u8]) -> Vec<u8> {
    let header = 5 + options;
    let total = (usize::from(header) * 4 + payload.len()) as u16;
    let mut p = vec![0x40 | header, 0];
    p.extend(total.to_be_bytes());
    p.extend([0, 7]);
    p.extend(fragment.to_be_bytes());
    p.extend([64, protocol, 0, 0]);
    p.extend(ADDRESSES[from]);
    p.extend(ADDRESSES[to]);
    p.extend(vec![1; usize::from(options) * 4]);
    p.extend(payload);
    p
}

fn ipv6(next: u8, from: usize, to: usize, payload: &[u8]) -> Vec<u8> {
    let mut p = vec![0x60, 0, 0, 0];
    p.extend((payload.len() as u16).to_be_bytes());
    p.extend([next, 64]);
    p.extend(v6_address(from));
    p.extend(v6_address(to));
    p.extend(payload);
    p
}

fn arp(from: usize, to: usize) -> Vec<u8> {
    let mut p = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1];
    p.extend(ADDRESSES[from]);
    p.extend([0; 6]);
    p.extend(ADDRESSES[to]);
    p
}

/// The packets of the network layer with their EtherTypes.
fn network() -> Vec<(u16, Vec<u8>)> {
    let mut packets = Vec::new();
    let ports = [[80, 50000], [50001, 443], [53, 53], [5, 22], [8080, 7], [65535, 0]];
    for (i, ports) in ports.into_iter().enumerate() {
        let payload = transport(ports, [2, 18, 16, 4, 1, 0xc2][i]);
        for protocol in [6, 17, 132, 1, 2, 47, 51] {
            let (from, to) = (i % 4, (i + usize::from(protocol)) % 4);
            packets.push((0x0800, ipv4(protocol, (i % 3) as u8 * 2, 0, from, to, &payload)));
            packets.push((0x86dd, ipv6(protocol, from, to, &payload)));
        }
        packets.push((0x0800, ipv4(6, 0, 0x2000, 0, 1, &payload)));
        packets.push((0x0800, ipv4(17, 0, 0x20b9, 0, 1, &payload)));
        packets.push((0x0800, ipv4(6, 0, 0x0001, 0, 2, &payload)));
        for inner in [6, 17, 58] {
            let fragment = [&[inner, 0, 0, 1, 0, 0, 0, 9], &payload[..]].concat();
            packets.push((0x86dd, ipv6(44, 0, 1, &fragment)));
        }
        let hop = [&[6, 0, 1, 4, 0, 0, 0, 0], &payload[..]].concat();
        packets.push((0x86dd, ipv6(0, 3, 1, &hop)));
    }
    for kind in [0, 3, 8, 11, 128, 135, 136] {
        let message = [kind, 1, 0, 0, 0, 1, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9];
        packets.push((0x0800, ipv4(1, 0, 0, 0, 1, &message)));
        packets.push((0x86dd, ipv6(58, 1, 2, &message)));
        packets.push((0x0800, ipv4(103, 1, 0, 0, 3, &message)));
        packets.push((0x0800, ipv4(112, 0, 0, 2, 3, &message)));
    }
    for from in 0..4 {
        packets.push((0x0806, arp(from, (from + 1) % 4)));
        packets.push((0x8035, arp(from, 3 - from)));
    }
    // An IHL that makes no sense, LLC, and an EtherType of nobody.
    packets.push((0x0800, [&[0x41][..], &ipv4(6, 0, 0, 0, 1, &transport([80, 80], 2))[1..]].concat()));
    packets.push((38, vec![0x42, 0x42, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
    packets.push((0x88b5, vec![7; 40]));
    packets
}

fn linked(link: Link, number: usize, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    match link {
        Link::Ethernet => {
            let to = [[0xff; 6], [2, 0, 0, 0, 0, 1], [1, 0, 0x5e, 0, 0, 0xfb]][number % 3];
            frame.extend(to);
            frame.extend([2, 0, 0, 0, 0, (number % 5) as u8]);
            frame.extend(kind.to_be_bytes());
        }
        Link::Cooked => {
            frame.extend([0, (number % 5) as u8, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
            frame.extend(if kind < 1500 { 4 } else { kind }.to_be_bytes());
        }
        Link::Cooked2 => {
            frame.extend(kind.to_be_bytes());
            frame.extend([0, 0, 0, 0, 0, 2, 0, 1, (number % 5) as u8, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
        }
        _ => {}
    }
    frame.extend(payload);
    frame
}

/// Whole packets, those with VLAN tags where the link is Ethernet, and short ones.
pub fn generated(link: Link) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (number, (kind, payload)) in network().into_iter().enumerate() {
        packets.push(linked(link, number, kind, &payload));
        if link == Link::Ethernet && number % 2 == 0 {
            let outer = [0x8100, 0x88a8, 0x9100][number / 2 % 3];
            let tag = |id: u16, kind: u16| [(0x2000 | id).to_be_bytes(), kind.to_be_bytes()].concat();
            let single = [tag(5, kind), payload.clone()].concat();
            packets.push(linked(link, number, outer, &single));
            let double = [tag(5, 0x8100), tag(6, kind), payload].concat();
            packets.push(linked(link, number, outer, &double));
        }
    }
    let whole = packets.len();
    for number in (0..whole).step_by(7) {
        let length = packets[number].len();
        for cut in [0, 7, 13, 20, 30, 37, 55, 60] {
            packets.push(packets[number][..length.min(cut)].to_vec());
        }
    }
    let length = |(number, bytes): (usize, Vec<u8>)| {
        let length = bytes.len() + if number % 11 == 0 { 1400 } else { 0 };
        Packet { bytes, length }
    };
    packets.into_iter().enumerate().map(length).collect()
}
