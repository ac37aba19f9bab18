//! The writer: what it writes is read again, and what it refuses.

use std::fs::File;
use std::io::{Read, Seek};

use super::made::expected_of_pcapng;
use super::{Form, Got, Packet, Writer, packet, read};
use crate::error::Kind;

/// What [`Writer`] makes of these packets.
fn written(form: Form, packets: &[Got], comment: Option<&str>) -> Vec<u8> {
    let mut file = tempfile::tempfile().expect("a file");
    let mut writer = Writer::new(file.try_clone().expect("dup"), "it", form, 262_144, comment).expect("a writer");
    for got in packets {
        let interface = writer.interface(got.link, got.interface.as_deref()).expect("one link type");
        let flags = got.flags.unwrap_or(0);
        let (seconds, nanoseconds) = got.time;
        let packet =
            Packet { seconds, nanoseconds, interface, length: got.length, bytes: &got.bytes, flags, options: None };
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
