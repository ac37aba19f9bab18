//! SCTP (RFC 9260): the common header and its chunks.

#[cfg(test)]
mod tests;

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 132;

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;

/// More chunks than any sane packet has in its line.
const MOST_SHOWN: usize = 64;

/// An SCTP common header, and the chunks behind it.
#[derive(Debug, Clone, Copy)]
pub struct Sctp<'a> {
    fixed: &'a [u8; 12],
    carried: Carried<'a>,
}

/// One chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Chunk type.
    pub kind: u8,
    /// Flags, whose meaning depends on the type.
    pub flags: u8,
    /// Length in bytes with its header, without padding, as it says.
    pub length: u16,
    /// What was captured behind type, flags and length.
    pub data: &'a [u8],
    /// Why it, and what is behind it, could not be read: "malformed" or "truncated".
    pub trouble: Option<&'static str>,
}

/// The chunks of a packet; ends behind the first that is malformed or truncated.
#[derive(Debug, Clone, Copy)]
pub struct Chunks<'a>(Carried<'a>);

/// An [`Sctp`] packet as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Verification tag.
    pub verification_tag: u32,
    /// Checksum field (CRC32c).
    pub checksum: u32,
    /// The chunks, in their order.
    pub chunks: Vec<ChunkDocument>,
}

/// A [`Chunk`] as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChunkDocument {
    /// Chunk type.
    pub r#type: u8,
    /// Its name ("DATA", "INIT"), where it is known.
    pub name: Option<&'static str>,
    /// Flags.
    pub flags: u8,
    /// Length in bytes with its header, without padding.
    pub length: u16,
    /// Transmission sequence number of data; the first of an initiation; the last of an acknowledgement in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsn: Option<u32>,
    /// Stream of data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<u16>,
    /// Initiate tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_tag: Option<u32>,
    /// "malformed" or "truncated".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<&'static str>,
}

impl<'a> Sctp<'a> {
    /// Source port.
    pub fn source_port(&self) -> u16 {
        u16::from_be_bytes([self.fixed[0], self.fixed[1]])
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// Verification tag: of which association the packet is.
    pub fn verification_tag(&self) -> u32 {
        let [_, _, _, _, a, b, c, d, ..] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The checksum field, a CRC32c.
    pub fn checksum(&self) -> u32 {
        let [.., a, b, c, d] = *self.fixed;
        u32::from_be_bytes([a, b, c, d])
    }

    /// The chunks.
    pub fn chunks(&self) -> Chunks<'a> {
        Chunks(self.carried.after(12, self.carried.code))
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let rest = self.0;
        let &[kind, flags, high, low] = match rest.bytes.first_chunk::<4>() {
            Some(header) => header,
            None => {
                self.0 = rest.ending(0);
                let &kind = rest.bytes.first()?;
                let trouble = Some(if rest.length < 4 { "malformed" } else { "truncated" });
                return Some(Chunk { kind, flags: 0, length: 0, data: &[], trouble });
            }
        };
        let length = u16::from_be_bytes([high, low]);
        let whole = usize::from(length);
        let trouble = match whole {
            0..4 => Some("malformed"),
            _ if whole > rest.length => Some("malformed"),
            _ if whole > rest.bytes.len() => Some("truncated"),
            _ => None,
        };
        let data = rest.ending(whole).bytes.get(4..).unwrap_or_default();
        // The padding to whole words is no part of the length.
        self.0 = if trouble.is_some() { rest.ending(0) } else { rest.after(whole.next_multiple_of(4), rest.code) };
        Some(Chunk { kind, flags, length, data, trouble })
    }
}

impl Chunk<'_> {
    /// tcpdump's name of it.
    pub fn name(&self) -> Option<&'static str> {
        const NAMES: [&str; 15] = [
            "DATA",
            "INIT",
            "INIT ACK",
            "SACK",
            "HB REQ",
            "HB ACK",
            "ABORT",
            "SHUTDOWN",
            "SHUTDOWN ACK",
            "OP ERR",
            "COOKIE ECHO",
            "COOKIE ACK",
            "ECN ECHO",
            "ECN CWR",
            "SHUTDOWN COMPLETE",
        ];
        match self.kind {
            0xc0 => Some("FOR CUM TSN"),
            0xc1 => Some("REL CTRL"),
            0xc2 => Some("REL CTRL ACK"),
            kind => NAMES.get(usize::from(kind)).copied(),
        }
    }

    fn long(&self, at: usize) -> Option<u32> {
        self.data.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
    }

    fn word(&self, at: usize) -> Option<u16> {
        self.data.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
    }

    /// Appends tcpdump's words for it.
    fn line(&self, out: &mut Text) {
        let _ = match self.name() {
            Some(name) => write!(out, "[{name}] "),
            None => write!(out, "[Unknown chunk type: 0x{:x}] ", self.kind),
        };
        let values = [self.long(0), self.long(4), self.long(8)];
        match (self.kind, values) {
            (DATA, [Some(tsn), Some(stream), Some(protocol)]) => {
                for (bit, letter) in [(4, "(U)"), (2, "(B)"), (1, "(E)")] {
                    out.push_str(if self.flags & bit != 0 { letter } else { "" });
                }
                out.push_str(if self.flags & 7 != 0 { " " } else { "" });
                let (stream, sequence) = (stream >> 16, stream & 0xffff);
                let _ = write!(out, "[TSN: {tsn}] [SID: {stream}] [SSEQ {sequence}] [PPID 0x{protocol:x}] ");
            }
            (INIT | INIT_ACK, [Some(tag), Some(window), Some(streams)]) => {
                let _ = write!(out, "[init tag: {tag}] [rwnd: {window}] [OS: {}] ", streams >> 16);
                let _ = write!(out, "[MIS: {}] [init TSN: {}] ", streams & 0xffff, self.long(12).unwrap_or(0));
            }
            (SACK, [Some(last), Some(window), Some(counts)]) => {
                let (gaps, doubles) = (counts >> 16, counts & 0xffff);
                let _ = write!(out, "[cum ack {last}] [a_rwnd {window}] [#gap acks {gaps}] [#dup tsns {doubles}] ");
            }
            _ => {}
        }
        if let Some(trouble) = self.trouble {
            let _ = write!(out, "[{trouble}] ");
        }
    }

    fn document(&self) -> ChunkDocument {
        ChunkDocument {
            r#type: self.kind,
            name: self.name(),
            flags: self.flags,
            length: self.length,
            tsn: match self.kind {
                DATA | SACK => self.long(0),
                INIT | INIT_ACK => self.long(12),
                _ => None,
            },
            stream: if self.kind == DATA { self.word(4) } else { None },
            initiate_tag: if matches!(self.kind, INIT | INIT_ACK) { self.long(0) } else { None },
            trouble: self.trouble,
        }
    }
}

impl<'a> Protocol<'a> for Sctp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Sctp { fixed: carried.header::<12>()?, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        if let Some(addresses) = self.carried.addresses {
            text::endpoints(out, addresses, self.source_port(), self.destination_port());
            out.push_str(": ");
        }
        out.push_str("sctp");
        for (number, chunk) in (1..).zip(self.chunks().take(MOST_SHOWN)) {
            out.push_str(" (");
            text::decimal(out, number);
            out.push_str(") ");
            chunk.line(out);
            // tcpdump leaves a blank behind every chunk; here one stands between them.
            let end = out.as_str().trim_end().len();
            out.truncate(end);
        }
    }

    fn block(&self, out: &mut Text) {
        if let Some(addresses) = self.carried.addresses {
            text::field(out, "Source", addresses.source());
            text::field(out, "Destination", addresses.destination());
        }
        text::field(out, "Source Port", self.source_port());
        text::field(out, "Dest Port", self.destination_port());
        text::field(out, "Verification", format_args!("0x{:08x}", self.verification_tag()));
        text::field(out, "Checksum", format_args!("0x{:08x}", self.checksum()));
        for chunk in self.chunks() {
            let mut line = Text::new();
            chunk.line(&mut line);
            text::field(out, "Chunk", format_args!("{}, {} bytes", line.as_str().trim_end(), chunk.length));
        }
    }

    fn document(&self) -> Document {
        Document {
            source_port: self.source_port(),
            destination_port: self.destination_port(),
            verification_tag: self.verification_tag(),
            checksum: self.checksum(),
            chunks: self.chunks().map(|chunk| chunk.document()).collect(),
        }
    }
}
