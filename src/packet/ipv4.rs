//! IPv4 (RFC 791): header length and options, fragments, total length against what was captured.

use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::{self, Verdict};
use super::layer::{Addresses, Carried, Code, Decoded, Part, Protocol, Trouble};
use super::text;

/// Its EtherType.
pub const ETHERTYPE: u16 = 0x0800;

/// An IPv4 header.
#[derive(Debug, Clone, Copy)]
pub struct Ipv4<'a> {
    fixed: &'a [u8; 20],
    /// Fixed header and options.
    header: &'a [u8],
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
    /// Options in hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub options: String,
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

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let fixed = carried.header::<20>()?;
        if fixed[0] >> 4 != 4 {
            return Err(Trouble::Malformed("the version is not 4"));
        }
        let header_length = usize::from(fixed[0] & 15) * 4;
        if header_length < 20 {
            return Err(Trouble::Malformed("the header length is below 20"));
        }
        let header = carried.bytes.get(..header_length).ok_or_else(|| carried.short(header_length))?;
        let mut ip = Ipv4 { fixed, header, fault: None };
        let mut total = usize::from(ip.total_length());
        if total == 0 {
            total = carried.length;
            ip.fault = Some(Fault::NoTotalLength { frame: total });
        } else if total < header_length {
            return Err(Trouble::Malformed("the total length is below the header length"));
        } else if total > carried.length {
            ip.fault = Some(Fault::LongerThanFrame { frame: carried.length });
        }
        let mut next = carried.ending(total).after(header_length, Code::Ip(ip.protocol()));
        next.addresses = Some(Addresses::V4(ip.source(), ip.final_destination()));
        next.part = match (ip.fragment_offset(), ip.more_fragments()) {
            (0, false) => Part::Whole,
            (0, true) => Part::First,
            (offset, _) => Part::Later(offset),
        };
        Ok((ip, Some(next)))
    }

    fn line(&self, out: &mut String) {
        out.push_str("IP ");
        if let Some(Fault::LongerThanFrame { frame }) = self.fault {
            out.push_str(&format!("[total length {} > length {frame}] (invalid) ", self.total_length()));
        }
    }

    fn block(&self, out: &mut String) {
        text::field(out, "Protocol", format_args!("IPv4, {}", self.protocol()));
        text::field(out, "TTL", self.ttl());
        text::field(out, "Identification", self.identification());
        text::field(out, "Total Length", self.total_length());
        match self.fault {
            Some(Fault::LongerThanFrame { frame }) => {
                text::field(out, "Fault", format_args!("total length beyond the {frame} bytes of the frame"));
            }
            Some(Fault::NoTotalLength { frame }) => {
                text::field(out, "Fault", format_args!("no total length: {frame} bytes of the frame taken"));
            }
            None => {}
        }
        if !self.options().is_empty() {
            text::field(out, "IP Options", text::to_hex(self.options()));
        }
        if let Verdict::Incorrect { expected } = self.checksum() {
            text::field(out, "IP Checksum", format_args!("0x{:04x} (incorrect -> 0x{expected:04x})", self.word(10)));
        }
    }

    fn document(&self) -> Document {
        Document {
            source: std::net::Ipv4Addr::from(*self.source()).to_string(),
            destination: std::net::Ipv4Addr::from(*self.destination()).to_string(),
            header_length: self.header.len(),
            tos: self.fixed[1],
            total_length: self.total_length(),
            identification: self.identification(),
            dont_fragment: self.dont_fragment(),
            more_fragments: self.more_fragments(),
            fragment_offset: self.fragment_offset(),
            ttl: self.ttl(),
            protocol: self.protocol(),
            checksum: self.word(10),
            checksum_status: self.checksum(),
            options: text::to_hex(self.options()),
            fault: self.fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Link;

    fn header() -> Vec<u8> {
        let mut h =
            vec![0x45, 0, 0, 24, 0, 7, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2, 1, 2, 3, 4, 0xee, 0xee];
        let Verdict::Incorrect { expected } = checksum::of_header(&h[..20], 0) else { panic!() };
        h[10..12].copy_from_slice(&expected.to_be_bytes());
        h
    }

    fn decode(bytes: &[u8], length: usize) -> Decoded<'_, Ipv4<'_>> {
        Ipv4::decode(Carried::frame(Link::Ip, bytes, length))
    }

    #[test]
    fn padding_behind_the_total_length_is_not_payload() {
        let bytes = header();
        let (ip, next) = decode(&bytes, bytes.len()).unwrap();
        assert_eq!((ip.checksum(), ip.ttl(), ip.fault), (Verdict::Correct, 64, None));
        let next = next.unwrap();
        assert_eq!((next.bytes, next.length, next.code), (&[1, 2, 3, 4][..], 4, Code::Ip(6)));
    }

    #[test]
    fn a_short_capture_is_not_a_short_packet() {
        let bytes = header();
        let next = decode(&bytes[..22], bytes.len()).unwrap().1.unwrap();
        assert_eq!((next.bytes.len(), next.length), (2, 4));
        assert_eq!(decode(&bytes[..19], 26).unwrap_err(), Trouble::Truncated);
        assert!(matches!(decode(&bytes[..19], 19).unwrap_err(), Trouble::Malformed(_)));
    }

    #[test]
    fn lengths_that_lie_are_named() {
        let mut bytes = header();
        bytes[3] = 99;
        let (ip, next) = decode(&bytes, 26).unwrap();
        assert_eq!(ip.fault, Some(Fault::LongerThanFrame { frame: 26 }));
        assert_eq!(next.unwrap().bytes.len(), 6);
        bytes[3] = 19;
        assert!(matches!(decode(&bytes, 26).unwrap_err(), Trouble::Malformed(_)));
        bytes[3] = 0;
        assert_eq!(decode(&bytes, 26).unwrap().0.fault, Some(Fault::NoTotalLength { frame: 26 }));
        bytes[0] = 0x44;
        assert!(matches!(decode(&bytes, 26).unwrap_err(), Trouble::Malformed(_)));
    }

    #[test]
    fn fragments_know_their_place() {
        let mut bytes = header();
        bytes[6..8].copy_from_slice(&[0x20, 0]);
        assert_eq!(decode(&bytes, 26).unwrap().1.unwrap().part, Part::First);
        bytes[6..8].copy_from_slice(&[0x00, 185]);
        assert_eq!(decode(&bytes, 26).unwrap().1.unwrap().part, Part::Later(1480));
    }

    #[test]
    fn a_source_route_under_way_ends_elsewhere() {
        let mut bytes = header();
        bytes[0] = 0x47;
        bytes[3] = 28;
        bytes.splice(20.., [131, 7, 4, 10, 0, 0, 9, 0]);
        let goal = |b: &[u8]| decode(b, 28).unwrap().1.unwrap().addresses.unwrap().destination().to_string();
        assert_eq!(goal(&bytes), "10.0.0.9");
        bytes[22] = 8;
        assert_eq!(goal(&bytes), "127.0.0.2");
    }
}
