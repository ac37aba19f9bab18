//! STREAM (Hoang, Reyhanitabar, Rogaway and Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", CRYPTO 2015): each chunk is sealed by itself, with its number and whether it is the last in its
//! nonce. A chunk that was moved, repeated, left out or taken from elsewhere is opened with a nonce that it was not
//! sealed with.

use super::header::Header;
use super::keys::{FileKeys, PREFIX};
use crate::error::{Error, Result};
use crate::recipes::crypt::backend::{Aead, Backend};

/// Bytes that sealing adds to a chunk.
pub const TAG: usize = 16;
const NONCE: usize = 12;

/// Where in a file a chunk stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Its number, from 0.
    pub number: u64,
    /// Whether it is the last.
    pub last: bool,
}

/// Seals or opens the chunks of one file.
pub struct Stream {
    aead: Box<dyn Aead>,
    prefix: [u8; PREFIX],
}

impl Stream {
    /// For the file with this header and keys, computed by `backend`.
    ///
    /// # Errors
    /// Those of the backend; `Unavailable` where it has no such algorithm.
    pub fn new(backend: &dyn Backend, header: &Header, keys: &FileKeys) -> Result<Self> {
        Ok(Stream { aead: backend.aead(header.algorithm, keys.chunks(), TAG)?, prefix: keys.prefix() })
    }

    /// Seals `plaintext` into `out`, which is longer by [`TAG`].
    ///
    /// # Errors
    /// Those of the backend, and a number that the counter has no room for.
    pub fn seal(&mut self, place: Position, plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        self.aead.seal(&nonce(self.prefix, place)?, &[], plaintext, out)
    }

    /// Opens `sealed` into `out`, which is shorter by [`TAG`].
    ///
    /// # Errors
    /// [`crate::recipes::crypt::backend::not_authentic`] for anything but what was sealed at this place, and a number
    /// that the counter has no room for.
    pub fn open(&mut self, place: Position, sealed: &[u8], out: &mut [u8]) -> Result<()> {
        self.aead.open(&nonce(self.prefix, place)?, &[], sealed, out)
    }
}

/// The prefix, the number as 32 bits with the highest first, and 1 for the last chunk or 0.
fn nonce(prefix: [u8; PREFIX], place: Position) -> Result<[u8; NONCE]> {
    let number = u32::try_from(place.number).map_err(|_| {
        Error::failed("it has more than 4294967296 chunks, which is all that the form can number")
            .fix("split it: with chunks of 64 KiB a file may have 256 TiB")
    })?;
    let mut nonce = [0; NONCE];
    nonce[..PREFIX].copy_from_slice(&prefix);
    nonce[PREFIX..NONCE - 1].copy_from_slice(&number.to_be_bytes());
    nonce[NONCE - 1] = u8::from(place.last);
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_own_nonce_until_the_counter_ends() {
        let at = |number, last| nonce([9; PREFIX], Position { number, last });
        assert_eq!(at(0, false).unwrap(), [9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0, 0]);
        assert_eq!(at(0x0102_0304, true).unwrap(), [9, 9, 9, 9, 9, 9, 9, 1, 2, 3, 4, 1]);
        assert!(at(u64::from(u32::MAX), true).is_ok());
        assert!(at(1 << 32, true).unwrap_err().to_string().contains("256 TiB"));
        assert!(at(u64::MAX, false).is_err());
    }
}
