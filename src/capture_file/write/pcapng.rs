//! pcapng, little-endian: one section of unknown length, interfaces as they turn up, enhanced packet blocks.

use super::Packet;
use crate::capture_file::pcapng::{BYTE_ORDER, INTERFACE, Options, PACKET, SECTION, option};

/// A block of this type whose body `write` appends.
#[inline]
fn block(out: &mut Vec<u8>, kind: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    word(out, kind);
    word(out, 0);
    write(out);
    let length = (out.len() - start + 4) as u32;
    if let Some(place) = out.get_mut(start + 4..start + 8) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    word(out, length);
}

fn word(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_le_bytes());
}

fn pad(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice([0; 3].get(..length.next_multiple_of(4) - length).unwrap_or_default());
}

/// An option; what is beyond its 65,535 bytes is left out.
fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    let value = value.get(..length.into()).unwrap_or_default();
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(value);
    pad(out, value.len());
}

/// The header of the section.
pub(super) fn section(out: &mut Vec<u8>, comment: Option<&str>) {
    block(out, SECTION, |out| {
        word(out, BYTE_ORDER);
        // Version 1.0.
        word(out, 1);
        // The length of the section is not known.
        out.extend_from_slice(&u64::MAX.to_le_bytes());
        if let Some(comment) = comment {
            option(out, option::COMMENT, comment.as_bytes());
        }
        option(out, option::APPLICATION, concat!("syskit ", env!("CARGO_PKG_VERSION")).as_bytes());
        option(out, option::END, &[]);
    });
}

/// The description of an interface.
pub(super) fn interface(out: &mut Vec<u8>, link: u16, name: Option<&str>, snaplen: u32) {
    block(out, INTERFACE, |out| {
        word(out, link.into());
        word(out, snaplen);
        if let Some(name) = name {
            option(out, option::NAME, name.as_bytes());
        }
        option(out, option::RESOLUTION, &[9]);
        option(out, option::END, &[]);
    });
}

/// A packet.
#[inline]
pub(super) fn packet(out: &mut Vec<u8>, packet: &Packet) {
    let seconds = u64::try_from(packet.seconds).unwrap_or(0);
    let time = seconds.saturating_mul(1_000_000_000).saturating_add(packet.nanoseconds.into());
    block(out, PACKET, |out| {
        let mut fields = [0; 20];
        let words = [
            packet.interface,
            (time >> 32) as u32,
            time as u32,
            packet.bytes.len() as u32,
            u32::try_from(packet.length).unwrap_or(u32::MAX),
        ];
        fields.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
        out.extend_from_slice(&fields);
        out.extend_from_slice(packet.bytes);
        pad(out, packet.bytes.len());
        let start = out.len();
        for comment in packet.options.into_iter().flat_map(Options::comments) {
            option(out, option::COMMENT, comment);
        }
        if packet.flags != 0 {
            option(out, option::FLAGS, &packet.flags.to_le_bytes());
        }
        if out.len() > start {
            option(out, option::END, &[]);
        }
    });
}
