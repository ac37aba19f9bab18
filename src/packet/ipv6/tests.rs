use super::*;
use crate::packet::Link;
use crate::packet::sample;

fn packet(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut p = vec![0x60, 0, 0, 0, 0, payload.len() as u8, next, 64];
    p.extend([0; 15].iter().chain(&[1]).chain(&[0; 15]).chain(&[2]));
    p.extend(payload);
    p
}

fn decode(bytes: &[u8]) -> (Ipv6<'_>, Option<Carried<'_>>) {
    Ipv6::decode(Carried::frame(Link::Ip, bytes, bytes.len())).unwrap()
}

#[test]
fn extension_headers_are_followed() {
    let bytes = packet(0, &[60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0, 0xaa]);
    let (ip, next) = decode(&bytes);
    assert_eq!(ip.extensions().map(|(n, h)| (n, h.len())).collect::<Vec<_>>(), [(0, 8), (60, 8)]);
    assert_eq!((ip.protocol, ip.trouble), (6, None));
    let next = next.unwrap();
    assert_eq!((next.code, next.bytes), (Code::Ip(6), &[0xaa][..]));
}

#[test]
fn an_extension_header_that_is_cut_says_so() {
    let bytes = packet(0, &[60, 9, 0, 0, 0, 0, 0, 0]);
    let (ip, next) = decode(&bytes);
    assert!(next.is_none() && matches!(ip.trouble, Some(Trouble::Malformed(_))));
    let (ip, next) = Ipv6::decode(Carried::frame(Link::Ip, &bytes, 400)).unwrap();
    assert!(next.is_none() && matches!(ip.trouble, Some(Trouble::Malformed(_))), "the payload length ends it");
    let short = packet(43, &[6, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
    let (ip, _) = Ipv6::decode(Carried::frame(Link::Ip, &short[..50], 56)).unwrap();
    assert_eq!(ip.trouble, Some(Trouble::Truncated));
}

#[test]
fn a_routing_header_under_way_changes_the_goal() {
    let mut routing = vec![6, 2, 0, 1, 0, 0, 0, 0];
    routing.extend([0x20; 16]);
    let goal =
        |p: &[u8]| *decode(p).1.unwrap().addresses.unwrap().destination().to_string().as_bytes().first().unwrap();
    assert_eq!(goal(&packet(ROUTING, &routing)), b'2');
    routing[3] = 0;
    assert_eq!(goal(&packet(ROUTING, &routing)), b':');
}

#[test]
fn jumbograms_and_fragments() {
    let mut bytes = packet(0, &[6, 0, 0xc2, 4, 0, 0, 0, 10, 1, 2, 3, 4]);
    bytes[5] = 0;
    let next = decode(&bytes).1.unwrap();
    assert_eq!((next.bytes, next.length), (&[1, 2][..], 2));
    let later = packet(FRAGMENT, &[6, 0, 0x05, 0xc9, 0, 0, 0, 1, 9]);
    assert_eq!(decode(&later).1.unwrap().part, Part::Later(1480));
}

#[test]
fn a_cut_packet_says_how_much_is_missing() {
    let mut bytes = packet(6, &[1, 2, 3]);
    (bytes[0], bytes[1]) = (0x6b, 0x91);
    bytes[5] = 9;
    let (ip, next) = decode(&bytes);
    assert_eq!(next.map(|n| (n.bytes.len(), n.length)), Some((3, 9)), "what is missing was not captured");
    let (line, block) = (sample::line(&ip), sample::block(&ip));
    assert_eq!(line, "IP6 [truncated-ip6 - 6 bytes missing] ");
    for field in ["Traffic Class   : 0xb9 (DSCP 46, ECN 1)", "Flow Label      : 0x10000", "Payload Length  : 9"] {
        assert!(block.lines().any(|l| l == field), "{field}: {block}");
    }
}
