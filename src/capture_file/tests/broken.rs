//! Files that are cut, lie, trickle or are no capture files; what breaks them is tried at every byte.

use std::io::{Cursor, Read};

use super::made::{Order, files, sections};
use super::{LONGEST_RECORD, gzip, read, read_from, zstd};

#[test]
fn a_file_cut_anywhere_gives_what_is_whole_and_says_where() {
    for file in files() {
        let (all, _) = read(&file);
        let mut most = 0;
        for length in 0..file.len() {
            let (records, ended) = read(&file[..length]);
            assert!(records.len() >= most && records == all[..records.len()], "cut at {length}");
            most = records.len();
            if let Some(e) = ended {
                let text = e.to_string();
                assert!(text.contains("it is cut") || length < 12, "{length}: {text}");
                assert!(length < 24 || text.contains("byte "), "{length}: {text}");
            } else {
                // Between two records it is a shorter file.
                let next = read(&file[..length + 1]);
                assert!(next.1.is_some() || length + 1 == file.len(), "{length} ends between records");
            }
        }
    }
}

/// Gives a byte at a time, and says in between that there is none yet.
struct Trickle(Cursor<Vec<u8>>, bool);

impl Read for Trickle {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        // The first bytes are waited for.
        if self.1 && self.0.position() > 4 {
            return Err(std::io::ErrorKind::WouldBlock.into());
        }
        let most = out.len().min(1);
        self.0.read(&mut out[..most])
    }
}

#[test]
fn a_pipe_that_trickles_gives_the_same() {
    for file in files() {
        let (records, ended) = read_from(Box::new(Trickle(Cursor::new(file.clone()), false)));
        assert_eq!((records, ended.is_none()), (read(&file).0, true));
    }
}

/// An endless input: what reads until its end never returns.
struct Endless;

impl Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        out.fill(0xa5);
        Ok(out.len())
    }
}

#[test]
fn a_length_that_lies_is_an_error_and_names_its_offset() {
    let order = Order(false);
    let pcap = order.words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 0, 1]);
    let interface = [order.section(&[]), order.interface(1, 0, &[])].concat();
    for (what, start, lie, text) in [
        ("pcap", &pcap, order.words(&[1, 1, 262_145, 1]), "at byte 24"),
        ("pcap, all of it", &pcap, order.words(&[1, 1, u32::MAX, 1]), "at byte 24"),
        ("a packet block", &interface, order.words(&[6, u32::MAX - 3, 1, 1]), "at byte 48"),
        ("a packet block of no length", &interface, order.words(&[6, 0]), "at byte 48"),
        ("an odd block", &interface, order.words(&[6, 33]), "at byte 48"),
        ("a short unknown block", &interface, order.words(&[77, 8]), "at byte 48"),
        ("a section", &interface, order.words(&[0x0a0d_0d0a, u32::MAX - 3, 0x1a2b_3c4d]), "at byte 48"),
        ("a packet in its block", &interface, order.block(6, &order.words(&[0, 0, 0, 5, 5, 0])), "at byte 48"),
        ("an interface", &interface, order.enhanced(1, 0, 0, b"", &[]), "is not described"),
        ("two lengths", &interface, order.words(&[6, 32, 0, 0, 0, 0, 0, 36]), "at byte 48"),
    ] {
        let file = [start.as_slice(), &lie].concat();
        let (records, ended) = read_from(Box::new(Cursor::new(file).chain(Endless)));
        let said = ended.expect(what).to_string();
        assert!(records.is_empty() && said.contains(text), "{what}: {said}");
    }
}

#[test]
fn what_is_no_capture_file_is_said_to_be_none() {
    for (bytes, text) in [
        (b"".as_slice(), "it is empty"),
        (b"abc", "no capture file"),
        (b"#!/bin/sh\n", "no capture file"),
        (&[0x34, 0xcd, 0xb2, 0xa1, 0, 0], "a variant of pcap"),
        (&[0xd4, 0xc3, 0xb2, 0xa1, 0, 0], "it is cut"),
        (&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4, 0, 0], "no byte order"),
        (&[0x1f, 0x8b, 8, 0], "cannot decompress"),
        (&[0x28, 0xb5, 0x2f, 0xfd, 0xff], "cannot decompress"),
    ] {
        let (records, ended) = read(bytes);
        let said = ended.expect("an error").to_string();
        assert!(records.is_empty() && said.contains(text), "{said}");
    }
    let mut version = Order(false).pcap(0xa1b2_c3d4, 0, 1);
    version[4] = 9;
    assert!(read(&version).1.expect("an error").to_string().contains("version 9.4"));
}

#[test]
fn mutated_files_end() {
    let mut random = fastrand::Rng::with_seed(0x6361_7074);
    let mut kinds = files();
    kinds.extend([gzip(&sections()), zstd(&sections())]);
    let (mut whole, mut broken) = (0, 0);
    for round in 0..6000 {
        let mut file = kinds[round % kinds.len()].clone();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..file.len());
            file[at] = if random.bool() { random.u8(..) } else { [0, 1, 0x7f, 0x80, 0xff][random.usize(0..5)] };
        }
        file.truncate(random.usize(file.len() / 2..=file.len()));
        let (records, ended) = read(&file);
        assert!(records.iter().all(|r| r.time.1 < 1_000_000_000 && r.bytes.len() <= LONGEST_RECORD));
        if ended.is_none() { whole += 1 } else { broken += 1 }
    }
    assert!(whole > 100 && broken > 1000, "{whole} whole, {broken} broken");
}
