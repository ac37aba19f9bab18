//! Authentication headers (RFC 4302) between IPv4 and what it carries: walked over, as IPv6's extension headers are.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::layer::{Carried, Code, Part};

/// Its IP protocol number.
pub const NUMBER: u8 = 51;

/// An authentication header.
#[derive(Debug, Clone, Copy)]
pub struct Authentication<'a> {
    fixed: &'a [u8; 12],
    length: usize,
}

/// An authentication header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Protocol number of what is behind it.
    pub protocol: u8,
    /// Length of the header in bytes.
    pub length: usize,
    /// Security parameters index.
    pub spi: u32,
    /// Sequence number.
    pub sequence: u32,
}

impl<'a> Authentication<'a> {
    /// The header at the start of `bytes`, if it is whole.
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let fixed = bytes.first_chunk::<12>()?;
        // The length field counts 32-bit words, but for two.
        let length = (usize::from(fixed[1]) + 2) * 4;
        (12..=bytes.len()).contains(&length).then_some(Authentication { fixed, length })
    }

    /// Its form in JSON.
    pub fn document(&self) -> Document {
        let [protocol, _, _, _, spi @ .., a, b, c, d] = *self.fixed;
        let (spi, sequence) = (u32::from_be_bytes(spi), u32::from_be_bytes([a, b, c, d]));
        Document { protocol, length: self.length, spi, sequence }
    }
}

impl fmt::Display for Authentication<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Document { protocol, length, spi, sequence } = self.document();
        write!(f, "spi 0x{spi:08x}, seq 0x{sequence:x}, {length} bytes, protocol {protocol}")
    }
}

/// The headers in `bytes`, one behind the other.
pub fn headers(mut bytes: &[u8]) -> impl Iterator<Item = Authentication<'_>> {
    std::iter::from_fn(move || {
        let header = Authentication::of(bytes)?;
        bytes = &bytes[header.length..];
        Some(header)
    })
}

/// Follows the headers at the start of `carried`: their bytes, and what is behind them. Where one is not whole, that is
/// what is carried; no decoder goes by its number.
pub(super) fn follow(carried: Carried<'_>) -> (&[u8], Carried<'_>) {
    let mut at = carried;
    // Every header takes at least twelve bytes, so the walk is bounded by the capture.
    while at.code == Code::Ip(NUMBER) && !matches!(at.part, Part::Later(_)) {
        let Some(header) = Authentication::of(at.bytes) else { break };
        at = at.after(header.length, Code::Ip(header.fixed[0]));
    }
    (&carried.bytes[..carried.bytes.len() - at.bytes.len()], at)
}
