//! `--fields` against `--json`, and against tshark.
//!
//! Debian package: tshark.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::capture_file::captures;
use common::live::has_program;
use common::offline::{folder_with, text};
use serde_json::Value;

fn sniff(arguments: &[&str], file: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.arg("sniff").args(arguments).arg("-r").arg(file).stdin(Stdio::null());
    common::out(&command.output().expect("it starts"))
}

fn files() -> Vec<PathBuf> {
    let Some(folder) = captures() else { return Vec::new() };
    let paths = std::fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    paths.filter(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng")).collect()
}

/// Every name that `--fields list` tells.
fn listed() -> Vec<String> {
    let output = common::run(&["sniff", "--fields", "list"]);
    assert!(output.status.success());
    let all = common::out(&output);
    let names = all.lines().filter_map(|line| line.split_whitespace().next()).filter(|name| !name.contains('('));
    names.map(str::to_owned).collect()
}

/// What an object has at a path: the way of jq, written here anew.
fn at(value: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(value, |value, step| match step.parse::<usize>() {
        Ok(at) => value.get(at),
        Err(_) => value.get(step),
    });
    plain(found.unwrap_or(&Value::Null))
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[test]
fn every_field_is_what_the_object_has() {
    let names = listed();
    assert!(names.len() >= 200, "{} names", names.len());
    // Tunnels and ends are told by the whole of the packet: they stand apart, so that the others are not.
    let (mut deep, shallow): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.starts_with("undecoded"));
    let tunnels =
        ["inner.ipv4.source", "inner.tcp.flags", "inner.inner.udp.length", "ipv4.ttl", "tcp.options.0.kind"];
    deep.extend(tunnels.map(str::to_owned));
    let (sets, mut seen) = ([shallow, deep], BTreeSet::new());
    for file in files() {
        let objects = sniff(&["--json"], &file);
        for names in &sets {
            let rows = sniff(&["--fields", &names.join(",")], &file);
            assert_eq!(rows.lines().count(), objects.lines().count(), "{}", file.display());
            for (row, object) in rows.lines().zip(objects.lines()) {
                let object: Value = serde_json::from_str(object).expect("JSON");
                assert_eq!(row.split('\t').count(), names.len());
                for (name, value) in names.iter().zip(row.split('\t')) {
                    assert_eq!(value, at(&object, name), "{name} in {}: {object}", file.display());
                    if !value.is_empty() {
                        seen.insert(name.clone());
                    }
                }
            }
        }
    }
    assert!(seen.len() >= 150 || captures().is_none(), "only {} fields were ever there", seen.len());
    eprintln!("{} fields are what the object has", seen.len());
}

/// The same in tshark's words.
const SAME: [(&str, &str); 10] = [
    ("seconds", "frame.time_epoch"),
    ("length", "frame.len"),
    ("ethernet.source", "eth.src"),
    ("ipv4.source", "ip.src"),
    ("ipv4.destination", "ip.dst"),
    ("ipv4.ttl", "ip.ttl"),
    ("tcp.source_port", "tcp.srcport"),
    ("tcp.destination_port", "tcp.dstport"),
    ("tcp.window", "tcp.window_size_value"),
    ("udp.destination_port", "udp.dstport"),
];

#[test]
fn fields_are_tsharks() {
    if !has_program("tshark", "tshark") {
        return;
    }
    let (_folder, made) = folder_with(&[80, 443, 8000]);
    let public = [
        "accecn_handshake.pcap",
        "dhcpv6-AFTR-Name-RFC6334.pcap",
        "icmp-cksum-oobr-2.pcap",
        "dns_tcp.pcap",
        "mptcp.pcap",
    ];
    let public =
        captures().into_iter().flat_map(|folder| public.map(|name| folder.join(name))).filter(|p| p.exists());
    let mut compared = 0;
    for file in public.chain([made]) {
        let ours = sniff(&["--fields", &SAME.map(|(ours, _)| ours).join(",")], &file);
        let mut tshark = Command::new("tshark");
        tshark.args(["-n", "-T", "fields", "-E", "occurrence=f", "-r", text(&file)]);
        let output = tshark.args(SAME.iter().flat_map(|(_, theirs)| ["-e", theirs])).output().expect("tshark");
        let theirs = common::out(&output);
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            let (time, rest) = theirs.split_once('\t').expect("fields");
            let seconds = time.split('.').next().expect("seconds");
            assert_eq!(ours, format!("{seconds}\t{rest}"), "{}", file.display());
            compared += 1;
        }
    }
    assert!(compared >= 6, "only {compared} packets");
    eprintln!("{compared} packets have tshark's fields");
}
