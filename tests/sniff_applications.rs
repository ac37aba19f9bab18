//! The decoders of applications against tcpdump: on the public captures, and on messages made here.
//!
//! Debian package: tcpdump.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::capture_file::{self, Packet};
use common::made;
use syskit::packet::{Application, Carried, Code, Detail, End, Layer, Line, Link, walk};

/// Packets of which this project says something else on purpose, with the reason.
const EXCEPTIONS: &[(&str, u32, &str)] = &[
    ("dns-zlip-3.pcap", 1, "a message that ends inside its header is malformed, in this project's words"),
    ("dns_fwdptr.pcap", 1, "questions that are not there: tcpdump prints a comma for each"),
    ("ip6-snmp-oid-unsigned.pcap", 1, "port 546 tells DHCPv6: tcpdump looks at port 161 of SNMP first"),
    ("rtp-seg-fault-1.pcapng", 1, "a message that ends inside its header is malformed, in this project's words"),
    ("tcp_rst_diag_payload.pcap", 1, "a payload is HTTP where it begins as such: tcpdump goes by the port alone"),
];

/// What goes by a UDP port.
fn by_port(port: u16) -> Option<Application> {
    match port {
        53 => Some(Application::Dns),
        5353 => Some(Application::MulticastDns),
        67 | 68 => Some(Application::Dhcp),
        546 | 547 => Some(Application::Dhcp6),
        123 => Some(Application::Ntp),
        _ => None,
    }
}

fn is_application(layer: &Layer) -> bool {
    matches!(layer, Layer::Dns(_) | Layer::Dhcp(_) | Layer::Dhcp6(_) | Layer::Ntp(_) | Layer::Http(_) | Layer::Tls(_))
}

/// What a UDP datagram carries, where that has a decoder.
fn in_datagram(datagram: Carried<'_>) -> Option<Carried<'_>> {
    let [s0, s1, d0, d1, l0, l1, _, _] = *datagram.bytes.first_chunk()?;
    let application = [[s0, s1], [d0, d1]].into_iter().find_map(|port| by_port(u16::from_be_bytes(port)))?;
    let length = usize::from(u16::from_be_bytes([l0, l1])).max(8);
    Some(datagram.declared(length.min(datagram.length)).after(8, Code::Application(application)))
}

/// The application's part of the line, and whether it is the rest of a TCP segment's; `None` where there is none.
fn application_line(frame: Carried) -> Option<(String, bool)> {
    let (mut line, mut found, mut stream) = (Line::of(Detail::Checked), false, false);
    let mut layers = walk(frame);
    for layer in layers.by_ref() {
        stream |= matches!(layer, Layer::Tcp(_));
        if is_application(&layer) {
            found = true;
            layer.line(&mut line);
        }
    }
    match layers.end() {
        End::Unknown(carried) if carried.code == Code::Ip(17) => {
            let mut inside = walk(in_datagram(carried)?);
            inside.by_ref().for_each(|layer| layer.line(&mut line));
            inside.end().line(&mut line);
            Some((line.into_string(), false))
        }
        End::Trouble(carried, _) if matches!(carried.code, Code::Application(_)) => {
            layers.end().line(&mut line);
            Some((line.into_string(), stream))
        }
        _ => found.then(|| (line.into_string(), stream)),
    }
}

/// tcpdump's line of each packet, by its number.
fn lines(file: &Path) -> BTreeMap<u32, String> {
    let output = Command::new("tcpdump").args(["-#", "-t", "-n", "-r"]).arg(file).env("TZ", "UTC").output();
    let text = String::from_utf8_lossy(&output.expect("tcpdump").stdout).into_owned();
    let line = |line: &str| {
        let (number, rest) = line.trim_start().split_once("  ")?;
        Some((number.parse().ok()?, rest.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// Whether tcpdump's line speaks of an application that there is a decoder for.
fn speaks_of_one(text: &str) -> bool {
    // Of a DNS query: the type and a question mark, behind the ports.
    let asks = text.split_once(": ").is_some_and(|(_, said)| {
        let question = said.split("? ").next().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        said.contains("? ") && !question.is_empty() && question.chars().all(|c| c.is_ascii_uppercase())
    });
    let words = [": HTTP: ", ": BOOTP/DHCP, ", ": dhcp6 ", ": NTPv", "[|domain]"];
    asks || text.ends_with(": HTTP") || words.iter().any(|words| text.contains(words))
}

fn same(text: &str, ours: &str, stream: bool) -> bool {
    match text.strip_suffix(ours) {
        // Behind the length of the segment, with nothing between them.
        Some(before) if stream => before.ends_with(|c: char| c.is_ascii_digit()) && before.contains(", length "),
        Some(before) => before.ends_with(": "),
        None => false,
    }
}

#[test]
fn every_application_reads_as_tcpdump_has_it() {
    let Some(folder) = capture_file::folder() else {
        return common::skip("the public captures are not there: set SYSKIT_CAPTURES to their folder");
    };
    if !common::have("tcpdump") {
        return common::skip("tcpdump is missing (Debian package tcpdump)");
    }
    let (mut agreed, mut wrong) = (0, Vec::new());
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder").flatten().map(|e| e.path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let mut packets = capture_file::read(&file);
        packets.truncate(packets.iter().take_while(|packet| has_decoder(packet)).count());
        let ours: Vec<_> = packets.iter().map(|packet| application_line(frame(packet))).collect();
        let theirs = lines(&file);
        for (number, ours) in (1..).zip(ours) {
            let Some(text) = theirs.get(&number) else { continue };
            let agrees = match &ours {
                // TLS has no words in tcpdump: nothing to compare. Older ones give up at a total length of 0.
                Some((line, true)) if line.starts_with(": TLS ") || text.starts_with("IP bad-len 0") => continue,
                Some((line, stream)) => same(text, line, *stream),
                None if speaks_of_one(text) => false,
                None => continue,
            };
            let excepted = EXCEPTIONS.iter().any(|(file, n, _)| *file == name && *n == number);
            match agrees {
                true if excepted => panic!("{name} packet {number} agrees: no exception any more"),
                true => agreed += 1,
                false if excepted => {}
                false => wrong.push((name.clone(), number, ours, text.clone())),
            }
        }
    }
    for (name, number, ours, theirs) in &wrong {
        eprintln!("{name} packet {number}\n  ours:   {ours:?}\n  theirs: {theirs:.300}");
    }
    assert!(wrong.is_empty(), "{} of {} differ", wrong.len(), agreed + wrong.len());
    assert!(agreed >= 90, "only {agreed} messages were compared");
    eprintln!("{agreed} messages of applications agree with tcpdump's text");
}

/// Whether its link type is looked into.
fn has_decoder(packet: &Packet) -> bool {
    let mut layers = walk(frame(packet));
    layers.by_ref().for_each(drop);
    !matches!(layers.end(), End::Unknown(carried) if matches!(carried.code, Code::Link(_)))
}

fn frame(packet: &Packet) -> Carried<'_> {
    Carried::frame(Link::of_linktype(packet.link), &packet.bytes, packet.length)
}

/// A message of DNS: a header, the question, and the record, where there is one.
fn dns(flags: u16, kind: u16, class: u16, record: &[u8]) -> Vec<u8> {
    let answers = u16::from(!record.is_empty());
    let header = [1, flags, 1, answers, 0, 0].map(u16::to_be_bytes).concat();
    [&header, &b"\x07example\x03com\0"[..], &[kind, class].map(u16::to_be_bytes).concat(), record].concat()
}

/// A record of the name that is asked for, with data of a few bytes.
fn record(kind: u16, class: u16) -> Vec<u8> {
    let data: &[u8] = match kind {
        1 => &[192, 0, 2, 1],
        28 => &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        2 | 5 | 12 | 39 => &[0xc0, 12],
        15 => &[0, 10, 0xc0, 12],
        33 => &[0, 1, 0, 2, 0x13, 0xc4, 0xc0, 12],
        16 => b"\x04some\x04text",
        6 => &[0xc0, 12, 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5],
        _ => &[0, 1, 2, 3],
    };
    let fixed = [0xc00c, kind, class, 0, 300, data.len() as u16].map(u16::to_be_bytes).concat();
    [&fixed, data].concat()
}

/// Every operation, response code, flag, type and class, in queries and responses.
fn made_messages() -> Vec<(u16, Vec<u8>)> {
    let mut messages: Vec<(u16, Vec<u8>)> = Vec::new();
    let flags = (0..16).map(|bit| 1 << bit).chain((0..16).map(|operation| operation << 11));
    let flags = flags.chain((0..16).map(|code| 0x8180 | code)).chain([0x8630, 0x8580, 0x0130, 0xffff, 0x7fff]);
    messages.extend(flags.map(|flags| (53, dns(flags, 1, 1, &[]))));
    // A6, OPT and URI have words of their own in tcpdump; TSIG is of a form that these are not.
    let kinds = (1..=257).filter(|kind| ![38, 41, 250, 256].contains(kind));
    for kind in kinds {
        messages.push((53, dns(0x0100, kind, 1, &[])));
        // Of SPF and UNSPECA it prints the type, or bytes as they are; here SPF reads as TXT.
        if ![99, 104].contains(&kind) {
            messages.push((53, dns(0x8180, kind, 1, &record(kind, 1))));
        }
    }
    for class in [0, 1, 2, 3, 4, 5, 254, 255, 256, 0x8001, 0x8003, 0x80ff, 0xffff] {
        for port in [53, 5353] {
            messages.push((port, dns(0, 12, class, &[])));
            messages.push((port, dns(0x8400, 1, 1, &record(1, class))));
        }
    }
    messages
}

#[test]
fn the_words_of_dns_are_tcpdumps() {
    if !common::have("tcpdump") {
        return common::skip("tcpdump is missing (Debian package tcpdump)");
    }
    let messages = made_messages();
    let packets: Vec<_> = messages.iter().map(|(port, message)| made::packet(17, 0, *port, message)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let theirs = lines(&made::capture(folder.path(), &packets));
    assert_eq!(theirs.len(), packets.len());
    let mut wrong = 0;
    for (packet, theirs) in packets.iter().zip(theirs.values()) {
        let (ours, _) = application_line(Carried::frame(Link::Ip, packet, packet.len())).expect("DNS");
        let theirs = theirs.split_once(": ").map_or("", |(_, said)| said);
        // Newer types have names here: tcpdump has numbers for them.
        let unnamed = theirs.split_once(" Type").is_some_and(|(before, _)| ours.starts_with(before));
        if ours != theirs && !unnamed {
            wrong += 1;
            eprintln!("  ours:   {ours}\n  theirs: {theirs}");
        }
    }
    assert_eq!(wrong, 0, "of {} messages", packets.len());
}
