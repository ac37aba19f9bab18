//! How an ICMP message is shown: tcpdump's line, the block, JSON.

use schemars::JsonSchema;
use serde::Serialize;

use super::*;
use crate::packet::Text;
use crate::packet::checksum::Verdict;
use crate::packet::{quote, tcp, text, udp};

/// An ICMP message as JSON.
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
    /// Identifier of echoes, time stamps and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<u16>,
    /// Sequence number of echoes, time stamps and the like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u16>,
    /// The router that a redirect names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// What the next link takes, where the packet was too big.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u16>,
    /// The byte at which the header made no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<u8>,
    /// Originate, receive and transmit time stamps: milliseconds since midnight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamps: Option<[u32; 3]>,
    /// The packet that an error is about, as far as it is quoted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quoted: Option<Box<quote::Document>>,
    /// Length of header and payload in bytes.
    pub length: usize,
}

pub(super) fn line(icmp: &Icmp, out: &mut Text) {
    text::between(out, &icmp.carried);
    out.push_str("ICMP ");
    if message(icmp, out).is_none() {
        // As much of the packet as the words need was not captured.
        out.push_str("[|icmp]");
    }
    text::number(out, ", length ", icmp.carried.length as u32);
}

/// tcpdump's words for the message; `None` where it was cut in a place that they need.
fn message(icmp: &Icmp, out: &mut Text) -> Option<()> {
    match icmp.kind() {
        ECHO => numbered(icmp, "echo request, id ", ", seq ", out),
        ECHO_REPLY => numbered(icmp, "echo reply, id ", ", seq ", out),
        EXTENDED_ECHO => numbered(icmp, "extended echo request, id ", ", seq ", out),
        EXTENDED_ECHO_REPLY => numbered(icmp, "extended echo reply, id ", ", seq ", out),
        TIMESTAMP => numbered(icmp, "time stamp query id ", " seq ", out),
        TIMESTAMP_REPLY => {
            let times = icmp.timestamps()?;
            numbered(icmp, "time stamp reply id ", " seq ", out);
            for (word, time) in [": org ", ", recv ", ", xmit "].into_iter().zip(times) {
                out.push_str(word);
                clock(time, out);
            }
        }
        UNREACHABLE => return unreachable(icmp, out),
        REDIRECT => return redirect(icmp, out),
        TIME_EXCEEDED => return time_exceeded(icmp, out),
        ROUTER_ADVERTISEMENT => return advertisement(icmp, out),
        PARAMETER_PROBLEM if icmp.code() != 0 => text::number(out, "parameter problem - code ", icmp.code().into()),
        PARAMETER_PROBLEM => text::number(out, "parameter problem - octet ", icmp.fixed[4].into()),
        MASK_REPLY => {
            let mask = icmp.carried.long(8)?;
            out.push_str("address mask is ");
            text::hexadecimal(out, mask, 8);
        }
        4 => out.push_str("source quench"),
        10 => out.push_str("router solicitation"),
        15 => out.push_str("information request"),
        16 => out.push_str("information reply"),
        17 => out.push_str("address mask request"),
        other => text::number(out, "type-#", other.into()),
    }
    Some(())
}

fn numbered(icmp: &Icmp, before: &str, between: &str, out: &mut Text) {
    text::number(out, before, icmp.identifier().unwrap_or_default().into());
    text::number(out, between, icmp.sequence().unwrap_or_default().into());
}

/// Milliseconds since midnight, as a clock shows them.
fn clock(time: u32, out: &mut Text) {
    let (hours, minutes, seconds) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60);
    for (n, digits, after) in [(hours, 2, ":"), (minutes, 2, ":"), (seconds, 2, "."), (time % 1000, 3, "")] {
        padded(out, n, digits);
        out.push_str(after);
    }
}

fn padded(out: &mut Text, n: u32, digits: u32) {
    (1..digits).filter(|&place| n < 10_u32.pow(place)).for_each(|_| out.push('0'));
    text::decimal(out, n);
}

/// What stands before and after the destination, by the code of an unreachable message.
const UNREACHABLE_WORDS: [(&str, &str); 16] = [
    ("net ", " unreachable"),
    ("host ", " unreachable"),
    ("", " protocol "),
    ("", ""),
    ("", " unreachable - need to frag"),
    ("", " unreachable - source route failed"),
    ("net ", " unreachable - unknown"),
    ("host ", " unreachable - unknown"),
    ("", " unreachable - source host isolated"),
    ("net ", " unreachable - admin prohibited"),
    ("host ", " unreachable - admin prohibited"),
    ("net ", " unreachable - tos prohibited"),
    ("host ", " unreachable - tos prohibited"),
    ("host ", " unreachable - admin prohibited filter"),
    ("host ", " unreachable - host precedence violation"),
    ("host ", " unreachable - precedence cutoff"),
];

fn unreachable(icmp: &Icmp, out: &mut Text) -> Option<()> {
    let destination = *icmp.carried.array::<4>(24)?;
    let protocol = *icmp.carried.bytes.get(17)?;
    let port = quote::port(&icmp.carried.after(8, crate::packet::Code::EtherType(ipv4::ETHERTYPE)));
    let (_, port) = if icmp.code() == 3 { port? } else { (0, 0) };
    let words = UNREACHABLE_WORDS.get(usize::from(icmp.code()));
    let (before, after) = words.copied().unwrap_or(("", " unreachable - #"));
    out.push_str(before);
    text::ipv4(out, destination);
    out.push_str(after);
    match icmp.code() {
        2 => {
            text::number(out, "", protocol.into());
            out.push_str(" unreachable");
        }
        3 => {
            match protocol {
                tcp::NUMBER => out.push_str(" tcp"),
                udp::NUMBER => out.push_str(" udp"),
                other => text::number(out, " protocol ", other.into()),
            }
            text::number(out, " port ", port.into());
            out.push_str(" unreachable");
        }
        4 if icmp.word(6) != 0 => {
            text::number(out, " (mtu ", icmp.word(6).into());
            out.push(')');
        }
        16.. => text::decimal(out, icmp.code().into()),
        _ => {}
    }
    Some(())
}

fn redirect(icmp: &Icmp, out: &mut Text) -> Option<()> {
    let destination = *icmp.carried.array::<4>(24)?;
    let (before, between) = match icmp.code() {
        0 => ("redirect ", " to net "),
        1 => ("redirect ", " to host "),
        2 => ("redirect-tos ", " to net "),
        3 => ("redirect-tos ", " to host "),
        _ => ("redirect-#", " to "),
    };
    out.push_str(before);
    if icmp.code() > 3 {
        text::number(out, "", icmp.code().into());
        out.push(' ');
    }
    text::ipv4(out, destination);
    out.push_str(between);
    text::ipv4(out, icmp.gateway()?);
    Some(())
}

fn time_exceeded(icmp: &Icmp, out: &mut Text) -> Option<()> {
    icmp.carried.array::<4>(24)?;
    match icmp.code() {
        0 => out.push_str("time exceeded in-transit"),
        1 => out.push_str("ip reassembly time exceeded"),
        other => text::number(out, "time exceeded-#", other.into()),
    }
    Some(())
}

fn advertisement(icmp: &Icmp, out: &mut Text) -> Option<()> {
    let [.., count, size, _, _] = *icmp.fixed;
    let lifetime = u32::from(icmp.word(6));
    let (entries, _) = icmp.carried.bytes.get(8..)?.as_chunks::<8>();
    let entries = if size == 2 { entries.get(..count.into())? } else { &[] };
    out.push_str("router advertisement lifetime ");
    match lifetime {
        0..60 => text::decimal(out, lifetime),
        60..3600 => {
            text::number(out, "", lifetime / 60);
            out.push(':');
            padded(out, lifetime % 60, 2);
        }
        _ => {
            text::number(out, "", lifetime / 3600);
            for part in [lifetime % 3600 / 60, lifetime % 60] {
                out.push(':');
                padded(out, part, 2);
            }
        }
    }
    text::number(out, " ", count.into());
    out.push(':');
    if size != 2 {
        text::number(out, " [size ", size.into());
        out.push(']');
    }
    for &[a, b, c, d, e, f, g, h] in entries {
        out.push_str(" {");
        text::ipv4(out, [a, b, c, d]);
        text::number(out, " ", u32::from_be_bytes([e, f, g, h]));
        out.push('}');
    }
    Some(())
}

fn words(icmp: &Icmp) -> String {
    let mut words = Text::new();
    if message(icmp, &mut words).is_none() {
        words.push_str("truncated");
    }
    words.into_string()
}

pub(super) fn block(icmp: &Icmp, out: &mut Text) {
    if let Some(addresses) = icmp.carried.addresses {
        text::field(out, "Source", addresses.source());
        text::field(out, "Destination", addresses.destination());
    }
    text::field(out, "ICMP", words(icmp));
    text::field(out, "Type", icmp.kind());
    text::field(out, "Code", icmp.code());
    text::field(out, "Checksum", format_args!("0x{:04x} ({})", icmp.checksum(), icmp.checksum_status()));
    if let (Some(identifier), Some(sequence)) = (icmp.identifier(), icmp.sequence()) {
        text::field(out, "Identifier", identifier);
        text::field(out, "Sequence Number", sequence);
    }
    if let Some(mtu) = icmp.mtu() {
        text::field(out, "MTU", mtu);
    }
    match icmp.quoted() {
        Some(quoted) => quote::block(quoted, out),
        None => {
            let payload = icmp.carried.after(8, icmp.carried.code);
            text::data(out, payload.bytes, payload.length);
        }
    }
}

pub(super) fn document(icmp: &Icmp) -> Document {
    Document {
        r#type: icmp.kind(),
        code: icmp.code(),
        message: words(icmp),
        checksum: icmp.checksum(),
        checksum_status: icmp.checksum_status(),
        identifier: icmp.identifier(),
        sequence: icmp.sequence(),
        gateway: icmp.gateway().map(|gateway| std::net::Ipv4Addr::from(gateway).to_string()),
        mtu: icmp.mtu(),
        pointer: icmp.pointer(),
        timestamps: icmp.timestamps(),
        quoted: icmp.quoted().map(quote::document),
        length: icmp.carried.length,
    }
}
