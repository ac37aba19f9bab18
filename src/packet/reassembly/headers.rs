//! What the headers of a fragment say: which packet it is of, and which part of it.

use std::net::IpAddr;

use crate::packet::layer::{Carried, Code};
use crate::packet::walk::walk;
use crate::packet::{ipv4, ipv6};

/// Next header numbers of IPv6 that may stand before the fragment header (RFC 8200 section 4.5).
const BEFORE_FRAGMENT: [u8; 3] = [0, 43, 60];
const FRAGMENT: u8 = 44;

/// Which packet a fragment is of (RFC 791 section 3.2, RFC 8200 section 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// 0 in IPv6, where it does not count.
    protocol: u8,
    /// The interface: a router sees each fragment on two.
    scope: u32,
}

/// A fragment.
#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) key: Key,
    /// What stands before the data: the link's headers, and those of IP without the fragment header.
    pub(super) before: [&'a [u8]; 2],
    pub(super) version: Version,
    /// In bytes.
    pub(super) offset: usize,
    pub(super) more: bool,
    pub(super) data: &'a [u8],
    /// What the data measured on the wire.
    pub(super) length: usize,
}

/// What must be put right in the headers of the whole packet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Version {
    V4,
    /// Where in the IP header the number of the fragment header stands, and what takes its place.
    V6 {
        at: usize,
        next: u8,
    },
}

/// The fragment that the outermost IP packet of the frame is, if it is one and its headers can be followed.
#[inline]
pub(super) fn fragment(frame: Carried<'_>, scope: u32) -> Option<Fragment<'_>> {
    let mut layers = walk(frame);
    loop {
        let packet = layers.upcoming()?;
        match packet.code {
            Code::EtherType(ipv4::ETHERTYPE) => return v4(frame, packet, scope),
            Code::EtherType(ipv6::ETHERTYPE) => return v6(frame, packet, scope),
            // A header of IEEE 802.3 says a length, which the whole packet would not have.
            Code::Link(_) => layers.next()?,
            _ => return None,
        };
    }
}

/// What stands in the frame before the packet, which is a part of it.
fn before<'a>(frame: Carried<'a>, packet: Carried<'a>) -> Option<&'a [u8]> {
    let start = packet.bytes.as_ptr().addr().checked_sub(frame.bytes.as_ptr().addr())?;
    frame.bytes.get(..start)
}

fn v4<'a>(frame: Carried<'a>, packet: Carried<'a>, scope: u32) -> Option<Fragment<'a>> {
    let header = packet.bytes.first_chunk::<20>()?;
    let field = u16::from_be_bytes([header[6], header[7]]);
    if field & 0x3fff == 0 || header[0] >> 4 != 4 {
        return None;
    }
    let length = usize::from(header[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([header[2], header[3]]));
    if length < 20 || total < length {
        return None;
    }
    let address = |at: usize| Some(IpAddr::from(*header.get(at..)?.first_chunk::<4>()?));
    let whole = packet.bytes.get(..total.min(packet.bytes.len()))?;
    let (head, data) = whole.split_at_checked(length)?;
    Some(Fragment {
        key: Key {
            source: address(12)?,
            destination: address(16)?,
            identification: u32::from(u16::from_be_bytes([header[4], header[5]])),
            protocol: header[9],
            scope,
        },
        before: [before(frame, packet)?, head],
        version: Version::V4,
        offset: usize::from(field & 0x1fff) * 8,
        more: field & 0x2000 != 0,
        data,
        length: total - length,
    })
}

fn v6<'a>(frame: Carried<'a>, packet: Carried<'a>, scope: u32) -> Option<Fragment<'a>> {
    let header = packet.bytes.first_chunk::<40>()?;
    let (mut next, mut at, mut end) = (header[6], 6, 40);
    if header[0] >> 4 != 6 {
        return None;
    }
    while BEFORE_FRAGMENT.contains(&next) {
        let extension = packet.bytes.get(end..)?.first_chunk::<2>()?;
        (next, at) = (extension[0], end);
        end += (usize::from(extension[1]) + 1) * 8;
    }
    let field = packet.bytes.get(end..)?.first_chunk::<8>()?;
    let place = u16::from_be_bytes([field[2], field[3]]);
    // Alone and whole ("atomic", RFC 6946): not for us.
    if next != FRAGMENT || place & !6 == 0 {
        return None;
    }
    let total = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
    let address = |at: usize| Some(IpAddr::from(*header.get(at..)?.first_chunk::<16>()?));
    let whole = packet.bytes.get(..total.min(packet.bytes.len()))?;
    Some(Fragment {
        key: Key {
            source: address(8)?,
            destination: address(24)?,
            identification: u32::from_be_bytes([field[4], field[5], field[6], field[7]]),
            protocol: 0,
            scope,
        },
        before: [before(frame, packet)?, packet.bytes.get(..end)?],
        version: Version::V6 { at, next: field[0] },
        offset: usize::from(place & !7),
        more: place & 1 != 0,
        data: whole.get(end + 8..)?,
        length: total.checked_sub(end + 8)?,
    })
}
