//! IPv6 (RFC 8200): the fixed header and the walk over its extension headers.

#[cfg(test)]
mod tests;

use std::fmt::Write;
use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Addresses, Carried, Code, Decoded, Part, Protocol, Trouble};
use super::{ip_protocol, text};
use crate::packet::{Line, Text};

/// Its EtherType.
pub const ETHERTYPE: u16 = 0x86dd;

/// Extension headers by their next-header numbers (RFC 8200; authentication: RFC 4302).
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;

/// An IPv6 header with its extension headers.
#[derive(Debug, Clone, Copy)]
pub struct Ipv6<'a> {
    fixed: &'a [u8; 40],
    extensions: &'a [u8],
    /// The protocol behind the extension headers, or the header at which they could not be followed.
    pub protocol: u8,
    /// Why the extension headers could not be followed to their end.
    pub trouble: Option<Trouble>,
    /// By how many bytes the payload length goes beyond the frame.
    pub missing: usize,
}

/// An [`Ipv6`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Source address.
    pub source: String,
    /// Destination address, as it stands in the fixed header.
    pub destination: String,
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// Flow label.
    pub flow_label: u32,
    /// Length of extension headers and payload in bytes, as the header says; 0 in jumbograms.
    pub payload_length: u16,
    /// Hop limit.
    pub hop_limit: u8,
    /// Numbers of the extension headers, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<u8>,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Why the extension headers could not be followed to their end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// True where the payload length goes beyond the frame.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub longer_than_frame: bool,
}

impl<'a> Ipv6<'a> {
    /// Source address.
    pub fn source(&self) -> &'a [u8; 16] {
        self.fixed[8..].first_chunk().expect("40 bytes")
    }

    /// Destination address, as it stands in the fixed header.
    pub fn destination(&self) -> &'a [u8; 16] {
        self.fixed[24..].first_chunk().expect("40 bytes")
    }

    /// Traffic class: DSCP and ECN.
    pub fn traffic_class(&self) -> u8 {
        self.fixed[0] << 4 | self.fixed[1] >> 4
    }

    /// Flow label, 20 bits.
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes([0, self.fixed[1] & 15, self.fixed[2], self.fixed[3]])
    }

    /// Length of extension headers and payload in bytes, as the header says.
    pub fn payload_length(&self) -> u16 {
        u16::from_be_bytes([self.fixed[4], self.fixed[5]])
    }

    /// Hop limit.
    pub fn hop_limit(&self) -> u8 {
        self.fixed[7]
    }

    /// The extension headers: number and bytes of each.
    pub fn extensions(&self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let (mut number, mut rest) = (self.fixed[6], self.extensions);
        std::iter::from_fn(move || {
            let (header, behind) = rest.split_at_checked(extension_length(number, rest)?)?;
            rest = behind;
            Some((std::mem::replace(&mut number, header[0]), header))
        })
    }

    /// Appends the fixed header's fields as the one-line form has them when it says all, in tcpdump's words.
    fn detail(&self, out: &mut Text) {
        out.push('(');
        if self.traffic_class() != 0 {
            out.push_str("class ");
            text::hexadecimal(out, self.traffic_class().into(), 2);
            out.push_str(", ");
        }
        if self.flow_label() != 0 {
            out.push_str("flowlabel ");
            text::hexadecimal(out, self.flow_label(), 5);
            out.push_str(", ");
        }
        text::number(out, "hlim ", self.hop_limit().into());
        out.push_str(", next-header ");
        out.push_str(ip_protocol::name(self.fixed[6]));
        text::number_between(out, " (", self.fixed[6].into(), ")");
        text::number_between(out, " payload length: ", self.payload_length().into(), ") ");
    }

    /// Where the packet goes in the end: behind a routing header under way, else the destination.
    fn final_destination(&self) -> &'a [u8; 16] {
        let routing = self.extensions().find(|(number, _)| *number == ROUTING).map(|(_, header)| header);
        let goal = match routing {
            // Types 0 and 2 list the stops in order, segment routing (type 4, RFC 8754) in reverse.
            Some(header @ [_, _, 0 | 2, left, ..]) if *left > 0 && header.len() >= 24 => header.last_chunk(),
            Some(header @ [_, _, 4, left, ..]) if *left > 0 => header.get(8..).and_then(|h| h.first_chunk()),
            _ => None,
        };
        goal.unwrap_or_else(|| self.destination())
    }
}

/// The length in bytes of the extension header that `number` names; `None` where it is none, or its length is cut off.
fn extension_length(number: u8, bytes: &[u8]) -> Option<usize> {
    let field = usize::from(*bytes.get(1)?);
    match number {
        HOP_BY_HOP | ROUTING | DESTINATION => Some((field + 1) * 8),
        FRAGMENT => Some(8),
        AUTHENTICATION => Some((field + 2) * 4),
        _ => None,
    }
}

/// Whether this next-header number is that of an extension header.
pub(super) fn is_extension(number: u8) -> bool {
    matches!(number, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION)
}

/// The length of a jumbogram (RFC 2675), from its hop-by-hop options.
fn jumbo_length(carried: &Carried) -> Option<usize> {
    let header = carried.bytes.get(..extension_length(HOP_BY_HOP, carried.bytes)?)?;
    let mut options = &header[2..];
    loop {
        options = match options {
            [0xc2, 4, a, b, c, d, ..] => return Some(u32::from_be_bytes([*a, *b, *c, *d]) as usize),
            [0, rest @ ..] => rest,
            [_, length, rest @ ..] => rest.get(usize::from(*length)..)?,
            _ => return None,
        };
    }
}

/// The part of a datagram that a fragment header tells of.
fn part(header: &[u8]) -> Part {
    let field = u16::from_be_bytes([header[2], header[3]]);
    match (u32::from(field & !7), field & 1) {
        (0, 0) => Part::Whole,
        (0, _) => Part::First,
        (offset, _) => Part::Later(offset),
    }
}

/// Follows the extension headers: what is behind them, the part of a datagram it is, and why that is not all.
fn follow<'a>(mut at: Carried<'a>, mut number: u8) -> (Carried<'a>, u8, Option<Trouble>) {
    // Every header takes at least eight bytes, so the walk is bounded by the capture.
    while is_extension(number) && !matches!(at.part, Part::Later(_)) {
        let Some(length) = extension_length(number, at.bytes) else { return (at, number, Some(at.short(8))) };
        let Some(header) = at.bytes.get(..length) else { return (at, number, Some(at.short(length))) };
        if number == FRAGMENT {
            at.part = part(header);
        }
        number = header[0];
        at = at.after(length, Code::Ip(number));
    }
    (at, number, None)
}

impl<'a> Protocol<'a> for Ipv6<'a> {
    type Document = Document;

    #[inline(always)]
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let fixed = carried.header::<40>()?;
        if fixed[0] >> 4 != 6 {
            return Err(Trouble::Malformed("the version is not 6"));
        }
        let mut ip = Ipv6 { fixed, extensions: &[], protocol: fixed[6], trouble: None, missing: 0 };
        let behind = carried.after(40, Code::Ip(ip.protocol));
        let length = match ip.payload_length() {
            // No length: a jumbogram says it elsewhere; else the device was left to cut the packet up.
            0 if ip.protocol == HOP_BY_HOP => jumbo_length(&behind).unwrap_or(behind.length),
            0 => behind.length,
            length => length.into(),
        };
        ip.missing = length.saturating_sub(behind.length);
        let start = behind.declared(length);
        let (mut next, protocol, trouble) = follow(start, ip.protocol);
        ip.extensions = &start.bytes[..start.bytes.len() - next.bytes.len()];
        (ip.protocol, ip.trouble) = (protocol, trouble);
        next.addresses = Some(Addresses::V6(ip.source(), ip.final_destination()));
        Ok((ip, trouble.is_none().then_some(next)))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("IP6 ");
        if self.missing > 0 {
            let _ = write!(out, "[truncated-ip6 - {} bytes missing] ", self.missing);
        }
        if out.is_checked() {
            self.detail(out);
        }
        if let Some(trouble) = self.trouble {
            text::addresses(out, Addresses::V6(self.source(), self.destination()));
            let _ = write!(out, ": extension header {} [{}]", self.protocol, trouble.word());
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Protocol", |out: &mut Text| text::number(out, "IPv6, ", self.protocol.into()));
        text::field(out, "Traffic Class", text::traffic_class(self.traffic_class()));
        text::field(out, "Flow Label", |out: &mut Text| text::hexadecimal(out, self.flow_label(), 5));
        text::field(out, "Payload Length", self.payload_length());
        text::field(out, "Hop Limit", self.hop_limit());
        for (number, header) in self.extensions() {
            text::field(out, "Extension", format_args!("{number}, {} bytes", header.len()));
        }
        if self.missing > 0 {
            text::field(out, "Fault", format_args!("payload length beyond the frame by {} bytes", self.missing));
        }
        if let Some(trouble) = self.trouble {
            text::field(out, "Fault", format_args!("extension header {} is {}", self.protocol, trouble.word()));
        }
    }

    fn document(&self) -> Document {
        Document {
            source: Ipv6Addr::from(*self.source()).to_string(),
            destination: Ipv6Addr::from(*self.destination()).to_string(),
            traffic_class: self.traffic_class(),
            flow_label: self.flow_label(),
            payload_length: self.payload_length(),
            hop_limit: self.hop_limit(),
            extensions: self.extensions().map(|(number, _)| number).collect(),
            protocol: self.protocol,
            trouble: self.trouble,
            longer_than_frame: self.missing > 0,
        }
    }
}
