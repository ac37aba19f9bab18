//! How a TCP header is shown: tcpdump's line, the cheat sheet's block, JSON.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::options::{self, Options, TcpOption};
use super::{Fault, Flags, Tcp};
use crate::packet::checksum::Verdict;
use crate::packet::text;
use crate::packet::{Detail, Line, Text};

/// A TCP header and its payload as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number, absolute.
    pub sequence: u32,
    /// Acknowledgement number, absolute; counts where ACK is set.
    pub acknowledgement: u32,
    /// Length of the header in 32-bit words.
    pub data_offset: u8,
    /// Names of the flags that are set: FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE.
    pub flags: Vec<&'static str>,
    /// Receive window, unscaled.
    pub window: u16,
    /// Checksum field.
    pub checksum: u16,
    /// What verifying it found.
    pub checksum_status: Verdict,
    /// Urgent pointer; counts where URG is set.
    pub urgent_pointer: u16,
    /// Options, in their order.
    pub options: Vec<options::Document>,
    /// Length of the payload on the wire in bytes.
    pub payload_length: usize,
    /// The captured payload in hexadecimal.
    pub payload_hex: String,
    /// The captured payload as text, with everything but printable ASCII escaped (\n, \r, \t, \\, \xNN).
    pub payload_text: String,
    /// What is wrong with the data offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
}

fn fault(tcp: &Tcp) -> Option<&'static str> {
    tcp.fault().map(|fault| match fault {
        Fault::OffsetTooShort => "too short, < 20",
        Fault::OffsetTooLong => "too long, beyond the segment",
    })
}

pub(super) fn line(tcp: &Tcp, out: &mut Line) {
    if let Some(addresses) = tcp.addresses() {
        text::endpoints(out, addresses, tcp.source_port(), tcp.destination_port());
        out.push_str(": ");
    }
    if out.detail == Detail::Quick {
        return text::number(out, "tcp ", tcp.payload_length() as u32);
    }
    out.push_str("Flags [");
    letters(tcp.flags(), out);
    out.push(']');
    if let Some(why) = fault(tcp) {
        let _ = write!(out, " [bad hdr length {} - {why}]", tcp.header_length());
        return;
    }
    if out.is_checked() {
        out.push_str(", cksum ");
        tcp.checksum_status().with(tcp.checksum(), out);
    }
    let bases = out.flows.as_mut().map_or((0, 0), |flows| flows.bases(tcp));
    numbers(tcp, bases, out);
    options(tcp.options(), out);
    text::number(out, ", length ", tcp.payload_length() as u32);
}

fn options(options: Options, out: &mut Text) {
    if options.is_empty() {
        return;
    }
    // What most segments have, without a look at each.
    if let Some([value, echo]) = options.only_timestamps() {
        text::number(out, ", options [nop,nop,TS val ", value);
        text::number_between(out, " ecr ", echo, "]");
        return;
    }
    let mut before = ", options [";
    for option in options {
        out.push_str(before);
        option.line(out);
        before = ",";
    }
    out.push(']');
}

const PUSH_ACK: u16 = Flags::PSH | Flags::ACK;

fn letters(flags: Flags, out: &mut Text) {
    // What most segments have, without looking at every bit.
    match flags.0 {
        Flags::ACK => return out.push('.'),
        PUSH_ACK => return out.push_str("P."),
        _ => {}
    }
    let before = out.len();
    Flags::ALL.into_iter().filter(|(bit, ..)| flags.has(*bit)).for_each(|(.., letter)| out.push(letter));
    if out.len() == before {
        out.push_str("none");
    }
}

/// The numbers of the line: those that count with these flags, less those that are shown as 0.
fn numbers(tcp: &Tcp, bases: (u32, u32), out: &mut Text) {
    let flags = tcp.flags();
    let length = tcp.payload_length();
    let sequence = tcp.sequence().wrapping_sub(bases.0);
    if length > 0 || flags.0 & (Flags::SYN | Flags::FIN | Flags::RST) != 0 {
        text::number(out, ", seq ", sequence);
    }
    if length > 0 {
        text::number(out, ":", sequence.wrapping_add(length as u32));
    }
    if flags.has(Flags::ACK) {
        text::number(out, ", ack ", tcp.acknowledgement().wrapping_sub(bases.1));
    }
    text::number(out, ", win ", tcp.window().into());
    if flags.has(Flags::URG) {
        text::number(out, ", urg ", tcp.urgent_pointer().into());
    }
}

/// The cheat sheet's facts in its order, then what it lacks.
pub(super) fn block(tcp: &Tcp, out: &mut Text) {
    if let Some(addresses) = tcp.addresses() {
        text::field(out, "Source", addresses.source());
        text::field(out, "Destination", addresses.destination());
    }
    text::field(out, "Source Port", tcp.source_port());
    text::field(out, "Dest Port", tcp.destination_port());
    text::field(out, "Sequence Number", tcp.sequence());
    text::field(out, "Acknowledgement", tcp.acknowledgement());
    text::field(out, "Data Offset", |out: &mut Text| {
        text::decimal(out, tcp.data_offset().into());
        text::number_between(out, " (", tcp.header_length() as u32, " bytes)");
    });
    text::field(out, "Flags", |out: &mut Text| flags(tcp.flags(), out));
    text::field(out, "Window", tcp.window());
    text::field(out, "Checksum", |out: &mut Text| tcp.checksum_status().with(tcp.checksum(), out));
    text::field(out, "Urgent Pointer", tcp.urgent_pointer());
    if let Some(why) = fault(tcp) {
        text::field(out, "Fault", format_args!("header length {} is {why}", tcp.header_length()));
    }
    for option in tcp.options() {
        text::field(out, "Option", |out: &mut Text| option.line(out));
    }
    text::data(out, tcp.payload(), tcp.payload_length());
}

fn flags(flags: Flags, out: &mut Text) {
    let mut before = "";
    for (bit, name, _) in &Flags::ALL[..8] {
        out.push_str(before);
        out.push_str(name);
        out.push_str(if flags.has(*bit) { " 1" } else { " 0" });
        before = " ";
    }
    if flags.has(Flags::AE) {
        out.push_str(" AE 1");
    }
}

pub(super) fn document(tcp: &Tcp) -> Document {
    Document {
        source_port: tcp.source_port(),
        destination_port: tcp.destination_port(),
        sequence: tcp.sequence(),
        acknowledgement: tcp.acknowledgement(),
        data_offset: tcp.data_offset(),
        flags: tcp.flags().names().collect(),
        window: tcp.window(),
        checksum: tcp.checksum(),
        checksum_status: tcp.checksum_status(),
        urgent_pointer: tcp.urgent_pointer(),
        options: tcp.options().map(|o: TcpOption| o.document()).collect(),
        payload_length: tcp.payload_length(),
        payload_hex: text::to_hex(tcp.payload()),
        payload_text: text::to_escaped(tcp.payload()),
        fault: fault(tcp),
    }
}
