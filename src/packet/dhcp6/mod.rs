//! DHCPv6 (RFC 9915): messages of clients, servers and relays; options are in [`options`].

pub mod options;
#[cfg(test)]
mod tests;

use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Link, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};
use options::Options;

/// Messages by their type, in tcpdump's words.
const MESSAGES: [&str; 16] = [
    "",
    "solicit",
    "advertise",
    "request",
    "confirm",
    "renew",
    "rebind",
    "reply",
    "release",
    "decline",
    "reconfigure",
    "inf-req",
    "relay-fwd",
    "relay-reply",
    "leasequery",
    "leasequery-reply",
];

/// A DHCPv6 message.
#[derive(Debug, Clone, Copy)]
pub struct Dhcp6<'a> {
    fixed: &'a [u8; 4],
    /// Link and peer address of a relay's message, where they were captured.
    relay: Option<&'a [u8; 34]>,
    carried: Carried<'a>,
}

impl<'a> Dhcp6<'a> {
    fn read(carried: Carried<'a>) -> Result<Self, Trouble> {
        let fixed = carried.header::<4>()?;
        let relay = matches!(fixed[0], 12 | 13).then(|| carried.bytes.first_chunk()).flatten();
        Ok(Dhcp6 { fixed, relay, carried })
    }

    /// Type of the message.
    pub fn kind(&self) -> u8 {
        self.fixed[0]
    }

    /// Whether it is one that relays speak to each other and to servers.
    pub fn relayed(&self) -> bool {
        matches!(self.kind(), 12 | 13)
    }

    /// Identifies a request and its reply (24 bits); relays' messages have none.
    pub fn transaction(&self) -> Option<u32> {
        let [_, a, b, c] = *self.fixed;
        (!self.relayed()).then_some(u32::from_be_bytes([0, a, b, c]))
    }

    /// Hop count, link address and peer address of a relay's message.
    pub fn relay(&self) -> Option<(u8, Ipv6Addr, Ipv6Addr)> {
        let (&[_, hops], rest) = self.relay?.split_first_chunk()?;
        let (link, peer) = rest.split_first_chunk::<16>()?;
        Some((hops, Ipv6Addr::from(*link), Ipv6Addr::from(*peer.first_chunk::<16>()?)))
    }

    fn header_length(&self) -> usize {
        if self.relayed() { 34 } else { 4 }
    }

    /// Its options.
    pub fn options(&self) -> Options<'a> {
        match self.carried.bytes.get(self.header_length()..) {
            Some(options) => Options::new(options, self.carried.length - self.carried.bytes.len()),
            None => Options::new(&[], 0),
        }
    }

    /// Why it could not be read to its end.
    pub fn trouble(&self) -> Option<Trouble> {
        match self.carried.bytes.len() < self.header_length() {
            true => Some(self.carried.short(self.header_length())),
            false => self.options().find_map(Result::err),
        }
    }

    /// Appends the name of the message.
    fn message(&self, out: &mut Text) {
        match MESSAGES.get(usize::from(self.kind())) {
            Some(name) if !name.is_empty() => out.push_str(name),
            _ => text::number(out, "msgtype-", self.kind().into()),
        }
    }

    /// Appends the protocol and the name of the message.
    pub(super) fn title(&self, out: &mut Text) {
        out.push_str("dhcp6 ");
        self.message(out);
    }
}

impl<'a> Protocol<'a> for Dhcp6<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Dhcp6::read(carried)?, None))
    }

    fn line(&self, out: &mut Line) {
        self.title(out);
    }

    fn block(&self, out: &mut Text) {
        let title = text::written(|out| self.title(out));
        text::field(out, "DHCPv6", format_args!("{title} ({}), {} bytes", self.kind(), self.carried.length));
        if let Some(transaction) = self.transaction() {
            text::field(out, "Transaction", format_args!("0x{transaction:06x}"));
        }
        if let Some((hops, link, peer)) = self.relay() {
            text::field(out, "Relay", format_args!("hops {hops}, link {link}, peer {peer}"));
        }
        self.options().flatten().for_each(|option| option.block(out, 0));
        if let Some(trouble) = self.trouble() {
            text::field(out, "Fault", trouble.reason());
        }
    }

    fn document(&self) -> Document {
        let relay = self.relay();
        Document {
            kind: self.kind(),
            message: text::written(|out| self.message(out)),
            transaction: self.transaction(),
            hops: relay.map(|(hops, ..)| hops),
            link_address: relay.map(|(_, link, _)| link.to_string()),
            peer_address: relay.map(|(.., peer)| peer.to_string()),
            options: self.options().flatten().map(|option| option.document(0)).collect(),
            length: self.carried.length,
            trouble: self.trouble(),
        }
    }
}

/// A [`Dhcp6`] message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Type of the message.
    pub kind: u8,
    /// Its name ("solicit", "msgtype-99").
    pub message: String,
    /// Identifies a request and its reply; relays' messages have none.
    pub transaction: Option<u32>,
    /// Hop count of a relay's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hops: Option<u8>,
    /// Link address of a relay's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_address: Option<String>,
    /// Peer address of a relay's message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<String>,
    /// Options, in their order.
    pub options: Vec<options::Document>,
    /// Length of the message in bytes.
    pub length: usize,
    /// Why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}
