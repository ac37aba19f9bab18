//! BSD's loopback header: [LINKTYPE_NULL](https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html) and LINKTYPE_LOOP.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Protocol};
use super::{ipv4, ipv6, text};
use crate::packet::{Line, Text};

/// AF_INET everywhere.
const INET: u32 = 2;
/// AF_INET6 of Linux, Windows, NetBSD and OpenBSD, FreeBSD, and macOS.
const INET6: [u32; 5] = [10, 23, 24, 28, 30];

/// A loopback header, and how long the frame is.
#[derive(Debug, Clone, Copy)]
pub struct Loopback<'a> {
    /// Address family, as the system that captured numbers it.
    pub family: u32,
    carried: Carried<'a>,
}

/// A [`Loopback`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Address family, as the system that captured numbers it.
    pub family: u32,
}

impl Loopback<'_> {
    fn code(&self) -> Option<Code> {
        match self.family {
            INET => Some(Code::EtherType(ipv4::ETHERTYPE)),
            family if INET6.contains(&family) => Some(Code::EtherType(ipv6::ETHERTYPE)),
            _ => None,
        }
    }
}

impl<'a> Protocol<'a> for Loopback<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let bytes = *carried.header::<4>()?;
        // Nothing tells the byte order but that families are small numbers.
        let family = match u32::from_be_bytes(bytes) {
            small @ 0..=0xffff => small,
            _ => u32::from_le_bytes(bytes),
        };
        let header = Loopback { family, carried };
        Ok((header, header.code().map(|code| carried.after(4, code))))
    }

    fn line(&self, out: &mut Line) {
        if self.code().is_none() {
            out.push_str("AF Unknown (");
            text::decimal(out, self.family);
            out.push_str("), length ");
            text::decimal(out, self.carried.length as u32);
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Address Family", self.family);
    }

    fn document(&self) -> Document {
        Document { family: self.family }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Link, Trouble};

    fn code(bytes: [u8; 4]) -> Option<Code> {
        Loopback::decode(Carried::frame(Link::Null, &bytes, 60)).unwrap().1.map(|next| next.code)
    }

    #[test]
    fn families_are_told_in_either_byte_order() {
        for family in [10, 23, 24, 28, 30_u8] {
            assert_eq!(code([0, 0, 0, family]), Some(Code::EtherType(ipv6::ETHERTYPE)));
            assert_eq!(code([family, 0, 0, 0]), Some(Code::EtherType(ipv6::ETHERTYPE)));
        }
        assert_eq!(code([2, 0, 0, 0]), Some(Code::EtherType(ipv4::ETHERTYPE)));
        assert_eq!(code([0, 0, 0, 7]), None);
        assert_eq!(Loopback::decode(Carried::frame(Link::Null, &[0; 3], 60)).unwrap_err(), Trouble::Truncated);
    }

    #[test]
    fn a_family_without_decoder_is_named() {
        let (header, _) = Loopback::decode(Carried::frame(Link::Null, &[7, 0, 0, 0], 60)).unwrap();
        assert_eq!(crate::packet::sample::line(&header), "AF Unknown (7), length 60");
    }
}
