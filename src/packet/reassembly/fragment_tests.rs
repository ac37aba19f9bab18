//! Fragments in every order, again, overlapping, missing, and from nowhere.

use super::fragments::{Fragments, LONGEST, MOST_BYTES, MOST_PACKETS, Outcome};
use crate::packet::checksum::{self, Verdict};
use crate::packet::{Carried, Link};

const ETHERNET: [u8; 14] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];

/// An Ethernet frame with a fragment of UDP over IPv4; padded as short frames are.
fn v4(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    header[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
    header[4..6].copy_from_slice(&id.to_be_bytes());
    header[6..8].copy_from_slice(&((offset / 8) as u16 | u16::from(more) << 13).to_be_bytes());
    if let Verdict::Incorrect { expected } = checksum::of_header(&header, 0) {
        header[10..12].copy_from_slice(&expected.to_be_bytes());
    }
    let mut frame = [&ETHERNET[..], &header, data].concat();
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A fragment over IPv6, behind destination options.
fn v6(id: u32, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    let options = [44, 0, 1, 4, 0, 0, 0, 0];
    let mut fragment = vec![17, 0, 0, 0];
    fragment[2..4].copy_from_slice(&(offset as u16 | u16::from(more)).to_be_bytes());
    fragment.extend(id.to_be_bytes());
    let mut packet = vec![0x60, 0, 0, 0, 0, 0, 60, 64];
    packet[4..6].copy_from_slice(&(16 + data.len() as u16).to_be_bytes());
    packet.extend([[0xfd; 16], [0xfe; 16]].concat());
    [packet, options.to_vec(), fragment, data.to_vec()].concat()
}

fn take<'a>(fragments: &'a mut Fragments, link: Link, frame: &[u8]) -> Outcome<'a> {
    fragments.take(Carried::frame(link, frame, frame.len()), 0, 100)
}

fn data() -> Vec<u8> {
    (0..4000_u32).map(|n| (n * 7 % 251) as u8).collect()
}

/// Its fragments of `size` bytes: offset, whether more follow, bytes.
fn cut(data: &[u8], size: usize) -> Vec<(usize, bool, &[u8])> {
    data.chunks(size).enumerate().map(|(n, part)| (n * size, (n + 1) * size < data.len(), part)).collect()
}

#[test]
fn every_order_gives_the_packet() {
    let data = data();
    let pieces = cut(&data, 1000);
    let mut orders = 0;
    for order in 0..256_usize {
        let order: Vec<usize> = (0..4).map(|n| order >> (2 * n) & 3).collect();
        if (0..4).any(|n| !order.contains(&n)) {
            continue;
        }
        orders += 1;
        for (link, make, header) in [(Link::Ethernet, v4 as fn(u16, _, _, &_) -> _, 34), (Link::Ip, v6_of, 48)] {
            let mut fragments = Fragments::default();
            for (step, n) in order.iter().enumerate() {
                let (offset, more, part) = pieces[*n];
                let frame = make(9, offset, more, part);
                match take(&mut fragments, link, &frame) {
                    Outcome::Held if step < 3 => {}
                    Outcome::Whole { frame, fragments: 4 } if step == 3 => {
                        assert_eq!(&frame[header..], data, "{order:?}");
                    }
                    other => panic!("{order:?}: {other:?}"),
                }
            }
            assert_eq!((fragments.held(), fragments.pending(), fragments.counts.whole), (0, 0, 1));
        }
    }
    assert_eq!(orders, 24);
}

fn v6_of(id: u16, offset: usize, more: bool, data: &[u8]) -> Vec<u8> {
    v6(id.into(), offset, more, data)
}

#[test]
fn the_headers_are_those_of_a_whole_packet() {
    let mut fragments = Fragments::default();
    take(&mut fragments, Link::Ethernet, &v4(9, 16, false, b"tail"));
    let Outcome::Whole { frame, .. } = take(&mut fragments, Link::Ethernet, &v4(9, 0, true, &[1; 16])) else {
        panic!("not whole")
    };
    assert_eq!(
        (frame.len(), &frame[..14], &frame[16..18], &frame[20..22]),
        (54, &ETHERNET[..], &[0, 40][..], &[0, 0][..])
    );
    assert_eq!(checksum::of_header(&frame[14..34], 1), Verdict::Correct);
    take(&mut fragments, Link::Ip, &v6(9, 0, true, &[1; 16]));
    let Outcome::Whole { frame, .. } = take(&mut fragments, Link::Ip, &v6(9, 16, false, b"tail")) else {
        panic!("not whole")
    };
    assert_eq!((frame.len(), &frame[4..7], frame[40]), (68, &[0, 28, 60][..], 17));
}

#[test]
fn what_comes_again_counts_once_and_what_overlaps_is_given_up() {
    let data = data();
    let mut fragments = Fragments::default();
    let first = v4(9, 0, true, &data[..16]);
    let whole = |outcome: Outcome| matches!(outcome, Outcome::Whole { fragments: 2, .. });
    assert_eq!(take(&mut fragments, Link::Ethernet, &first), Outcome::Held);
    assert_eq!(take(&mut fragments, Link::Ethernet, &first), Outcome::Held);
    assert!(whole(take(&mut fragments, Link::Ethernet, &v4(9, 16, false, b"end"))));
    // Teardrop: the second lies inside the first, or reaches into it, or says otherwise.
    for (offset, part) in [(8, &b"inside"[..]), (8, &[9; 16]), (0, &[9; 16])] {
        let mut fragments = Fragments::default();
        take(&mut fragments, Link::Ethernet, &first);
        let more = part.len() % 8 == 0;
        assert_eq!(take(&mut fragments, Link::Ethernet, &v4(9, offset, more, part)), Outcome::Refused);
        assert_eq!(take(&mut fragments, Link::Ethernet, &v4(9, 16, false, b"end")), Outcome::Refused);
        assert_eq!((fragments.counts.whole, fragments.pending()), (0, 0));
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let cases = [
        ("beyond the largest packet", v4(9, 65528, false, b"12345678")),
        ("not of whole units", v4(9, 0, true, b"1234567")),
        ("nothing in it", v4(9, 8, false, b"")),
    ];
    for (what, frame) in cases {
        let mut fragments = Fragments::default();
        assert_eq!(take(&mut fragments, Link::Ethernet, &frame), Outcome::Refused, "{what}");
        assert_eq!((fragments.counts.malformed, fragments.held()), (1, 0), "{what}");
    }
    let mut fragments = Fragments::default();
    let frame = v4(9, 0, true, &[0; 800]);
    let cut = Carried::frame(Link::Ethernet, &frame[..400], frame.len());
    assert_eq!(fragments.take(cut, 0, 100), Outcome::Refused);
    assert_eq!(fragments.counts.cut, 1);
    // Behind the end.
    take(&mut fragments, Link::Ethernet, &v4(9, 16, false, b"end"));
    assert_eq!(take(&mut fragments, Link::Ethernet, &v4(9, 32, true, &[0; 8])), Outcome::Refused);
    // With a header of 20 bytes this is one byte too many for a packet.
    let mut fragments = Fragments::default();
    for offset in (0..65_520).step_by(1040) {
        take(&mut fragments, Link::Ethernet, &v4(7, offset, true, &[0; 1040]));
    }
    assert_eq!(take(&mut fragments, Link::Ethernet, &v4(7, 65_520, false, b"1")), Outcome::Refused);
    assert_eq!((fragments.counts.whole, fragments.held()), (0, 0));
}

#[test]
fn other_packets_and_whole_ones_are_left_alone() {
    let mut fragments = Fragments::default();
    for frame in [v4(9, 0, false, b"all"), ETHERNET.to_vec(), Vec::new(), vec![0x45; 30]] {
        assert_eq!(take(&mut fragments, Link::Ethernet, &frame), Outcome::NotFragment);
    }
    assert_eq!(take(&mut fragments, Link::Ip, &v6(9, 0, false, b"atomic")), Outcome::NotFragment);
    take(&mut fragments, Link::Ethernet, &v4(9, 0, true, &[0; 8]));
    let tail = v4(10, 8, false, b"of another");
    assert_eq!(take(&mut fragments, Link::Ethernet, &tail), Outcome::Held);
    let elsewhere = v4(9, 8, false, b"elsewhere");
    let frame = Carried::frame(Link::Ethernet, &elsewhere, elsewhere.len());
    assert_eq!(fragments.take(frame, 4, 100), Outcome::Held, "another interface");
}

#[test]
fn nothing_is_waited_for_without_bound() {
    let mut fragments = Fragments::default();
    for id in 0..u16::MAX {
        take(&mut fragments, Link::Ethernet, &v4(id, 8, true, &[0; 40_000]));
        assert!(fragments.held() <= MOST_BYTES && fragments.pending() <= MOST_PACKETS as u64);
    }
    assert!(fragments.pending() > 300);
    assert_eq!(fragments.counts.incomplete + fragments.pending(), u64::from(u16::MAX));
    let frame = v4(1, 0, true, &[0; 8]);
    fragments.take(Carried::frame(Link::Ethernet, &frame, frame.len()), 0, 101 + LONGEST);
    assert_eq!(fragments.pending(), 1);
}

#[test]
fn whatever_comes_is_borne() {
    let mut random = fastrand::Rng::with_seed(5);
    let mut fragments = Fragments::default();
    let mut whole = 0;
    for round in 0..200_000_i64 {
        let (id, offset) = (random.u16(..400), random.usize(..3) * 8);
        let data = [7; 200];
        let part = &data[..random.usize(..3) * 8 + usize::from(random.u8(..) < 20)];
        let (link, mut frame) = match random.bool() {
            true => (Link::Ethernet, v4(id, offset, random.u8(..) < 200, part)),
            false => (Link::Ip, v6(id.into(), offset, random.u8(..) < 200, part)),
        };
        for _ in 0..random.usize(..10) / 8 {
            let at = random.usize(..frame.len());
            frame[at] = random.u8(..);
        }
        frame.truncate(random.usize(frame.len() / 2..=frame.len() * 8));
        let carried = Carried::frame(link, &frame, frame.len() + random.usize(..20) / 16);
        let outcome = fragments.take(carried, 0, round / 1000);
        whole += u64::from(matches!(outcome, Outcome::Whole { .. }));
        assert!(fragments.held() <= MOST_BYTES);
    }
    assert_eq!(whole, fragments.counts.whole);
    assert!(whole > 10, "{:?}", fragments.counts);
}
