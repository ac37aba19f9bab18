//! Geneve (RFC 8926): frames and packets over UDP, with options.

use schemars::JsonSchema;
use serde::Serialize;

use super::gre;
use super::layer::{Carried, Code, Decoded, Link, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};

/// A Geneve header.
#[derive(Debug, Clone, Copy)]
pub struct Geneve<'a> {
    fixed: &'a [u8; 8],
    options: &'a [u8],
}

/// A [`Geneve`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Network identifier, 24 bits.
    pub vni: u32,
    /// Control packet.
    pub control: bool,
    /// There are options that must not be ignored.
    pub critical: bool,
    /// EtherType of what is inside; 25944 (0x6558) is Ethernet.
    pub protocol: u16,
    /// Options in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
}

impl Geneve<'_> {
    /// Control packet.
    pub fn control(&self) -> bool {
        self.fixed[1] & 0x80 != 0
    }

    /// There are options that must not be ignored.
    pub fn critical(&self) -> bool {
        self.fixed[1] & 0x40 != 0
    }

    /// EtherType of what is inside.
    pub fn protocol(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// The network identifier, 24 bits.
    pub fn vni(&self) -> u32 {
        u32::from_be_bytes([0, self.fixed[4], self.fixed[5], self.fixed[6]])
    }

    fn flags(&self) -> &'static str {
        match (self.control(), self.critical()) {
            (true, true) => "OC",
            (true, false) => "O",
            (false, true) => "C",
            (false, false) => "none",
        }
    }
}

impl<'a> Protocol<'a> for Geneve<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let fixed = carried.header::<8>()?;
        if fixed[0] >> 6 != 0 {
            return Err(Trouble::Malformed("the version is not 0"));
        }
        let end = 8 + usize::from(fixed[0] & 0x3f) * 4;
        let options = carried.bytes.get(8..end).ok_or_else(|| carried.short(end))?;
        let header = Geneve { fixed, options };
        let code = match header.protocol() {
            gre::ETHERNET => Code::Link(Link::Ethernet),
            other => Code::EtherType(other),
        };
        Ok((header, Some(carried.inside(end, code))))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("Geneve, Flags [");
        out.push_str(self.flags());
        out.push_str("], vni ");
        text::hexadecimal(out, self.vni(), 1);
        if !self.options.is_empty() {
            out.push_str(", options [");
            text::decimal(out, self.options.len() as u32);
            out.push_str(" bytes]");
        }
        out.push_str(": ");
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Geneve", format_args!("vni 0x{:x}, flags [{}]", self.vni(), self.flags()));
        text::field(out, "Geneve Protocol", format_args!("0x{:04x}", self.protocol()));
        if !self.options.is_empty() {
            text::field(out, "Geneve Options", text::to_hex(self.options));
        }
    }

    fn document(&self) -> Document {
        Document {
            vni: self.vni(),
            control: self.control(),
            critical: self.critical(),
            protocol: self.protocol(),
            options: text::to_hex(self.options),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 17] = [1, 0xc0, 0x65, 0x58, 0, 0, 0x53, 0, 1, 2, 0x80, 0, 0, 0, 0, 9, 0xaa];

    fn decode(bytes: &[u8], length: usize) -> Decoded<'_, Geneve<'_>> {
        Geneve::decode(Carried::frame(Link::Ip, bytes, length))
    }

    #[test]
    fn options_stand_before_the_frame() {
        let (header, next) = decode(&BYTES, 17).unwrap();
        let next = next.unwrap();
        assert_eq!((next.code, next.bytes.len()), (Code::Link(Link::Ethernet), 5));
        assert_eq!(header.document().options, "01028000");
        assert_eq!(crate::packet::sample::line(&header), "Geneve, Flags [OC], vni 0x53, options [4 bytes]: ");
    }

    #[test]
    fn cut_options_and_other_versions_are_told_apart() {
        assert_eq!(decode(&BYTES[..10], 17).unwrap_err(), Trouble::Truncated);
        assert!(matches!(decode(&BYTES[..10], 10).unwrap_err(), Trouble::Malformed(_)));
        let mut other = BYTES;
        other[0] = 0x41;
        assert_eq!(decode(&other, 17).unwrap_err(), Trouble::Malformed("the version is not 0"));
    }
}
