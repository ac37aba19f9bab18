//! The decoders of the link, network and transport layers against tcpdump and tshark: on every packet of the public
//! captures, and on packets built here.
//!
//! Debian packages: tcpdump, tshark.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use common::capture_file::{self, captures, cases, frame, holds, numbered};
use common::live::has_program;
use common::packets::{self, Built};
use serde_json::Value;
use syskit::packet::checksum::Verdict;
use syskit::packet::{Detail, Document, End, Layer, Line, walk};

/// What tcpdump's text of a packet begins a protocol with, and the protocol's name here.
const MARKS: [(&str, &str); 10] = [
    ("ARP, ", "arp"),
    ("ICMP ", "icmp"),
    ("ICMP6, ", "icmp6"),
    (": igmp ", "igmp"),
    ("UDP, ", "udp"),
    ("GREv", "gre"),
    (": sctp", "sctp"),
    ("ESP(", "esp"),
    ("VXLAN, ", "vxlan"),
    ("Geneve, ", "geneve"),
];

/// Captures (as the installed tcpdump has them) and expected texts with packets of which this project says something
/// else on purpose, with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("LINKTYPE_IPV4_invalid.out", "raw IP is told by its version, whatever the link type says"),
    ("LINKTYPE_IPV6_invalid.out", "as above"),
    ("arp-oobr.pcap", "an unknown operation has its length here, too; there is a dump instead"),
    ("bigtcp-ipv6-geneve-ipv4.pcap", "4.99.3 knows no IPv6 packet beyond 64 KiB without a length"),
    ("bigtcp-ipv6-geneve-ipv6.pcap", "as above"),
    ("bigtcp-ipv6-vxlan-ipv6.pcap", "as above"),
    ("esp_truncated.out", "the port is that of Linux's VXLAN: what is over UDP port 4500 is not told apart"),
    ("gre-heapoverflow-2.pcap", "source routes of GRE (RFC 1701), given up with RFC 2784, are not followed"),
    ("hoobr_pimv1.pcap", "PIM of version 1 is not decoded"),
    ("hoobr_pimv1.out", "as above"),
    ("icmp-rfc8335.pcap", "4.99.3 knows no extended echoes"),
    ("icmp6-rfc8335.pcap", "as above"),
    ("icmp_ext_oob_poc.pcap", "as above"),
    ("icmpv6-length-zero.pcapng", "where IPv6 has no length, that of the frame is taken"),
    ("icmpv6-length-zero.out", "as above"),
    ("icmpv6-ni-flags.pcap", "node information queries (RFC 4620) are named, what is in them is not decoded"),
    ("icmpv6-ni-flags.out", "as above"),
    ("icmpv6_nodeinfo_queryipv4.pcap", "as above"),
    ("icmpv6_nodeinfo_queryipv6.pcap", "as above"),
    ("rpl-19-pickdag.pcap", "messages of RPL (RFC 6550) are named, what is in them is not decoded"),
    ("rpl-26-senddaoack.pcap", "as above"),
    ("rpl-dao-oobr.pcap", "as above"),
    ("vxlan_port_8472.pcap", "4.99.3 takes Linux's VXLAN for OTV"),
];

fn name(layer: &Layer) -> Option<&'static str> {
    Some(match layer {
        Layer::Arp(_) => "arp",
        Layer::Icmp(_) => "icmp",
        Layer::Icmp6(_) => "icmp6",
        Layer::Igmp(_) => "igmp",
        Layer::Udp(_) => "udp",
        Layer::Gre(_) => "gre",
        Layer::Sctp(_) => "sctp",
        Layer::Esp(_) => "esp",
        Layer::Vxlan(_) => "vxlan",
        Layer::Geneve(_) => "geneve",
        _ => return None,
    })
}

/// tcpdump's text of each packet, by its number.
fn tcpdump(file: &Path, options: &[&str]) -> BTreeMap<u32, String> {
    let run = Command::new("tcpdump")
        .env("TZ", "UTC")
        .args(["-#", "-n", "-t"])
        .args(options)
        .arg("-r")
        .arg(file)
        .stderr(Stdio::null())
        .output()
        .expect("tcpdump");
    numbered(&String::from_utf8_lossy(&run.stdout))
}

/// Whether tcpdump's text holds what this layer says: addresses and ports, and the words behind them (between them
/// tcpdump writes of extension headers and the like).
fn agrees(text: &str, layer: &Layer) -> bool {
    let mut line = Line::of(Detail::Usual);
    layer.line(&mut line);
    let line = line.as_str().trim_end_matches([':', ' ']);
    match (layer, line.split_once(": ")) {
        // Of what tcpdump decodes inside, it does not say that it is UDP.
        (Layer::Udp(_), Some((ends, _))) if !text.contains("UDP, ") => holds(text, ends),
        (_, Some((ends, words))) => text.contains(ends) && holds(text, words),
        (_, None) => holds(text, line),
    }
}

#[derive(Default)]
struct Tally {
    agreed: BTreeMap<&'static str, usize>,
    excepted: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn compare(&mut self, place: &str, number: u32, packet: &capture_file::Packet, text: &str) {
        let (mut names, mut differ) = (Vec::new(), Vec::new());
        let mut layers = walk(frame(packet));
        for layer in layers.by_ref() {
            let Some(name) = name(&layer) else { continue };
            names.push(name);
            if agrees(text, &layer) {
                *self.agreed.entry(name).or_default() += 1;
            } else {
                let mut line = Line::of(Detail::Usual);
                layer.line(&mut line);
                differ.push(line.into_string());
            }
        }
        // What a link or a protocol without decoder carries is not looked into.
        let marks = if matches!(layers.end(), End::Unknown(_)) { &[][..] } else { &MARKS };
        for (mark, name) in marks {
            if text.contains(mark) && !names.contains(name) {
                differ.push(format!("no {name}: {:?}", layers.end()));
            }
        }
        if differ.is_empty() {
            return;
        }
        if EXCEPTIONS.iter().any(|(name, _)| *name == place) {
            self.excepted.insert(place.to_owned());
        } else {
            let ours = differ.join("\n          ");
            self.wrong.push(format!("{place} packet {number}\n  ours:   {ours}\n  theirs: {text}"));
        }
    }

    /// Everything agrees but the exceptions of this kind of text, and each of those is one.
    fn judge(self, least: usize, kind: fn(&str) -> bool) -> String {
        let Tally { agreed, excepted, wrong } = self;
        assert!(wrong.is_empty(), "{}\n{} differ, these agree: {agreed:?}", wrong.join("\n"), wrong.len());
        for (name, _) in EXCEPTIONS.iter().filter(|(name, _)| kind(name)) {
            assert!(excepted.contains(*name), "{name} agrees: no exception any more");
        }
        assert!(agreed.values().sum::<usize>() >= least, "too few were compared: {agreed:?}");
        format!("headers that agree with tcpdump's text: {agreed:?}")
    }
}

#[test]
fn every_packet_of_the_captures_reads_as_the_installed_tcpdump_has_it() {
    let Some(folder) = captures() else { return };
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let mut tally = Tally::default();
    for entry in std::fs::read_dir(&folder).expect("the folder").flatten() {
        let file = entry.path();
        let place = entry.file_name().to_string_lossy().into_owned();
        if !file.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            continue;
        }
        let texts = tcpdump(&file, &[]);
        for (number, packet) in (1..).zip(capture_file::read(&file)) {
            if let Some(text) = texts.get(&number) {
                tally.compare(&place, number, &packet, text);
            }
        }
    }
    eprintln!("{}", tally.judge(2500, |name| !name.ends_with(".out")));
}

#[test]
fn every_packet_of_the_captures_reads_as_the_expected_text_has_it() {
    let Some(folder) = captures() else { return };
    let mut tally = Tally::default();
    for (capture, expected, options) in cases(&folder) {
        // Verbose text has other words in another order; -e, -q and -T change them too.
        if options.contains(['v', 'e', 'q', 'T']) || options.contains("--skip") {
            continue;
        }
        let Ok(text) = std::fs::read(folder.join(&expected)) else { continue };
        let texts = numbered(&String::from_utf8_lossy(&text));
        for (number, packet) in (1..).zip(capture_file::read(&folder.join(&capture))) {
            if let Some(text) = texts.get(&number) {
                tally.compare(&expected, number, &packet, text);
            }
        }
    }
    eprintln!("{}", tally.judge(300, |name| name.ends_with(".out")));
}

/// What tcpdump -vv says of a checksum: it is right, or wrong. Where the outer one of a tunnel is none, it is the
/// inner one's that it says.
fn verdict(text: &str) -> Option<bool> {
    if text.contains("[no cksum]") {
        None
    } else if text.contains("udp sum ok") || text.contains("icmp6 sum ok") {
        Some(true)
    } else if ["bad udp cksum", "bad icmp6 cksum", "wrong icmp cksum"].iter().any(|w| text.contains(w)) {
        Some(false)
    } else {
        None
    }
}

#[test]
fn checksums_are_judged_as_tcpdump_judges_them() {
    let Some(folder) = captures() else { return };
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let (mut right, mut wrong) = (0, 0);
    for entry in std::fs::read_dir(&folder).expect("the folder").flatten() {
        let file = entry.path();
        if !file.extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            continue;
        }
        let texts = tcpdump(&file, &["-vv"]);
        for (number, packet) in (1..).zip(capture_file::read(&file)) {
            let Some(theirs) = texts.get(&number).and_then(|text| verdict(text)) else { continue };
            let ours = walk(frame(&packet)).find_map(|layer| match layer {
                Layer::Udp(udp) => Some(udp.checksum_status()),
                Layer::Icmp(icmp) => Some(icmp.checksum_status()),
                Layer::Icmp6(icmp) => Some(icmp.checksum_status()),
                _ => None,
            });
            let agree = match ours {
                // In a protocol without decoder; tcpdump verifies as much as there is of a datagram that is cut.
                None | Some(Verdict::Unverified { why: "bad length" }) => continue,
                Some(Verdict::Correct) => theirs,
                // Left to offload: tcpdump calls it wrong.
                Some(Verdict::Incorrect { .. } | Verdict::Partial) => !theirs,
                Some(Verdict::Unverified { .. }) => false,
            };
            assert!(agree, "{} packet {number}: {ours:?}, tcpdump: {:?}", file.display(), texts.get(&number));
            *(if theirs { &mut right } else { &mut wrong }) += 1;
        }
    }
    assert!(right >= 50 && wrong >= 5, "{right} right and {wrong} wrong were compared");
    eprintln!("{right} right and {wrong} wrong checksums are judged as tcpdump judges them");
}

fn line(built: &Built) -> String {
    let mut out = Line::of(Detail::Usual);
    walk::line(built.frame(), &mut out);
    out.as_str().trim_end().to_owned()
}

#[test]
fn built_packets_read_word_by_word_as_tcpdump_has_them() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let built = packets::all();
    let mut wrong = Vec::new();
    for packet in &built {
        let file = folder.path().join("built.pcap");
        std::fs::write(&file, packets::pcap(packet)).expect("a file");
        let text = tcpdump(&file, &[]).remove(&1).expect("a packet");
        let theirs = text.trim_start().trim_start_matches('1').trim();
        // The frame inside VXLAN stands on a line of its own there; of other lines none is expected.
        let theirs = theirs.split('\n').collect::<Vec<_>>().join(": ").replace(":  ", ": ");
        let expected = packet.otherwise.map_or(theirs.as_str(), |(words, _)| words);
        if line(packet) != expected {
            wrong.push(format!("{}\n  ours:   {}\n  theirs: {theirs}", packet.name, line(packet)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{} built packets read word by word as tcpdump has them", built.len());
}

/// The first value of `key` anywhere in tshark's document.
fn find<'a>(document: &'a Value, key: &str) -> Option<&'a str> {
    match document {
        Value::Object(map) => match map.get(key) {
            Some(Value::String(text)) => Some(text),
            Some(Value::Array(all)) => all.first().and_then(Value::as_str),
            _ => map.values().find_map(|value| find(value, key)),
        },
        Value::Array(all) => all.iter().find_map(|value| find(value, key)),
        _ => None,
    }
}

/// A value as one form for both: numbers in decimal.
fn plain(text: &str) -> String {
    match text.strip_prefix("0x").map(|hex| u64::from_str_radix(hex, 16)) {
        Some(Ok(number)) => number.to_string(),
        _ => text.to_owned(),
    }
}

#[test]
fn the_named_fields_of_built_packets_are_those_of_tshark() {
    if !has_program("tshark", "tshark") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut compared = 0;
    for packet in packets::all().iter().filter(|packet| !packet.fields.is_empty()) {
        let file = folder.path().join("built.pcap");
        std::fs::write(&file, packets::pcap(packet)).expect("a file");
        let run = Command::new("tshark")
            .args(["-T", "json", "--no-duplicate-keys", "-n", "-r"])
            .arg(&file)
            .output()
            .expect("tshark");
        let theirs: Value = serde_json::from_slice(&run.stdout).expect("tshark's JSON");
        let mut document = Document::default();
        walk(packet.frame()).for_each(|layer| layer.document(&mut document));
        let ours = serde_json::to_value(&document).expect("JSON");
        for (pointer, key) in packet.fields {
            let value = match ours.pointer(pointer) {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => panic!("{}: no {pointer} in {ours}", packet.name),
            };
            let text = find(&theirs, key).unwrap_or_else(|| panic!("{}: no {key} in {theirs}", packet.name));
            assert_eq!(value, plain(text), "{}: {pointer} and {key}", packet.name);
            compared += 1;
        }
    }
    assert!(compared >= 60, "only {compared} fields were compared");
    eprintln!("{compared} fields agree with tshark's");
}
