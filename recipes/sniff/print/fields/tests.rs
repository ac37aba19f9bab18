//! Quick fields are what the object has; names are those of the schema.

use std::fs::File;

use super::*;
use crate::capture_file::{Next, Reader};
use crate::packet::{Link, text::written};
use crate::recipes::sniff::capture::{Direction, Recorded};

fn packet<'a>(linktype: u16, bytes: &'a [u8], length: usize) -> Captured<'a> {
    Captured {
        seconds: 1_700_000_000,
        nanoseconds: 123_456_789,
        direction: Direction::In,
        interface: 0,
        link: Link::of_linktype(linktype),
        bytes,
        length,
        offloaded: false,
        recorded: Some(Recorded { linktype, interface: Some("eth0") }),
    }
}

/// Quick and slow fields of every name, and of names that lead into tunnels and arrays.
fn every() -> (Vec<String>, Vec<String>) {
    let names: Vec<String> = list().expect("names").into_iter().map(|(name, _)| name).collect();
    let quick = quick::among(names.iter().cloned());
    let whole = names.into_iter().filter(|name| !name.contains('(')).collect();
    (quick, whole)
}

/// As `write` has it, every field by way of the whole object.
fn slowly(names: &[String], packet: &Captured) -> String {
    let object = serde_json::to_value(super::super::document(packet, Some("eth0"))).expect("JSON");
    let row: Vec<String> = names.iter().map(|name| written(|out| Path::of(name).write(&object, out))).collect();
    row.join("\t") + "\n"
}

fn compare(fields: &Fields, names: &[String], packet: &Captured) {
    let ours = written(|out| fields.write(packet, Some("eth0"), out));
    let theirs = slowly(names, packet);
    for ((name, ours), theirs) in names.iter().zip(ours.split('\t')).zip(theirs.split('\t')) {
        assert_eq!(ours, theirs, "{name} of {:02x?}", packet.bytes);
    }
    assert_eq!(ours, theirs);
    assert!(ours.bytes().all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~')), "{ours:?}");
}

#[test]
fn every_field_is_what_the_object_has() {
    let (quick, whole) = every();
    assert!(quick.len() >= 30 && whole.len() >= 200, "{} and {}", quick.len(), whole.len());
    // Those of the end make it decode everything: they are looked at apart.
    let shallow: Vec<String> = whole.iter().filter(|name| !name.starts_with("undecoded")).cloned().collect();
    let mut more = whole.clone();
    more.extend(["inner.ipv4.source", "inner.tcp.flags", "tcp.options.name", "tls.records.messages.alpn"].map(str::to_owned));
    let sets: Vec<(Fields, Vec<String>)> =
        [quick, shallow, more].map(|names| (Fields::of(&names.join(",")).expect("names"), names)).into();
    let Some(folder) = std::env::var_os("SYSKIT_CAPTURES") else { return };
    let mut packets = 0;
    for entry in std::fs::read_dir(folder).expect("the folder").flatten() {
        let path = entry.path();
        if !path.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            continue;
        }
        let file = File::open(&path).expect("a capture");
        let Ok(mut reader) = Reader::open(Box::new(file), path.display().to_string()) else { continue };
        while let Ok(Next::Record(record)) = reader.next() {
            packets += 1;
            for linktype in [record.link, 1, 101] {
                let packet = packet(linktype, record.bytes, record.length);
                sets.iter().for_each(|(fields, names)| compare(fields, names, &packet));
            }
        }
    }
    assert!(packets > 1000, "{packets} packets");
}

#[test]
fn a_wrong_name_tells_the_nearest() {
    for (wrong, right) in [
        ("ip.src", "ipv4.source"),
        ("tcp.srcport", "tcp.source_port"),
        ("tcp.dstport", "tcp.destination_port"),
        ("ipv4.soruce", "ipv4.source"),
        ("dns.questions.0.nam", "dns.questions.0.name"),
        ("ipv5.ttl", "ipv4.ttl"),
        ("inner.ipv4.sorce", "inner.ipv4.source"),
    ] {
        let error = Fields::of(&format!("time,{wrong}")).unwrap_err().to_string();
        assert!(error.contains(&format!("no field '{wrong}' (did you mean '{right}'?)")), "{error}");
    }
    for nothing in ["", "time,", "tcp..flags", "\u{1b}[31m", "0", "tcp.0", "time.0", "schemas.x.y.z.w"] {
        let error = Fields::of(nothing).unwrap_err().to_string();
        assert!(error.contains("no field '") && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn any_part_of_the_object_can_be_named() {
    for name in ["tcp.options.0.kind", "tcp.options.kind", "inner.inner.tcp.flags", "icmp.quoted.ipv4.ttl", "tcp"] {
        Fields::of(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
