//! Classic pcap, little-endian as what most tools write.

use super::Packet;
use crate::capture_file::pcap::{FILE_HEADER, MICROSECONDS, NANOSECONDS, RECORD_HEADER};

/// The header of the file.
pub(super) fn header(out: &mut Vec<u8>, link: u16, snaplen: u32, nano: bool) {
    let magic = if nano { NANOSECONDS } else { MICROSECONDS };
    let mut header = [0; FILE_HEADER];
    let words = [magic, 2 | 4 << 16, 0, 0, snaplen, link.into()];
    header.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
    out.extend_from_slice(&header);
}

/// A packet; `unit` nanoseconds are a unit of its time.
#[inline]
pub(super) fn record(out: &mut Vec<u8>, packet: &Packet, unit: u32) {
    let latest = if packet.seconds < 0 { 0 } else { u32::MAX };
    let mut header = [0; RECORD_HEADER];
    let words = [
        u32::try_from(packet.seconds).unwrap_or(latest),
        packet.nanoseconds / unit,
        packet.bytes.len() as u32,
        u32::try_from(packet.length).unwrap_or(u32::MAX),
    ];
    header.as_chunks_mut().0.iter_mut().zip(words).for_each(|(to, word)| *to = word.to_le_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(packet.bytes);
}
