//! The decoders against the public captures of the tcpdump project and the text expected of them.

mod common;

use std::collections::HashMap;

use common::capture_file::{self, captures, cases, frame, numbered};
use syskit::packet::checksum::Verdict;
use syskit::packet::tcp::{Flags, Tcp};
use syskit::packet::{Carried, Code, Detail, Document, End, Layer, Line, Link, walk};

/// Cases in which this project prints something else on purpose, with the reason.
const EXCEPTIONS: &[(&str, u32, &str)] = &[
    ("accecn_handshake.out", 2, "the counters of the accurate ECN option are printed"),
    ("accecn_handshake.out", 3, "the counters of the accurate ECN option are printed"),
    ("bigtcp-ipv6-hbh.out", 1, "ports stand beside the addresses behind extension headers too"),
    ("geneve-gcp.out", 1, "an acknowledgement number that does not count is not printed"),
    ("heapoverflow-tcp_print.out", 1, "nothing is printed of an option that was cut"),
];

/// tcpdump's relative sequence numbers: per conversation, from the first segment with ACK on, or a new SYN.
#[derive(Default)]
struct Relative(HashMap<[String; 2], (u32, u32)>);

impl Relative {
    /// What to take off sequence and acknowledgement numbers of this segment.
    fn base(&mut self, tcp: &Tcp) -> (u32, u32) {
        if !tcp.flags().has(Flags::ACK) {
            return (0, 0);
        }
        let addresses = tcp.addresses().expect("inside IP");
        let from = format!("{} {}", addresses.source(), tcp.source_port());
        let to = format!("{} {}", addresses.destination(), tcp.destination_port());
        let forward = [from.clone(), to.clone()];
        let backward = [to, from];
        let (key, swapped) = if self.0.contains_key(&backward) { (backward, true) } else { (forward, false) };
        match self.0.get(&key) {
            Some(&(here, there)) if !tcp.flags().has(Flags::SYN) => {
                if swapped {
                    (there, here)
                } else {
                    (here, there)
                }
            }
            _ => {
                let bases = (tcp.sequence(), tcp.acknowledgement().wrapping_sub(1));
                self.0.insert(key, if swapped { (bases.1, bases.0) } else { bases });
                (0, 0)
            }
        }
    }
}

/// The line that tcpdump's text must hold for this segment, up to its length.
fn line(tcp: &Tcp, base: (u32, u32), verbose: u8) -> String {
    let mut full = Line::of(Detail::Checked);
    syskit::packet::Protocol::line(tcp, &mut full);
    let mut parts: Vec<String> = full.as_str().split(", ").map(str::to_owned).collect();
    for part in &mut parts {
        if let Some(numbers) = part.strip_prefix("seq ") {
            let relative = |n: &str| n.parse::<u32>().expect("a number").wrapping_sub(base.0).to_string();
            *part = format!("seq {}", numbers.split(':').map(relative).collect::<Vec<_>>().join(":"));
        } else if let Some(number) = part.strip_prefix("ack ") {
            *part = format!("ack {}", number.parse::<u32>().expect("a number").wrapping_sub(base.1));
        }
    }
    // Without -v no checksum is printed, and never one that cannot be verified.
    if verbose == 0 || matches!(tcp.checksum_status(), Verdict::Unverified { .. }) {
        parts.retain(|p| !p.starts_with("cksum"));
    }
    // With -vv the sequence number is printed where it does not count, too.
    if verbose > 1 && !parts.iter().any(|p| p.starts_with("seq")) {
        let at = 1 + parts.iter().position(|p| p.starts_with("cksum")).unwrap_or(0);
        parts.insert(at, format!("seq {}", tcp.sequence().wrapping_sub(base.0)));
    }
    parts.join(", ")
}

fn same(text: &str, line: &str) -> bool {
    // "partial" is this project's own word: tcpdump calls it incorrect.
    match line.split_once("(partial: left to offload)") {
        Some((before, after)) => text.split_once(before).is_some_and(|(_, rest)| {
            rest.starts_with("(incorrect -> 0x")
                && rest.split_once(')').is_some_and(|(_, rest)| rest.starts_with(after))
        }),
        // A number that goes on is another number.
        None => capture_file::holds(text, line),
    }
}

#[test]
fn every_tcp_segment_reads_as_tcpdump_has_it() {
    let Some(folder) = captures() else { return };
    let (mut agreed, mut wrong) = (0, Vec::new());
    for (capture, expected, options) in cases(&folder) {
        let file = folder.join(&capture);
        let Ok(text) = std::fs::read(folder.join(&expected)) else { continue };
        let texts = numbered(&String::from_utf8_lossy(&text));
        let skipped = ["--skip", "-T", "-q"].iter().any(|form| options.contains(form));
        let mut relative = Relative::default();
        for (number, packet) in (1..).zip(capture_file::read(&file)) {
            let mut layers = walk(frame(&packet));
            let mut over_udp = false;
            let tcp = layers.by_ref().find_map(|layer| match layer {
                Layer::Tcp(tcp) => Some(tcp),
                Layer::Udp(_) => {
                    over_udp = true;
                    None
                }
                _ => None,
            });
            let Some(text) = texts.get(&number).filter(|_| !skipped) else { continue };
            let excepted = EXCEPTIONS.iter().any(|(name, n, _)| *name == expected && *n == number);
            match (tcp, text.contains(": Flags [")) {
                (Some(tcp), true) => {
                    let verbose = options.matches('v').count() as u8;
                    let line = line(&tcp, relative.base(&tcp), verbose);
                    match same(text, &line) {
                        true if excepted => panic!("{expected} packet {number} agrees: no exception any more"),
                        true => agreed += 1,
                        false if excepted => {}
                        false => wrong.push((expected.clone(), number, line, text.clone())),
                    }
                }
                (Some(_), false) => wrong.push((expected.clone(), number, "TCP".to_owned(), text.clone())),
                (None, true) if !over_udp && tcp_is_expected(&layers.end()) => {
                    wrong.push((expected.clone(), number, format!("{:?}", layers.end()), text.clone()));
                }
                (None, _) => {}
            }
        }
    }
    for (name, number, ours, theirs) in &wrong {
        eprintln!("{name} packet {number}\n  ours:   {ours}\n  theirs: {theirs}");
    }
    assert!(wrong.is_empty(), "{} of {} differ", wrong.len(), agreed + wrong.len());
    assert!(agreed >= 70, "only {agreed} segments were compared");
    eprintln!("{agreed} TCP segments agree with tcpdump's text");
}

/// What another protocol carries (a tunnel) or another link type is not looked into.
fn tcp_is_expected(end: &End) -> bool {
    !matches!(end, End::Unknown(carried) if carried.code != Code::Ip(6))
}

#[test]
fn every_capture_decodes_without_panic() {
    let Some(folder) = captures() else { return };
    let (mut files, mut packets, mut layers) = (0, 0, 0);
    for entry in std::fs::read_dir(&folder).expect("the folder").flatten() {
        if !entry.path().extension().is_some_and(|e| e == "pcap" || e == "pcapng") {
            continue;
        }
        files += 1;
        for packet in capture_file::read(&entry.path()) {
            packets += 1;
            // Whatever the file says it is, every decoder is tried on it.
            for link in [Link::of_linktype(packet.link), Link::Ethernet, Link::Ip] {
                layers += exercise(Carried::frame(link, &packet.bytes, packet.length));
            }
        }
    }
    assert!(files >= 150 && packets > 1000 && layers > packets, "{files} files, {packets} packets, {layers} layers");
    eprintln!("{packets} packets of {files} captures decoded");
}

fn exercise(frame: Carried) -> usize {
    let (mut text, mut document, mut count) = (Line::of(Detail::Checked), Document::default(), 0);
    let mut layers = walk(frame);
    for layer in layers.by_ref() {
        layer.line(&mut text);
        layer.block(&mut text);
        layer.document(&mut document);
        count += 1;
    }
    layers.end().line(&mut text);
    serde_json::to_string(&document).expect("JSON");
    assert!(text.as_bytes().iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)), "{text:?}");
    count
}
