//! Generic routing encapsulation: version 0 (RFC 2784, RFC 2890), version 1 of PPTP (RFC 2637).

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Link, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 47;
/// EtherType of Ethernet frames inside (transparent Ethernet bridging).
pub const ETHERNET: u16 = 0x6558;

/// Flags, by their place in the first two bytes.
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;

/// A GRE header.
#[derive(Debug, Clone, Copy)]
pub struct Gre<'a> {
    /// Flags and version, as they stand.
    pub flags: u16,
    /// EtherType of what is inside.
    pub protocol: u16,
    /// Checksum and offset (of the active source route), where there are any.
    pub checksum: Option<(u16, u16)>,
    /// Key; in version 1, payload length and call number.
    pub key: Option<u32>,
    /// Sequence number.
    pub sequence: Option<u32>,
    /// Acknowledgement number, in version 1.
    pub acknowledgement: Option<u32>,
    carried: Carried<'a>,
}

/// A [`Gre`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version: 0, or 1 in PPTP.
    pub version: u8,
    /// Flags and version, as they stand.
    pub flags: u16,
    /// EtherType of what is inside.
    pub protocol: u16,
    /// Checksum, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<u16>,
    /// Key; in version 1, payload length (upper half) and call number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<u32>,
    /// Sequence number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// Acknowledgement number, in version 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<u32>,
    /// Length of header and payload in bytes.
    pub length: usize,
}

impl Gre<'_> {
    /// The version: 0, or 1 in PPTP.
    pub fn version(&self) -> u8 {
        (self.flags & 7) as u8
    }

    /// Reads the optional fields; how long the header is with them.
    fn options(&mut self) -> Result<usize, Trouble> {
        let (carried, mut at) = (self.carried, 4);
        let mut field = |bits: u16| {
            let wanted = self.flags & bits != 0;
            let value = wanted.then(|| carried.long(at).ok_or_else(|| carried.short(at + 4))).transpose();
            at += if wanted { 4 } else { 0 };
            value
        };
        if self.flags & 7 == 0 {
            self.checksum = field(CHECKSUM | ROUTING)?.map(|both| ((both >> 16) as u16, both as u16));
        }
        self.key = field(KEY)?;
        self.sequence = field(SEQUENCE)?;
        if self.flags & 7 == 1 {
            self.acknowledgement = field(ACKNOWLEDGEMENT)?;
        }
        Ok(at)
    }

    fn next<'a>(&self, carried: &Carried<'a>, at: usize) -> Option<Carried<'a>> {
        // Source routes (RFC 1701) were given up with RFC 2784: their length is not followed.
        let opaque = self.version() == 0 && self.flags & ROUTING != 0 || self.version() > 1;
        // Keep-alives are of protocol 0; an acknowledgement of version 1 carries nothing.
        let empty = self.protocol == 0 || self.version() == 1 && self.sequence.is_none();
        let code = match self.protocol {
            ETHERNET => Code::Link(Link::Ethernet),
            other => Code::EtherType(other),
        };
        (!opaque && !empty).then(|| carried.inside(at, code))
    }
}

impl<'a> Protocol<'a> for Gre<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let &[a, b, c, d] = carried.header::<4>()?;
        let mut gre = Gre {
            flags: u16::from_be_bytes([a, b]),
            protocol: u16::from_be_bytes([c, d]),
            checksum: None,
            key: None,
            sequence: None,
            acknowledgement: None,
            carried,
        };
        let at = if gre.version() > 1 { 4 } else { gre.options()? };
        Ok((gre, gre.next(&carried, at)))
    }

    fn line(&self, out: &mut Line) {
        text::between(out, &self.carried);
        out.push_str("GREv");
        text::decimal(out, self.version().into());
        if self.version() > 1 {
            out.push_str(" ERROR: unknown-version");
            return;
        }
        if let Some((_, offset)) = self.checksum {
            out.push_str(", off ");
            text::hexadecimal(out, offset.into(), 1);
        }
        match (self.key, self.version()) {
            (Some(key), 0) => {
                out.push_str(", key=");
                text::hexadecimal(out, key, 1);
            }
            (Some(key), _) => text::number(out, ", call ", key & 0xffff),
            (None, 0) => {}
            (None, _) => out.push_str(", (ERROR: K flag not set)"),
        }
        if let Some(n) = self.sequence {
            text::number(out, ", seq ", n);
        }
        if let Some(n) = self.acknowledgement {
            text::number(out, ", ack ", n);
        }
        if self.version() == 1 && self.sequence.is_none() {
            out.push_str(", no-payload");
        }
        text::number(out, ", length ", self.carried.length as u32);
        match self.protocol {
            0 if self.version() == 0 => out.push_str(": keep-alive"),
            _ if self.next(&self.carried, 0).is_some() => out.push_str(": "),
            _ => {}
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "GRE", format_args!("version {}, flags 0x{:04x}", self.version(), self.flags));
        text::field(out, "GRE Protocol", format_args!("0x{:04x}", self.protocol));
        if let Some((checksum, offset)) = self.checksum {
            text::field(out, "GRE Checksum", format_args!("0x{checksum:04x}, offset {offset}"));
        }
        if let Some(key) = self.key {
            text::field(out, "GRE Key", format_args!("0x{key:x}"));
        }
        if let Some(n) = self.sequence {
            text::field(out, "Sequence Number", n);
        }
        if let Some(n) = self.acknowledgement {
            text::field(out, "Acknowledgement", n);
        }
    }

    fn document(&self) -> Document {
        Document {
            version: self.version(),
            flags: self.flags,
            protocol: self.protocol,
            checksum: self.checksum.map(|(checksum, _)| checksum),
            key: self.key,
            sequence: self.sequence,
            acknowledgement: self.acknowledgement,
            length: self.carried.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bytes: &[u8]) -> (String, Option<(Code, usize)>) {
        let carried = Carried { code: Code::Ip(NUMBER), ..Carried::frame(Link::Ip, bytes, bytes.len()) };
        let (gre, next) = Gre::decode(carried).unwrap();
        (crate::packet::sample::line(&gre), next.map(|next| (next.code, next.bytes.len())))
    }

    #[test]
    fn optional_fields_are_where_the_flags_say() {
        assert_eq!(shown(&[0, 0, 8, 0, 0xaa]), ("GREv0, length 5: ".into(), Some((Code::EtherType(0x0800), 1))));
        let all = [0xb0, 0, 0x65, 0x58, 1, 2, 0, 0, 0, 0, 0, 9, 0, 0, 0, 7, 0xaa];
        let expected = "GREv0, off 0x0, key=0x9, seq 7, length 17: ".to_owned();
        assert_eq!(shown(&all), (expected, Some((Code::Link(Link::Ethernet), 1))));
        assert_eq!(shown(&[0, 0, 0, 0]), ("GREv0, length 4: keep-alive".into(), None));
    }

    #[test]
    fn version_1_has_a_call_and_an_acknowledgement() {
        let bytes = [0x30, 0x81, 0x88, 0x0b, 0, 1, 0, 5, 0, 0, 0, 2, 0, 0, 0, 3, 0xff];
        let expected = "GREv1, call 5, seq 2, ack 3, length 17: ".to_owned();
        assert_eq!(shown(&bytes), (expected, Some((Code::EtherType(0x880b), 1))));
        let acknowledgement = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 5, 0, 0, 0, 3];
        assert_eq!(shown(&acknowledgement), ("GREv1, call 5, ack 3, no-payload, length 12".into(), None));
        assert_eq!(shown(&[0, 7, 8, 0]), ("GREv7 ERROR: unknown-version".into(), None));
    }

    #[test]
    fn a_cut_field_is_truncated() {
        let carried = Carried { code: Code::Ip(NUMBER), ..Carried::frame(Link::Ip, &[0x20, 0, 8, 0, 1], 60) };
        assert_eq!(Gre::decode(carried).unwrap_err(), Trouble::Truncated);
        assert!(matches!(Gre::decode(Carried { length: 5, ..carried }).unwrap_err(), Trouble::Malformed(_)));
    }
}
