//! The filter programs, run by an interpreter of the few instructions that they use.

use libc::sock_filter;

use super::filter;

/// What the kernel knows about a packet besides its bytes.
struct Packet<'a> {
    bytes: &'a [u8],
    kind: u8,
    hardware: u16,
}

/// bpf(4): the verdict of `program`; a load past the end drops the packet.
fn accepts(program: &[sock_filter], packet: &Packet) -> bool {
    run(program, packet).unwrap_or(0) > 0
}

fn run(program: &[sock_filter], packet: &Packet) -> Option<u32> {
    let word = |at: u32, size: u32| {
        let bytes = packet.bytes.get(at as usize..(at + size) as usize)?;
        Some(bytes.iter().fold(0, |n, &b| n << 8 | u32::from(b)))
    };
    let (mut a, mut x, mut at) = (0, 0, 0);
    loop {
        let i = program[at];
        at += 1;
        match i.code {
            0x20 if i.k == (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32 => a = packet.kind.into(),
            0x20 if i.k == (libc::SKF_AD_OFF + libc::SKF_AD_HATYPE) as u32 => a = packet.hardware.into(),
            0x28 => a = word(i.k, 2)?,
            0x30 => a = word(i.k, 1)?,
            0x48 => a = word(x + i.k, 2)?,
            0xb1 => x = (word(i.k, 1)? & 15) * 4,
            0x54 => a &= i.k,
            0x15 => at += usize::from(if a == i.k { i.jt } else { i.jf }),
            0x35 => at += usize::from(if a >= i.k { i.jt } else { i.jf }),
            0x45 => at += usize::from(if a & i.k != 0 { i.jt } else { i.jf }),
            0x06 => return Some(i.k),
            code => panic!("unknown instruction {code:#x}"),
        }
    }
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
        let packet = Packet { bytes: &frame, kind: libc::PACKET_HOST, hardware };
        assert_eq!(accepts(&filter::packet_socket(port), &packet), expected, "{what}");
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
        let packet = Packet { bytes: &frame, kind, hardware };
        assert_eq!(accepts(&filter::packet_socket(None), &packet), expected, "{kind} on {hardware}");
    }
}

#[test]
fn a_raw_socket_begins_at_the_ip_header() {
    let packet = Packet { bytes: &ipv4(6, 6, 0, [7, 80]), kind: 0, hardware: 0 };
    assert!(accepts(&filter::raw_socket(Some(80)), &packet));
    assert!(!accepts(&filter::raw_socket(Some(81)), &packet));
}
