//! Every decoder on broken packets: seeded mutations, every cut, and buffers that end at an inaccessible page.
//!
//! The same bytes are tried on every run; SYSKIT_MUTATIONS sets how many packets are broken.

mod common;

use std::io::IoSliceMut;

use common::samples;
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::getpid;
use syskit::packet::{
    Application, Carried, Code, Detail, Document, Line, Link, arp, esp, gre, icmp, icmp6, igmp, ipip, ipv4, ipv6,
    sctp, tcp, udp, walk,
};
use syskit::sys::guard_page::GuardedBuffer;

const LARGEST: usize = 2048;

/// A checksum that matches, so that mutations start from packets that are right.
fn tcp_segment(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0xa1, 2, 0x1f, 0x40, 0, 0, 4, 0xd2, 0, 0, 0, 9, 0, 0x18, 0xff, 0xd7, 0, 0, 0, 0];
    segment[12] = (((20 + options.len()) / 4) << 4) as u8;
    segment.extend(options);
    segment.extend(payload);
    segment
}

fn ipv4_packet(options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2];
    packet[0] = 0x40 | ((20 + options.len()) / 4) as u8;
    packet.extend(options);
    packet.extend(payload);
    let length = packet.len() as u16;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet
}

fn ipv6_packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, next, 64];
    packet[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
    packet.extend([0xfe; 32]);
    packet.extend(payload);
    packet
}

fn ethernet_frame(tags: &[u8], ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend(tags);
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// One packet of every shape that there is a decoder for.
fn seeds() -> Vec<Vec<u8>> {
    let options = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    let odd = [
        5, 10, 0, 0, 0, 1, 0, 0, 0, 9, 30, 4, 0, 0x81, 34, 6, 1, 2, 3, 4, 254, 4, 0xf9, 0x89, 29, 6, 1, 2, 3, 4, 99,
        2,
    ];
    let segments =
        [tcp_segment(&[], b"data"), tcp_segment(&options, b"GET / HTTP/1.1\r\n\r\n"), tcp_segment(&odd, b"")];
    let routing =
        [&[43, 0, 1, 4, 0, 0, 0, 0][..], &[44, 2, 0, 1, 0, 0, 0, 0], &[7; 16], &[51, 0, 0, 0, 0, 0, 0, 1]].concat();
    let authentication =
        [&[60, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1][..], &[5; 12], &[6, 0, 0xc2, 4, 0, 0, 0, 44]].concat();
    let mut seeds = Vec::new();
    for segment in &segments {
        let v4 = ipv4_packet(&[], segment);
        let v6 = ipv6_packet(6, segment);
        seeds.push(ethernet_frame(&[], ipv4::ETHERTYPE, &v4));
        seeds.push(ethernet_frame(&[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2], ipv6::ETHERTYPE, &v6));
        seeds.push(ethernet_frame(&[], ipv4::ETHERTYPE, &ipv4_packet(&[131, 7, 4, 10, 0, 0, 1, 0], segment)));
        let chain = [&routing[..], &authentication, segment].concat();
        seeds.push(ethernet_frame(&[], ipv6::ETHERTYPE, &ipv6_packet(0, &chain)));
        seeds.extend([v4, v6, segment.clone()]);
    }
    seeds.extend(common::packets::all().into_iter().map(|built| built.bytes));
    seeds.extend(APPLICATIONS.iter().map(|(name, _)| samples::sample(name)));
    for (name, port) in [("tls_client_hello", 443), ("dns_stream", 53), ("http_response", 80)] {
        let mut segment = tcp_segment(&[], &samples::sample(name));
        segment[2..4].copy_from_slice(&u16::to_be_bytes(port));
        seeds.push(ipv4_packet(&[], &segment));
    }
    seeds
}

/// Messages of applications, and what they are.
const APPLICATIONS: [(&str, Application); 21] = [
    ("dns_query", Application::Dns),
    ("dns_response", Application::Dns),
    ("dns_bad_cookie", Application::Dns),
    ("dns_types", Application::Dns),
    ("mdns_query", Application::MulticastDns),
    ("mdns_response", Application::MulticastDns),
    ("dns_stream", Application::DnsStream),
    ("dhcp_request", Application::Dhcp),
    ("dhcp_reply", Application::Dhcp),
    ("dhcp_discover", Application::Dhcp),
    ("dhcp_ack", Application::Dhcp),
    ("dhcp6_advertise", Application::Dhcp6),
    ("dhcp6_relay", Application::Dhcp6),
    ("ntp_server", Application::Ntp),
    ("ntp_client_extended", Application::Ntp),
    ("http_request", Application::Http),
    ("http_response", Application::Http),
    ("tls_client_hello", Application::Tls),
    ("tls13_server_hello", Application::Tls),
    ("tls12_server_hello", Application::Tls),
    ("tls_alert", Application::Tls),
];

/// Every way in: by each link, and straight into each decoder.
const ENTRIES: [Code; 29] = [
    Code::Link(Link::Ethernet),
    Code::Link(Link::Cooked),
    Code::Link(Link::Cooked2),
    Code::Link(Link::Null),
    Code::Llc,
    Code::EtherType(arp::ETHERTYPE),
    Code::Ip(udp::NUMBER),
    Code::Ip(icmp::NUMBER),
    Code::Ip(icmp6::NUMBER),
    Code::Ip(igmp::NUMBER),
    Code::Ip(sctp::NUMBER),
    Code::Ip(gre::NUMBER),
    Code::Ip(ipip::IPV4),
    Code::Ip(ipip::IPV6),
    Code::Ip(esp::NUMBER),
    Code::Application(Application::Vxlan),
    Code::Application(Application::Geneve),
    Code::EtherType(ipv4::ETHERTYPE),
    Code::EtherType(ipv6::ETHERTYPE),
    Code::Ip(tcp::NUMBER),
    Code::Link(Link::Ip),
    Code::Application(Application::Dns),
    Code::Application(Application::MulticastDns),
    Code::Application(Application::DnsStream),
    Code::Application(Application::Dhcp),
    Code::Application(Application::Dhcp6),
    Code::Application(Application::Ntp),
    Code::Application(Application::Http),
    Code::Application(Application::Tls),
];

/// Decodes and shows; holds the output to what must be true of any packet.
fn exercise(code: Code, bytes: &[u8], length: usize) {
    let frame = match code {
        Code::Link(link) => Carried::frame(link, bytes, length),
        code => Carried { code, ..Carried::frame(Link::Ip, bytes, length) },
    };
    let (mut text, mut document, mut carried) = (Line::of(Detail::Checked), Document::default(), 0);
    let mut layers = walk(frame);
    for layer in layers.by_ref() {
        layer.line(&mut text);
        layer.block(&mut text);
        layer.document(&mut document);
        carried += 1;
    }
    let end = layers.end();
    end.line(&mut text);
    if let Some(rest) = end.carried() {
        assert!(rest.bytes.len() <= bytes.len());
        assert!(rest.bytes.len() <= rest.length, "more captured than there was");
    }
    serde_json::to_string(&document).expect("JSON");
    assert!(text.as_bytes().iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)), "{text:?}");
    // Output stays in proportion to its input, whatever a length field says.
    assert!(
        text.len() <= 4096 + 64 * bytes.len() && carried <= 16,
        "{} bytes of text from {}",
        text.len(),
        bytes.len()
    );
}

fn mutate(rng: &mut fastrand::Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(..bytes.len());
        match rng.u8(..8) {
            0 => bytes[at] ^= 1 << rng.u8(..8),
            1 => bytes[at] = [0, 1, 2, 4, 8, 0x7f, 0x80, 0xff][rng.usize(..8)],
            2 => bytes.truncate(at.max(1)),
            3 => bytes.insert(at, rng.u8(..)),
            4 => drop(bytes.remove(at)),
            5 => bytes.extend((0..rng.usize(..60)).map(|_| rng.u8(..))),
            6 => {
                let copy = bytes[at..].to_vec();
                bytes.extend(&copy[..copy.len().min(200)]);
            }
            _ => bytes[at] = rng.u8(..),
        }
        if bytes.is_empty() {
            bytes.push(0);
        }
        bytes.truncate(LARGEST);
    }
}

/// Messages stay with their decoder: at those of other protocols most are turned away by their first byte.
#[test]
fn mutated_messages_of_applications_are_survived_at_the_edge_of_a_page() {
    let default = if cfg!(debug_assertions) { 500 } else { 10_000 };
    let count = std::env::var("SYSKIT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let mut rng = fastrand::Rng::with_seed(0xd15);
    let mut edge = GuardedBuffer::new(LARGEST).expect("memory");
    for (name, application) in APPLICATIONS {
        let (seed, code) = (samples::sample(name), Code::Application(application));
        for cut in 0..=seed.len() {
            exercise(code, edge.place(&seed[..cut]), seed.len());
            exercise(code, edge.place(&seed[..cut]), cut);
        }
        for _ in 0..count {
            let mut bytes = seed.clone();
            mutate(&mut rng, &mut bytes);
            let length = bytes.len() + if rng.bool() { 0 } else { rng.usize(..3000) };
            exercise(code, edge.place(&bytes), length);
        }
    }
}

#[test]
fn mutated_packets_are_survived_at_the_edge_of_a_page() {
    let default = if cfg!(debug_assertions) { 30_000 } else { 200_000 };
    let count = std::env::var("SYSKIT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(default);
    let (seeds, mut rng) = (seeds(), fastrand::Rng::with_seed(0x5eed));
    let mut edge = GuardedBuffer::new(LARGEST).expect("memory");
    for _ in 0..count {
        let mut bytes = seeds[rng.usize(..seeds.len())].clone();
        mutate(&mut rng, &mut bytes);
        // As often as not the capture was cut.
        let length = bytes.len() + if rng.bool() { 0 } else { rng.usize(..3000) };
        let entry = ENTRIES[rng.usize(..ENTRIES.len())];
        // As often as not from an inner header on: behind Ethernet, or behind IPv4.
        let from = [0, 0, 14, 34, 54][rng.usize(..5)].min(bytes.len());
        exercise(entry, edge.place(&bytes[from..]), length);
    }
}

#[test]
fn every_cut_of_every_seed_is_survived_at_the_edge_of_a_page() {
    let mut edge = GuardedBuffer::new(LARGEST).expect("memory");
    // Messages of applications are cut in their own test.
    for seed in seeds().into_iter().filter(|seed| seed.len() < 200) {
        for cut in 0..=seed.len() {
            for entry in ENTRIES {
                exercise(entry, edge.place(&seed[..cut]), seed.len());
                exercise(entry, edge.place(&seed[..cut]), cut);
            }
        }
    }
}

/// The guard itself: the kernel, asked to copy from there, finds nothing to read past the end.
#[test]
fn nothing_can_be_read_past_the_end() {
    let mut edge = GuardedBuffer::new(8).expect("memory");
    let end = edge.place(&[1, 2, 3]).as_ptr_range().end as usize;
    let read = |base| {
        let mut byte = [0];
        process_vm_readv(getpid(), &mut [IoSliceMut::new(&mut byte)], &[RemoteIoVec { base, len: 1 }])
            .map(|_| byte[0])
    };
    assert_eq!(read(end - 1), Ok(3));
    assert_eq!(read(end), Err(Errno::EFAULT));
}
