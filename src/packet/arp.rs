//! ARP (RFC 826), reverse ARP (RFC 903) and inverse ARP (RFC 2390).

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol};
use super::{ipv4, text};
use crate::packet::{Line, Text};

/// The EtherType of ARP and inverse ARP.
pub const ETHERTYPE: u16 = 0x0806;
/// The EtherType of reverse ARP.
pub const REVERSE: u16 = 0x8035;

/// An ARP packet.
#[derive(Debug, Clone, Copy)]
pub struct Arp<'a> {
    fixed: &'a [u8; 8],
    /// The four addresses: sender's hardware and protocol address, then the target's.
    addresses: [&'a [u8]; 4],
    length: usize,
}

/// What the packet does besides asking and answering (RFC 5227).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A sender without address yet asks whether one is taken.
    Probe,
    /// A sender tells that an address is its own: it asks for it, or answers without having been asked.
    Announcement,
}

/// An [`Arp`] packet as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Hardware type: 1 is Ethernet.
    pub hardware_type: u16,
    /// EtherType of the protocol addresses: 2048 is IPv4.
    pub protocol_type: u16,
    /// Length of a hardware address in bytes.
    pub hardware_length: u8,
    /// Length of a protocol address in bytes.
    pub protocol_length: u8,
    /// Operation: 1 request, 2 reply, 3 and 4 reverse, 8 and 9 inverse.
    pub operation: u16,
    /// What it does besides asking and answering.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// The sender's hardware address.
    pub sender_hardware: String,
    /// The sender's protocol address: dotted where it is one of IPv4, else in hexadecimal.
    pub sender_protocol: String,
    /// The target's hardware address.
    pub target_hardware: String,
    /// The target's protocol address.
    pub target_protocol: String,
}

impl<'a> Arp<'a> {
    /// Hardware type: 1 is Ethernet.
    pub fn hardware_type(&self) -> u16 {
        u16::from_be_bytes([self.fixed[0], self.fixed[1]])
    }

    /// EtherType of the protocol addresses.
    pub fn protocol_type(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// 1 request, 2 reply; others are of reverse and inverse ARP.
    pub fn operation(&self) -> u16 {
        u16::from_be_bytes([self.fixed[6], self.fixed[7]])
    }

    /// The sender's hardware and protocol address.
    pub fn sender(&self) -> (&'a [u8], &'a [u8]) {
        (self.addresses[0], self.addresses[1])
    }

    /// The target's hardware and protocol address.
    pub fn target(&self) -> (&'a [u8], &'a [u8]) {
        (self.addresses[2], self.addresses[3])
    }

    /// What it does besides asking and answering.
    pub fn purpose(&self) -> Option<Purpose> {
        let (sender, target) = (self.sender().1, self.target().1);
        match self.operation() {
            _ if !self.is_ipv4() => None,
            1 | 2 if sender == target => Some(Purpose::Announcement),
            1 if sender == [0; 4] => Some(Purpose::Probe),
            _ => None,
        }
    }

    fn is_ipv4(&self) -> bool {
        self.protocol_type() == ipv4::ETHERTYPE && self.fixed[5] == 4
    }

    fn protocol_address(&self, out: &mut Text, address: &[u8]) {
        match address {
            &[a, b, c, d] if self.is_ipv4() => text::ipv4(out, [a, b, c, d]),
            other => text::hex(out, other),
        }
    }

    /// The line where the kinds or lengths of addresses are not those of IPv4.
    fn kinds(&self, out: &mut Text) {
        match self.hardware_type() {
            1 => out.push_str("Ethernet"),
            6 => out.push_str("TokenRing"),
            15 => out.push_str("FrameRelay"),
            24 => out.push_str("IEEE 1394"),
            other => text::number_between(out, "Unknown Hardware (", other.into(), ")"),
        }
        text::number_between(out, " (len ", self.fixed[4].into(), "), ");
        match self.protocol_type() {
            ipv4::ETHERTYPE => out.push_str("IPv4"),
            super::ipv6::ETHERTYPE => out.push_str("IPv6"),
            other => {
                out.push_str("Unknown Protocol (");
                text::hexadecimal(out, other.into(), 4);
                out.push(')');
            }
        }
        text::number_between(out, " (len ", self.fixed[5].into(), ")");
    }

    fn exchange(&self, out: &mut Text) {
        let ((from, sender), (to, target)) = (self.sender(), self.target());
        match self.operation() {
            1 => {
                out.push_str("Request who-has ");
                self.protocol_address(out, target);
                if to.iter().any(|&b| b != 0) {
                    out.push_str(" (");
                    text::hardware(out, to);
                    out.push(')');
                }
                out.push_str(" tell ");
                self.protocol_address(out, sender);
            }
            2 => {
                out.push_str("Reply ");
                self.protocol_address(out, sender);
                out.push_str(" is-at ");
                text::hardware(out, from);
            }
            operation @ (3 | 8) => {
                out.push_str(if operation == 3 { "Reverse Request who-is " } else { "Inverse Request who-is " });
                text::hardware(out, to);
                out.push_str(" tell ");
                text::hardware(out, from);
            }
            operation @ (4 | 9) => {
                let (word, hardware, address) =
                    if operation == 4 { ("Reverse Reply ", to, target) } else { ("Inverse Reply ", from, sender) };
                out.push_str(word);
                text::hardware(out, hardware);
                out.push_str(" at ");
                self.protocol_address(out, address);
            }
            10 => out.push_str("NACK Reply"),
            other => text::number_between(out, "Unknown (", other.into(), ")"),
        }
    }
}

impl<'a> Protocol<'a> for Arp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let fixed = carried.header::<8>()?;
        let (hardware, protocol) = (usize::from(fixed[4]), usize::from(fixed[5]));
        let (mut rest, mut addresses) = (&carried.bytes[8..], [&[][..]; 4]);
        for (address, length) in addresses.iter_mut().zip([hardware, protocol, hardware, protocol]) {
            let all = 8 + 2 * (hardware + protocol);
            (*address, rest) = rest.split_at_checked(length).ok_or_else(|| carried.short(all))?;
        }
        Ok((Arp { fixed, addresses, length: carried.length }, None))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("ARP, ");
        if self.is_ipv4() && self.fixed[4] != 0 {
            self.exchange(out);
        } else {
            self.kinds(out);
        }
        out.push_str(", length ");
        text::decimal(out, self.length as u32);
    }

    fn block(&self, out: &mut Text) {
        let document = self.document();
        text::field(out, "Protocol", "ARP");
        text::field(
            out,
            "Hardware Type",
            format_args!("{} (len {})", document.hardware_type, document.hardware_length),
        );
        text::field(
            out,
            "Protocol Type",
            format_args!("0x{:04x} (len {})", document.protocol_type, document.protocol_length),
        );
        text::field(out, "Operation", document.operation);
        if let Some(purpose) = document.purpose {
            text::field(out, "Purpose", format_args!("{purpose:?}"));
        }
        text::field(out, "Sender MAC", document.sender_hardware);
        text::field(out, "Sender IP", document.sender_protocol);
        text::field(out, "Target MAC", document.target_hardware);
        text::field(out, "Target IP", document.target_protocol);
    }

    fn document(&self) -> Document {
        let hardware = |address| text::written(|out| text::hardware(out, address));
        let protocol = |address| text::written(|out| self.protocol_address(out, address));
        Document {
            hardware_type: self.hardware_type(),
            protocol_type: self.protocol_type(),
            hardware_length: self.fixed[4],
            protocol_length: self.fixed[5],
            operation: self.operation(),
            purpose: self.purpose(),
            sender_hardware: hardware(self.sender().0),
            sender_protocol: protocol(self.sender().1),
            target_hardware: hardware(self.target().0),
            target_protocol: protocol(self.target().1),
        }
    }
}
