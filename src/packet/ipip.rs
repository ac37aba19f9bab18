//! IPv4 and IPv6 straight in IP (RFC 2003, RFC 2473, RFC 4213).

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Protocol};
use super::{ipv4, ipv6, text};
use crate::packet::{Line, Text};

/// The IP protocol number of IPv4.
pub const IPV4: u8 = 4;
/// The IP protocol number of IPv6.
pub const IPV6: u8 = 41;

/// Where a tunnel begins: it has no header of its own.
#[derive(Debug, Clone, Copy)]
pub struct Ipip<'a> {
    carried: Carried<'a>,
}

/// An [`Ipip`] tunnel as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of the IP inside, 4 or 6.
    pub version: u8,
    /// Length of the packet inside in bytes.
    pub length: usize,
}

impl Ipip<'_> {
    fn version(&self) -> u8 {
        if self.carried.code == Code::Ip(IPV6) { 6 } else { 4 }
    }
}

impl<'a> Protocol<'a> for Ipip<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let tunnel = Ipip { carried };
        let ethertype = if tunnel.version() == 6 { ipv6::ETHERTYPE } else { ipv4::ETHERTYPE };
        Ok((tunnel, Some(carried.inside(0, Code::EtherType(ethertype)))))
    }

    fn line(&self, out: &mut Line) {
        text::between(out, &self.carried);
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Tunnel", format_args!("IPv{} in IP, {} bytes", self.version(), self.carried.length));
    }

    fn document(&self) -> Document {
        Document { version: self.version(), length: self.carried.length }
    }
}
