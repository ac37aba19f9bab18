//! The packets of capture files as tests want them: all at once.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use syskit::capture_file::{Next, Reader};
use syskit::packet::{Carried, Link};

/// A packet of a capture file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Link type, as in the file.
    pub link: u16,
    /// Time in seconds since the epoch.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
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
    let file = File::open(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
    let mut packets = Vec::new();
    let Ok(mut reader) = Reader::open(Box::new(file), path.display().to_string()) else { return packets };
    // Ending early is right here: broken files are among the captures.
    while let Ok(Next::Record(record)) = reader.next() {
        packets.push(Packet {
            link: record.link,
            seconds: record.seconds,
            nanoseconds: record.nanoseconds,
            bytes: record.bytes.to_vec(),
            length: record.length,
        });
    }
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
