//! VXLAN (RFC 7348): Ethernet frames over UDP.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Link, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// The flag that the network identifier is valid.
const VALID: u8 = 0x08;

/// A VXLAN header.
#[derive(Debug, Clone, Copy)]
pub struct Vxlan<'a> {
    fixed: &'a [u8; 8],
}

/// A [`Vxlan`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Flags; 8 says that the network identifier is valid.
    pub flags: u8,
    /// Network identifier, 24 bits.
    pub vni: u32,
}

impl Vxlan<'_> {
    /// The flags.
    pub fn flags(&self) -> u8 {
        self.fixed[0]
    }

    /// The network identifier, 24 bits.
    pub fn vni(&self) -> u32 {
        u32::from_be_bytes([0, self.fixed[4], self.fixed[5], self.fixed[6]])
    }
}

impl<'a> Protocol<'a> for Vxlan<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Vxlan { fixed: carried.header::<8>()? }, Some(carried.inside(8, Code::Link(Link::Ethernet)))))
    }

    /// tcpdump begins a new line before the frame inside; here a packet is a line.
    fn line(&self, out: &mut Line) {
        out.push_str(if self.flags() & VALID != 0 { "VXLAN, flags [I] (" } else { "VXLAN, flags [invalid] (" });
        text::hexadecimal(out, self.flags().into(), 2);
        if self.flags() & VALID != 0 {
            out.push_str("), vni ");
            text::decimal(out, self.vni());
            out.push_str(": ");
        } else {
            out.push_str("), ERROR: I flag not set: ");
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "VXLAN", format_args!("vni {}, flags 0x{:02x}", self.vni(), self.flags()));
    }

    fn document(&self) -> Document {
        Document { flags: self.flags(), vni: self.vni() }
    }
}
