//! How an ICMPv6 message is shown: tcpdump's line, the block, JSON.

use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::listener::{self, Record};
use super::*;
use crate::packet::Text;
use crate::packet::checksum::Verdict;
use crate::packet::{Code, quote, tcp, text, udp};

/// An ICMPv6 message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Message type.
    pub r#type: u8,
    /// Code: what the type leaves open.
    pub code: u8,
    /// The line's words for it.
    pub message: String,
    /// Checksum field.
    pub checksum: u16,
    /// What verifying it found.
    pub checksum_status: Verdict,
    /// Identifier of echoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<u16>,
    /// Sequence number of echoes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
    /// The largest packet that the next link takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// The byte at which the packet made no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<u32>,
    /// The address that neighbour discovery is about; of a redirect, the better router; the group of listener
    /// discovery's queries and of its version 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The destination that a redirect is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// What a router advertises of itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub router: Option<Router>,
    /// Flags of a neighbour advertisement: the sender is a router, it was asked, what is known is to be replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advertisement: Option<Advertisement>,
    /// How long listeners may take to answer a query, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_response_delay: Option<u32>,
    /// Sources of a listener query.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Group records of a listener report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// Options of neighbour discovery, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<options::Document>,
    /// The packet that an error is about, as far as it is quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Box<quote::Document>>,
    /// Length of header and payload in bytes.
    pub length: usize,
}

/// What a router advertises of itself (RFC 4861 section 4.2).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Router {
    /// Hop limit that hosts are to use; 0 leaves it to them.
    pub hop_limit: u8,
    /// Addresses are to be had from DHCPv6.
    pub managed: bool,
    /// Other things are.
    pub other: bool,
    /// How long it is a default router, in seconds.
    pub lifetime: u16,
    /// How long a neighbour counts as reachable, in milliseconds.
    pub reachable_time: u32,
    /// Time between solicitations, in milliseconds.
    pub retransmission_timer: u32,
}

/// Flags of a neighbour advertisement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Advertisement {
    /// The sender is a router.
    pub router: bool,
    /// It was asked.
    pub solicited: bool,
    /// What is known of it is to be replaced.
    pub r#override: bool,
}

pub(super) fn line(icmp: &Icmp6, out: &mut Text) {
    text::between(out, &icmp.carried);
    out.push_str("ICMP6, ");
    if message(icmp, out).is_none() {
        // As much of the packet as the words need was not captured.
        out.push_str(" [|icmp6]");
    }
    text::number(out, ", length ", icmp.carried.length as u32);
}

fn name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        UNREACHABLE => "destination unreachable",
        TOO_BIG => "packet too big",
        TIME_EXCEEDED => "time exceeded in-transit",
        PARAMETER_PROBLEM => "parameter problem",
        ECHO => "echo request",
        ECHO_REPLY => "echo reply",
        LISTENER_QUERY => "multicast listener query",
        LISTENER_REPORT => "multicast listener report",
        LISTENER_DONE => "multicast listener done",
        ROUTER_SOLICITATION => "router solicitation",
        ROUTER_ADVERTISEMENT => "router advertisement",
        NEIGHBOR_SOLICITATION => "neighbor solicitation",
        NEIGHBOR_ADVERTISEMENT => "neighbor advertisement",
        REDIRECT => "redirect",
        138 => "router renumbering",
        139 => "node information query",
        140 => "node information reply",
        141 => "inverse neighbor solicitation",
        142 => "inverse neighbor advertisement",
        LISTENER_REPORT_2 => "multicast listener report v2",
        144 => "ha discovery request",
        145 => "ha discovery reply",
        146 => "mobile router solicitation",
        147 => "mobile router advertisement",
        155 => "RPL",
        EXTENDED_ECHO => "extended echo request",
        EXTENDED_ECHO_REPLY => "extended echo reply",
        _ => return None,
    })
}

/// tcpdump's words for the message; `None` where it was cut in a place that they need.
fn message(icmp: &Icmp6, out: &mut Text) -> Option<()> {
    match name(icmp.kind()) {
        Some(name) => out.push_str(name),
        None => {
            text::number(out, "unknown icmp6 type (", icmp.kind().into());
            out.push(')');
        }
    }
    match icmp.kind() {
        UNREACHABLE => return unreachable(icmp, out),
        TOO_BIG => text::number(out, ", mtu ", icmp.long()),
        TIME_EXCEEDED => return time_exceeded(icmp, out),
        PARAMETER_PROBLEM => {
            icmp.carried.array::<16>(32)?;
            match icmp.code() {
                0 => text::number(out, ", erroneous - octet ", icmp.long()),
                1 => text::number(out, ", next header - octet ", icmp.long()),
                2 => text::number(out, ", option - octet ", icmp.long()),
                3 => text::number(out, ", incomplete header chain - octet ", icmp.long()),
                code => text::number(out, ", code-#", code.into()),
            }
        }
        ECHO | ECHO_REPLY | EXTENDED_ECHO | EXTENDED_ECHO_REPLY => {
            text::number(out, ", id ", icmp.identifier()?.into());
            text::number(out, ", seq ", icmp.sequence()?.into());
        }
        LISTENER_QUERY..=LISTENER_DONE | LISTENER_REPORT_2 => return listener::line(icmp, out),
        NEIGHBOR_SOLICITATION => address(", who has ", icmp.target()?, out),
        NEIGHBOR_ADVERTISEMENT => address(", tgt is ", icmp.target()?, out),
        REDIRECT => {
            address(", ", icmp.redirected()?, out);
            address(" to ", icmp.target()?, out);
        }
        _ => {}
    }
    Some(())
}

fn address(before: &str, address: &[u8; 16], out: &mut Text) {
    out.push_str(before);
    text::ipv6(out, *address);
}

fn unreachable(icmp: &Icmp6, out: &mut Text) -> Option<()> {
    let (source, destination) = (icmp.carried.array(16), icmp.carried.array(32));
    match icmp.code() {
        0 => address(", unreachable route ", destination?, out),
        1 => address(", unreachable prohibited ", destination?, out),
        2 => {
            address(", beyond scope ", destination?, out);
            address(", source address ", source?, out);
        }
        3 => address(", unreachable address ", destination?, out),
        4 => {
            let quote = icmp.carried.after(8, Code::EtherType(ipv6::ETHERTYPE));
            let (protocol, port) = quote::port(&quote)?;
            address(", unreachable port, ", destination?, out);
            match protocol {
                tcp::NUMBER => out.push_str(" tcp"),
                udp::NUMBER => out.push_str(" udp"),
                other => text::number(out, " protocol ", other.into()),
            }
            text::number(out, " port ", port.into());
            if !matches!(protocol, tcp::NUMBER | udp::NUMBER) {
                out.push_str(" unreachable");
            }
        }
        code => {
            text::number(out, ", unknown unreach code (", code.into());
            out.push(')');
        }
    }
    Some(())
}

fn time_exceeded(icmp: &Icmp6, out: &mut Text) -> Option<()> {
    match icmp.code() {
        0 => address(" for ", icmp.carried.array(32)?, out),
        1 => out.push_str(" (reassembly)"),
        code => {
            text::number(out, ", unknown code (", code.into());
            out.push(')');
        }
    }
    Some(())
}

fn words(icmp: &Icmp6) -> String {
    let mut words = Text::new();
    if message(icmp, &mut words).is_none() {
        words.push_str(" [truncated]");
    }
    words.into_string()
}

pub(super) fn block(icmp: &Icmp6, out: &mut Text) {
    if let Some(addresses) = icmp.carried.addresses {
        text::field(out, "Source", addresses.source());
        text::field(out, "Destination", addresses.destination());
    }
    let document = document_without_quote(icmp);
    text::field(out, "ICMP6", document.message);
    text::field(out, "Type", icmp.kind());
    text::field(out, "Code", icmp.code());
    text::field(out, "Checksum", format_args!("0x{:04x} ({})", icmp.checksum(), icmp.checksum_status()));
    if let Some(r) = document.router {
        let flags = format!("managed {}, other {}", u8::from(r.managed), u8::from(r.other));
        text::field(out, "Router", format_args!("hop limit {}, {flags}, lifetime {}s", r.hop_limit, r.lifetime));
        text::field(
            out,
            "Timers",
            format_args!("reachable {}ms, retrans {}ms", r.reachable_time, r.retransmission_timer),
        );
    }
    if let Some(a) = document.advertisement {
        let [router, solicited, over] = [a.router, a.solicited, a.r#override].map(u8::from);
        text::field(out, "Advertisement", format_args!("router {router}, solicited {solicited}, override {over}"));
    }
    if let Some(delay) = document.max_response_delay {
        text::field(out, "Max Response", format_args!("{delay}ms"));
    }
    for source in &document.sources {
        text::field(out, "Source", source.as_str());
    }
    for record in &document.records {
        let mut line = Text::new();
        record.line(&mut line);
        text::field(out, "Record", line);
    }
    for option in icmp.options() {
        let mut line = Text::new();
        option.line(&mut line);
        text::field(out, "Option", line);
    }
    if let Some(quoted) = icmp.quoted() {
        quote::block(quoted, out);
    } else if icmp.identifier().is_some() {
        let payload = icmp.carried.after(8, icmp.carried.code);
        text::data(out, payload.bytes, payload.length);
    }
}

fn router(icmp: &Icmp6) -> Option<Router> {
    let [.., hop_limit, flags, high, low] = *icmp.fixed;
    (icmp.kind() == ROUTER_ADVERTISEMENT).then_some(())?;
    Some(Router {
        hop_limit,
        managed: flags & 0x80 != 0,
        other: flags & 0x40 != 0,
        lifetime: u16::from_be_bytes([high, low]),
        reachable_time: icmp.carried.long(8)?,
        retransmission_timer: icmp.carried.long(12)?,
    })
}

fn document_without_quote(icmp: &Icmp6) -> Document {
    let text = |address: Option<&[u8; 16]>| address.map(|&a| Ipv6Addr::from(a).to_string());
    let flag = |bit: u8| icmp.fixed[4] & bit != 0;
    let advertisement = Advertisement { router: flag(0x80), solicited: flag(0x40), r#override: flag(0x20) };
    Document {
        r#type: icmp.kind(),
        code: icmp.code(),
        message: words(icmp),
        checksum: icmp.checksum(),
        checksum_status: icmp.checksum_status(),
        identifier: icmp.identifier(),
        sequence: icmp.sequence(),
        mtu: icmp.mtu(),
        pointer: icmp.pointer(),
        target: text(icmp.target()),
        destination: text(icmp.redirected()),
        router: router(icmp),
        advertisement: (icmp.kind() == NEIGHBOR_ADVERTISEMENT).then_some(advertisement),
        max_response_delay: (icmp.kind() == LISTENER_QUERY).then(|| listener::delay(icmp)),
        sources: listener::sources(icmp),
        records: listener::records(icmp),
        options: icmp.options().map(|option| option.document()).collect(),
        quoted: None,
        length: icmp.carried.length,
    }
}

pub(super) fn document(icmp: &Icmp6) -> Document {
    Document { quoted: icmp.quoted().map(quote::document), ..document_without_quote(icmp) }
}
