//! TLS records (RFC 8446 section 5) of a segment: what stands in them unencrypted.
//!
//! A record that goes on in the next segment is shown as far as it is here; streams are not put together.

pub mod hello;
mod show;
#[cfg(test)]
mod tests;
mod words;

pub use show::Document;

use super::layer::{Carried, Decoded, Protocol, Trouble};
use crate::packet::{Line, Text};
use hello::Hello;

/// The longest record, in bytes (RFC 5246 section 6.2.3 with a margin as OpenSSL has; RFC 8446 allows less).
const LONGEST: usize = (1 << 14) + 256;
/// Ports on which TLS is spoken from the first byte on (IANA's registry, and habit).
const PORTS: [u16; 14] = [443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 6697, 8443, 8883];
const HANDSHAKE: u8 = 22;

/// The records that begin in a segment.
#[derive(Debug, Clone, Copy)]
pub struct Tls<'a> {
    carried: Carried<'a>,
}

/// Whether `payload`, between these ports, begins with a record: of a hello anywhere, of any kind on TLS's ports.
pub fn begins(payload: &[u8], ports: [u16; 2]) -> bool {
    is_record(payload)
        && (ports.iter().any(|port| PORTS.contains(port))
            || matches!(*payload, [HANDSHAKE, _, _, _, _, 1 | 2, 0, ..]))
}

fn is_record(bytes: &[u8]) -> bool {
    matches!(*bytes, [20..=23, 3, 0..=4, high, low, ..]
        if usize::from(u16::from_be_bytes([high, low])) <= LONGEST && (high, low) != (0, 0))
}

/// A record, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// 20 ChangeCipherSpec, 21 Alert, 22 Handshake, 23 ApplicationData.
    pub kind: u8,
    /// The version that its header says; frozen at 1.2 or before.
    pub version: u16,
    /// Length of what is in it, in bytes.
    pub length: u16,
    /// What of that is here.
    pub bytes: &'a [u8],
}

/// A handshake message, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Its type.
    pub kind: u8,
    /// Length of its body in bytes.
    pub length: usize,
    /// What of that is in the record and here.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// What it says, where it is a hello.
    pub fn hello(&self) -> Option<Hello<'a>> {
        let missing = match self.body.len() < self.length {
            true => Trouble::Truncated,
            false => Trouble::Malformed("a length in the hello is beyond its end"),
        };
        matches!(self.kind, 1 | 2).then(|| Hello::read(self.kind == 1, self.body, missing))
    }
}

impl<'a> Record<'a> {
    /// The handshake messages that begin in it; none where it is of another kind or encrypted.
    pub fn messages(&self) -> impl Iterator<Item = Message<'a>> {
        let mut rest = if self.kind == HANDSHAKE { self.bytes } else { &[] };
        let mut room = usize::from(self.length);
        std::iter::from_fn(move || {
            let (&[kind, a, b, c], after) = rest.split_first_chunk()?;
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            words::message(kind)?;
            // Hellos and certificates may go on in further records; what else claims to is encrypted.
            if 4 + length > room && !(matches!(kind, 1 | 2 | 11) && length <= 4 * LONGEST) {
                return None;
            }
            room = room.saturating_sub(4 + length);
            let (body, after) = after.split_at(length.min(after.len()));
            rest = after;
            Some(Message { kind, length, body })
        })
    }

    /// Level and description, where it is an alert that is not encrypted.
    pub fn alert(&self) -> Option<(u8, u8)> {
        match (self.kind, self.length, self.bytes) {
            (21, 2, &[level @ 1..=2, description]) => Some((level, description)),
            _ => None,
        }
    }
}

impl<'a> Tls<'a> {
    /// The records that begin in this segment; ends before what is no record.
    pub fn records(&self) -> impl Iterator<Item = Record<'a>> {
        let mut rest = self.carried.bytes;
        std::iter::from_fn(move || {
            let (&[kind, major, minor, high, low], after) = rest.split_first_chunk().filter(|_| is_record(rest))?;
            let length = u16::from_be_bytes([high, low]);
            let (bytes, after) = after.split_at(usize::from(length).min(after.len()));
            rest = after;
            Some(Record { kind, version: u16::from_be_bytes([major, minor]), length, bytes })
        })
    }
}

impl<'a> Protocol<'a> for Tls<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        carried.header::<5>()?;
        match is_record(carried.bytes) {
            true => Ok((Tls { carried }, None)),
            false => Err(Trouble::Malformed("not the header of a record")),
        }
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
