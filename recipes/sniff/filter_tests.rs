//! The filter programs, interpreted.

use super::filter;
use super::selection::{Protocol, Selection};
use crate::filter::{Ancillary, Program, run_with};

/// A packet as the kernel has it.
struct Packet<'a> {
    bytes: &'a [u8],
    kind: u8,
    hardware: u16,
    vlan: Option<u16>,
}

fn accepts(program: &Program, packet: &Packet) -> bool {
    let known = Ancillary { packet_type: packet.kind, hardware_type: packet.hardware, vlan: packet.vlan };
    run_with(program, packet.bytes, packet.bytes.len(), Some(&known)) > 0
}

fn of_port(port: Option<u16>) -> Selection {
    Selection { protocol: Protocol::Tcp, port, ..Selection::default() }
}

fn words(text: &str) -> Selection {
    Selection::of_words(&[text.to_owned()], None).expect("an expression")
}

fn packet_socket(selection: &Selection) -> Program {
    filter::packet_socket(selection).expect("a program")
}

fn ipv4(protocol: u8, header_words: u8, fragment: u16, ports: [u16; 2]) -> Vec<u8> {
    let mut p = vec![0; usize::from(header_words) * 4 + 20];
    (p[0], p[9]) = (0x40 | header_words, protocol);
    p[6..8].copy_from_slice(&fragment.to_be_bytes());
    let at = usize::from(header_words) * 4;
    p[at..at + 2].copy_from_slice(&ports[0].to_be_bytes());
    p[at + 2..at + 4].copy_from_slice(&ports[1].to_be_bytes());
    p
}

fn ipv6(next: u8, ports: [u16; 2]) -> Vec<u8> {
    let mut p = vec![0; 60];
    (p[0], p[6]) = (0x60, next);
    p[40..42].copy_from_slice(&ports[0].to_be_bytes());
    p[42..44].copy_from_slice(&ports[1].to_be_bytes());
    p
}

fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

const ETHER: u16 = libc::ARPHRD_ETHER;
const LOOPBACK: u16 = libc::ARPHRD_LOOPBACK;

#[test]
fn frames_are_told_apart() {
    let tcp = ipv4(6, 5, 0, [1000, 80]);
    for (what, frame, hardware, port, expected) in [
        ("tcp", ethernet(0x0800, &tcp), ETHER, None, true),
        ("udp", ethernet(0x0800, &ipv4(17, 5, 0, [1000, 80])), ETHER, None, false),
        ("arp", ethernet(0x0806, &[0; 28]), ETHER, None, false),
        ("its destination port", ethernet(0x0800, &tcp), ETHER, Some(80), true),
        ("its source port", ethernet(0x0800, &tcp), LOOPBACK, Some(1000), true),
        ("another port", ethernet(0x0800, &tcp), ETHER, Some(81), false),
        ("behind options", ethernet(0x0800, &ipv4(6, 15, 0, [1, 80])), ETHER, Some(80), true),
        ("a header length of 0", ethernet(0x0800, &ipv4(6, 0, 0, [1, 2])), ETHER, Some(80), true),
        ("a header length of 16", ethernet(0x0800, &ipv4(6, 4, 0, [1, 2])), ETHER, Some(80), true),
        ("a header length of 0, udp", ethernet(0x0800, &ipv4(17, 0, 0, [1, 2])), ETHER, Some(80), false),
        ("a first fragment", ethernet(0x0800, &ipv4(6, 5, 0x2000, [1, 80])), ETHER, Some(80), true),
        ("a later fragment", ethernet(0x0800, &ipv4(6, 5, 0x0010, [1, 80])), ETHER, Some(80), false),
        ("a later fragment of any port", ethernet(0x0800, &ipv4(6, 5, 0x0010, [1, 80])), ETHER, None, true),
        ("ipv6", ethernet(0x86dd, &ipv6(6, [1, 80])), ETHER, Some(80), true),
        ("ipv6, another port", ethernet(0x86dd, &ipv6(6, [1, 2])), ETHER, Some(80), false),
        ("ipv6 udp", ethernet(0x86dd, &ipv6(17, [1, 80])), ETHER, None, false),
        ("ipv6 with extensions is left to the decoder", ethernet(0x86dd, &ipv6(0, [1, 2])), ETHER, Some(80), true),
        ("tags are left to the decoder", ethernet(0x8100, &[0; 4]), ETHER, Some(80), true),
        ("no link header", tcp.clone(), libc::ARPHRD_NONE, Some(80), true),
        ("no link header, ipv6", ipv6(6, [80, 1]), libc::ARPHRD_NONE, Some(80), true),
        ("an unknown link", tcp.clone(), libc::ARPHRD_IEEE80211, None, false),
        ("cut before the ports", ethernet(0x0800, &tcp[..21]), ETHER, Some(80), false),
    ] {
        let packet = Packet { bytes: &frame, kind: libc::PACKET_HOST, hardware, vlan: None };
        assert_eq!(accepts(&packet_socket(&of_port(port)), &packet), expected, "{what}");
    }
}

#[test]
fn only_the_loopback_interface_is_heard_once() {
    let frame = ethernet(0x0800, &ipv4(6, 5, 0, [1000, 80]));
    for (kind, hardware, expected) in [
        (libc::PACKET_OUTGOING, LOOPBACK, false),
        (libc::PACKET_HOST, LOOPBACK, true),
        (libc::PACKET_OUTGOING, ETHER, true),
    ] {
        let packet = Packet { bytes: &frame, kind, hardware, vlan: None };
        assert_eq!(accepts(&packet_socket(&of_port(None)), &packet), expected, "{kind} on {hardware}");
    }
}

#[test]
fn a_raw_socket_begins_at_the_ip_header() {
    let packet = Packet { bytes: &ipv4(6, 6, 0, [7, 80]), kind: 0, hardware: 0, vlan: None };
    assert!(accepts(&filter::raw_socket(&of_port(Some(80))).expect("a program"), &packet));
    assert!(!accepts(&filter::raw_socket(&of_port(Some(81))).expect("a program"), &packet));
}

#[test]
fn other_protocols_are_told_apart() {
    let frames = [
        ("tcp 80", ethernet(0x0800, &ipv4(6, 5, 0, [1000, 80]))),
        ("udp 53", ethernet(0x0800, &ipv4(17, 5, 0, [1000, 53]))),
        ("udp 99", ethernet(0x86dd, &ipv6(17, [1000, 99]))),
        ("icmp", ethernet(0x0800, &ipv4(1, 5, 0, [0, 0]))),
        ("icmp6", ethernet(0x86dd, &ipv6(58, [0, 0]))),
        ("arp", ethernet(0x0806, &[0; 28])),
        ("lldp", ethernet(0x88cc, &[0; 28])),
    ];
    for (text, taken) in [
        ("", "tcp 80 udp 53 udp 99 icmp icmp6 arp lldp"),
        ("all", "tcp 80 udp 53 udp 99 icmp icmp6 arp lldp"),
        ("ip", "tcp 80 udp 53 icmp"),
        ("ip6", "udp 99 icmp6"),
        ("udp", "udp 53 udp 99"),
        ("icmp", "icmp icmp6"),
        ("arp", "arp"),
        ("dns", "udp 53"),
        ("http", "tcp 80"),
        ("tls", ""),
        ("port 53", "udp 53"),
        ("udp port 99", "udp 99"),
        ("ip and not tcp", "udp 53 icmp"),
        ("udp src port 1000", "udp 53 udp 99"),
        ("all not ip and not ip6", "arp lldp"),
    ] {
        let program = packet_socket(&words(text));
        for (name, frame) in &frames {
            let packet = Packet { bytes: frame, kind: libc::PACKET_HOST, hardware: ETHER, vlan: None };
            let expected = format!(" {taken} ").contains(&format!(" {name} "));
            assert_eq!(accepts(&program, &packet), expected, "{name} of '{text}'");
        }
        let other = Packet { bytes: &[0; 60], kind: 0, hardware: libc::ARPHRD_IEEE80211, vlan: None };
        assert_eq!(accepts(&program, &other), ["", "all"].contains(&text), "another link of '{text}'");
    }
}

#[test]
fn a_tag_matches_in_the_frame_and_beside_it() {
    let plain = ethernet(0x0800, &ipv4(6, 5, 0, [1000, 80]));
    let tagged = [&plain[..12], &[0x81, 0, 0x20, 5], &plain[12..]].concat();
    let inner = [&plain[..12], &[0x81, 0, 0, 6], &plain[12..]].concat();
    for (text, expected) in [
        ("vlan", [false, true, true, true]),
        ("vlan 5", [false, true, true, true]),
        ("vlan 6", [false, false, false, false]),
        ("vlan 5 and vlan 6", [false, false, false, true]),
        ("vlan and port 80", [false, true, true, false]),
        ("vlan and vlan and port 80", [false, false, false, true]),
        ("not vlan", [true, false, false, false]),
        ("port 80", [true, false, true, false]),
    ] {
        let program = packet_socket(&words(text));
        let kind = libc::PACKET_HOST;
        let packets = [(&plain, None), (&tagged, None), (&plain, Some(0x2005)), (&inner, Some(5))];
        let said = packets.map(|(bytes, vlan)| accepts(&program, &Packet { bytes, kind, hardware: ETHER, vlan }));
        assert_eq!(said, expected, "{text}");
    }
}

#[test]
fn directions_are_the_kernels() {
    let frame = ethernet(0x0800, &ipv4(6, 5, 0, [1000, 80]));
    for (text, kind, expected) in [
        ("inbound", libc::PACKET_HOST, true),
        ("inbound", libc::PACKET_OUTGOING, false),
        ("outbound and tcp", libc::PACKET_OUTGOING, true),
        ("outbound", libc::PACKET_BROADCAST, false),
    ] {
        let packet = Packet { bytes: &frame, kind, hardware: ETHER, vlan: None };
        assert_eq!(accepts(&packet_socket(&words(text)), &packet), expected, "{text} of {kind}");
    }
}
