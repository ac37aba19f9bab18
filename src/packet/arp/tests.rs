use super::*;
use crate::packet::sample;
use crate::packet::{Link, Trouble};

fn packet(operation: u8, sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let mut p = vec![0, 1, 8, 0, 6, 4, 0, operation, 2, 0, 0, 0, 0, 1];
    p.extend(sender);
    p.extend([0; 6]);
    p.extend(target);
    p
}

fn decode(bytes: &[u8], length: usize) -> Decoded<'_, Arp<'_>> {
    Arp::decode(Carried { code: super::super::Code::EtherType(ETHERTYPE), ..Carried::frame(Link::Ip, bytes, length) })
}

fn line(bytes: &[u8]) -> String {
    sample::line(&decode(bytes, bytes.len()).unwrap().0)
}

#[test]
fn every_operation_has_tcpdumps_words() {
    for (operation, words) in [
        (1, "Request who-has 10.0.0.1 tell 10.0.0.2"),
        (2, "Reply 10.0.0.2 is-at 02:00:00:00:00:01"),
        (3, "Reverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01"),
        (4, "Reverse Reply 00:00:00:00:00:00 at 10.0.0.1"),
        (8, "Inverse Request who-is 00:00:00:00:00:00 tell 02:00:00:00:00:01"),
        (9, "Inverse Reply 02:00:00:00:00:01 at 10.0.0.2"),
        (10, "NACK Reply"),
        (77, "Unknown (77)"),
    ] {
        let bytes = packet(operation, [10, 0, 0, 2], [10, 0, 0, 1]);
        assert_eq!(line(&bytes), format!("ARP, {words}, length 28"));
    }
}

#[test]
fn probes_and_announcements_are_told_from_requests() {
    let purpose = |operation, sender, target| {
        let bytes = packet(operation, sender, target);
        decode(&bytes, 28).unwrap().0.purpose()
    };
    assert_eq!(purpose(1, [0; 4], [10, 0, 0, 1]), Some(Purpose::Probe));
    assert_eq!(purpose(1, [10, 0, 0, 1], [10, 0, 0, 1]), Some(Purpose::Announcement));
    assert_eq!(purpose(2, [10, 0, 0, 1], [10, 0, 0, 1]), Some(Purpose::Announcement));
    assert_eq!(purpose(1, [10, 0, 0, 2], [10, 0, 0, 1]), None);
}

#[test]
fn other_sizes_are_bounded_by_the_packet() {
    let mut bytes = packet(1, [10, 0, 0, 2], [10, 0, 0, 1]);
    bytes[4] = 255;
    assert!(matches!(decode(&bytes, 28).unwrap_err(), Trouble::Malformed(_)));
    assert_eq!(decode(&bytes, 1000).unwrap_err(), Trouble::Truncated);
    bytes[4] = 4;
    bytes[5] = 6;
    assert_eq!(line(&bytes), "ARP, Ethernet (len 4), IPv4 (len 6), length 28");
    bytes[2..6].copy_from_slice(&[0x12, 0x34, 0, 0]);
    assert_eq!(line(&bytes), "ARP, Ethernet (len 0), Unknown Protocol (0x1234) (len 0), length 28");
    assert_eq!(decode(&bytes[..27], 28).unwrap().0.document().sender_hardware, "");
}
