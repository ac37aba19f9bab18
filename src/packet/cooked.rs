//! Linux's cooked capture headers: [LINKTYPE_LINUX_SLL](https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html) and
//! [LINKTYPE_LINUX_SLL2](https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html), what libpcap makes of packets
//! from all interfaces at once.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Link, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// Protocol fields below this are no EtherType.
const SMALLEST_ETHERTYPE: u16 = 0x0600;
/// Protocol field of a frame that begins with logical link control (ETH_P_802_2).
const LLC: u16 = 4;
/// Hardware types whose protocol field is no EtherType: netlink, and 802.11 with radiotap.
const NO_ETHERTYPE: [u16; 2] = [824, 803];

/// A cooked header.
#[derive(Debug, Clone, Copy)]
pub struct Cooked<'a> {
    /// 0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 sent by us (packet(7)).
    pub packet_type: u16,
    /// Hardware type of the interface (ARPHRD_ values).
    pub hardware_type: u16,
    /// Length of the sender's hardware address, as the header says; it holds no more than eight bytes of it.
    pub address_length: u16,
    /// What the header holds of the sender's hardware address.
    pub address: &'a [u8],
    /// EtherType, or what the hardware type makes of it.
    pub protocol: u16,
    /// Index of the interface: version 2 alone has it.
    pub interface: Option<u32>,
}

/// A [`Cooked`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Version of the header, 1 or 2.
    pub version: u8,
    /// 0 to us, 1 broadcast, 2 multicast, 3 to another host, 4 sent by us.
    pub packet_type: u16,
    /// Index of the interface, in version 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_index: Option<u32>,
    /// Hardware type of the interface (ARPHRD_ values).
    pub hardware_type: u16,
    /// Length of the sender's hardware address.
    pub address_length: u16,
    /// The sender's hardware address, as far as the header holds it.
    pub address: String,
    /// Protocol of what follows: an EtherType from 1536 on.
    pub protocol: u16,
}

impl Cooked<'_> {
    /// tcpdump's word for the packet type.
    pub fn direction(&self) -> &'static str {
        ["In", "B", "M", "P", "Out"].get(usize::from(self.packet_type)).copied().unwrap_or("?")
    }

    fn code(&self) -> Code {
        match self.protocol {
            _ if NO_ETHERTYPE.contains(&self.hardware_type) => Code::Link(Link::Other(self.hardware_type)),
            LLC => Code::Llc,
            protocol => Code::EtherType(protocol),
        }
    }

    fn hardware_address(&self) -> String {
        text::written(|out| text::hardware(out, self.address))
    }
}

fn version1<'a>(carried: &Carried<'a>) -> Decoded<'a, Cooked<'a>> {
    let &[a, b, c, d, e, f, .., y, z] = carried.header::<16>()?;
    let address_length = u16::from_be_bytes([e, f]);
    let header = Cooked {
        packet_type: u16::from_be_bytes([a, b]),
        hardware_type: u16::from_be_bytes([c, d]),
        address_length,
        address: &carried.bytes[6..6 + usize::from(address_length.min(8))],
        protocol: u16::from_be_bytes([y, z]),
        interface: None,
    };
    Ok((header, Some(carried.after(16, header.code()))))
}

fn version2<'a>(carried: &Carried<'a>) -> Decoded<'a, Cooked<'a>> {
    let &[a, b, _, _, i, j, k, l, c, d, packet_type, length, ..] = carried.header::<20>()?;
    let header = Cooked {
        packet_type: packet_type.into(),
        hardware_type: u16::from_be_bytes([c, d]),
        address_length: length.into(),
        address: &carried.bytes[12..12 + usize::from(length.min(8))],
        protocol: u16::from_be_bytes([a, b]),
        interface: Some(u32::from_be_bytes([i, j, k, l])),
    };
    Ok((header, Some(carried.after(20, header.code()))))
}

impl<'a> Protocol<'a> for Cooked<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        match carried.code {
            Code::Link(Link::Cooked2) => version2(&carried),
            _ => version1(&carried),
        }
    }

    /// As tcpdump, nothing of version 1. Of version 2 tcpdump looks the index up among the interfaces of the machine
    /// it runs on, which need not be those of the capture: here the number itself stands in the line.
    fn line(&self, out: &mut Line) {
        if let Some(index) = self.interface {
            out.push_str("ifindex ");
            text::decimal(out, index);
            out.push(' ');
            out.push_str(self.direction());
            out.push(' ');
        }
    }

    fn block(&self, out: &mut Text) {
        if let Some(index) = self.interface {
            text::field(out, "Interface Index", index);
        }
        text::field(out, "Packet Type", format_args!("{} ({})", self.packet_type, self.direction()));
        text::field(out, "Hardware Type", self.hardware_type);
        text::field(out, "Address Length", self.address_length);
        text::field(out, "Source Address", self.hardware_address());
        let kind = if self.protocol < SMALLEST_ETHERTYPE { "protocol" } else { "ethertype" };
        text::field(out, "Cooked", format_args!("{kind} 0x{:04x}", self.protocol));
    }

    fn document(&self) -> Document {
        Document {
            version: if self.interface.is_some() { 2 } else { 1 },
            packet_type: self.packet_type,
            interface_index: self.interface,
            hardware_type: self.hardware_type,
            address_length: self.address_length,
            address: self.hardware_address(),
            protocol: self.protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Trouble;

    const ADDRESS: [u8; 8] = [2, 0, 0, 0, 0, 9, 0, 0];

    fn decode(link: Link, head: &[u8], tail: &[u8]) -> (String, u16, Code) {
        let bytes = [head, &ADDRESS, tail].concat();
        let (header, next) = Cooked::decode(Carried::frame(link, &bytes, 100)).unwrap();
        (crate::packet::sample::line(&header) + &header.document().address, header.hardware_type, next.unwrap().code)
    }

    #[test]
    fn both_versions_name_the_sender_and_the_protocol() {
        let one = decode(Link::Cooked, &[0, 4, 0, 1, 0, 6], &[0x86, 0xdd]);
        assert_eq!(one, ("02:00:00:00:00:09".to_owned(), 1, Code::EtherType(0x86dd)));
        let two = decode(Link::Cooked2, &[8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 6], &[]);
        assert_eq!(two, ("ifindex 7 In 02:00:00:00:00:09".to_owned(), 1, Code::EtherType(0x0800)));
    }

    #[test]
    fn what_is_no_ethertype_is_not_taken_for_one() {
        assert_eq!(decode(Link::Cooked, &[0, 0, 0, 1, 0, 6], &[0, 4]).2, Code::Llc);
        assert_eq!(decode(Link::Cooked, &[0, 0, 3, 56, 0, 0], &[8, 0]).2, Code::Link(Link::Other(824)));
    }

    #[test]
    fn an_address_length_that_lies_and_a_cut_are_survived() {
        let (long, ..) = decode(Link::Cooked, &[0, 0, 0, 1, 0xff, 0xff], &[8, 0]);
        assert_eq!(long, "02:00:00:00:00:09:00:00");
        for (link, length) in [(Link::Cooked, 15), (Link::Cooked2, 19)] {
            let cut = Cooked::decode(Carried::frame(link, &[0; 20][..length], 60)).unwrap_err();
            assert_eq!(cut, Trouble::Truncated);
        }
    }
}
