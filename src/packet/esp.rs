//! The encapsulating security payload of IPsec (RFC 4303): what is not encrypted.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 50;

/// An ESP header.
#[derive(Debug, Clone, Copy)]
pub struct Esp<'a> {
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
    carried: Carried<'a>,
}

/// An [`Esp`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
    /// Length of header and encrypted payload in bytes.
    pub length: usize,
}

impl<'a> Protocol<'a> for Esp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let &[a, b, c, d, e, f, g, h] = carried.header::<8>()?;
        let (spi, sequence) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
        Ok((Esp { spi, sequence, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        text::between(out, &self.carried);
        out.push_str("ESP(spi=");
        text::hexadecimal(out, self.spi, 8);
        out.push_str(",seq=");
        text::hexadecimal(out, self.sequence, 1);
        out.push_str("), length ");
        text::decimal(out, self.carried.length as u32);
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "ESP", format_args!("spi 0x{:08x}, {} bytes", self.spi, self.carried.length));
        text::field(out, "Sequence Number", self.sequence);
    }

    fn document(&self) -> Document {
        Document { spi: self.spi, sequence: self.sequence, length: self.carried.length }
    }
}
