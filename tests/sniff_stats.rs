//! `syskit sniff --stats` against what tshark and capinfos say of the same packets.
//!
//! Debian packages: tshark, wireshark-common (capinfos).

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::live::{Server, can_capture, has_program, listening};
use common::offline::{text, tool};
use serde_json::Value;

/// A capture of UDP and TCP between many hosts: sizes, directions and times vary; some ARP.
fn capture(folder: &Path, count: u32, hosts: u32) -> PathBuf {
    let mut random = fastrand::Rng::with_seed(count.into());
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65535, 1]);
    for n in 0..count {
        let mut bytes = [&[2; 12][..], &[8, 0]].concat();
        if n % 50 == 0 {
            bytes = [&[0xff; 6][..], &[2; 6], &[8, 6], &[0; 28]].concat();
        } else {
            let (source, destination) = (random.u32(..hosts), random.u32(..hosts) / 7);
            let data = vec![0; random.usize(20..1400)];
            let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, if n % 3 == 0 { 6 } else { 17 }, 0, 0];
            packet[2..4].copy_from_slice(&(20 + data.len() as u16).to_be_bytes());
            packet.extend((0x0a00_0000 + source).to_be_bytes());
            packet.extend((0x0a00_0000 + destination).to_be_bytes());
            bytes.extend([packet, data].concat());
        }
        let length = bytes.len() as u32;
        file.extend(words(&[1_700_000_000 + n / 700, n % 700 * 1000, length, length]));
        file.extend(bytes);
    }
    let path = folder.join("in.pcap");
    std::fs::write(&path, file).expect("room");
    path
}

fn stats(file: &Path, flags: &[&str]) -> Value {
    let output = common::run(&[&["sniff", "-r", text(file), "--json"][..], flags].concat());
    assert!(output.status.success(), "{}", common::err(&output));
    let words = common::out(&output);
    serde_json::from_str(words.lines().last().expect("a line")).expect("JSON")
}

#[test]
fn the_sums_are_those_of_tsharks_fields() {
    if !has_program("tshark", "tshark") || !has_program("capinfos", "wireshark-common") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let file = capture(dir.path(), 5000, 40);
    let fields = ["-T", "fields", "-e", "frame.len", "-e", "ip.src", "-e", "ip.dst", "-e", "frame.protocols"];
    let rows = tool("tshark", &[&["-n", "-r", text(&file)][..], &fields].concat());
    let mut talkers: BTreeMap<String, [u64; 4]> = BTreeMap::new();
    let mut pairs: BTreeMap<(String, String), u64> = BTreeMap::new();
    let (mut protocols, mut lengths) = (BTreeMap::<&str, [u64; 2]>::new(), Vec::new());
    for row in rows.lines() {
        let [length, source, destination, stack] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let length: u64 = length.parse().expect("a length");
        lengths.push(length);
        for (name, theirs) in [("ethernet", "eth"), ("ipv4", "ip"), ("arp", "arp"), ("tcp", "tcp"), ("udp", "udp")] {
            if stack.split(':').any(|p| p == theirs) {
                let [packets, bytes] = protocols.entry(name).or_default();
                (*packets, *bytes) = (*packets + 1, *bytes + length);
            }
        }
        if source.is_empty() {
            continue;
        }
        for (address, at) in [(source, 0), (destination, 2)] {
            let counts = talkers.entry(address.to_owned()).or_default();
            counts[at] += 1;
            counts[at + 1] += length;
        }
        *pairs.entry((source.to_owned(), destination.to_owned())).or_default() += length;
    }
    let document = stats(&file, &["--stats"]);
    assert_eq!(document["bytes"], lengths.iter().sum::<u64>());
    let number = |value: &Value| value.as_u64().expect("a number");
    for (name, counts) in protocols {
        let row = document["protocols"].as_array().expect("rows").iter().find(|row| row["name"] == name);
        let row = row.unwrap_or_else(|| panic!("{name} is missing"));
        assert_eq!([number(&row["packets"]), number(&row["bytes"])], counts, "{name}");
    }
    let rows = document["talkers"].as_array().expect("rows");
    assert_eq!(rows.len(), 20);
    for row in rows {
        let of = |way: &str| [number(&row[way]["packets"]), number(&row[way]["bytes"])];
        let ours = [of("sent"), of("received")].concat();
        assert_eq!(ours, talkers.remove(row["address"].as_str().expect("text")).expect("a talker"), "{row}");
    }
    let least = &rows[19];
    let least = number(&least["sent"]["bytes"]) + number(&least["received"]["bytes"]);
    assert!(talkers.values().all(|t| t[1] + t[3] <= least), "a greater one is left out");
    let others = &document["other_talkers"];
    assert_eq!(number(&others["others"]), talkers.len() as u64);
    assert_eq!(number(&others["bytes"]), talkers.values().map(|t| t[1] + t[3]).sum::<u64>());
    for row in document["conversations"].as_array().expect("rows") {
        let key = |a: &str, b: &str| [a, b].map(|k| row[k].as_str().expect("text").to_owned()).into();
        let theirs = |a, b| pairs.get(&key(a, b)).copied().unwrap_or(0);
        let back = if row["a"] == row["b"] { 0 } else { theirs("b", "a") };
        assert_eq!(
            [number(&row["a_to_b"]["bytes"]), number(&row["b_to_a"]["bytes"])],
            [theirs("a", "b"), back],
            "{row}"
        );
    }
    lengths.sort_unstable();
    let ours = &document["lengths"];
    assert_eq!([&ours["min"], &ours["median"], &ours["max"]].map(number), [lengths[0], lengths[2499], lengths[4999]]);
    let ranges: u64 = ours["ranges"].as_array().expect("rows").iter().map(|r| number(&r["packets"])).sum();
    assert_eq!(ranges, 5000);
    assert_eq!(document["rates"]["peak_packets_per_second"], 700);
    // Seconds, bits per second, packets per second.
    let infos = tool("capinfos", &["-M", "-T", "-r", "-u", "-i", "-x", text(&file)]);
    let infos: Vec<f64> = infos.trim().split('\t').skip(1).map(|n| n.parse().expect("a number")).collect();
    let ours =
        [&document["seconds"], &document["rates"]["bits_per_second"], &document["rates"]["packets_per_second"]];
    for (ours, theirs) in ours.into_iter().zip(infos) {
        let ours = ours.as_f64().expect("a number");
        assert!((ours / theirs - 1.0).abs() < 0.01, "{ours} and {theirs}");
    }
}

#[test]
fn a_scan_is_summed_up_and_said_to_be() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = capture(dir.path(), 40_000, 1 << 24);
    let document = stats(&file, &["--stats"]);
    let others = &document["other_talkers"];
    assert!(others["rows_short_by_at_most"].as_u64().is_some_and(|n| n > 0), "{others}");
    let bytes = |value: &Value| value["bytes"].as_u64().expect("a number");
    let rows = document["talkers"].as_array().expect("rows");
    let arp = bytes(&document["without_addresses"]);
    let all: u64 = rows.iter().map(|row| bytes(&row["sent"]) + bytes(&row["received"])).sum::<u64>() + bytes(others);
    assert_eq!(all, 2 * (bytes(&document) - arp), "nothing is lost");
    let text_form = common::out(&common::run(&["sniff", "-r", text(&file), "--stats"]));
    assert!(text_form.contains("there were too many to keep all"), "{text_form}");
}

#[test]
fn summaries_come_as_often_as_asked_for_and_follow_their_schema() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = capture(dir.path(), 3500, 10);
    let schema: Value =
        serde_json::from_slice(&common::run(&["generate", "schema", "sniff-stats"]).stdout).expect("it");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let output = common::run(&["sniff", "udp", "-r", text(&file), "--stats=1s", "--json"]);
    let words = common::out(&output);
    let documents: Vec<Value> = words.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    // Five seconds: after each but the last, and at the end.
    assert_eq!(documents.len(), 5);
    for document in &documents {
        let wrong: Vec<String> = validator.iter_errors(document).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    let counts: Vec<u64> = documents.iter().map(|d| d["packets"].as_u64().expect("a number")).collect();
    assert!(counts.is_sorted_by(|a, b| a < b), "{counts:?}");
    assert!(common::err(&output).contains(&format!("{} packets counted", counts[4])), "{}", common::err(&output));
    for (flags, words) in [(&["--stats=0s"][..], "cannot be 0"), (&["--stats", "-w", "x"], "cannot be used with")] {
        let output = common::run(&[&["sniff", "-r", text(&file)][..], flags].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(common::err(&output).contains(words), "{}", common::err(&output));
    }
    let none = common::run(&["sniff", "-r", text(&file), "--stats", "udp port 7"]);
    assert_eq!(common::out(&none), "0 packets\n");
}

#[test]
fn live_traffic_is_summed_up_at_ctrl_c() {
    if !can_capture() {
        return;
    }
    let Ok(server) = Server::start([127, 0, 0, 1].into(), b"hello") else { return };
    let port = server.port();
    let running = listening(&mut common::live::sniff(&["-i", "lo", "--port", &port, "--stats"]));
    server.ask(b"who is there?");
    std::thread::sleep(std::time::Duration::from_millis(300));
    running.signal(nix::sys::signal::Signal::SIGINT);
    let (code, out, words) = running.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.contains("127.0.0.1 <> 127.0.0.1") && out.contains("tcp"), "{out}");
}
