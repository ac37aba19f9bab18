//! The packets of capture files as tests want them: all at once.

use std::fs::File;
use std::path::{Path, PathBuf};

use syskit::capture_file::{Next, Reader};

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
