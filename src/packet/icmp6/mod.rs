//! ICMP of IPv6 (RFC 4443), with neighbour discovery (RFC 4861) and multicast listener discovery (RFC 2710, RFC 9777);
//! options are in [`options`], listener reports in [`listener`], the views in `show`.

pub mod listener;
pub mod options;
mod show;
#[cfg(test)]
mod tests;

pub use show::Document;

use super::checksum::{self, Verdict};
use super::layer::{Carried, Decoded, Protocol};
use super::{ipv6, quote};
use crate::packet::{Line, Text};
use options::Options;

/// Its IP protocol number.
pub const NUMBER: u8 = 58;

/// Message types.
pub const UNREACHABLE: u8 = 1;
/// The packet was too big for a link.
pub const TOO_BIG: u8 = 2;
/// The packet's hop limit, or the time of its fragments, was over.
pub const TIME_EXCEEDED: u8 = 3;
/// The header made no sense.
pub const PARAMETER_PROBLEM: u8 = 4;
/// Asks for an echo.
pub const ECHO: u8 = 128;
/// Answers it.
pub const ECHO_REPLY: u8 = 129;
/// Asks who listens to a group.
pub const LISTENER_QUERY: u8 = 130;
/// Tells that one listens.
pub const LISTENER_REPORT: u8 = 131;
/// Tells that one does no more.
pub const LISTENER_DONE: u8 = 132;
/// Asks for routers.
pub const ROUTER_SOLICITATION: u8 = 133;
/// A router makes itself and its prefixes known.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// Asks for a hardware address.
pub const NEIGHBOR_SOLICITATION: u8 = 135;
/// Tells it.
pub const NEIGHBOR_ADVERTISEMENT: u8 = 136;
/// There is a better router.
pub const REDIRECT: u8 = 137;
/// Tells who listens to what, in version 2.
pub const LISTENER_REPORT_2: u8 = 143;
/// Asks about an interface (RFC 8335).
pub const EXTENDED_ECHO: u8 = 160;
/// Tells about an interface.
pub const EXTENDED_ECHO_REPLY: u8 = 161;

/// An ICMPv6 message.
#[derive(Debug, Clone, Copy)]
pub struct Icmp6<'a> {
    fixed: &'a [u8; 8],
    carried: Carried<'a>,
}

impl<'a> Icmp6<'a> {
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

    /// What verifying the checksum, with the pseudo header, finds.
    pub fn checksum_status(&self) -> Verdict {
        let Some(addresses) = self.carried.addresses else { return Verdict::Unverified { why: "no IP header" } };
        if let Some(why) = checksum::incomplete(&self.carried) {
            return Verdict::Unverified { why };
        }
        let pseudo = checksum::pseudo_header(addresses, NUMBER, self.carried.length);
        checksum::of_segment(pseudo, self.carried.bytes, self.checksum())
    }

    /// Identifier of echoes.
    pub fn identifier(&self) -> Option<u16> {
        matches!(self.kind(), ECHO | ECHO_REPLY | EXTENDED_ECHO | EXTENDED_ECHO_REPLY).then(|| self.word(4))
    }

    /// Sequence number of echoes.
    pub fn sequence(&self) -> Option<u16> {
        match self.kind() {
            EXTENDED_ECHO | EXTENDED_ECHO_REPLY => Some(self.fixed[6].into()),
            _ => self.identifier().map(|_| self.word(6)),
        }
    }

    /// The largest packet that the next link takes, in bytes.
    pub fn mtu(&self) -> Option<u32> {
        (self.kind() == TOO_BIG).then(|| self.long())
    }

    /// The byte at which the packet made no sense.
    pub fn pointer(&self) -> Option<u32> {
        (self.kind() == PARAMETER_PROBLEM).then(|| self.long())
    }

    /// The address that neighbour discovery is about; of a redirect, the better router; of listener discovery's
    /// version 1 and queries, the group.
    pub fn target(&self) -> Option<&'a [u8; 16]> {
        match self.kind() {
            LISTENER_QUERY..=LISTENER_DONE | NEIGHBOR_SOLICITATION..=REDIRECT => self.carried.array(8),
            _ => None,
        }
    }

    /// The destination that a redirect is for.
    pub fn redirected(&self) -> Option<&'a [u8; 16]> {
        (self.kind() == REDIRECT).then(|| self.carried.array(24)).flatten()
    }

    /// The options of neighbour discovery.
    pub fn options(&self) -> Options<'a> {
        let at = match self.kind() {
            ROUTER_SOLICITATION => 8,
            ROUTER_ADVERTISEMENT => 16,
            NEIGHBOR_SOLICITATION | NEIGHBOR_ADVERTISEMENT => 24,
            REDIRECT => 40,
            _ => usize::MAX,
        };
        let rest = self.carried.after(at, self.carried.code);
        Options::new(rest.bytes, rest.length)
    }

    /// The packet that an error is about, as far as it is quoted.
    pub fn quoted(&self) -> Option<Carried<'a>> {
        let length = match self.kind() {
            // Some errors say how long their quote is, in units of eight bytes (RFC 4884).
            UNREACHABLE | TIME_EXCEEDED => usize::from(self.fixed[4]) * 8,
            TOO_BIG | PARAMETER_PROBLEM => 0,
            _ => return None,
        };
        quote::quoted(&self.carried, 8, ipv6::ETHERTYPE, length)
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }

    fn long(&self) -> u32 {
        u32::from(self.word(4)) << 16 | u32::from(self.word(6))
    }
}

impl<'a> Protocol<'a> for Icmp6<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Icmp6 { fixed: carried.header::<8>()?, carried }, None))
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
