use super::*;
use crate::packet::Link;
use crate::packet::{Detail, sample};

fn header() -> Vec<u8> {
    let mut h = vec![0x45, 0, 0, 24, 0, 7, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2, 1, 2, 3, 4, 0xee, 0xee];
    let Verdict::Incorrect { expected } = checksum::of_header(&h[..20], 0) else { panic!() };
    h[10..12].copy_from_slice(&expected.to_be_bytes());
    h
}

fn decode(bytes: &[u8], length: usize) -> Decoded<'_, Ipv4<'_>> {
    Ipv4::decode(Carried::frame(Link::Ip, bytes, length))
}

#[test]
fn padding_behind_the_total_length_is_not_payload() {
    let bytes = header();
    let (ip, next) = decode(&bytes, bytes.len()).unwrap();
    assert_eq!((ip.checksum(), ip.ttl(), ip.fault), (Verdict::Correct, 64, None));
    let next = next.unwrap();
    assert_eq!((next.bytes, next.length, next.code), (&[1, 2, 3, 4][..], 4, Code::Ip(6)));
}

#[test]
fn a_short_capture_is_not_a_short_packet() {
    let bytes = header();
    let next = decode(&bytes[..22], bytes.len()).unwrap().1.unwrap();
    assert_eq!((next.bytes.len(), next.length), (2, 4));
    assert_eq!(decode(&bytes[..19], 26).unwrap_err(), Trouble::Truncated);
    assert!(matches!(decode(&bytes[..19], 19).unwrap_err(), Trouble::Malformed(_)));
}

#[test]
fn lengths_that_lie_are_named() {
    let mut bytes = header();
    bytes[3] = 99;
    let (ip, next) = decode(&bytes, 26).unwrap();
    assert_eq!(ip.fault, Some(Fault::LongerThanFrame { frame: 26 }));
    let next = next.unwrap();
    assert_eq!((next.bytes.len(), next.length), (6, 79), "what is missing was not captured");
    bytes[3] = 19;
    assert!(matches!(decode(&bytes, 26).unwrap_err(), Trouble::Malformed(_)));
    bytes[3] = 0;
    assert_eq!(decode(&bytes, 26).unwrap().0.fault, Some(Fault::NoTotalLength { frame: 26 }));
    bytes[0] = 0x44;
    assert_eq!(decode(&bytes, 26).unwrap_err(), Trouble::Malformed("the header length is 16, below 20"));
    bytes[0] = 0x40;
    assert_eq!(decode(&bytes, 26).unwrap_err(), Trouble::Malformed("the header length is 0, below 20"));
}

#[test]
fn fragments_know_their_place() {
    let mut bytes = header();
    bytes[6..8].copy_from_slice(&[0x20, 0]);
    assert_eq!(decode(&bytes, 26).unwrap().1.unwrap().part, Part::First);
    bytes[6..8].copy_from_slice(&[0x00, 185]);
    assert_eq!(decode(&bytes, 26).unwrap().1.unwrap().part, Part::Later(1480));
}

#[test]
fn a_source_route_under_way_ends_elsewhere() {
    let mut bytes = header();
    bytes[0] = 0x47;
    bytes[3] = 28;
    bytes.splice(20.., [131, 7, 4, 10, 0, 0, 9, 0]);
    let goal = |b: &[u8]| decode(b, 28).unwrap().1.unwrap().addresses.unwrap().destination().to_string();
    assert_eq!(goal(&bytes), "10.0.0.9");
    bytes[22] = 8;
    assert_eq!(goal(&bytes), "127.0.0.2");
}

fn shown(bytes: &[u8]) -> (String, String) {
    let (ip, _) = decode(bytes, bytes.len()).unwrap();
    (sample::line(&ip), sample::block(&ip))
}

#[test]
fn the_full_form_has_every_field() {
    let mut bytes = header();
    bytes[1] = 0xb9;
    bytes[6..8].copy_from_slice(&[0x60, 2]);
    bytes[10..12].copy_from_slice(&[0, 0]);
    let Verdict::Incorrect { expected } = checksum::of_header(&bytes[..20], 0) else { panic!("zero is wrong") };
    bytes[10..12].copy_from_slice(&expected.to_be_bytes());
    let (line, block) = shown(&bytes);
    assert_eq!(line, "IP ");
    let checksum = format!("IP Checksum     : 0x{expected:04x} (correct)");
    for field in [
        "Protocol        : IPv4, 6",
        "IP Header       : 5 (20 bytes)",
        "TOS             : 0xb9 (DSCP 46, ECN 1)",
        "Total Length    : 24",
        "Identification  : 7",
        "Fragment        : DF 1 MF 1, offset 16",
        "TTL             : 64",
        &checksum,
    ] {
        assert!(block.lines().any(|l| l == field), "{field}: {block}");
    }
}

#[test]
fn a_wrong_header_checksum_is_marked_in_both_forms() {
    let mut bytes = header();
    let right = bytes[10..12].to_vec();
    bytes[10..12].copy_from_slice(&[0, 0]);
    let expected = text::to_hex(&right);
    let (_, block) = shown(&bytes);
    let (ip, _) = decode(&bytes, bytes.len()).unwrap();
    let line = sample::line_of(&ip, Detail::Checked);
    let fields = "tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length 24";
    assert_eq!(line, format!("IP ({fields}, bad cksum 0x0000 -> 0x{expected}) "));
    assert!(block.contains(&format!("IP Checksum     : 0x0000 (incorrect -> 0x{expected})")), "{block}");
}

#[test]
fn a_cut_packet_says_how_much_is_missing() {
    let bytes = header();
    assert_eq!(shown(&bytes[..23]).0, "IP [truncated-ip - 1 bytes missing] ");
    assert_eq!(shown(&bytes[..24]).0, "IP ");
}
