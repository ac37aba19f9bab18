//! The reader on files made here, of every kind of record and byte order.

mod broken;
mod made;
mod written;

use std::io::{Cursor, Read, Write};

use made::{Order, expected_of_pcapng, files, sections};

use super::*;
use crate::error::Error;

/// A record, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Got {
    time: (i64, u32),
    link: u16,
    interface: Option<String>,
    length: usize,
    bytes: Vec<u8>,
    flags: Option<u32>,
}

fn got(record: &Record) -> Got {
    Got {
        time: (record.seconds, record.nanoseconds),
        link: record.link,
        interface: record.interface_name.map(str::to_owned),
        length: record.length,
        bytes: record.bytes.to_vec(),
        flags: record.options.flags(),
    }
}

/// What can be read of `input`, and how that ended.
fn read_from(input: Box<dyn Read>) -> (Vec<Got>, Option<Error>) {
    let mut records = Vec::new();
    let mut reader = match Reader::open(input, "it") {
        Ok(reader) => reader,
        Err(e) => return (records, Some(e)),
    };
    let ended = loop {
        match reader.next() {
            Ok(Next::Record(record)) => records.push(got(&record)),
            Ok(Next::NotYet) => {}
            Ok(Next::End) => break None,
            Err(e) => break Some(e),
        }
    };
    assert!(matches!(reader.next(), Ok(Next::End)), "nothing comes after the end");
    (records, ended)
}

fn read(bytes: &[u8]) -> (Vec<Got>, Option<Error>) {
    read_from(Box::new(Cursor::new(bytes.to_vec())))
}

fn packet(time: (i64, u32), length: usize, bytes: &[u8]) -> Got {
    Got { time, link: 1, interface: None, length, bytes: bytes.to_vec(), flags: None }
}

#[test]
fn pcap_of_either_order_and_unit_is_read() {
    for big in [false, true] {
        for (magic, unit) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let expected = [packet((5, 6 * unit), 60, b"abcde"), packet((0xffff_ffff, 999_999 * unit), 3, b"xyz")];
            // A frame check sequence of four bytes is told of in the upper bits.
            for link in [1, 0x2400_0001] {
                let (records, ended) = read(&Order(big).pcap(magic, 65535, link));
                assert_eq!((records.as_slice(), ended.is_none()), (expected.as_slice(), true), "{big} {magic:x}");
            }
            let (records, _) = read(&Order(big).pcap(magic, 4, 1));
            assert_eq!(records[0].bytes, b"abcd", "the snapshot length bounds what is shown");
            assert_eq!(records[1], expected[1], "and nothing is out of step behind it");
        }
    }
}

#[test]
fn lengths_of_old_versions_are_the_other_way_round() {
    for (minor, captured_first, expected) in [(2, false, 5), (3, true, 5), (3, false, 5), (4, true, 5)] {
        let mut file = Order(false).words(&[0xa1b2_c3d4, 2 | minor << 16, 0, 0, 100, 1]);
        file.extend(Order(false).words(&if captured_first { [1, 2, 5, 60] } else { [1, 2, 60, 5] }));
        file.extend(b"abcde");
        let (records, ended) = read(&file);
        assert!(ended.is_none());
        assert_eq!((records[0].bytes.len(), records[0].length), (expected, 60), "2.{minor}");
    }
}

#[test]
fn pcapng_of_several_sections_is_read() {
    let (records, ended) = read(&sections());
    assert!(ended.is_none(), "{ended:?}");
    assert_eq!(records, [expected_of_pcapng(), expected_of_pcapng()].concat());
}

#[test]
fn comments_are_given_as_they_are() {
    for file in [Order(true).pcapng(), Order(false).pcapng()] {
        let mut reader = Reader::open(Box::new(Cursor::new(file)), "it").expect("a header");
        assert_eq!(reader.comments().collect::<Vec<_>>(), [b"a \x1b comment"]);
        let mut of_packets = Vec::new();
        while let Ok(Next::Record(record)) = reader.next() {
            of_packets.extend(record.options.comments().map(<[u8]>::to_vec));
        }
        assert_eq!(of_packets, [b"a \x1b comment"]);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn compressed_files_are_read_in_all_their_parts() {
    for file in files() {
        let (expected, _) = read(&file);
        let (first, second) = file.split_at(file.len() / 2);
        let skippable = [[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0].as_slice(), b"xyz"].concat();
        let parts = [gzip(&file), zstd(&file), [gzip(first), gzip(second)].concat()];
        for packed in parts.into_iter().chain([[skippable, zstd(first), zstd(second)].concat()]) {
            let (records, ended) = read(&packed);
            assert_eq!((&records, ended.is_none()), (&expected, true));
            for length in 0..packed.len() {
                let (records, _) = read(&packed[..length]);
                assert!(records == expected[..records.len()], "cut at {length}");
            }
        }
    }
}

#[test]
fn a_zstd_frame_that_asks_for_much_memory_is_refused() {
    // A window of 2 GiB (RFC 8878, 3.1.1.1.2).
    let (_, ended) = read(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0]);
    assert!(ended.expect("an error").to_string().contains("cannot decompress"));
}
