//! IPv4 (RFC 791): header length and options, fragments, total length against what was captured.

pub mod authentication;
mod detail;
pub mod options;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::{self, Verdict};
use super::layer::{Addresses, Carried, Code, Decoded, Part, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};

/// Its EtherType.
pub const ETHERTYPE: u16 = 0x0800;

/// What is said of a header length below five words, by their number.
const TOO_SHORT: [&str; 5] = [
    "the header length is 0, below 20",
    "the header length is 4, below 20",
    "the header length is 8, below 20",
    "the header length is 12, below 20",
    "the header length is 16, below 20",
];

/// An IPv4 header.
#[derive(Debug, Clone, Copy)]
pub struct Ipv4<'a> {
    fixed: &'a [u8; 20],
    /// Fixed header and options.
    header: &'a [u8],
    /// Authentication headers behind it, as far as they were captured.
    authentications: &'a [u8],
    /// What the header says that the frame cannot hold.
    pub fault: Option<Fault>,
}

/// A total length that does not fit the frame; the packet is decoded as far as it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Fault {
    /// The total length goes beyond the end of the frame.
    LongerThanFrame {
        /// What the frame held, in bytes.
        frame: usize,
    },
    /// The total length is 0: a packet beyond 64 KiB, or one that the network device was left to cut up.
    NoTotalLength {
        /// The length taken from the frame instead, in bytes.
        frame: usize,
    },
}

/// An [`Ipv4`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Source address.
    pub source: String,
    /// Destination address.
    pub destination: String,
    /// Length of the header in bytes (the field counts 32-bit words).
    pub header_length: usize,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// Length of header and payload in bytes, as the header says.
    pub total_length: u16,
    /// Identification.
    pub identification: u16,
    /// Don't fragment.
    pub dont_fragment: bool,
    /// More fragments follow.
    pub more_fragments: bool,
    /// Offset of this fragment in bytes.
    pub fragment_offset: u32,
    /// Time to live.
    pub ttl: u8,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Header checksum.
    pub checksum: u16,
    /// What verifying it found.
    pub checksum_status: Verdict,
    /// Options, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<options::Document>,
    /// The authentication headers (RFC 4302) behind it, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authentications: Vec<authentication::Document>,
    /// What the header says that the frame cannot hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl<'a> Ipv4<'a> {
    /// Source address.
    pub fn source(&self) -> &'a [u8; 4] {
        self.fixed[12..].first_chunk().expect("20 bytes")
    }

    /// Destination address, as it stands in the header.
    pub fn destination(&self) -> &'a [u8; 4] {
        self.fixed[16..].first_chunk().expect("20 bytes")
    }

    /// Type of service: DSCP and ECN.
    pub fn tos(&self) -> u8 {
        self.fixed[1]
    }

    /// Length of header and payload in bytes, as the header says.
    pub fn total_length(&self) -> u16 {
        self.word(2)
    }

    /// Identification.
    pub fn identification(&self) -> u16 {
        self.word(4)
    }

    /// Don't fragment.
    pub fn dont_fragment(&self) -> bool {
        self.fixed[6] & 0x40 != 0
    }

    /// More fragments follow.
    pub fn more_fragments(&self) -> bool {
        self.fixed[6] & 0x20 != 0
    }

    /// Offset of this fragment in bytes.
    pub fn fragment_offset(&self) -> u32 {
        u32::from(self.word(6) & 0x1fff) * 8
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.fixed[8]
    }

    /// Protocol number of the payload.
    pub fn protocol(&self) -> u8 {
        self.fixed[9]
    }

    /// The options.
    pub fn options(&self) -> &'a [u8] {
        &self.header[20..]
    }

    /// What verifying the header checksum finds.
    pub fn checksum(&self) -> Verdict {
        checksum::of_header(self.header, self.word(10))
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }

    /// Where the packet goes in the end: the last stop of a source route still under way, else the destination.
    fn final_destination(&self) -> &'a [u8; 4] {
        let mut options = self.options();
        while let [kind, length, rest @ ..] = options {
            let length = usize::from(*length);
            match *kind {
                0 => break,
                1 => options = &options[1..],
                _ if length < 2 || length > options.len() => break,
                // Loose and strict source route: pointer, then addresses; used up once the pointer is past the end.
                131 | 137 if length >= 7 && usize::from(rest[0]) <= length => {
                    return options[..length].last_chunk().expect("7 bytes");
                }
                _ => options = &options[length..],
            }
        }
        self.destination()
    }
}

impl<'a> Protocol<'a> for Ipv4<'a> {
    type Document = Document;

    #[inline(always)]
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let fixed = carried.header::<20>()?;
        if fixed[0] >> 4 != 4 {
            return Err(Trouble::Malformed("the version is not 4"));
        }
        let header_length = usize::from(fixed[0] & 15) * 4;
        if let Some(why) = TOO_SHORT.get(header_length / 4) {
            return Err(Trouble::Malformed(why));
        }
        let header = carried.bytes.get(..header_length).ok_or_else(|| carried.short(header_length))?;
        let mut ip = Ipv4 { fixed, header, authentications: &[], fault: None };
        let mut total = usize::from(ip.total_length());
        if total == 0 {
            total = carried.length;
            ip.fault = Some(Fault::NoTotalLength { frame: total });
        } else if total < header_length {
            return Err(Trouble::Malformed("the total length is below the header length"));
        } else if total > carried.length {
            ip.fault = Some(Fault::LongerThanFrame { frame: carried.length });
        }
        let mut next = carried.declared(total).after(header_length, Code::Ip(ip.protocol()));
        next.addresses = Some(Addresses::V4(ip.source(), ip.final_destination()));
        next.part = match (ip.fragment_offset(), ip.more_fragments()) {
            (0, false) => Part::Whole,
            (0, true) => Part::First,
            (offset, _) => Part::Later(offset),
        };
        if ip.protocol() == authentication::NUMBER {
            (ip.authentications, next) = authentication::follow(next);
        }
        Ok((ip, Some(next)))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("IP ");
        if let Some(Fault::LongerThanFrame { frame }) = self.fault {
            let missing = usize::from(self.total_length()).saturating_sub(frame);
            let _ = write!(out, "[truncated-ip - {missing} bytes missing] ");
        }
        if out.is_checked() {
            detail::append(self, out);
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Protocol", |out: &mut Text| text::number(out, "IPv4, ", self.protocol().into()));
        text::field(out, "IP Header", |out: &mut Text| {
            text::decimal(out, self.header.len() as u32 / 4);
            text::number_between(out, " (", self.header.len() as u32, " bytes)");
        });
        text::field(out, "TOS", text::traffic_class(self.tos()));
        text::field(out, "Total Length", self.total_length());
        text::field(out, "Identification", self.identification());
        text::field(out, "Fragment", |out: &mut Text| {
            text::number(out, "DF ", self.dont_fragment().into());
            text::number(out, " MF ", self.more_fragments().into());
            text::number(out, ", offset ", self.fragment_offset());
        });
        text::field(out, "TTL", self.ttl());
        text::field(out, "IP Checksum", |out: &mut Text| self.checksum().with(self.word(10), out));
        match self.fault {
            Some(Fault::LongerThanFrame { frame }) => {
                text::field(out, "Fault", format_args!("total length beyond the {frame} bytes of the frame"));
            }
            Some(Fault::NoTotalLength { frame }) => {
                text::field(out, "Fault", format_args!("no total length: {frame} bytes of the frame taken"));
            }
            None => {}
        }
        for option in options::options(self.options()) {
            text::field(out, "IP Option", |out: &mut Text| option.write(out));
        }
        for header in authentication::headers(self.authentications) {
            text::field(out, "Authentication", format_args!("{header}"));
        }
    }

    fn document(&self) -> Document {
        Document {
            source: std::net::Ipv4Addr::from(*self.source()).to_string(),
            destination: std::net::Ipv4Addr::from(*self.destination()).to_string(),
            header_length: self.header.len(),
            tos: self.tos(),
            total_length: self.total_length(),
            identification: self.identification(),
            dont_fragment: self.dont_fragment(),
            more_fragments: self.more_fragments(),
            fragment_offset: self.fragment_offset(),
            ttl: self.ttl(),
            protocol: self.protocol(),
            checksum: self.word(10),
            checksum_status: self.checksum(),
            options: options::options(self.options()).map(|option| option.document()).collect(),
            authentications: authentication::headers(self.authentications).map(|header| header.document()).collect(),
            fault: self.fault,
        }
    }
}
