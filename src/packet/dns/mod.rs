//! DNS (RFC 1035), EDNS (RFC 6891) and multicast DNS (RFC 6762): the header; names, records and their data have files
//! of their own, as have the words. Everything is read from the message as it is asked for; nothing is kept.

pub mod data;
mod document;
pub mod name;
mod pairs;
pub mod record;
mod show;
#[cfg(test)]
mod tests;
pub mod words;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use document::Document;

use super::layer::{Application, Carried, Code, Decoded, Part, Protocol, Trouble};
use crate::packet::{Line, Text};
use name::Message;
use record::{Entries, Entry};

/// Length of the header in bytes.
const HEADER: usize = 12;
/// The type of EDNS's record.
const OPT: u16 = 41;
/// Where multicast DNS is spoken.
const GROUPS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)), IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb))];

/// A DNS message.
#[derive(Debug, Clone, Copy)]
pub struct Dns<'a> {
    fixed: &'a [u8; HEADER],
    message: Message<'a>,
    /// True for multicast DNS, where the top bit of classes has another meaning.
    pub multicast: bool,
    /// True where it came by a stream.
    pub stream: bool,
}

/// Whether `payload`, of a stream to or from the port of DNS, begins with a message and not in the midst of one: a
/// length, and a header with an operation that there is, its reserved bit clear, and no more than one question.
pub fn begins(payload: &[u8]) -> bool {
    matches!(*payload, [high, low, _, _, flags, more, ref counts @ ..]
        if usize::from(u16::from_be_bytes([high, low])) >= HEADER
            && (flags >> 3) & 15 <= 6
            && more & 0x40 == 0
            && matches!(counts, [] | [0] | [0, 0 | 1, ..]))
}

impl<'a> Dns<'a> {
    /// Identifies a query and its response.
    pub fn id(&self) -> u16 {
        self.word(0)
    }

    /// Response, not query.
    pub fn response(&self) -> bool {
        self.has(0x8000)
    }

    /// What is to be done: 0 is a query, 4 notify, 5 update.
    pub fn operation(&self) -> u8 {
        (self.word(2) >> 11) as u8 & 15
    }

    /// Whether a bit of the flags is set: AA 0x400, TC 0x200, RD 0x100, RA 0x80, reserved 0x40, AD 0x20, CD 0x10.
    pub fn has(&self, flag: u16) -> bool {
        self.word(2) & flag != 0
    }

    /// The flags, with operation and response code, as they stand in the header.
    pub fn flags(&self) -> u16 {
        self.word(2)
    }

    /// How many questions, answers, authority and additional records there are to be.
    pub fn counts(&self) -> [u16; 4] {
        [self.word(4), self.word(6), self.word(8), self.word(10)]
    }

    /// Response code, with the bits that the OPT record adds.
    pub fn code(&self) -> u16 {
        let low = self.word(2) & 15;
        let [.., additional] = self.counts();
        if additional == 0 || !self.response() {
            return low;
        }
        let high = self.entries().find_map(|entry| match entry {
            Ok(Entry::Record(record)) if record.kind == OPT => Some((record.ttl >> 24) as u16),
            _ => None,
        });
        low | high.unwrap_or(0) << 4
    }

    /// Questions and records, in their order.
    pub fn entries(&self) -> Entries<'a> {
        Entries::new(self.message, self.counts())
    }

    /// Length of the message in bytes.
    pub fn length(&self) -> usize {
        self.message.length
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }
}

impl<'a> Protocol<'a> for Dns<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let (mut carried, stream) = (carried, carried.code == Code::Application(Application::DnsStream));
        let mut next = None;
        if stream {
            let said = usize::from(u16::from_be_bytes(*carried.header()?));
            let rest = carried.after(2 + said, carried.code);
            next = (carried.part == Part::Whole && begins(rest.bytes)).then_some(rest);
            // The message may go on in the next segment: what is not in this one was not captured with it.
            carried = carried.after(2, carried.code).declared(said);
        }
        let fixed = carried.header()?;
        let multicast = carried.code == Code::Application(Application::MulticastDns)
            || carried.addresses.is_some_and(|addresses| GROUPS.contains(&addresses.destination()));
        let message = Message { bytes: carried.bytes, length: carried.length };
        Ok((Dns { fixed, message, multicast, stream }, next))
    }

    fn line(&self, out: &mut Line) {
        show::line(self, out);
    }

    fn block(&self, out: &mut Text) {
        show::block(self, out);
    }

    fn document(&self) -> Document {
        document::of(self)
    }
}

/// What of `class` is the class, and whether its top bit is multicast DNS's own.
fn class_of(dns: &Dns, class: u16) -> (u16, bool) {
    if dns.multicast { (class & 0x7fff, class & 0x8000 != 0) } else { (class, false) }
}

/// Appends why a message could not be read on.
fn say(out: &mut Text, trouble: Trouble) {
    if !out.as_bytes().ends_with(b" ") {
        out.push(' ');
    }
    match trouble {
        Trouble::Truncated => out.push_str("[|domain]"),
        Trouble::Malformed(why) => {
            out.push_str("[malformed: ");
            out.push_str(why);
            out.push(']');
        }
    }
}
