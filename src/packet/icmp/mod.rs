//! ICMP of IPv4 (RFC 792, RFC 1256, RFC 4884, RFC 8335); its views are in `show`.

mod show;
#[cfg(test)]
mod tests;

pub use show::Document;

use super::checksum::{self, Verdict};
use super::layer::{Carried, Decoded, Protocol};
use super::{ipv4, quote};
use crate::packet::{Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 1;

/// Message types.
pub const ECHO_REPLY: u8 = 0;
/// The packet could not be delivered.
pub const UNREACHABLE: u8 = 3;
/// There is a better router.
pub const REDIRECT: u8 = 5;
/// Asks for an echo.
pub const ECHO: u8 = 8;
/// A router makes itself known.
pub const ROUTER_ADVERTISEMENT: u8 = 9;
/// The packet's time to live, or that of its fragments, was over.
pub const TIME_EXCEEDED: u8 = 11;
/// The header made no sense.
pub const PARAMETER_PROBLEM: u8 = 12;
/// Asks for a time stamp.
pub const TIMESTAMP: u8 = 13;
/// Answers with time stamps.
pub const TIMESTAMP_REPLY: u8 = 14;
/// Answers with the address mask.
pub const MASK_REPLY: u8 = 18;
/// Asks about an interface (RFC 8335).
pub const EXTENDED_ECHO: u8 = 42;
/// Tells about an interface.
pub const EXTENDED_ECHO_REPLY: u8 = 43;

/// An ICMP message.
#[derive(Debug, Clone, Copy)]
pub struct Icmp<'a> {
    fixed: &'a [u8; 8],
    carried: Carried<'a>,
}

impl<'a> Icmp<'a> {
    /// Message type.
    pub fn kind(&self) -> u8 {
        self.fixed[0]
    }

    /// Code: what the type leaves open.
    pub fn code(&self) -> u8 {
        self.fixed[1]
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        self.word(2)
    }

    /// What verifying the checksum finds.
    pub fn checksum_status(&self) -> Verdict {
        checksum::of_message(&self.carried, self.checksum())
    }

    /// Identifier of echoes, time stamps and the like.
    pub fn identifier(&self) -> Option<u16> {
        matches!(self.kind(), ECHO_REPLY | ECHO | 13..=18 | EXTENDED_ECHO | EXTENDED_ECHO_REPLY).then(|| self.word(4))
    }

    /// Sequence number of echoes, time stamps and the like.
    pub fn sequence(&self) -> Option<u16> {
        match self.kind() {
            EXTENDED_ECHO | EXTENDED_ECHO_REPLY => Some(self.fixed[6].into()),
            _ => self.identifier().map(|_| self.word(6)),
        }
    }

    /// The router that a redirect names.
    pub fn gateway(&self) -> Option<[u8; 4]> {
        let [.., a, b, c, d] = *self.fixed;
        (self.kind() == REDIRECT).then_some([a, b, c, d])
    }

    /// What the next link takes (RFC 1191), where the packet was too big for it; 0 from routers that do not say.
    pub fn mtu(&self) -> Option<u16> {
        (self.kind() == UNREACHABLE && self.code() == 4).then(|| self.word(6))
    }

    /// The byte at which the header made no sense.
    pub fn pointer(&self) -> Option<u8> {
        (self.kind() == PARAMETER_PROBLEM && self.code() == 0).then_some(self.fixed[4])
    }

    /// Originate, receive and transmit time stamps: milliseconds since midnight.
    pub fn timestamps(&self) -> Option<[u32; 3]> {
        match self.kind() {
            TIMESTAMP | TIMESTAMP_REPLY => {
                Some([self.carried.long(8)?, self.carried.long(12)?, self.carried.long(16)?])
            }
            _ => None,
        }
    }

    /// The packet that an error is about, as far as it is quoted.
    pub fn quoted(&self) -> Option<Carried<'a>> {
        let length = match self.kind() {
            // Errors that may have extensions behind the quote say how long that is, in words (RFC 4884).
            UNREACHABLE | TIME_EXCEEDED | PARAMETER_PROBLEM => usize::from(self.fixed[5]) * 4,
            4 | REDIRECT => 0,
            _ => return None,
        };
        quote::quoted(&self.carried, 8, ipv4::ETHERTYPE, length)
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }
}

impl<'a> Protocol<'a> for Icmp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Icmp { fixed: carried.header::<8>()?, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        show::line(self, out);
    }

    fn block(&self, out: &mut Text) {
        show::block(self, out);
    }

    fn document(&self) -> Document {
        show::document(self)
    }
}
