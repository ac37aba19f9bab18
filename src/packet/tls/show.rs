//! How TLS records are shown: in words of this project's own, as tcpdump has none; a block; JSON.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::hello::Hello;
use super::{Message, Record, Tls, words};
use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// As many records of a segment stand in the one-line form.
const MOST_RECORDS: usize = 8;
/// And as many values of a list.
const MOST_VALUES: usize = 8;

pub(super) fn line(tls: &Tls, out: &mut Text) {
    let mut before = ": TLS ";
    for (i, record) in tls.records().enumerate() {
        out.push_str(before);
        if i == MOST_RECORDS {
            out.push_str("[...]");
            return;
        }
        record_line(&record, out);
        before = ", ";
    }
}

/// A record: the messages in it, the alert, or its name and length.
fn record_line(record: &Record, out: &mut Text) {
    let mut before = "";
    for message in record.messages().take(MOST_VALUES) {
        out.push_str(before);
        message_line(&message, out);
        before = ", ";
    }
    if !before.is_empty() {
        return;
    }
    out.push_str(words::record(record.kind).unwrap_or("unknown"));
    match record.alert() {
        Some((level, description)) => {
            out.push_str(if level == 2 { " fatal " } else { " warning " });
            match words::alert(description) {
                Some(name) => out.push_str(name),
                None => text::decimal(out, description.into()),
            }
        }
        None => {
            out.push_str(" length ");
            text::decimal(out, record.length.into());
        }
    }
    if record.bytes.len() < record.length.into() {
        out.push_str(" [|tls]");
    }
}

fn message_line(message: &Message, out: &mut Text) {
    match message.hello() {
        Some(hello) => hello_line(&hello, out),
        None => {
            out.push_str(words::message(message.kind).unwrap_or("unknown"));
            out.push_str(if message.body.len() < message.length { " [|tls]" } else { "" });
        }
    }
}

fn name(hello: &Hello) -> &'static str {
    match (hello.client, hello.retry) {
        (true, _) => "ClientHello",
        (_, true) => "HelloRetryRequest",
        (_, false) => "ServerHello",
    }
}

fn hello_line(hello: &Hello, out: &mut Text) {
    out.push_str(name(hello));
    if let Some(name) = hello.server_name() {
        out.push_str(" sni=");
        text::escaped(out, name);
    }
    let mut before = " alpn=";
    for protocol in hello.protocols().take(MOST_VALUES) {
        out.push_str(before);
        text::escaped(out, protocol);
        before = ",";
    }
    before = if hello.client { " versions=" } else { " version=" };
    for version in hello.versions().filter(|version| !words::is_grease(*version)).take(MOST_VALUES) {
        out.push_str(before);
        version_text(out, version);
        before = ",";
    }
    if hello.client {
        out.push_str(" ciphers=");
        text::decimal(out, (hello.ciphers.len() / 2) as u32);
    } else if let [high, low] = *hello.ciphers {
        out.push_str(" cipher=");
        cipher_text(out, u16::from_be_bytes([high, low]));
    }
    match hello.trouble {
        Some(Trouble::Truncated) => out.push_str(" [|tls]"),
        Some(Trouble::Malformed(why)) => drop(write!(out, " [malformed: {why}]")),
        None => {}
    }
}

fn version_text(out: &mut Text, version: u16) {
    match words::version(version) {
        Some(name) => out.push_str(name),
        None => drop(write!(out, "0x{version:04x}")),
    }
}

fn cipher_text(out: &mut Text, suite: u16) {
    match words::cipher(suite) {
        Some(name) => out.push_str(name),
        None => drop(write!(out, "0x{suite:04x}")),
    }
}

pub(super) fn block(tls: &Tls, out: &mut Text) {
    for record in tls.records() {
        let mut line = Text::new();
        record_line(&record, &mut line);
        text::field(out, "TLS", line);
        for hello in record.messages().filter_map(|message| message.hello()) {
            hello_block(&hello, out);
        }
    }
}

fn hello_block(hello: &Hello, out: &mut Text) {
    let mut version = Text::new();
    version_text(&mut version, hello.legacy_version);
    text::field(out, "Legacy Version", version);
    text::field(out, "Cipher Suites", list(hello.ciphers.as_chunks().0.iter().map(|c| u16::from_be_bytes(*c))));
    text::field(out, "Extensions", list(hello.extensions().map(|(kind, _)| kind)));
}

/// Numbers in hexadecimal, spaces between them.
fn list(numbers: impl Iterator<Item = u16>) -> String {
    let mut out = Text::new();
    for number in numbers {
        out.push_str(if out.is_empty() { "" } else { " " });
        text::hex(&mut out, &number.to_be_bytes());
    }
    out.into_string()
}

/// The [`Tls`] records of a segment as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Records, in their order.
    pub records: Vec<RecordDocument>,
}

/// A record as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordDocument {
    /// ChangeCipherSpec, Alert, Handshake, ApplicationData.
    pub r#type: &'static str,
    /// The version that its header says.
    pub version: String,
    /// Length of what is in it, in bytes.
    pub length: u16,
    /// True where it goes on in the next segment or was cut by the capture.
    pub cut: bool,
    /// Level and description of an alert that is not encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert: Option<AlertDocument>,
    /// Handshake messages that are not encrypted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageDocument>,
}

/// An alert as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlertDocument {
    /// 1 warning, 2 fatal.
    pub level: u8,
    /// What it is about.
    pub description: u8,
    /// Its name.
    pub name: Option<&'static str>,
}

/// A handshake message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MessageDocument {
    /// Its name; HelloRetryRequest is one of its own.
    pub r#type: &'static str,
    /// Length of its body in bytes.
    pub length: usize,
    /// True where not all of it is here.
    pub cut: bool,
    /// What it says, where it is a hello.
    #[serde(flatten)]
    pub hello: Option<HelloDocument>,
}

/// A hello as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HelloDocument {
    /// The version as TLS 1.2 and before say it.
    pub legacy_version: String,
    /// Versions that the client offers, or the one that the server chose.
    pub versions: Vec<String>,
    /// The name of the server that the client wants, escaped.
    pub server_name: Option<String>,
    /// Protocols that the client offers, or the one that the server chose (ALPN), escaped.
    pub alpn: Vec<String>,
    /// Cipher suites that the client offers, or the one that the server chose: name or number.
    pub cipher_suites: Vec<String>,
    /// Types of its extensions, in their order.
    pub extensions: Vec<u16>,
    /// Why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

fn hello_document(hello: &Hello) -> HelloDocument {
    let suites = hello.ciphers.as_chunks().0.iter().map(|suite| u16::from_be_bytes(*suite));
    HelloDocument {
        legacy_version: text::said(version_text, hello.legacy_version),
        versions: hello.versions().map(|version| text::said(version_text, version)).collect(),
        server_name: hello.server_name().map(text::to_escaped),
        alpn: hello.protocols().map(text::to_escaped).collect(),
        cipher_suites: suites.map(|suite| text::said(cipher_text, suite)).collect(),
        extensions: hello.extensions().map(|(kind, _)| kind).collect(),
        trouble: hello.trouble,
    }
}

fn message_document(message: &Message) -> MessageDocument {
    let hello = message.hello();
    MessageDocument {
        r#type: match &hello {
            Some(hello) => name(hello),
            None => words::message(message.kind).unwrap_or("unknown"),
        },
        length: message.length,
        cut: message.body.len() < message.length,
        hello: hello.as_ref().map(hello_document),
    }
}

pub(super) fn document(tls: &Tls) -> Document {
    let record = |record: Record| RecordDocument {
        r#type: words::record(record.kind).unwrap_or("unknown"),
        version: text::said(version_text, record.version),
        length: record.length,
        cut: record.bytes.len() < record.length.into(),
        alert: record.alert().map(|(level, description)| AlertDocument {
            level,
            description,
            name: words::alert(description),
        }),
        messages: record.messages().map(|message| message_document(&message)).collect(),
    };
    Document { records: tls.records().map(record).collect() }
}
