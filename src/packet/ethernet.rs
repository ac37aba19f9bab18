//! Ethernet II frames with VLAN tags (IEEE 802.1Q, QinQ of 802.1ad).

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Decoded, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// Type fields below this hold the length of an IEEE 802.2 frame.
const SMALLEST_ETHERTYPE: u16 = 0x0600;

/// An Ethernet header.
#[derive(Debug, Clone, Copy)]
pub struct Ethernet<'a> {
    /// Hardware address of the receiver.
    pub destination: &'a [u8; 6],
    /// Hardware address of the sender.
    pub source: &'a [u8; 6],
    tags: &'a [[u8; 4]],
    /// What the frame carries (behind the VLAN tags), or its length where below 0x0600.
    pub ethertype: u16,
}

/// An [`Ethernet`] header as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Hardware address of the sender ("02:00:00:00:00:01").
    pub source: String,
    /// Hardware address of the receiver.
    pub destination: String,
    /// EtherType of what the frame carries, or its length where below 1536.
    pub ethertype: u16,
    /// VLAN tags, outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vlans: Vec<Vlan>,
}

/// A VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Vlan {
    /// Tag protocol: 33024 (0x8100, 802.1Q), 34984 (0x88a8, 802.1ad) or 37120 (0x9100).
    pub protocol: u16,
    /// VLAN identifier, 0 to 4095.
    pub id: u16,
    /// Priority, 0 to 7.
    pub priority: u8,
    /// Drop eligible indicator.
    pub drop_eligible: bool,
}

fn is_tag(ethertype: u16) -> bool {
    matches!(ethertype, 0x8100 | 0x88a8 | 0x9100)
}

impl Ethernet<'_> {
    /// The VLAN tags, outermost first.
    pub fn vlans(&self) -> impl Iterator<Item = Vlan> + '_ {
        self.tags.iter().map(|&[a, b, c, d]| {
            let control = u16::from_be_bytes([c, d]);
            Vlan {
                protocol: u16::from_be_bytes([a, b]),
                id: control & 0x0fff,
                priority: (control >> 13) as u8,
                drop_eligible: control & 0x1000 != 0,
            }
        })
    }
}

/// A hardware address as people write it.
pub fn mac(address: &[u8; 6]) -> String {
    let [a, b, c, d, e, f] = address;
    format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
}

impl<'a> Protocol<'a> for Ethernet<'a> {
    type Document = Document;

    #[inline(always)]
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let header = carried.header::<14>()?;
        let (destination, rest) = header.split_first_chunk::<6>().expect("14 bytes");
        let (source, _) = rest.split_first_chunk::<6>().expect("8 bytes");
        // From the first type field on, a tag is its type and control information, then the next type field.
        let (pairs, _) = carried.bytes[12..].as_chunks::<4>();
        let count = pairs.iter().take_while(|p| is_tag(u16::from_be_bytes([p[0], p[1]]))).count();
        let at = 12 + 4 * count;
        let Some(&[high, low]) = carried.bytes[at..].first_chunk::<2>() else { return Err(carried.short(at + 2)) };
        let ethertype = u16::from_be_bytes([high, low]);
        if is_tag(ethertype) {
            return Err(carried.short(at + 6));
        }
        let header = Ethernet { destination, source, tags: &pairs[..count], ethertype };
        let next = match ethertype {
            length @ 0..SMALLEST_ETHERTYPE => carried.after(at + 2, Code::Llc).ending(length.into()),
            _ => carried.after(at + 2, Code::EtherType(ethertype)),
        };
        Ok((header, Some(next)))
    }

    fn line(&self, out: &mut Line) {
        for vlan in self.vlans() {
            let _ = write!(out, "vlan {}, p {}, ", vlan.id, vlan.priority);
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "Ethernet", |out: &mut Text| {
            text::hardware(out, self.source);
            out.push_str(" > ");
            text::hardware(out, self.destination);
        });
        for vlan in self.vlans() {
            text::field(out, "VLAN", format_args!("{} (priority {})", vlan.id, vlan.priority));
        }
    }

    fn document(&self) -> Document {
        Document {
            source: mac(self.source),
            destination: mac(self.destination),
            ethertype: self.ethertype,
            vlans: self.vlans().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Link, Trouble};

    fn decode(bytes: &[u8]) -> Decoded<'_, Ethernet<'_>> {
        Ethernet::decode(Carried::frame(Link::Ethernet, bytes, 100))
    }

    const PLAIN: [u8; 14] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0];

    #[test]
    fn a_plain_header() {
        let (header, next) = decode(&PLAIN).unwrap();
        assert_eq!(mac(header.source), "02:00:00:00:00:01");
        assert_eq!(header.vlans().count(), 0);
        let next = next.unwrap();
        assert_eq!((next.code, next.bytes.len(), next.length), (Code::EtherType(0x0800), 0, 86));
    }

    #[test]
    fn stacked_tags_are_outermost_first() {
        let mut bytes = PLAIN[..12].to_vec();
        bytes.extend([0x88, 0xa8, 0x60, 0x64, 0x81, 0x00, 0x10, 0x65, 0x86, 0xdd, 0xaa]);
        let (header, next) = decode(&bytes).unwrap();
        let vlans: Vec<Vlan> = header.vlans().collect();
        assert_eq!((vlans[0].id, vlans[0].priority, vlans[0].drop_eligible), (100, 3, false));
        assert_eq!((vlans[1].id, vlans[1].priority, vlans[1].drop_eligible), (101, 0, true));
        let next = next.unwrap();
        assert_eq!((next.code, next.bytes, next.length), (Code::EtherType(0x86dd), &[0xaa][..], 100 - 22));
    }

    #[test]
    fn a_capture_that_ends_in_the_header_is_truncated() {
        let mut tagged = PLAIN[..12].to_vec();
        tagged.extend([0x81, 0x00, 0x00, 0x01, 0x08]);
        for cut in [&PLAIN[..13], &tagged[..14], &tagged[..16], &tagged[..17]] {
            assert_eq!(decode(cut).unwrap_err(), Trouble::Truncated, "{cut:02x?}");
        }
    }

    #[test]
    fn a_length_ends_the_frame() {
        let mut bytes = PLAIN[..12].to_vec();
        bytes.extend([0, 3, 0x42, 0x42, 3, 0, 0, 0]);
        let next = decode(&bytes).unwrap().1.unwrap();
        assert_eq!((next.code, next.bytes), (Code::Llc, &[0x42, 0x42, 3][..]));
    }
}
