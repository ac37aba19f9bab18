use super::*;
use crate::packet::sample;
use crate::packet::{Layer, Link, walk};

fn decode(bytes: &[u8], length: usize) -> Icmp<'_> {
    let carried = Carried { code: crate::packet::Code::Ip(NUMBER), ..Carried::frame(Link::Ip, bytes, length) };
    Icmp::decode(carried).unwrap().0
}

fn line(bytes: &[u8]) -> String {
    sample::line(&decode(bytes, bytes.len())).rsplit_once(", length").expect("a length").0.to_owned()
}

/// An IPv4 header and the first eight bytes behind it.
fn about(protocol: u8) -> Vec<u8> {
    let mut quoted = vec![0x45, 0, 0, 60, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    quoted.extend([0x03, 0xe8, 0, 80, 0, 40, 0, 0]);
    quoted
}

fn error(head: [u8; 8], protocol: u8) -> Vec<u8> {
    [&head[..], &about(protocol)].concat()
}

#[test]
fn errors_have_tcpdumps_words() {
    for (head, protocol, words) in [
        ([3, 0, 0, 0, 0, 0, 0, 0], 17, "net 10.0.0.2 unreachable"),
        ([3, 2, 0, 0, 0, 0, 0, 0], 99, "10.0.0.2 protocol 99 unreachable"),
        ([3, 3, 0, 0, 0, 0, 0, 0], 17, "10.0.0.2 udp port 80 unreachable"),
        ([3, 3, 0, 0, 0, 0, 0, 0], 6, "10.0.0.2 tcp port 80 unreachable"),
        ([3, 3, 0, 0, 0, 0, 0, 0], 99, "10.0.0.2 protocol 99 port 80 unreachable"),
        ([3, 4, 0, 0, 0, 0, 5, 0xdc], 6, "10.0.0.2 unreachable - need to frag (mtu 1500)"),
        ([3, 4, 0, 0, 0, 0, 0, 0], 6, "10.0.0.2 unreachable - need to frag"),
        ([3, 13, 0, 0, 0, 0, 0, 0], 6, "host 10.0.0.2 unreachable - admin prohibited filter"),
        ([3, 16, 0, 0, 0, 0, 0, 0], 6, "10.0.0.2 unreachable - #16"),
        ([5, 1, 0, 0, 10, 0, 0, 9], 6, "redirect 10.0.0.2 to host 10.0.0.9"),
        ([5, 2, 0, 0, 10, 0, 0, 9], 6, "redirect-tos 10.0.0.2 to net 10.0.0.9"),
        ([5, 7, 0, 0, 10, 0, 0, 9], 6, "redirect-#7 10.0.0.2 to 10.0.0.9"),
        ([11, 0, 0, 0, 0, 0, 0, 0], 6, "time exceeded in-transit"),
        ([11, 1, 0, 0, 0, 0, 0, 0], 6, "ip reassembly time exceeded"),
        ([12, 0, 0, 0, 20, 0, 0, 0], 6, "parameter problem - octet 20"),
        ([12, 1, 0, 0, 0, 0, 0, 0], 6, "parameter problem - code 1"),
    ] {
        assert_eq!(line(&error(head, protocol)), format!("ICMP {words}"));
    }
}

#[test]
fn questions_and_answers_have_tcpdumps_words() {
    for (bytes, words) in [
        (&[8, 0, 0, 0, 0, 7, 0, 9][..], "echo request, id 7, seq 9"),
        (&[0, 0, 0, 0, 0, 7, 0, 9], "echo reply, id 7, seq 9"),
        (&[42, 0, 0, 0, 0, 7, 9, 1], "extended echo request, id 7, seq 9"),
        (&[13, 0, 0, 0, 0, 7, 0, 9], "time stamp query id 7 seq 9"),
        (
            &[14, 0, 0, 0, 0, 7, 0, 9, 0, 0, 0, 1, 0, 0, 3, 0xe8, 5, 0x26, 0x5b, 0xff],
            "time stamp reply id 7 seq 9: org 00:00:00.001, recv 00:00:01.000, xmit 23:59:59.999",
        ),
        (&[18, 0, 0, 0, 0, 7, 0, 9, 255, 255, 0, 0], "address mask is 0xffff0000"),
        (&[10, 0, 0, 0, 0, 0, 0, 0], "router solicitation"),
        (&[9, 0, 0, 0, 1, 2, 7, 8, 10, 0, 0, 1, 0, 0, 0, 5], "router advertisement lifetime 30:00 1: {10.0.0.1 5}"),
        (&[9, 0, 0, 0, 9, 2, 0, 8], "[|icmp]"),
        (&[99, 0, 0, 0, 0, 0, 0, 0], "type-#99"),
        (&[3, 0, 0, 0, 0, 0, 0, 0], "[|icmp]"),
        (&[14, 0, 0, 0, 0, 0, 0, 0], "[|icmp]"),
    ] {
        assert_eq!(line(bytes), format!("ICMP {words}"));
    }
}

#[test]
fn what_is_quoted_is_decoded_as_far_as_it_goes() {
    let bytes = error([3, 3, 0, 0, 0, 0, 0, 0], 6);
    let document = decode(&bytes, bytes.len()).document();
    let quoted = document.quoted.expect("a quote");
    let ip = quoted.layers.ipv4.expect("an IPv4 header");
    assert_eq!((ip.source.as_str(), ip.fault), ("10.0.0.1", None), "a quote is no fault");
    assert_eq!((quoted.source_port, quoted.destination_port), (Some(1000), Some(80)));
    assert_eq!(quoted.undecoded.expect("TCP is not whole").kind, "truncated");
    let block = sample::block(&decode(&bytes, bytes.len()));
    assert!(block.contains("\n    Protocol        : IPv4, 6\n"), "{block}");
}

#[test]
fn the_quote_ends_where_its_extensions_begin() {
    let mut bytes = error([11, 0, 0, 0, 0, 7, 0, 0], 17);
    bytes.extend([0x20, 0, 0, 0]);
    assert_eq!(decode(&bytes, bytes.len()).quoted().expect("a quote").bytes, about(17));
}

#[test]
fn quotes_in_quotes_are_not_followed() {
    let mut bytes = Vec::new();
    for _ in 0..2000 {
        bytes.extend(error([3, 0, 0, 0, 0, 0, 0, 0], NUMBER).iter().take(28));
    }
    let icmp = decode(&bytes, bytes.len());
    let quoted = icmp.quoted().expect("a quote");
    let Some(Layer::Icmp(inner)) = walk(quoted).last() else { panic!("ICMP in it") };
    assert!(inner.quoted().is_none());
    assert!(serde_json::to_string(&icmp.document()).expect("JSON").len() < 4000);
}

#[test]
fn the_checksum_covers_all_of_it() {
    let mut bytes = vec![8, 0, 0xf7, 0xf0, 0, 1, 0, 2, 0, 1];
    let Verdict::Incorrect { expected } = decode(&bytes, 10).checksum_status() else { panic!("f7f0 is wrong") };
    bytes[2..4].copy_from_slice(&expected.to_be_bytes());
    assert_eq!(decode(&bytes, 10).checksum_status(), Verdict::Correct);
    assert_eq!(decode(&bytes[..9], 10).checksum_status(), Verdict::Unverified { why: "truncated" });
}
