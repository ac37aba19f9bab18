//! `syskit sniff --follow` and `--reassemble` against tshark: streams byte by byte, packets that came in fragments.
//!
//! Debian package: tshark.

mod common;

use std::path::Path;
use std::process::Command;

use common::capture_file;
use common::live::{Server, can_capture, has_program, listening};
use common::offline::{done, ran, text, tool};
use serde_json::Value;
use syskit::packet::{Layer, walk};

/// Pieces of a stream: whether the server sent it, and what.
type Said = Vec<(bool, Vec<u8>)>;

/// A pcap file of raw IP packets, a millisecond apart.
fn capture(path: &Path, packets: &[Vec<u8>]) {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65535, 101]);
    for (n, packet) in (0_u32..).zip(packets) {
        let length = packet.len() as u32;
        file.extend(words(&[1_700_000_000 + n / 1000, n % 1000 * 1000, length, length]));
        file.extend(packet);
    }
    std::fs::write(path, file).expect("room");
}

const SYN: u8 = 2;
const ACK: u8 = 16;

/// A segment between 10.0.0.1:1000 and 10.0.0.2:80, `back` or forth.
fn segment(back: bool, flags: u8, sequence: u32, acknowledged: u32, data: &[u8]) -> Vec<u8> {
    let mut tcp = vec![3, 232, 0, 80];
    if back {
        tcp.rotate_left(2);
    }
    tcp.extend(sequence.to_be_bytes());
    tcp.extend(acknowledged.to_be_bytes());
    tcp.extend([0x50, flags, 255, 255, 0, 0, 0, 0]);
    tcp.extend(data);
    let (a, b) = if back { (2, 1) } else { (1, 2) };
    ip(6, [a, b], 1, 0, &tcp)
}

fn ip(protocol: u8, ends: [u8; 2], id: u16, place: u16, data: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, ends[0], 10, 0, 0, ends[1]];
    packet[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
    packet[4..6].copy_from_slice(&id.to_be_bytes());
    packet[6..8].copy_from_slice(&place.to_be_bytes());
    packet.extend(data);
    packet
}

/// What `--follow --json` says, pieces of one side that follow each other joined; and whether something was missing.
fn ours(file: &Path, connection: &str) -> (Said, bool) {
    let output = common::run(&["sniff", "-r", text(file), "--follow", connection, "--json"]);
    let (mut said, mut gap): (Said, bool) = (Vec::new(), false);
    for line in common::out(&output).lines() {
        let piece: Value = serde_json::from_str(line).expect("JSON");
        match piece["payload_hex"].as_str() {
            Some(text) => join(&mut said, piece["from"] == "server", hex::decode(text).expect("hexadecimal")),
            None => gap |= piece["length"].as_u64().expect("a length") > 0,
        }
    }
    (said, gap)
}

fn join(said: &mut Said, server: bool, bytes: Vec<u8>) {
    match said.last_mut() {
        Some((side, before)) if *side == server => before.extend(bytes),
        _ => said.push((server, bytes)),
    }
}

/// What tshark says of the first `count` connections.
fn theirs(file: &Path, protocol: &str, count: usize) -> Vec<Said> {
    let flags: Vec<String> =
        (0..count).flat_map(|n| ["-z".to_owned(), format!("follow,{protocol},raw,{n}")]).collect();
    let output = Command::new("tshark").args(["-n", "-q", "-r", text(file)]).args(&flags).output().expect("tshark");
    let words = common::out(&output);
    let mut all: Vec<Said> = Vec::new();
    let mut number = 0;
    let mut open = false;
    for line in words.lines() {
        if let Some(filter) = line.strip_prefix("Filter: ") {
            number = filter.rsplit(' ').next().expect("a number").parse().expect("a number");
            all.resize(all.len().max(number + 1), Vec::new());
        } else if line.starts_with("Node 1:") {
            open = true;
        } else if line.starts_with("===") {
            open = false;
        } else if open {
            let bytes = hex::decode(line.trim()).expect("hexadecimal");
            // It puts these words among the data, with the NUL behind them.
            if !bytes.ends_with(b" bytes missing in capture file]\0") {
                join(&mut all[number], line.starts_with('\t'), bytes);
            }
        }
    }
    all
}

fn side(said: &Said, server: bool) -> Vec<u8> {
    said.iter().filter(|(side, _)| *side == server).flat_map(|(_, bytes)| bytes.clone()).collect()
}

/// That both say the same; what waits for lost bytes at the end of a file is told here, and left out there.
fn differences(file: &Path, protocol: &str, count: usize) -> Vec<String> {
    let theirs = theirs(file, protocol, count);
    assert_eq!(theirs.len(), count, "{}", file.display());
    let mut wrong = Vec::new();
    for (n, theirs) in theirs.iter().enumerate() {
        let name = format!("{protocol}:{n}");
        let output = common::run(&["sniff", "-r", text(file), "--follow", &name, "--raw", "both"]);
        if !output.status.success() {
            wrong.push(format!("{} {name}: {}", file.display(), common::err(&output)));
            continue;
        }
        let (ours, gap) = ours(file, &name);
        if ours == *theirs {
            continue;
        }
        for server in [false, true] {
            let (ours, theirs) = (side(&ours, server), side(theirs, server));
            if ours != theirs && !(gap && ours.starts_with(&theirs)) {
                let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
                let (ours, theirs) = (ours.len(), theirs.len());
                wrong.push(format!("{} {name} {server}: {ours} and {theirs} bytes, {same} the same", file.display()));
            }
        }
    }
    wrong
}

fn agree(file: &Path, protocol: &str, count: usize) {
    let wrong = differences(file, protocol, count);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A conversation whose segments are swapped, lost, sent again, cut otherwise; numbers wrap on the way.
fn rough(seed: u64, lossy: bool) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let first = [u32::MAX - random.u32(..20_000), random.u32(..)];
    let data: [Vec<u8>; 2] = [0, 1].map(|_| std::iter::repeat_with(|| random.u8(..)).take(30_000).collect());
    let mut packets = vec![segment(false, SYN, first[0], 0, b"")];
    packets.push(segment(true, SYN | ACK, first[1], first[0].wrapping_add(1), b""));
    let mut at = [0_usize; 2];
    let mut later: Vec<(usize, Vec<u8>)> = Vec::new();
    while at != [30_000; 2] {
        let way = random.usize(..2);
        let end = data[way].len().min(at[way] + random.usize(1..1400));
        let from = if random.u8(..) < 60 { at[way].saturating_sub(random.usize(..500)) } else { at[way] };
        let sequence = |way: usize, at: usize| first[way].wrapping_add(1 + at as u32);
        // Of what is on its way nothing is acknowledged, so that only a loss is a gap.
        let acknowledged = if lossy { sequence(1 - way, at[1 - way]) } else { first[1 - way].wrapping_add(1) };
        let packet = segment(way == 1, ACK, sequence(way, from), acknowledged, &data[way][from..end]);
        at[way] = end;
        match random.u8(..) {
            0..40 => later.push((packets.len() + random.usize(1..6), packet)),
            40..50 if lossy => {}
            50..70 => packets.extend([packet.clone(), packet]),
            _ => packets.push(packet),
        }
        let (ready, rest) = later.into_iter().partition(|(when, _)| *when <= packets.len());
        later = rest;
        let ready: Vec<(usize, Vec<u8>)> = ready;
        packets.extend(ready.into_iter().map(|(_, packet)| packet));
    }
    packets.extend(later.into_iter().map(|(_, packet)| packet));
    packets
}

#[test]
fn rough_streams_are_those_of_tshark() {
    if !has_program("tshark", "tshark") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rough.pcap");
    for seed in 0..12 {
        let lossy = seed % 2 == 1;
        capture(&file, &rough(seed, lossy));
        agree(&file, "tcp", 1);
        let (said, gap) = ours(&file, "tcp:0");
        let length: usize = said.iter().map(|(_, bytes)| bytes.len()).sum();
        assert!(lossy && gap && length < 60_000 || !lossy && !gap && length == 60_000, "{seed}: {length} {gap}");
    }
}

#[test]
fn streams_of_the_public_captures_are_those_of_tshark() {
    let Some(folder) = capture_file::captures() else { return };
    if !has_program("tshark", "tshark") {
        return;
    }
    let (mut compared, mut wrong) = (0, Vec::new());
    let mut paths: Vec<_> = std::fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    paths.sort();
    for path in paths {
        let packets = capture_file::read(&path);
        let whole = |frame| walk(frame).any(|layer| matches!(layer, Layer::Tcp(tcp) if !tcp.payload().is_empty()));
        if !packets.iter().any(|p| whole(capture_file::frame(p)))
            || OTHERWISE.iter().any(|(name, _)| path.ends_with(name))
        {
            continue;
        }
        let fields =
            Command::new("tshark").args(["-n", "-r", text(&path), "-T", "fields", "-e", "tcp.stream"]).output();
        let numbers = common::out(&fields.expect("tshark"));
        let last = numbers.lines().filter_map(|line| line.split(',').next()?.parse::<usize>().ok()).max();
        let Some(last) = last else { continue };
        wrong.extend(differences(&path, "tcp", (last + 1).min(4)));
        compared += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(compared > 14, "only {compared} captures");
}

/// Captures whose streams tshark has otherwise, with the reason.
const OTHERWISE: &[(&str, &str)] =
    &[("bgp_pmsi_tunnel-oobr.pcap", "its one segment is a first fragment that is cut, which is no segment here")];

#[test]
fn of_two_that_differ_the_first_counts() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("differ.pcap");
    let packets = [
        segment(false, SYN, 99, 0, b""),
        segment(false, ACK, 102, 1, b"CD"),
        segment(false, ACK, 100, 1, b"abcdef"),
        segment(false, ACK, 110, 1, b"late"),
    ];
    capture(&file, &packets);
    let output = done(&["-r", text(&file), "--follow", "tcp:10.0.0.2:80-10.0.0.1:1000"]);
    assert_eq!(common::out(&output), "> abCDef\n> [4 bytes missing: no packet with them was captured]\n> late\n");
    let said = common::err(&output);
    assert!(said.contains("> 2 bytes again and others than before (the first count)"), "{said}");
    assert!(said.contains("10 bytes >, 0 bytes <"), "{said}");
    let output = done(&["-r", text(&file), "--follow", "tcp:0", "--raw", "client"]);
    assert_eq!(output.stdout, b"abCDeflate");
    let output = ran(&["-r", text(&file), "--follow", "tcp:1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(common::err(&output).contains("there was no tcp:1: 1 tcp connections began"), "{}", common::err(&output));
}

#[test]
fn every_line_follows_its_schema() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("rough.pcap");
    capture(&file, &rough(3, true));
    let schema = common::run(&["generate", "schema", "sniff-follow"]).stdout;
    let schema: Value = serde_json::from_slice(&schema).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let output = done(&["-r", text(&file), "--follow", "tcp:0", "--json"]);
    for line in common::out(&output).lines() {
        let document = serde_json::from_str(line).expect("JSON");
        assert!(validator.is_valid(&document), "{line}");
    }
}

/// `data` as fragments of UDP: offset in units of eight bytes, whether more follow, bytes.
fn pieces(size: usize, data: &[u8]) -> Vec<(u16, bool, Vec<u8>)> {
    let datagram = [&[3, 232, 0, 99][..], &(8 + data.len() as u16).to_be_bytes(), &[0, 0], data].concat();
    let count = datagram.len().div_ceil(size);
    let part = |(n, part): (usize, &[u8])| ((n * size / 8) as u16, n + 1 < count, part.to_vec());
    datagram.chunks(size).enumerate().map(part).collect()
}

fn fragments(id: u16, size: usize, data: &[u8]) -> Vec<Vec<u8>> {
    let packet = |(place, more, part): (u16, bool, Vec<u8>)| ip(17, [1, 2], id, place | u16::from(more) << 13, &part);
    pieces(size, data).into_iter().map(packet).collect()
}

fn fragments6(id: u32, size: usize, data: &[u8]) -> Vec<Vec<u8>> {
    let packet = |(place, more, part): (u16, bool, Vec<u8>)| {
        let mut packet = vec![0x60, 0, 0, 0, 0, 0, 44, 64];
        packet[4..6].copy_from_slice(&(8 + part.len() as u16).to_be_bytes());
        packet.extend([[0xfd; 16], [0xfe; 16]].concat());
        packet.extend([17, 0]);
        packet.extend((place << 3 | u16::from(more)).to_be_bytes());
        packet.extend(id.to_be_bytes());
        [packet, part].concat()
    };
    pieces(size, data).into_iter().map(packet).collect()
}

#[test]
fn packets_that_came_in_fragments_are_those_of_tshark() {
    if !has_program("tshark", "tshark") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("fragments.pcap");
    let mut random = fastrand::Rng::with_seed(3);
    let (mut packets, mut expected) = (Vec::new(), Vec::new());
    for id in 0..60_u16 {
        let length = random.usize(30..9000);
        let data: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        let size = random.usize(1..180) * 8;
        let mut parts = if id % 3 == 0 { fragments6(id.into(), size, &data) } else { fragments(id, size, &data) };
        match id % 5 {
            0 => parts.reverse(),
            1 => random.shuffle(&mut parts),
            2 => parts = parts.into_iter().flat_map(|part| [part.clone(), part]).collect(),
            // What is missing makes no packet.
            3 if parts.len() > 2 => {
                parts.remove(1);
            }
            _ => {}
        }
        if id % 5 == 2 && parts.len() > 2 {
            // The last again would begin another.
            parts.pop();
        }
        expected.push(data);
        packets.extend(parts);
    }
    capture(&file, &packets);
    let wanted = ["-T", "fields", "-e", "udp.payload", "-Y", "udp.payload"];
    let theirs = tool("tshark", &[&["-n", "-r", text(&file)][..], &wanted].concat());
    let theirs: Vec<Vec<u8>> = theirs.lines().map(|line| hex::decode(line).expect("hexadecimal")).collect();
    let output = common::run(&["sniff", "udp", "-r", text(&file), "--reassemble", "--json"]);
    let documents = common::out(&output);
    let documents = documents.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    // A first fragment has no more than a part of what its header says.
    let whole = |d: &Value| {
        let payload = hex::decode(d["udp"]["payload_hex"].as_str()?).ok()?;
        (d["udp"]["payload_length"] == payload.len()).then_some(payload)
    };
    let ours: Vec<Vec<u8>> = documents.filter_map(|d| whole(&d)).collect();
    assert!(ours.len() > 40, "only {}", ours.len());
    assert_eq!(ours.len(), theirs.len());
    assert!(ours == theirs, "other payloads");
    assert!(ours.iter().all(|payload| expected.contains(payload)));
    let line = common::out(&common::run(&["sniff", "udp", "-r", text(&file), "--reassemble"]));
    assert!(line.contains(" fragments]"), "{line}");
    assert!(common::err(&output).contains(" packets put together, of "), "{}", common::err(&output));
    agree(&file, "udp", 2);
}

#[test]
fn a_live_connection_is_followed() {
    if !can_capture() {
        return;
    }
    let Ok(server) = Server::start([127, 0, 0, 1].into(), b"hello\r\nto you\r\n") else { return };
    let port = server.port();
    let mut command = common::live::sniff(&["-i", "lo", "--port", &port, "--follow", "tcp:0"]);
    let running = listening(&mut command);
    server.ask(b"who is there?\n");
    // The closing segments come a little later than the reply.
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal(nix::sys::signal::Signal::SIGINT);
    let (code, out, words) = running.finish();
    assert_eq!((code, out.as_str()), (Some(0), "> who is there?\n< hello\n< to you\n"), "{words}");
    assert!(words.contains("tcp:0: 14 bytes >, 15 bytes <"), "{words}");
}
