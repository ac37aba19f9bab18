use super::*;
use crate::packet::sample;
use crate::packet::{Code, Link};

fn decode(bytes: &[u8]) -> Igmp<'_> {
    let carried = Carried { code: Code::Ip(NUMBER), ..Carried::frame(Link::Ip, bytes, bytes.len()) };
    Igmp::decode(carried).unwrap().0
}

fn line(bytes: &[u8]) -> String {
    sample::line(&decode(bytes))
}

#[test]
fn every_message_has_tcpdumps_words() {
    for (bytes, words) in [
        (&[0x11, 0, 0, 0, 0, 0, 0, 0][..], "igmp query v1"),
        (&[0x11, 100, 0, 0, 0, 0, 0, 0], "igmp query v2"),
        (&[0x11, 10, 0, 0, 225, 1, 1, 3], "igmp query v2 [max resp time 10] [gaddr 225.1.1.3]"),
        (&[0x11, 100, 0, 0, 225, 1, 1, 3, 0], "igmp query v2 [gaddr 225.1.1.3] [len 9]"),
        (&[0x12, 0, 0, 0, 224, 0, 0, 9], "igmp v1 report 224.0.0.9"),
        (&[0x16, 0, 0, 0, 224, 0, 0, 9], "igmp v2 report 224.0.0.9"),
        (&[0x17, 0, 0, 0, 224, 0, 0, 9], "igmp leave 224.0.0.9"),
        (&[0x11, 10, 0, 0, 0, 0, 0, 0, 2, 20, 0, 0], "igmp query v3 [max resp time 1.0s]"),
        (&[0x11, 0xff, 0, 0, 0, 0, 0, 0, 2, 20, 0, 0], "igmp query v3 [max resp time 52m54s]"),
        (&[0x11, 100, 0, 0, 225, 1, 1, 3, 2, 20, 0, 1, 10, 0, 0, 1], "igmp query v3 [gaddr 225.1.1.3, 1 source(s)]"),
        (
            &[0x11, 100, 0, 0, 225, 1, 1, 3, 2, 20, 0, 9],
            "igmp query v3 [gaddr 225.1.1.3 [invalid number of sources]]",
        ),
        (&[0x22, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, 225, 1, 1, 3], "igmp v3 report, 1 group record(s)"),
        (&[0x22, 0, 0, 0, 0, 0, 0, 1], "igmp v3 report [invalid len 8]"),
        (&[0x42, 0, 0, 0, 0, 0, 0, 0], "igmp-66"),
    ] {
        assert_eq!(line(bytes), words, "{bytes:x?}");
    }
}

#[test]
fn records_that_do_not_fit_are_left_out() {
    let mut bytes = vec![0x22, 0, 0, 0, 0, 0, 0, 2, 3, 1, 0, 1, 225, 1, 1, 3, 10, 0, 0, 1, 0, 0, 0, 0];
    bytes.extend([4, 0, 0, 0, 225, 1, 1, 4]);
    let records: Vec<_> = decode(&bytes).records().collect();
    assert_eq!(records, [(3, [225, 1, 1, 3], &[[10, 0, 0, 1]][..]), (4, [225, 1, 1, 4], &[][..])]);
    bytes[10..12].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(decode(&bytes).records().count(), 0);
    bytes[6..8].copy_from_slice(&[0xff, 0xff]);
    assert_eq!(decode(&bytes).document().records.len(), 0);
}
