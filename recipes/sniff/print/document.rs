//! The JSON form of a packet.

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::walk::EndDocument;
use crate::packet::{Document, walk};
use crate::recipes::sniff::capture::{Captured, Direction};
use crate::recipes::sniff::timestamp::rfc3339;
use crate::recipes::sniff::who::ProcessDocument;

/// What `syskit sniff --json` prints for a packet, on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PacketDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// When the kernel saw it: RFC 3339, UTC, nanoseconds.
    pub time: String,
    /// The same as seconds since the epoch.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
    /// The interface, where the method tells.
    pub interface: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// How many bytes were captured.
    pub captured_length: usize,
    /// Its length on the wire in bytes.
    pub length: usize,
    /// Of how many fragments it was put together here (`--reassemble`), where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragments: Option<u16>,
    /// With --who, the processes on this host that own the sockets, as far as they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<Vec<ProcessDocument>>,
    /// The decoded layers.
    #[serde(flatten)]
    pub layers: Document,
    /// Why decoding ended before the payload, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecoded: Option<EndDocument>,
}

/// The JSON form of a packet.
pub fn document(packet: &Captured, interface: Option<&str>) -> PacketDocument {
    let mut decoded = Document::default();
    let mut layers = walk(packet.frame());
    layers.by_ref().for_each(|layer| layer.document(&mut decoded));
    around(packet, interface, decoded, layers.end().document())
}

/// The JSON form of a packet with these of its layers.
pub fn around(
    packet: &Captured,
    interface: Option<&str>,
    layers: Document,
    undecoded: Option<EndDocument>,
) -> PacketDocument {
    PacketDocument {
        schema: 1,
        time: rfc3339(packet.seconds, packet.nanoseconds),
        seconds: packet.seconds,
        nanoseconds: packet.nanoseconds,
        interface: interface.map(str::to_owned),
        direction: packet.direction,
        captured_length: packet.bytes.len(),
        length: packet.length,
        fragments: (packet.fragments > 0).then_some(packet.fragments),
        processes: None,
        layers,
        undecoded,
    }
}
