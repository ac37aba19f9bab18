//! Files made here, of every kind of record and byte order; what breaks them is tried at every byte.

use std::fs::File;
use std::io::{Cursor, Read, Seek, Write};

use super::*;
use crate::error::{Error, Kind};

/// A record, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Got {
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

/// Writes numbers in one byte order.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| if self.0 { w.to_be_bytes() } else { w.to_le_bytes() }).collect()
    }

    fn half(self, n: u16) -> [u8; 2] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    fn pcap(self, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
        let halves = if self.0 { 2 << 16 | 4 } else { 2 | 4 << 16 };
        let mut file = self.words(&[magic, halves, 0, 0, snaplen, link]);
        for (second, fraction, length, bytes) in [(5, 6, 60, b"abcde".as_slice()), (0xffff_ffff, 999_999, 3, b"xyz")]
        {
            file.extend(self.words(&[second, fraction, bytes.len() as u32, length]));
            file.extend(bytes);
        }
        file
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (12 + body.len().next_multiple_of(4)) as u32;
        let mut block = self.words(&[kind, length]);
        block.extend(body);
        block.resize(length as usize - 4, 0);
        block.extend(self.words(&[length]));
        block
    }

    fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [self.half(code), self.half(value.len() as u16)].concat();
        option.extend(value);
        option.resize(4 + value.len().next_multiple_of(4), 0);
        option
    }

    fn section(self, options: &[u8]) -> Vec<u8> {
        let mut body = self.words(&[0x1a2b_3c4d]);
        body.extend([self.half(1), self.half(0)].concat());
        body.extend([0xff; 8]);
        body.extend(options);
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = [self.half(link), self.half(0)].concat();
        body.extend(self.words(&[snaplen]));
        body.extend(options);
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, time: u64, length: u32, bytes: &[u8], options: &[u8]) -> Vec<u8> {
        let mut body = self.words(&[interface, (time >> 32) as u32, time as u32, bytes.len() as u32, length]);
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }

    /// A section with every kind of block, interface and time.
    fn pcapng(self) -> Vec<u8> {
        let comment = self.option(1, b"a \x1b comment");
        let offset = if self.0 { 10_i64.to_be_bytes() } else { 10_i64.to_le_bytes() };
        let nano = [self.option(2, b"eth0"), self.option(9, &[9]), self.option(14, &offset)].concat();
        let two = [self.option(9, &[0x80 | 10]), self.option(0, b""), self.option(2, b"behind the end")].concat();
        let flags = self.words(&[flags::OUTBOUND]);
        let mut obsolete = [self.half(1), self.half(0xffff)].concat();
        obsolete.extend(self.words(&[0, 1536, 3, 3]));
        obsolete.extend(b"old");
        [
            self.section(&comment),
            self.interface(1, 4, &[]),
            self.block(0x0bad_0bad, &[7; 40]),
            self.interface(101, 0, &nano),
            self.interface(113, 0, &two),
            self.enhanced(0, 1_000_002, 60, b"abcde", &[]),
            self.enhanced(1, 3_000_000_004, 4, b"four", &[comment.clone(), self.option(2, &flags)].concat()),
            self.block(2, &[[self.half(2), self.half(0)].concat(), obsolete[4..].to_vec()].concat()),
            self.block(3, &[self.words(&[9]), b"simp".to_vec()].concat()),
            self.block(5, &[1; 24]),
        ]
        .concat()
    }
}

fn expected_of_pcapng() -> Vec<Got> {
    let named = |got: Got| Got { link: 101, interface: Some("eth0".to_owned()), flags: Some(flags::OUTBOUND), ..got };
    vec![
        packet((1, 2000), 60, b"abcde"),
        named(packet((13, 4), 4, b"four")),
        Got { link: 113, ..packet((1, 500_000_000), 3, b"old") },
        packet((0, 0), 9, b"simp"),
    ]
}

/// Two sections in different byte orders.
fn sections() -> Vec<u8> {
    [Order(false).pcapng(), Order(true).pcapng()].concat()
}

/// Every kind of file, small.
fn files() -> Vec<Vec<u8>> {
    let pcap = |big| Order(big).pcap(0xa1b2_c3d4, 65535, 1);
    vec![pcap(false), pcap(true), Order(true).pcap(0xa1b2_3c4d, 65535, 1), sections()]
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

/// What [`Writer`] makes of these packets.
fn written(form: Form, packets: &[Got], comment: Option<&str>) -> Vec<u8> {
    let mut file = tempfile::tempfile().expect("a file");
    let mut writer = Writer::new(file.try_clone().expect("dup"), "it", form, 262_144, comment).expect("a writer");
    for got in packets {
        let interface = writer.interface(got.link, got.interface.as_deref()).expect("one link type");
        let flags = got.flags.unwrap_or(0);
        let (seconds, nanoseconds) = got.time;
        let packet = Packet { seconds, nanoseconds, interface, length: got.length, bytes: &got.bytes, flags };
        writer.write(&packet).expect("room");
    }
    writer.flush().expect("room");
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("readable");
    bytes
}

#[test]
fn what_is_written_is_read_again() {
    let packets = expected_of_pcapng();
    let (again, ended) = read(&written(Form::Pcapng, &packets, Some("it is \u{fc}")));
    assert_eq!((again.as_slice(), ended.is_none()), (packets.as_slice(), true));
    let plain: Vec<Got> =
        packets.iter().map(|p| Got { link: 1, interface: None, flags: None, ..p.clone() }).collect();
    let pcap = written(Form::Pcap, &plain, None);
    let pcapng = written(Form::Pcapng, &read(&pcap).0, None);
    assert_eq!(read(&pcapng).0, plain);
    assert_eq!(written(Form::Pcap, &read(&pcapng).0, None), pcap, "pcap, pcapng and pcap again");
    let coarse = plain.iter().map(|p| Got { time: (p.time.0, p.time.1 / 1000 * 1000), ..p.clone() });
    assert_eq!(read(&written(Form::PcapMicroseconds, &plain, None)).0, coarse.collect::<Vec<_>>());
}

#[test]
fn a_time_that_a_format_cannot_hold_becomes_the_nearest() {
    for (form, seconds, expected) in [
        (Form::Pcap, -1, 0),
        (Form::Pcap, 1 << 33, u32::MAX.into()),
        (Form::Pcapng, i64::MIN, 0),
        (Form::Pcapng, 1 << 33, 1 << 33),
    ] {
        let (records, _) = read(&written(form, &[packet((seconds, 0), 3, b"abc")], None));
        assert_eq!(records[0].time.0, expected, "{form:?} {seconds}");
    }
}

#[test]
fn pcap_refuses_a_second_link_type_and_a_comment() {
    let null = || File::options().write(true).open("/dev/null").expect("it");
    let mut writer = Writer::new(null(), "it", Form::Pcap, 100, None).expect("a writer");
    assert_eq!((writer.interface(1, None).ok(), writer.interface(1, Some("lo")).ok()), (Some(0), Some(0)));
    let error = writer.interface(101, None).expect_err("another link type").to_string();
    assert!(error.contains("link type 101") && error.contains("pcapng"), "{error}");
    assert!(Writer::new(null(), "it", Form::Pcap, 100, Some("x")).is_err_and(|e| e.kind == Kind::Usage));
    let long = "x".repeat(65536);
    assert!(Writer::new(null(), "it", Form::Pcapng, 100, Some(&long)).is_err_and(|e| e.kind == Kind::Usage));
}

#[test]
fn a_full_device_is_an_error_and_nothing_is_written_after_it() {
    let full = File::options().write(true).open("/dev/full").expect("it");
    let mut writer = Writer::new(full, "it", Form::Pcap, 100, None).expect("a writer");
    let error = writer.interface(1, None).and_then(|_| writer.flush()).expect_err("full").to_string();
    assert!(error.contains("cannot write the capture to it: write: no space left on device (ENOSPC)"), "{error}");
    assert!(writer.flush().is_ok());
}
