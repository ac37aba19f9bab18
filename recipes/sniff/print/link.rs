//! The link-level header in a line, as tcpdump prints it with `-e`, and where the network header begins.

use super::ethertype;
use crate::packet::cooked::Cooked;
use crate::packet::ethernet::Ethernet;
use crate::packet::llc::Llc;
use crate::packet::loopback::Loopback;
use crate::packet::{Carried, Code, Link, Protocol, Text, text};

/// Bytes of two hardware addresses and a type.
const ETHERNET: usize = 14;
const TAG: usize = 4;
const COOKED: usize = 16;
const COOKED2: usize = 20;
const LOOPBACK: usize = 4;
const SNAP: usize = 5;
/// Type fields up to this hold a length for tcpdump's names; from 0x0600 on they are types.
const LARGEST_LENGTH: u16 = 1500;

/// Appends the header at the start of `frame` and gives what is behind it: `frame` itself where it has none that can be read.
pub fn header<'a>(out: &mut Text, frame: Carried<'a>, quick: bool) -> Carried<'a> {
    let behind = match frame.code {
        Code::Link(Link::Ethernet) => Ethernet::decode(frame).map(|(header, next)| {
            ethernet(out, &header, &frame, next.as_ref(), quick);
            next
        }),
        Code::Link(Link::Cooked | Link::Cooked2) => Cooked::decode(frame).map(|(header, next)| {
            cooked(out, &header, frame.length, quick);
            next
        }),
        Code::Link(Link::Null) => Loopback::decode(frame).map(|(header, next)| {
            loopback(out, header.family, frame.length, quick);
            next
        }),
        Code::EtherType(_) => {
            out.push_str("ip: ");
            return frame;
        }
        _ => return frame,
    };
    behind.ok().flatten().unwrap_or(frame)
}

fn ethernet(out: &mut Text, header: &Ethernet, frame: &Carried, next: Option<&Carried>, quick: bool) {
    text::hardware(out, header.source);
    out.push_str(" > ");
    text::hardware(out, header.destination);
    out.push_str(", ");
    let mut before = Some(frame.length);
    for vlan in header.vlans() {
        kind(out, vlan.protocol, quick);
        separator(out, &mut before);
        text::number(out, "vlan ", vlan.id.into());
        text::number(out, ", p ", vlan.priority.into());
        out.push_str(if vlan.drop_eligible { ", DEI, " } else { ", " });
    }
    match (header.ethertype, next) {
        (..=LARGEST_LENGTH, Some(payload)) => {
            out.push_str("802.3");
            before = before.and(Some(payload.length));
        }
        (ethertype, _) => kind(out, ethertype, quick),
    }
    separator(out, &mut before);
}

/// The length, where it was not said yet.
fn separator(out: &mut Text, length: &mut Option<usize>) {
    match length.take() {
        Some(length) => text::number_between(out, ", length ", length as u32, ": "),
        None => out.push_str(", "),
    }
}

/// "ethertype IPv4 (0x0800)", quick: "IPv4".
fn kind(out: &mut Text, number: u16, quick: bool) {
    let name = ethertype::name(number);
    if !quick {
        out.push_str("ethertype ");
    }
    out.push_str(name.unwrap_or(if quick { "Unknown Ethertype" } else { "Unknown" }));
    if !quick || name.is_none() {
        out.push_str(" (");
        text::hex16(out, number);
        out.push(')');
    }
}

fn cooked(out: &mut Text, header: &Cooked, length: usize, quick: bool) {
    match header.interface {
        // tcpdump's first word is the name of the interface of that index on the machine that reads.
        Some(index) => {
            out.push_str(header.direction());
            text::number_between(out, " ifindex ", index, " ");
        }
        None => {
            out.push_str(match header.direction().len() {
                1 => "  ",
                2 => " ",
                _ => "",
            });
            out.push_str(header.direction());
            out.push(' ');
        }
    }
    if header.address_length == 6 {
        text::hardware(out, header.address);
        out.push(' ');
    }
    if quick {
        return;
    }
    match header.protocol {
        1 => out.push_str("802.3"),
        4 => out.push_str("802.2"),
        other => kind(out, other, quick),
    }
    text::number_between(out, ", length ", length as u32, ": ");
}

fn loopback(out: &mut Text, family: u32, length: usize, quick: bool) {
    let name = match family {
        2 => "IPv4",
        6 => "NS",
        7 => "ISO",
        16 => "Appletalk",
        23 => "IPX",
        24 | 28 | 30 => "IPv6",
        _ => "Unknown",
    };
    if quick {
        out.push_str(name);
    } else {
        out.push_str("AF ");
        out.push_str(name);
        text::number_between(out, " (", family, ")");
    }
    text::number_between(out, ", length ", length as u32, ": ");
}

/// How many bytes of `frame` stand before the network header: all of them where the header is cut off.
pub fn length(frame: &Carried) -> usize {
    let all = frame.bytes.len();
    let (header, next) = match frame.code {
        Code::Link(Link::Ethernet) => match Ethernet::decode(*frame) {
            Ok((header, next)) => (ETHERNET + TAG * header.vlans().count(), next),
            Err(_) => return all,
        },
        Code::Link(Link::Cooked) => (COOKED, Cooked::decode(*frame).ok().and_then(|(_, next)| next)),
        Code::Link(Link::Cooked2) => (COOKED2, Cooked::decode(*frame).ok().and_then(|(_, next)| next)),
        Code::Link(Link::Null) => (LOOPBACK, None),
        _ => return 0,
    };
    let control = match next.filter(|next| next.code == Code::Llc).map(Llc::decode) {
        None => 0,
        Some(Err(_)) => return all,
        Some(Ok((llc, _))) => 3 + usize::from(llc.control & 3 != 3) + if llc.snap.is_some() { SNAP } else { 0 },
    };
    (header + control).min(all)
}
