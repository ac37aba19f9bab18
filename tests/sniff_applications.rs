//! The decoders of applications against tcpdump, on the public captures, and against tshark, on packets made here.
//!
//! Debian packages: tcpdump, tshark.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::capture_file::{self, Packet};
use common::samples::sample;
use serde_json::Value;
use syskit::packet::{Application, Carried, Code, Document, End, Layer, Link, walk};

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
    let (mut line, mut found, mut stream) = (String::new(), false, false);
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
            Some((line, false))
        }
        End::Trouble(carried, _) if matches!(carried.code, Code::Application(_)) => {
            layers.end().line(&mut line);
            Some((line, stream))
        }
        _ => found.then_some((line, stream)),
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

/// A packet of raw IPv4 that carries `payload`, to or from `port`.
fn packet(protocol: u8, number: u16, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut transport = [(1000 + number).to_be_bytes(), port.to_be_bytes()].concat();
    match protocol {
        6 => transport.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]),
        _ => transport.extend([&(8 + payload.len() as u16).to_be_bytes()[..], &[0, 0]].concat()),
    }
    transport.extend(payload);
    let length = (20 + transport.len() as u16).to_be_bytes();
    let header = [&[0x45, 0][..], &length, &[0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]].concat();
    [header, transport].concat()
}

/// tshark's values of `fields`, a row for each of the packets; `None` where it is missing.
fn tshark(name: &str, packets: &[Vec<u8>], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    if !common::have("tshark") {
        common::skip("tshark is missing (Debian package tshark)");
        return None;
    }
    let mut file: Vec<u8> = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101].map(u32::to_be_bytes).concat();
    for packet in packets {
        let length = packet.len() as u32;
        file.extend([0, 0, length, length].map(u32::to_be_bytes).concat());
        file.extend(packet);
    }
    let path = std::env::temp_dir().join(format!("syskit-{name}-{}.pcap", std::process::id()));
    std::fs::write(&path, file).expect("a file");
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", "-E", "separator=/t", "-r"]);
    let output = command.arg(&path).args(fields.iter().flat_map(|field| ["-e", field])).output();
    std::fs::remove_file(&path).expect("the file");
    let output = output.expect("tshark");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    Some(String::from_utf8_lossy(&output.stdout).lines().map(row).collect())
}

fn document(frame: Carried) -> Value {
    let mut document = Document::default();
    walk(frame).for_each(|layer| layer.document(&mut document));
    serde_json::to_value(&document).expect("JSON")
}

/// What is decoded of a message.
fn message(application: Application, bytes: &[u8]) -> Value {
    document(Carried { code: Code::Application(application), ..Carried::frame(Link::Ip, bytes, bytes.len()) })
}

/// Values with a bar between them, as tshark is told to print them.
fn joined<'a>(values: impl Iterator<Item = &'a Value>) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    values.map(text).collect::<Vec<_>>().join("|")
}

fn name(value: &Value) -> String {
    match value.as_str().expect("a name") {
        "." => "<Root>".to_owned(),
        name => name.strip_suffix('.').expect("the root's dot").to_owned(),
    }
}

#[test]
fn dns_reads_as_tshark_has_it() {
    let samples = [
        ("dns_query", 53, Application::Dns),
        ("dns_response", 53, Application::Dns),
        ("dns_types", 53, Application::Dns),
        ("dns_bad_cookie", 53, Application::Dns),
        ("mdns_query", 5353, Application::MulticastDns),
        ("mdns_response", 5353, Application::MulticastDns),
    ];
    let packets: Vec<_> =
        (1..).zip(samples).map(|(number, (name, port, _))| packet(17, number, port, &sample(name))).collect();
    let fields = ["dns.id", "dns.qry.name", "dns.resp.name", "dns.resp.ttl", "dns.a", "dns.aaaa"];
    let Some(rows) = tshark("dns", &packets, &fields) else { return };
    assert_eq!(rows.len(), samples.len());
    for ((sampled, _, application), row) in samples.into_iter().zip(rows) {
        let document = message(application, &sample(sampled));
        let dns = &document["dns"];
        let records: Vec<&Value> = ["answers", "authorities", "additionals"]
            .iter()
            .flat_map(|section| dns[*section].as_array().expect("records"))
            .collect();
        // tshark has the owner of SRV records in fields of their own.
        let owners: Vec<String> = records.iter().filter(|r| r["type"] != "SRV").map(|r| name(&r["name"])).collect();
        let of = |kind: &str| joined(records.iter().filter(|r| r["type"] == kind).map(|r| &r["data"]));
        let questions = dns["questions"].as_array().expect("questions").iter().map(|q| name(&q["name"]));
        let ours = [
            format!("0x{:04x}", dns["id"].as_u64().expect("a number")),
            questions.collect::<Vec<_>>().join("|"),
            owners.join("|"),
            joined(records.iter().filter(|r| r["type"] != "OPT").map(|r| &r["ttl"])),
            of("A"),
            of("AAAA"),
        ];
        assert_eq!(ours.to_vec(), row, "{sampled}");
    }
}

#[test]
fn dhcp_reads_as_tshark_has_it() {
    let samples = ["dhcp_request", "dhcp_reply", "dhcp_discover", "dhcp_ack"];
    let packets: Vec<_> = samples.iter().map(|name| packet(17, 0, 67, &sample(name))).collect();
    let options: [(&str, u64); 9] = [
        ("dhcp.option.subnet_mask", 1),
        ("dhcp.option.router", 3),
        ("dhcp.option.domain_name_server", 6),
        ("dhcp.option.hostname", 12),
        ("dhcp.option.domain_name", 15),
        ("dhcp.option.requested_ip_address", 50),
        ("dhcp.option.ip_address_lease_time", 51),
        ("dhcp.option.dhcp_server_id", 54),
        ("dhcp.option.request_list_item", 55),
    ];
    let fields: Vec<&str> = ["dhcp.ip.your", "dhcp.id"].into_iter().chain(options.map(|(field, _)| field)).collect();
    let Some(rows) = tshark("dhcp", &packets, &fields) else { return };
    assert_eq!(rows.len(), samples.len());
    for (sampled, row) in samples.into_iter().zip(rows) {
        let document = message(Application::Dhcp, &sample(sampled));
        let dhcp = &document["dhcp"];
        let value = |kind: u64| {
            let options = dhcp["options"].as_array().expect("options");
            let found = options.iter().find(|option| option["kind"] == kind);
            found.map_or_else(String::new, |o| o["value"].as_str().expect("text").replace([' ', ','], "|"))
        };
        let transaction = format!("0x{:08x}", dhcp["transaction"].as_u64().expect("a number"));
        let fixed = [dhcp["your_address"].as_str().expect("text").to_owned(), transaction];
        let ours: Vec<String> = fixed.into_iter().chain(options.map(|(_, kind)| value(kind))).collect();
        assert_eq!(ours, row, "{sampled}");
    }
}

#[test]
fn tls_reads_as_tshark_has_it() {
    let samples = ["tls_client_hello", "tls12_server_hello", "tls13_server_hello"];
    let packets: Vec<_> = (1..).zip(samples).map(|(number, name)| packet(6, number, 443, &sample(name))).collect();
    let fields = [
        "tls.handshake.extensions_server_name",
        "tls.handshake.extensions_alpn_str",
        "tls.handshake.extensions.supported_version",
        "tls.handshake.ciphersuite",
        "tls.handshake.extension.type",
    ];
    let Some(rows) = tshark("tls", &packets, &fields) else { return };
    assert_eq!(rows.len(), samples.len());
    for ((sampled, bytes), row) in samples.into_iter().zip(&packets).zip(rows) {
        let document = document(Carried::frame(Link::Ip, bytes, bytes.len()));
        let hello = &document["tls"]["records"][0]["messages"][0];
        let list = |key: &str| hello[key].as_array().expect("a list").iter();
        let version = |value: &Value| match value.as_str().expect("text") {
            "1.3" => "0x0304",
            "1.2" => "0x0303",
            other => panic!("{other}"),
        };
        // Without the extension the version is the legacy one, which tshark has in another field.
        let versions: Vec<&str> = match list("extensions").any(|kind| *kind == 43) {
            true => list("versions").map(version).collect(),
            false => Vec::new(),
        };
        let ours = [
            hello["server_name"].as_str().unwrap_or_default().to_owned(),
            joined(list("alpn")),
            versions.join("|"),
            joined(list("extensions")),
        ];
        assert_eq!(ours.to_vec(), [&row[..3], &row[4..]].concat(), "{sampled}");
        assert_eq!(list("cipher_suites").count(), row[3].split('|').count(), "{sampled}");
    }
}
