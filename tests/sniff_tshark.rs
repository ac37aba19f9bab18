//! The decoders of applications against tshark, field by field, on packets made here.
//!
//! Debian package: tshark.

mod common;

use common::made::{packet, tshark};
use common::samples::sample;
use serde_json::Value;
use syskit::packet::{Application, Carried, Code, Document, Link, walk};

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
    let Some(rows) = tshark(&packets, &fields) else { return };
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
    let Some(rows) = tshark(&packets, &fields) else { return };
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
    let Some(rows) = tshark(&packets, &fields) else { return };
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
