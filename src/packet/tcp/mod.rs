//! TCP (RFC 9293): header, flags, payload; its options are in [`options`], its views in `show`.

pub mod flows;
pub mod options;
mod show;
#[cfg(test)]
mod tests;

pub use show::Document;

use super::checksum::{self, Verdict};
use super::layer::{Addresses, Application, Carried, Code, Decoded, Protocol};
use super::{dns, http, tls};
use crate::packet::{Line, Text};
use options::Options;

/// Its IP protocol number.
pub const NUMBER: u8 = 6;

/// Where DNS is spoken.
const DNS_PORT: u16 = 53;

/// A TCP header, and the payload behind it.
#[derive(Debug, Clone, Copy)]
pub struct Tcp<'a> {
    fixed: &'a [u8; 20],
    carried: Carried<'a>,
}

/// What is wrong with a data offset; the fixed header is sound all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Below five words: the header would end inside its fixed part.
    OffsetTooShort,
    /// Beyond the end of the segment.
    OffsetTooLong,
}

/// The control bits (RFC 9293 section 3.1; AE: RFC 9768), by their place in the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u16);

impl Flags {
    /// No more data from the sender.
    pub const FIN: u16 = 0x001;
    /// Synchronize sequence numbers.
    pub const SYN: u16 = 0x002;
    /// Reset the connection.
    pub const RST: u16 = 0x004;
    /// Push.
    pub const PSH: u16 = 0x008;
    /// The acknowledgement number counts.
    pub const ACK: u16 = 0x010;
    /// The urgent pointer counts.
    pub const URG: u16 = 0x020;
    /// ECN echo.
    pub const ECE: u16 = 0x040;
    /// Congestion window reduced.
    pub const CWR: u16 = 0x080;
    /// Accurate ECN.
    pub const AE: u16 = 0x100;

    /// Every flag: its bit, its name, and tcpdump's letter, in tcpdump's order.
    pub const ALL: [(u16, &'static str, char); 9] = [
        (Self::FIN, "FIN", 'F'),
        (Self::SYN, "SYN", 'S'),
        (Self::RST, "RST", 'R'),
        (Self::PSH, "PSH", 'P'),
        (Self::ACK, "ACK", '.'),
        (Self::URG, "URG", 'U'),
        (Self::ECE, "ECE", 'E'),
        (Self::CWR, "CWR", 'W'),
        (Self::AE, "AE", 'e'),
    ];

    /// Whether all bits of `flags` are set.
    pub fn has(self, flags: u16) -> bool {
        self.0 & flags == flags
    }

    /// The names of the flags that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().filter(move |(bit, ..)| self.has(*bit)).map(|(_, name, _)| name)
    }
}

impl<'a> Tcp<'a> {
    /// Source port.
    pub fn source_port(&self) -> u16 {
        self.word(0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        self.word(2)
    }

    /// Sequence number of the first payload byte (of the SYN, where that is set).
    pub fn sequence(&self) -> u32 {
        self.long(4)
    }

    /// Sequence number that the sender expects next; counts where ACK is set.
    pub fn acknowledgement(&self) -> u32 {
        self.long(8)
    }

    /// Length of the header in 32-bit words, as the header says.
    pub fn data_offset(&self) -> u8 {
        self.fixed[12] >> 4
    }

    /// The control bits.
    pub fn flags(&self) -> Flags {
        Flags(self.word(12) & 0x1ff)
    }

    /// Receive window, unscaled.
    pub fn window(&self) -> u16 {
        self.word(14)
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        self.word(16)
    }

    /// The urgent pointer; counts where URG is set.
    pub fn urgent_pointer(&self) -> u16 {
        self.word(18)
    }

    /// The addresses around it, where the network layer was decoded.
    pub fn addresses(&self) -> Option<Addresses<'a>> {
        self.carried.addresses
    }

    /// What is wrong with the data offset.
    pub fn fault(&self) -> Option<Fault> {
        match self.header_length() {
            length if length < 20 => Some(Fault::OffsetTooShort),
            length if length > self.carried.length => Some(Fault::OffsetTooLong),
            _ => None,
        }
    }

    /// Length of the header in bytes, as the header says.
    pub fn header_length(&self) -> usize {
        usize::from(self.data_offset()) * 4
    }

    /// The options; none where the data offset is wrong.
    pub fn options(&self) -> Options<'a> {
        match self.fault() {
            Some(_) => Options::new(&[], 0),
            None => {
                let end = self.header_length().min(self.carried.bytes.len());
                Options::new(&self.carried.bytes[20..end], self.header_length() - 20)
            }
        }
    }

    /// What was captured of the payload; empty where the data offset is wrong.
    pub fn payload(&self) -> &'a [u8] {
        match self.fault() {
            Some(_) => &[],
            None => self.carried.bytes.get(self.header_length()..).unwrap_or_default(),
        }
    }

    /// The payload's length on the wire, in bytes; of a first fragment, that of its part.
    pub fn payload_length(&self) -> usize {
        self.carried.length.saturating_sub(self.header_length().max(20))
    }

    /// The sequence number that follows this segment: SYN and FIN count as a byte each.
    pub fn next_sequence(&self) -> u32 {
        let flags = self.flags();
        let control = u32::from(flags.has(Flags::SYN)) + u32::from(flags.has(Flags::FIN));
        self.sequence().wrapping_add(self.payload_length() as u32).wrapping_add(control)
    }

    /// What verifying the checksum finds.
    pub fn checksum_status(&self) -> Verdict {
        let Some(addresses) = self.carried.addresses else { return Verdict::Unverified { why: "no IP header" } };
        if let Some(why) = checksum::incomplete(&self.carried) {
            return Verdict::Unverified { why };
        }
        let pseudo = checksum::pseudo_header(addresses, NUMBER, self.carried.length);
        match checksum::of_segment(pseudo, self.carried.bytes, self.checksum()) {
            Verdict::Incorrect { .. } if self.carried.offloaded => Verdict::Partial,
            verdict => verdict,
        }
    }

    /// What the payload is, as far as its first bytes and the ports tell; nothing of a stream is remembered.
    fn application(&self) -> Option<Application> {
        let (payload, ports) = (self.payload(), [self.source_port(), self.destination_port()]);
        match payload.first()? {
            _ if ports.contains(&DNS_PORT) => dns::begins(payload).then_some(Application::DnsStream),
            20..=23 => tls::begins(payload, ports).then_some(Application::Tls),
            b'A'..=b'Z' => http::begins(payload, ports).then_some(Application::Http),
            _ => None,
        }
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }

    fn long(&self, at: usize) -> u32 {
        u32::from(self.word(at)) << 16 | u32::from(self.word(at + 2))
    }
}

impl<'a> Protocol<'a> for Tcp<'a> {
    type Document = Document;

    #[inline(always)]
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let tcp = Tcp { fixed: carried.header::<20>()?, carried };
        let next =
            tcp.application().map(|application| carried.after(tcp.header_length(), Code::Application(application)));
        Ok((tcp, next))
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
