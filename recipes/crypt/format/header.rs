//! The header: what is needed to derive the keys of a file and to cut it into chunks. Every number in it is held
//! against a bound before anything is computed or allocated from it.

use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{self, Algorithm};

/// Bytes of the header.
pub const LEN: usize = 104;
/// How many of them the MAC at the end covers, and keys are derived from.
pub const COVERED: usize = 72;
/// The first bytes of every file: one that is no text, a name, and a line feed that a transfer as text would change.
pub const MAGIC: [u8; 8] = *b"\x89SYSKIT\n";
/// The version of the form that this module reads and writes.
pub const VERSION: u8 = 1;
/// Base-two logarithm of the chunk length that is written: 64 KiB.
pub const CHUNK_LOG2: u8 = 16;
/// What is read: 4 KiB to 1 MiB.
const CHUNK_LOG2_READ: std::ops::RangeInclusive<u8> = 12..=20;
/// The algorithms by their number in the header.
const ALGORITHMS: [(u8, &str); 2] = [(1, "aes-256-gcm"), (2, "chacha20-poly1305")];
const RAW_KEY: u8 = 1;
const ARGON2ID: u8 = 2;

/// The parameters of Argon2id (RFC 9106), version 0x13, with an output of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argon2id {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// The salt of the passphrase.
    pub salt: [u8; 16],
}

impl Argon2id {
    /// The most memory that is read or written, in KiB: with it the whole program stays under 64 MiB.
    pub const MEMORY: u32 = 46 << 10;
    /// The passes that are written.
    pub const PASSES: u32 = 3;
    /// The most that are read: about a second's work.
    const MOST_PASSES: u32 = 10;
    const MOST_LANES: u32 = 4;

    /// What a new file gets.
    pub fn with_salt(salt: [u8; 16]) -> Self {
        Argon2id { memory: Self::MEMORY, passes: Self::PASSES, lanes: 1, salt }
    }

    fn check(&self) -> Result<()> {
        let bad = |what: &str, value: u32, least: u32, most: u32| {
            Err(Error::failed(format!("its header asks for {value} {what}; {least} to {most} are allowed"))
                .fix("it is damaged, or made to exhaust this machine"))
        };
        if !(1..=Self::MOST_LANES).contains(&self.lanes) {
            return bad("lanes of Argon2id", self.lanes, 1, Self::MOST_LANES);
        }
        if !(1..=Self::MOST_PASSES).contains(&self.passes) {
            return bad("passes of Argon2id", self.passes, 1, Self::MOST_PASSES);
        }
        // RFC 9106, 3.1: at least eight KiB a lane.
        if !(8 * self.lanes..=Self::MEMORY).contains(&self.memory) {
            return bad("KiB of memory for Argon2id", self.memory, 8 * self.lanes, Self::MEMORY);
        }
        Ok(())
    }
}

/// Where the user's key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// It is the 32 bytes of a key file.
    KeyFile,
    /// It is Argon2id of a passphrase.
    Passphrase(Argon2id),
}

impl KeySource {
    /// As documents name it.
    pub fn name(&self) -> &'static str {
        match self {
            KeySource::KeyFile => "key_file",
            KeySource::Passphrase(_) => "passphrase",
        }
    }
}

/// A header, without its MAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What seals the chunks.
    pub algorithm: &'static Algorithm,
    /// Base-two logarithm of the plaintext bytes in a full chunk.
    pub chunk_log2: u8,
    /// Where the user's key comes from.
    pub key_source: KeySource,
    /// Random bytes that no other file has.
    pub salt: [u8; 32],
}

impl Header {
    /// Plaintext bytes in a full chunk.
    pub fn chunk_len(&self) -> usize {
        1 << self.chunk_log2
    }

    /// The algorithms that a file can be sealed with.
    pub fn algorithms() -> impl Iterator<Item = &'static str> {
        ALGORITHMS.iter().map(|(_, name)| *name)
    }

    /// The bytes that the MAC covers.
    pub fn covered(&self) -> [u8; COVERED] {
        let mut bytes = [0; COVERED];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8] = VERSION;
        bytes[9] = ALGORITHMS.iter().find(|(_, name)| *name == self.algorithm.name).map_or(0, |(id, _)| *id);
        bytes[11] = self.chunk_log2;
        match &self.key_source {
            KeySource::KeyFile => bytes[10] = RAW_KEY,
            KeySource::Passphrase(argon) => {
                bytes[10] = ARGON2ID;
                bytes[12..16].copy_from_slice(&argon.memory.to_be_bytes());
                bytes[16..20].copy_from_slice(&argon.passes.to_be_bytes());
                bytes[20..24].copy_from_slice(&argon.lanes.to_be_bytes());
                bytes[24..40].copy_from_slice(&argon.salt);
            }
        }
        bytes[40..].copy_from_slice(&self.salt);
        bytes
    }

    /// Reads the first bytes of a file, which may be fewer than a header has; what comes after the header is ignored.
    ///
    /// # Errors
    /// What in it is not version 1 of this form, or out of bounds. The MAC is not looked at:
    /// [`super::FileKeys::check`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if !bytes.starts_with(&MAGIC) {
            return Err(Error::failed("it does not begin as a file that syskit encrypted")
                .fix("what another tool encrypted is read with --raw"));
        }
        let Some(bytes) = bytes.first_chunk::<LEN>() else {
            return Err(Error::failed(format!("it ends within its header, after {} bytes", bytes.len())));
        };
        if bytes[8] != VERSION {
            return Err(Error::failed(format!("its form has version {}, not {VERSION}", bytes[8]))
                .fix("decrypt it with the syskit that wrote it, or a newer one"));
        }
        let unknown = |what: &str, number: u8| Error::failed(format!("its header has the unknown {what} {number}"));
        let name = ALGORITHMS.iter().find(|(id, _)| *id == bytes[9]).map(|(_, name)| *name);
        let algorithm = name.and_then(algorithm::find).ok_or_else(|| unknown("algorithm", bytes[9]))?;
        if !CHUNK_LOG2_READ.contains(&bytes[11]) {
            return Err(unknown("chunk length", bytes[11]));
        }
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let key_source = match bytes[10] {
            RAW_KEY if bytes[12..40].iter().all(|b| *b == 0) => KeySource::KeyFile,
            RAW_KEY => return Err(Error::failed("its header has parameters of a passphrase without one")),
            ARGON2ID => {
                let (memory, passes, lanes) = (word(12), word(16), word(20));
                let argon = Argon2id { memory, passes, lanes, salt: array(&bytes[24..40]) };
                argon.check()?;
                KeySource::Passphrase(argon)
            }
            other => return Err(unknown("source of the key", other)),
        };
        Ok(Header { algorithm, chunk_log2: bytes[11], key_source, salt: array(&bytes[40..COVERED]) })
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a slice of that length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(key_source: KeySource) -> Header {
        let algorithm = algorithm::find("chacha20-poly1305").unwrap();
        Header { algorithm, chunk_log2: 16, key_source, salt: [7; 32] }
    }

    fn whole(header: &Header) -> Vec<u8> {
        [&header.covered()[..], &[9; 32]].concat()
    }

    #[test]
    fn what_is_written_is_read() {
        for source in [KeySource::KeyFile, KeySource::Passphrase(Argon2id::with_salt([3; 16]))] {
            let header = header(source);
            assert_eq!(Header::parse(&whole(&header)).unwrap(), header);
        }
    }

    #[test]
    fn numbers_out_of_bounds_are_refused_before_they_are_used() {
        let good = whole(&header(KeySource::Passphrase(Argon2id::with_salt([3; 16]))));
        let with = |at: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            Header::parse(&bad).unwrap_err().to_string()
        };
        for (at, bytes, word) in [
            (0, &[0x88][..], "does not begin"),
            (8, &[2], "version 2"),
            (9, &[0], "unknown algorithm 0"),
            (10, &[3], "source of the key 3"),
            (10, &[1], "without one"),
            (11, &[11], "chunk length 11"),
            (11, &[21], "chunk length 21"),
            (11, &[255], "chunk length 255"),
            (12, &[255, 255, 255, 255], "4294967295 KiB"),
            (12, &[0, 0, 0, 7], "7 KiB"),
            (16, &[0, 0, 0, 0], "0 passes"),
            (16, &[0, 0, 0, 11], "11 passes"),
            (20, &[0, 0, 0, 0], "0 lanes"),
            (20, &[255, 255, 255, 255], "4294967295 lanes"),
        ] {
            let said = with(at, bytes);
            assert!(said.contains(word), "{at}: {said}");
        }
        for len in 0..LEN {
            assert!(Header::parse(&good[..len]).is_err(), "{len}");
        }
    }
}
