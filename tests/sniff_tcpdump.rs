//! The same loopback traffic seen by tcpdump and by `syskit sniff tcp --json`, field by field.
//!
//! Debian packages: tcpdump, curl.

mod common;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::live::{Server, can_capture, has_program, listening, sniff};
use nix::sys::signal::Signal;
use serde_json::Value;

const REPLY: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 19\r\nConnection: close\r\n\r\n\
                       Python is awesome!\n";

#[test]
fn an_ipv4_request_of_curl_reads_as_tcpdump_has_it() {
    compare(Ipv4Addr::LOCALHOST.into(), "packet");
}

#[test]
fn an_ipv6_request_of_curl_reads_as_tcpdump_has_it() {
    compare(Ipv6Addr::LOCALHOST.into(), "packet");
}

#[test]
fn the_raw_socket_sees_what_tcpdump_sees_on_loopback() {
    compare(Ipv4Addr::LOCALHOST.into(), "raw");
}

fn compare(address: IpAddr, via: &str) {
    if !can_capture() || !has_program("tcpdump", "tcpdump") || !has_program("curl", "curl") {
        return;
    }
    let Ok(server) = Server::start(address, REPLY) else { return common::skip("no IPv6 on loopback") };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seen.pcap");
    let mut tcpdump = listening(
        Command::new("tcpdump")
            .args(["-i", "lo", "--immediate-mode", "-U", "-w", "-", "tcp", "port", &server.port()])
            .stdin(Stdio::null())
            .stdout(File::create(&file).expect("a file")),
    );
    let mut ours = listening(&mut sniff(&["-i", "lo", "--json", "--via", via, "--port", &server.port()]));

    let url = format!("http://{}/hello?name=value", server.address);
    let curl = Command::new("curl").args(["--silent", "--max-time", "10", &url]).output().expect("curl");
    assert_eq!(curl.stdout, b"Python is awesome!\n");

    // Kept open: at the end of its reader it would end too, without its tally.
    let mut lines = BufReader::new(ours.child.stdout.take().expect("a pipe"));
    let seen = read_to_the_end_of_the_connection(&mut lines);
    ours.signal(Signal::SIGINT);
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains(&format!("{0} packets shown, {0} captured, 0 dropped", seen.len())), "{words}");

    let theirs = until_as_many(&file, seen.len());
    tcpdump.signal(Signal::SIGINT);
    tcpdump.child.wait().expect("tcpdump");
    let ours: Vec<String> = seen.iter().map(as_tcpdump).collect();
    assert!(ours.len() >= 8, "a request has more segments than {}", ours.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
}

/// The JSON lines up to the acknowledgement of the second FIN.
fn read_to_the_end_of_the_connection(lines: impl BufRead) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    let mut finished = 0;
    for line in lines.lines() {
        let packet: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        let fin = packet["tcp"]["flags"].as_array().expect("flags").iter().any(|f| f == "FIN");
        seen.push(packet);
        if finished == 2 && !fin {
            break;
        }
        finished += usize::from(fin);
    }
    seen
}

/// tcpdump's text of its file, once that holds as many packets (or ten seconds have passed).
fn until_as_many(file: &std::path::Path, count: usize) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        let read =
            Command::new("tcpdump").args(["-nn", "-S", "-t", "-vv", "-r"]).arg(file).output().expect("tcpdump");
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        let packets = packets(&text);
        if packets.len() >= count || Instant::now() > end {
            return packets;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A line per packet, without what tcpdump says of the HTTP inside and of checksums left to offload.
fn packets(text: &str) -> Vec<String> {
    let mut packets: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("IP") {
            packets.push(line.to_owned());
        } else if let Some(last) = packets.last_mut()
            && line.contains(": Flags [")
        {
            last.push(' ');
            last.push_str(line.trim());
        }
    }
    packets.iter().map(|p| without_payload_and_verdict(p)).collect()
}

fn without_payload_and_verdict(packet: &str) -> String {
    let packet = packet.split_once(": HTTP").map_or(packet, |(before, _)| before);
    match packet.split_once("(incorrect -> ") {
        Some((before, after)) => format!("{before}(not correct){}", after.split_once(')').expect("closed").1),
        None => packet.to_owned(),
    }
}

/// What tcpdump -nn -S -t -vv prints for this packet, from the fields of the JSON document alone.
fn as_tcpdump(packet: &Value) -> String {
    let tcp = &packet["tcp"];
    let (ip, head) = match &packet["ipv4"] {
        Value::Null => (&packet["ipv6"], ipv6_head(&packet["ipv6"])),
        ip => (ip, ipv4_head(ip)),
    };
    let sequence = tcp["sequence"].as_u64().expect("a number");
    let length = tcp["payload_length"].as_u64().expect("a number");
    let end = if length > 0 { format!(":{}", (sequence + length) % (1 << 32)) } else { String::new() };
    let has = |flag: &str| tcp["flags"].as_array().expect("flags").iter().any(|f| f == flag);
    let letters = [("FIN", "F"), ("SYN", "S"), ("RST", "R"), ("PSH", "P"), ("ACK", "."), ("URG", "U")];
    let flags: String = letters.iter().filter(|(name, _)| has(name)).map(|(_, letter)| *letter).collect();
    let verdict = match tcp["checksum_status"]["verdict"].as_str() {
        Some("correct") => "(correct)",
        Some("partial" | "incorrect") => "(not correct)",
        other => panic!("{other:?}"),
    };
    let ack = if has("ACK") { format!(", ack {}", tcp["acknowledgement"]) } else { String::new() };
    let options: Vec<String> = tcp["options"].as_array().expect("options").iter().map(option).collect();
    let options = if options.is_empty() { String::new() } else { format!(", options [{}]", options.join(",")) };
    format!(
        "{head}{}.{} > {}.{}: Flags [{flags}], cksum 0x{:04x} {verdict}, seq {sequence}{end}{ack}, win {}{options}, \
         length {length}",
        ip["source"].as_str().expect("an address"),
        tcp["source_port"],
        ip["destination"].as_str().expect("an address"),
        tcp["destination_port"],
        tcp["checksum"].as_u64().expect("a number"),
        tcp["window"],
    )
}

fn ipv4_head(ip: &Value) -> String {
    assert_eq!(ip["checksum_status"]["verdict"], "correct");
    format!(
        "IP (tos 0x{:x}, ttl {}, id {}, offset {}, flags [{}], proto TCP (6), length {}) ",
        ip["tos"].as_u64().expect("a number"),
        ip["ttl"],
        ip["identification"],
        ip["fragment_offset"],
        if ip["dont_fragment"] == true { "DF" } else { "none" },
        ip["total_length"]
    )
}

fn ipv6_head(ip: &Value) -> String {
    let label = ip["flow_label"].as_u64().expect("a number");
    let class = ip["traffic_class"].as_u64().expect("a number");
    let class = if class == 0 { String::new() } else { format!("class 0x{class:02x}, ") };
    let label = if label == 0 { String::new() } else { format!("flowlabel 0x{label:05x}, ") };
    let (hops, length) = (&ip["hop_limit"], &ip["payload_length"]);
    format!("IP6 ({class}{label}hlim {hops}, next-header TCP (6) payload length: {length}) ")
}

fn option(option: &Value) -> String {
    let name = option["name"].as_str().expect("a name");
    match name {
        "TS" => format!("TS val {} ecr {}", option["value"], option["echo"]),
        _ if option["value"].is_null() => name.to_owned(),
        _ => format!("{name} {}", option["value"]),
    }
}
