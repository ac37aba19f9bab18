//! Every decoder against tshark, field by field, on captures of random valid packets (a fixed seed).
//!
//! Debian package: tshark.

#[path = "../common/mod.rs"]
mod common;

mod applications;
mod links;
mod network;
mod transports;

use std::collections::BTreeMap;
use std::process::Command;

use common::live::has_program;
use fastrand::Rng;
use serde_json::Value;
use syskit::packet::{Carried, Document, Link, walk};

/// Our field, as a JSON pointer in which `*` stands for every element of a list, and tshark's name of it.
type Field = (&'static str, &'static str);

/// A kind of packet.
struct Case {
    /// The protocols that it is about, as our JSON has them.
    protocols: &'static [&'static str],
    /// Link type as in capture files.
    link: u16,
    /// Makes one, of random values.
    make: fn(&mut Rng) -> Vec<u8>,
    /// What is compared.
    fields: &'static [Field],
}

/// Packets of each kind.
const EACH: usize = 25;

/// Protocols of which fewer than five fields are compared, and why.
const FEW: &[(&str, &str)] = &[
    ("loopback", "its header is one number"),
    ("ipip", "it has no header of its own"),
    ("vxlan", "its header has flags and the network's number"),
    ("esp", "what is not encrypted is the index and the sequence number"),
    ("gre", "its header has three numbers and the flags that tell which of them are there"),
    ("geneve", "its header has the network's number, a protocol and two flags"),
    (
        "llc",
        "SNAP's header has two service access points, control, organization and protocol: tshark has names for some",
    ),
];

fn cases() -> Vec<Case> {
    [links::cases(), network::cases(), transports::cases(), applications::cases()].into_iter().flatten().collect()
}

/// A capture file of packets of one link.
fn capture(link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, link.into()].map(u32::to_be_bytes).concat();
    for packet in packets {
        let length = packet.len() as u32;
        file.extend([0, 0, length, length].map(u32::to_be_bytes).concat());
        file.extend(packet);
    }
    file
}

/// tshark's document of each packet.
fn tshark(link: u16, packets: &[Vec<u8>]) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("generated.pcap");
    std::fs::write(&file, capture(link, packets)).expect("a file");
    let run = Command::new("tshark")
        .args(["-T", "json", "--no-duplicate-keys", "-n", "-o", "tcp.relative_sequence_numbers:FALSE", "-r"])
        .arg(&file)
        .output();
    let run = run.expect("tshark");
    let documents = serde_json::from_slice(&run.stdout).expect("tshark's JSON");
    let Value::Array(documents) = documents else { panic!("no list") };
    assert_eq!(documents.len(), packets.len());
    documents
}

fn ours(link: u16, packet: &[u8]) -> Value {
    let mut document = Document::default();
    let frame = Carried::frame(Link::of_linktype(link), packet, packet.len());
    walk(frame).for_each(|layer| layer.document(&mut document));
    serde_json::to_value(&document).expect("JSON")
}

/// The values at `pointer`.
fn at(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let (key, rest) = match pointer.strip_prefix('/') {
        Some(path) => path.find('/').map_or((path, ""), |end| path.split_at(end)),
        None => return found.extend(plain(value)),
    };
    match (value, key) {
        (Value::Array(all), "*") => all.iter().for_each(|one| at(one, rest, found)),
        (Value::Array(all), index) => {
            all.get(index.parse::<usize>().expect("an index")).into_iter().for_each(|one| at(one, rest, found));
        }
        (Value::Object(map), key) => map.get(key).into_iter().for_each(|one| at(one, rest, found)),
        _ => {}
    }
}

/// Every value of `key` anywhere in tshark's document, in its order.
fn all_of(document: &Value, key: &str, found: &mut Vec<String>) {
    match document {
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::Array(all) if name == key => all.iter().for_each(|one| found.extend(plain(one))),
                    Value::String(_) if name == key => found.extend(plain(value)),
                    _ => all_of(value, key, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|one| all_of(one, key, found)),
        _ => {}
    }
}

/// A value as one form for both: numbers in decimal, truth as 1 and 0, versions of TLS by their numbers, names without
/// the root's dot, bytes without colons.
fn plain(value: &Value) -> Option<String> {
    let text = match value {
        Value::Bool(truth) => return Some(u8::from(*truth).to_string()),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let number = text.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    Some(match (number, text.as_str()) {
        (Some(number), _) => number.to_string(),
        (_, "True") => "1".to_owned(),
        (_, "False") => "0".to_owned(),
        (_, "1.0") => 0x0301.to_string(),
        (_, "1.1") => 0x0302.to_string(),
        (_, "1.2") => 0x0303.to_string(),
        (_, "1.3") => 0x0304.to_string(),
        (_, "<Root>") => String::new(),
        (_, bytes) if bytes.len() % 3 == 2 && bytes.bytes().skip(2).step_by(3).all(|b| b == b':') => {
            bytes.replace(':', "")
        }
        (_, name) => name.strip_suffix('.').unwrap_or(name).to_owned(),
    })
}

fn compare(
    case: &Case,
    packet: &[u8],
    theirs: &Value,
    compared: &mut BTreeMap<&str, usize>,
    wrong: &mut Vec<String>,
) {
    let document = ours(case.link, packet);
    for protocol in case.protocols {
        let there = document.get(protocol).or_else(|| document.pointer(&format!("/inner/{protocol}")));
        assert!(there.is_some(), "no {protocol} in {document}");
    }
    for (pointer, key) in case.fields {
        let (mut here, mut there) = (Vec::new(), Vec::new());
        at(&document, pointer, &mut here);
        all_of(theirs, key, &mut there);
        if pointer.contains('*') {
            // The order of lists is lost in tshark's objects.
            here.sort();
            there.sort();
        } else {
            // It may be there again, inside a tunnel.
            there.truncate(1);
        }
        let number = |text: &String| text.parse::<i32>().expect("a number");
        match *key {
            // Bytes here, units of eight there.
            "ip.frag_offset" => here.iter_mut().for_each(|bytes| *bytes = (number(bytes) / 8).to_string()),
            // Without its sign there.
            "ntp.precision" => here.iter_mut().for_each(|power| *power = (number(power) & 0xff).to_string()),
            _ => {}
        }
        if here == there {
            *compared.entry(key).or_default() += here.len();
        } else {
            wrong.push(format!("{pointer} is {here:?}, {key} is {there:?}"));
        }
    }
}

#[test]
fn random_packets_of_every_protocol_have_the_fields_that_tshark_says() {
    if !has_program("tshark", "tshark") {
        return;
    }
    let (cases, mut random) = (cases(), Rng::with_seed(2026));
    let (mut compared, mut wrong) = (BTreeMap::new(), Vec::new());
    let mut links: Vec<u16> = cases.iter().map(|case| case.link).collect();
    links.sort_unstable();
    links.dedup();
    for link in links {
        let made: Vec<(&Case, Vec<u8>)> = cases
            .iter()
            .filter(|case| case.link == link)
            .flat_map(|case| std::iter::repeat_n(case, EACH))
            .map(|case| (case, (case.make)(&mut random)))
            .collect();
        let packets: Vec<Vec<u8>> = made.iter().map(|(_, packet)| packet.clone()).collect();
        for ((case, packet), theirs) in made.iter().zip(tshark(link, &packets)) {
            compare(case, packet, &theirs, &mut compared, &mut wrong);
        }
    }
    wrong.sort();
    wrong.dedup_by_key(|text| text.split(" is ").next().map(str::to_owned));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (_, key) in cases.iter().flat_map(|case| case.fields) {
        assert!(compared.get(key).is_some_and(|n| *n > 0), "{key} was never there");
    }
    let values: usize = compared.values().sum();
    eprintln!("{} fields of {} kinds of packets, {values} values, agree with tshark's", compared.len(), cases.len());
}

#[test]
fn every_protocol_has_its_fields_compared() {
    let schema = serde_json::to_value(schemars::schema_for!(Document)).expect("JSON");
    let names = schema["properties"].as_object().expect("properties").keys().filter(|name| *name != "inner");
    for name in names {
        let fields =
            cases().iter().filter(|case| case.protocols.contains(&name.as_str())).map(|case| case.fields.len()).sum();
        let few = FEW.iter().find(|(protocol, _)| protocol == name);
        let least = if few.is_some() { 1 } else { 5 };
        assert!((least..).contains::<usize>(&fields), "{name}: {fields} fields");
    }
}
