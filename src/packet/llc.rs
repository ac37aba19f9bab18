//! IEEE 802.2 logical link control, and SNAP behind it (RFC 1042).

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Protocol};
use super::{ipv4, text};
use crate::packet::{Line, Text};

/// Service access point of SNAP.
const SNAP: u8 = 0xaa;
/// Service access point of IP (RFC 948).
const IP: u8 = 0x06;
/// Control field of unnumbered information.
const UNNUMBERED: u16 = 3;
/// Organizations whose protocol field is an EtherType: none, and that of bridge tunnels.
const ETHERTYPES: [u32; 2] = [0, 0x00_00f8];

/// A logical link control header.
#[derive(Debug, Clone, Copy)]
pub struct Llc<'a> {
    /// Destination service access point.
    pub dsap: u8,
    /// Source service access point.
    pub ssap: u8,
    /// Control field: one byte where its two lowest bits are set (unnumbered), else two, the first the low one.
    pub control: u16,
    /// Organization and protocol, where it is SNAP.
    pub snap: Option<(u32, u16)>,
    carried: Carried<'a>,
}

/// An [`Llc`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Destination service access point.
    pub dsap: u8,
    /// Source service access point.
    pub ssap: u8,
    /// Control field.
    pub control: u16,
    /// Organization, where it is SNAP: 24 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<u32>,
    /// The organization's protocol number; an EtherType for organization 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u16>,
    /// Length of header and payload in bytes.
    pub length: usize,
}

impl Llc<'_> {
    fn is_unnumbered(&self) -> bool {
        self.control & 3 == 3
    }

    /// How long the header is, with SNAP.
    fn header_length(&self) -> usize {
        3 + usize::from(!self.is_unnumbered()) + if self.snap.is_some() { 5 } else { 0 }
    }

    fn code(&self) -> Option<Code> {
        match self.snap {
            Some((organization, protocol)) if ETHERTYPES.contains(&organization) => Some(Code::EtherType(protocol)),
            None if (self.dsap, self.ssap & !1, self.control) == (IP, IP, UNNUMBERED) => {
                Some(Code::EtherType(ipv4::ETHERTYPE))
            }
            _ => None,
        }
    }
}

impl<'a> Protocol<'a> for Llc<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let &[dsap, ssap, first] = carried.header::<3>()?;
        let control = match first & 3 {
            3 => first.into(),
            _ => u16::from_le_bytes([first, carried.header::<4>()?[3]]),
        };
        let mut llc = Llc { dsap, ssap, control, snap: None, carried };
        if (dsap & !1, ssap & !1, control) == (SNAP, SNAP, UNNUMBERED) {
            let &[.., a, b, c, d, e] = carried.header::<8>()?;
            llc.snap = Some((u32::from_be_bytes([0, a, b, c]), u16::from_be_bytes([d, e])));
        }
        Ok((llc, llc.code().map(|code| carried.after(llc.header_length(), code))))
    }

    /// As tcpdump, nothing where another decoder goes on.
    fn line(&self, out: &mut Line) {
        if self.code().is_some() {
            return;
        }
        out.push_str("LLC, dsap ");
        text::hexadecimal(out, self.dsap.into(), 2);
        out.push_str(", ssap ");
        text::hexadecimal(out, self.ssap.into(), 2);
        out.push_str(", ctrl ");
        text::hexadecimal(out, self.control.into(), if self.is_unnumbered() { 2 } else { 4 });
        if let Some((organization, protocol)) = self.snap {
            out.push_str(", oui ");
            text::hexadecimal(out, organization, 6);
            out.push_str(", pid ");
            text::hexadecimal(out, protocol.into(), 4);
        }
        out.push_str(", length ");
        text::decimal(out, self.carried.length as u32);
    }

    fn block(&self, out: &mut Text) {
        let Llc { dsap, ssap, control, .. } = self;
        text::field(out, "LLC", format_args!("dsap 0x{dsap:02x}, ssap 0x{ssap:02x}, control 0x{control:02x}"));
        if let Some((organization, protocol)) = self.snap {
            text::field(out, "SNAP", format_args!("oui 0x{organization:06x}, pid 0x{protocol:04x}"));
        }
    }

    fn document(&self) -> Document {
        Document {
            dsap: self.dsap,
            ssap: self.ssap,
            control: self.control,
            organization: self.snap.map(|(organization, _)| organization),
            protocol: self.snap.map(|(_, protocol)| protocol),
            length: self.carried.length,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Link, Trouble};

    fn shown(bytes: &[u8]) -> (String, Option<Code>) {
        let (llc, next) = Llc::decode(Carried { code: Code::Llc, ..Carried::frame(Link::Ip, bytes, 60) }).unwrap();
        (crate::packet::sample::line(&llc), next.map(|next| next.code))
    }

    #[test]
    fn snap_hands_an_ethertype_on() {
        assert_eq!(shown(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 6]), (String::new(), Some(Code::EtherType(0x0806))));
        let cisco = "LLC, dsap 0xaa, ssap 0xaa, ctrl 0x03, oui 0x00000c, pid 0x2000, length 60".to_owned();
        assert_eq!(shown(&[0xaa, 0xaa, 3, 0, 0, 12, 0x20, 0]), (cisco, None));
    }

    #[test]
    fn a_control_field_has_one_byte_or_two() {
        assert_eq!(shown(&[0x42, 0x42, 3]).0, "LLC, dsap 0x42, ssap 0x42, ctrl 0x03, length 60");
        assert_eq!(shown(&[0xf0, 0xf1, 1, 2]).0, "LLC, dsap 0xf0, ssap 0xf1, ctrl 0x0201, length 60");
        for cut in [&[0xf0, 0xf0, 1][..], &[0xaa, 0xaa, 3, 0, 0, 0, 8]] {
            let carried = Carried { code: Code::Llc, ..Carried::frame(Link::Ip, cut, 60) };
            assert_eq!(Llc::decode(carried).unwrap_err(), Trouble::Truncated);
        }
    }
}
