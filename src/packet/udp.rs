//! UDP (RFC 768), and which application its ports stand for.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::{self, Verdict};
use super::layer::{Addresses, Application, Carried, Code, Decoded, Part, Protocol};
use super::{protocols, text};
use crate::packet::{Detail, Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 17;

/// Length of the header in bytes.
const HEADER: usize = 8;

/// A UDP header, and the payload behind it.
#[derive(Debug, Clone, Copy)]
pub struct Udp<'a> {
    fixed: &'a [u8; HEADER],
    carried: Carried<'a>,
}

/// A length field that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Below the eight bytes of the header.
    LengthTooShort,
    /// Beyond the end of the datagram.
    LengthTooLong,
}

/// A [`Udp`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Length of header and payload in bytes, as the header says; 0 in jumbograms.
    pub length: u16,
    /// Checksum field; 0 where the sender computed none.
    pub checksum: u16,
    /// What verifying it found.
    pub checksum_status: Verdict,
    /// Length of the payload on the wire in bytes.
    pub payload_length: usize,
    /// What is wrong with the length.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// The captured payload in hexadecimal, where no decoder follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<String>,
}

impl<'a> Udp<'a> {
    /// Source port.
    pub fn source_port(&self) -> u16 {
        self.word(0)
    }

    /// Destination port.
    pub fn destination_port(&self) -> u16 {
        self.word(2)
    }

    /// Length of header and payload in bytes, as the header says.
    pub fn length(&self) -> u16 {
        self.word(4)
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        self.word(6)
    }

    /// The addresses around it, where the network layer was decoded.
    pub fn addresses(&self) -> Option<Addresses<'a>> {
        self.carried.addresses
    }

    /// Header and payload in bytes: what the header says, or the IP header of a jumbogram (RFC 2675).
    fn datagram(&self) -> usize {
        match self.length() {
            0 if self.carried.length > usize::from(u16::MAX) => self.carried.length,
            length => length.into(),
        }
    }

    /// What is wrong with the length field.
    pub fn fault(&self) -> Option<Fault> {
        match self.datagram() {
            length if length < HEADER => Some(Fault::LengthTooShort),
            length if length > self.carried.length && self.carried.part == Part::Whole => Some(Fault::LengthTooLong),
            _ => None,
        }
    }

    /// The payload's length on the wire in bytes, as the header says; of a first fragment, that of the whole datagram.
    pub fn payload_length(&self) -> usize {
        self.datagram().saturating_sub(HEADER)
    }

    /// What was captured of the payload.
    pub fn payload(&self) -> &'a [u8] {
        let end = self.carried.bytes.len().min(self.datagram());
        self.carried.bytes.get(HEADER..end).unwrap_or_default()
    }

    /// What verifying the checksum finds.
    pub fn checksum_status(&self) -> Verdict {
        let Some(addresses) = self.carried.addresses else { return Verdict::Unverified { why: "no IP header" } };
        let why = match (addresses, self.checksum()) {
            (Addresses::V4(..), 0) => Some("the sender computed none"),
            _ if self.carried.part != Part::Whole => Some("fragment"),
            _ if self.fault().is_some() => Some("bad length"),
            _ if self.carried.bytes.len() < self.datagram() => Some("truncated"),
            _ => None,
        };
        if let Some(why) = why {
            return Verdict::Unverified { why };
        }
        let pseudo = checksum::pseudo_header(addresses, NUMBER, self.datagram());
        match checksum::of_segment(pseudo, &self.carried.bytes[..self.datagram()], self.checksum()) {
            Verdict::Incorrect { .. } if self.carried.offloaded => Verdict::Partial,
            // A sum of zero is sent as its other form: zero says that there is none.
            Verdict::Incorrect { expected: 0 } => Verdict::Incorrect { expected: 0xffff },
            verdict => verdict,
        }
    }

    /// What its ports say that it carries.
    pub fn application(&self) -> Option<Application> {
        // Inside are IKE and ESP; the other port is any.
        if [self.source_port(), self.destination_port()].contains(&IPSEC_NAT_TRAVERSAL) {
            return None;
        }
        of_port(self.destination_port()).or_else(|| of_port(self.source_port()))
    }

    /// Appends what verifying the checksum finds, in tcpdump's words.
    fn sum(&self, out: &mut Text) {
        match self.checksum_status() {
            Verdict::Correct => out.push_str("[udp sum ok] "),
            Verdict::Incorrect { expected } => {
                out.push_str("[bad udp cksum ");
                text::hex16(out, self.checksum());
                out.push_str(" -> ");
                text::hex16(out, expected);
                out.push_str("] ");
            }
            Verdict::Partial => out.push_str("[udp sum partial: left to offload] "),
            Verdict::Unverified { .. } if self.checksum() == 0 => out.push_str("[no cksum] "),
            Verdict::Unverified { .. } => {}
        }
    }

    /// What it carries for another decoder, if there is one for it.
    fn next(&self) -> Option<Carried<'a>> {
        let code = Code::Application(self.application()?);
        let usable = self.fault() != Some(Fault::LengthTooShort) && protocols::has_decoder(code);
        usable.then(|| self.carried.ending(self.datagram()).after(HEADER, code))
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.fixed[at], self.fixed[at + 1]])
    }
}

/// IPsec through address translators (RFC 3948).
const IPSEC_NAT_TRAVERSAL: u16 = 4500;

/// The application that has registered `port`.
fn of_port(port: u16) -> Option<Application> {
    match port {
        // DNS, multicast DNS, and link-local name resolution (RFC 4795), which has its form.
        53 | 5355 => Some(Application::Dns),
        5353 => Some(Application::MulticastDns),
        67 | 68 => Some(Application::Dhcp),
        546 | 547 => Some(Application::Dhcp6),
        123 => Some(Application::Ntp),
        // The registered port, and the one that Linux takes where it is told none.
        4789 | 8472 => Some(Application::Vxlan),
        6081 => Some(Application::Geneve),
        _ => None,
    }
}

impl<'a> Protocol<'a> for Udp<'a> {
    type Document = Document;

    #[inline(always)]
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let udp = Udp { fixed: carried.header::<HEADER>()?, carried };
        Ok((udp, udp.next()))
    }

    fn line(&self, out: &mut Line) {
        if let Some(addresses) = self.addresses() {
            text::endpoints(out, addresses, self.source_port(), self.destination_port());
            out.push_str(": ");
        }
        if out.is_checked() && self.addresses().is_some() {
            self.sum(out);
        }
        if self.next().is_some() && out.detail > Detail::Quick {
            return;
        }
        match self.fault() {
            Some(Fault::LengthTooShort) => {
                out.push_str("UDP [length ");
                text::decimal(out, self.length().into());
                out.push_str(" < 8] (invalid)");
            }
            Some(Fault::LengthTooLong) => {
                out.push_str("UDP, bad length ");
                text::decimal(out, self.payload_length() as u32);
                out.push_str(" > ");
                text::decimal(out, self.carried.length.saturating_sub(HEADER) as u32);
            }
            None => {
                out.push_str("UDP, length ");
                text::decimal(out, self.payload_length() as u32);
            }
        }
    }

    fn block(&self, out: &mut Text) {
        if let Some(addresses) = self.addresses() {
            text::field(out, "Source", addresses.source());
            text::field(out, "Destination", addresses.destination());
        }
        text::field(out, "Source Port", self.source_port());
        text::field(out, "Dest Port", self.destination_port());
        text::field(out, "Length", self.length());
        text::field(out, "Checksum", |out: &mut Text| self.checksum_status().with(self.checksum(), out));
        if let Some(fault) = self.fault() {
            let what = if fault == Fault::LengthTooShort { "below 8" } else { "beyond the datagram" };
            text::field(out, "Fault", format_args!("length {} is {what}", self.length()));
        }
        if self.next().is_none() {
            text::data(out, self.payload(), self.payload_length());
        }
    }

    fn document(&self) -> Document {
        Document {
            source_port: self.source_port(),
            destination_port: self.destination_port(),
            length: self.length(),
            checksum: self.checksum(),
            checksum_status: self.checksum_status(),
            payload_length: self.payload_length(),
            fault: self.fault(),
            payload_hex: self.next().is_none().then(|| text::to_hex(self.payload())),
        }
    }
}
