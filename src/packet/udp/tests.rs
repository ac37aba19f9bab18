use super::*;
use crate::packet::{Detail, sample};
use crate::packet::{Layer, Link, walk};

/// A datagram over IPv4 from port 1000, its checksum right.
fn datagram(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len() as u16;
    let mut p = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x03, 0xe8];
    p[2..4].copy_from_slice(&(20 + length).to_be_bytes());
    p.extend(port.to_be_bytes());
    p.extend(length.to_be_bytes());
    p.extend([0xaa, 0xaa]);
    p.extend(payload);
    let Verdict::Incorrect { expected } = decode(&p, p.len()).checksum_status() else { panic!("aaaa is wrong") };
    p[26..28].copy_from_slice(&expected.to_be_bytes());
    p
}

fn decode(bytes: &[u8], length: usize) -> Udp<'_> {
    let udp = walk(Carried::frame(Link::Ip, bytes, length)).find_map(|layer| match layer {
        Layer::Udp(udp) => Some(udp),
        _ => None,
    });
    udp.expect("a UDP header")
}

fn line(bytes: &[u8], length: usize) -> String {
    sample::line(&decode(bytes, length))
}

#[test]
fn the_line_is_tcpdumps() {
    let bytes = datagram(9999, b"hello");
    assert_eq!(decode(&bytes, 33).checksum_status(), Verdict::Correct);
    assert_eq!(line(&bytes, 33), "10.0.0.1.1000 > 10.0.0.2.9999: UDP, length 5");
    let of = |detail| sample::line_of(&decode(&bytes, 33), detail);
    assert!(of(Detail::Checked).ends_with(": [udp sum ok] UDP, length 5"));
    assert!(of(Detail::Quick).ends_with(": UDP, length 5"));
}

#[test]
fn a_known_port_without_decoder_is_a_datagram_like_any_other() {
    for port in [53, 67, 123, 547, 4789, 6081] {
        let bytes = datagram(port, &[0; 60]);
        let udp = decode(&bytes, bytes.len());
        let code = Code::Application(udp.application().expect("a known port"));
        let said = line(&bytes, bytes.len()).ends_with("UDP, length 60");
        assert_eq!(said, !protocols::has_decoder(code), "port {port}");
        assert_eq!(udp.document().payload_hex.is_some(), said, "port {port}");
    }
}

#[test]
fn the_checksum_covers_what_the_length_says() {
    let mut bytes = datagram(9999, b"odd");
    bytes.extend([0xff; 9]);
    let padded = bytes.len() as u16;
    bytes[2..4].copy_from_slice(&padded.to_be_bytes());
    let udp = decode(&bytes, bytes.len());
    assert_eq!((udp.checksum_status(), udp.payload()), (Verdict::Correct, &b"odd"[..]));
    bytes[28] ^= 1;
    assert!(matches!(decode(&bytes, bytes.len()).checksum_status(), Verdict::Incorrect { .. }));
    bytes[26..28].copy_from_slice(&[0, 0]);
    let none = decode(&bytes, bytes.len()).checksum_status();
    assert_eq!(none, Verdict::Unverified { why: "the sender computed none" });
}

#[test]
fn a_cut_capture_leaves_the_checksum_open() {
    let bytes = datagram(9999, b"hello");
    assert_eq!(decode(&bytes[..30], 33).checksum_status(), Verdict::Unverified { why: "truncated" });
    assert_eq!(line(&bytes[..30], 33), "10.0.0.1.1000 > 10.0.0.2.9999: UDP, length 5");
    let of = |detail| sample::line_of(&decode(&bytes, 33), detail);
    assert!(of(Detail::Checked).ends_with(": [udp sum ok] UDP, length 5"));
    assert!(of(Detail::Quick).ends_with(": UDP, length 5"));
}

#[test]
fn lengths_that_lie_are_named() {
    let mut bytes = datagram(53, b"hello");
    bytes[25] = 7;
    assert_eq!(line(&bytes, 33), "10.0.0.1.1000 > 10.0.0.2.53: UDP [length 7 < 8] (invalid)");
    assert_eq!(decode(&bytes, 33).payload(), b"");
    bytes[23] = 77;
    bytes[25] = 14;
    assert_eq!(line(&bytes, 33), "10.0.0.1.1000 > 10.0.0.2.77: UDP, bad length 6 > 5");
    assert_eq!(decode(&bytes, 33).checksum_status(), Verdict::Unverified { why: "bad length" });
}
