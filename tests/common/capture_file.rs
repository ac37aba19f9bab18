//! Reads capture files (pcap, and as much of pcapng as the public captures use), for tests alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use syskit::packet::{Carried, Link};

/// A packet of a capture file.
pub struct Packet {
    /// Link type, as in the file.
    pub link: u16,
    /// Time in seconds since the epoch.
    pub seconds: u32,
    /// What was captured.
    pub bytes: Vec<u8>,
    /// Its length on the wire.
    pub length: usize,
}

/// The folder of public captures: SYSKIT_CAPTURES, or beside the repository.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SYSKIT_CAPTURES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures"), PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// The packets of the file, up to its end or the first thing in it that makes no sense.
pub fn read(path: &Path) -> Vec<Packet> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let file = |big| File { bytes: &bytes, big };
    let mut packets = Vec::new();
    // Ending early is right here: broken files are among the captures.
    let _ = match bytes.first_chunk::<4>() {
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => file(false).pcap(&mut packets),
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => file(true).pcap(&mut packets),
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => file(bytes.get(8) == Some(&0x1a)).pcapng(&mut packets),
        _ => None,
    };
    packets
}

/// The folder of public captures; says so where it is not there.
pub fn captures() -> Option<PathBuf> {
    let folder = folder();
    if folder.is_none() {
        super::skip("the public captures are not there: set SYSKIT_CAPTURES to their folder");
    }
    folder
}

/// The packet as a frame for the decoders.
pub fn frame(packet: &Packet) -> Carried<'_> {
    Carried::frame(Link::of_linktype(packet.link), &packet.bytes, packet.length)
}

/// The lines that LIST.tsv gives: capture, expected text, options.
pub fn cases(folder: &Path) -> Vec<(String, String, String)> {
    let list = std::fs::read_to_string(folder.join("LIST.tsv")).expect("the list of captures");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        (cells[1].to_owned(), cells[2].to_owned(), cells[3].to_owned())
    };
    list.lines().skip(1).map(row).collect()
}

/// The expected text of each packet, by its number.
pub fn numbered(expected: &str) -> BTreeMap<u32, String> {
    let mut texts: BTreeMap<u32, String> = BTreeMap::new();
    let mut current = 0;
    for line in expected.lines() {
        let number = line.split("  ").map(str::trim).find(|w| !w.is_empty()).and_then(|w| w.parse().ok());
        // A packet begins with its number in a column of five, and two spaces.
        match number.filter(|n| *n == current + 1 && line.starts_with(&format!("{n:>5}  "))) {
            Some(n) => {
                current = n;
                texts.insert(n, line.to_owned());
            }
            None => {
                if let Some(text) = texts.get_mut(&current) {
                    text.push('\n');
                    text.push_str(line);
                }
            }
        }
    }
    texts
}

/// Whether `text` holds `line`; a number that goes on is another number.
pub fn holds(text: &str, line: &str) -> bool {
    text.match_indices(line).any(|(at, _)| !text[at + line.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

struct File<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl File<'_> {
    fn long(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn packet(&self, link: u16, seconds: u32, lengths_at: usize) -> Option<(Packet, usize)> {
        let (captured, length) = (self.long(lengths_at)? as usize, self.long(lengths_at + 4)? as usize);
        let start = lengths_at + 8;
        let bytes = self.bytes.get(start..start + captured)?.to_vec();
        Some((Packet { link, seconds, bytes, length }, start + captured))
    }

    fn pcap(&self, packets: &mut Vec<Packet>) -> Option<()> {
        let link = self.long(20)? as u16;
        let mut at = 24;
        loop {
            let (packet, end) = self.packet(link, self.long(at)?, at + 8)?;
            packets.push(packet);
            at = end;
        }
    }

    fn pcapng(&self, packets: &mut Vec<Packet>) -> Option<()> {
        let (mut at, mut links) = (0, Vec::new());
        loop {
            let (kind, length) = (self.long(at)?, self.long(at + 4)? as usize);
            match kind {
                1 => links.push(if self.big { self.long(at + 8)? >> 16 } else { self.long(at + 8)? & 0xffff } as u16),
                6 => {
                    let link = *links.get(self.long(at + 8)? as usize)?;
                    packets.push(self.packet(link, 0, at + 20)?.0);
                }
                _ => {}
            }
            at += length.max(12);
        }
    }
}
