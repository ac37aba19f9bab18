//! What every contender is asked to do: algorithm, direction, key, and how long a message is.

use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};
use crate::recipes::crypt::backend::{Backend, Direction};
use crate::units;

/// Bytes of associated data with every AEAD message: those of a TLS record, which are not as many as the tag's.
const ASSOCIATED: usize = 13;
/// Bytes of a key where any length goes.
const USUAL_KEY: usize = 32;

/// What to do with messages of one length. The key is made up: nothing that is worth keeping is encrypted here.
#[derive(Clone)]
pub struct Job {
    /// The algorithm.
    pub algorithm: &'static Algorithm,
    /// Which way; digests know one way.
    pub direction: Direction,
    /// The key; empty for a digest.
    pub key: Vec<u8>,
    /// Associated data; empty where it is no AEAD.
    pub aad: Vec<u8>,
    /// Bytes of the tag; 0 where it is no AEAD.
    pub tag_len: usize,
    /// Bytes of a plaintext.
    pub len: usize,
    /// How many messages a sample has at most.
    pub messages: usize,
    /// Whether messages come from a file in the page cache.
    pub from_file: bool,
    /// Whether everything is set up anew for each message.
    pub setup_each: bool,
}

impl Job {
    /// A job for messages of `len` bytes; a length that the algorithm does not take is an error of kind unavailable.
    pub fn new(algorithm: &'static Algorithm, direction: Direction, len: u64) -> Result<Self> {
        let refused = |why: String| Error::unavailable(format!("{} takes {why}", algorithm.name));
        let block = algorithm.block();
        if !len.is_multiple_of(block as u64) {
            return Err(refused(format!("whole blocks of {block} bytes, not {}", units::bytes(len))));
        }
        if let Kind::Cipher(shape) = algorithm.kind
            && len < shape.least as u64
        {
            return Err(refused(format!("at least {} bytes", shape.least)));
        }
        if len == 0 {
            return Err(Error::unavailable("a message of no bytes has no speed"));
        }
        let len = usize::try_from(len).ok().filter(|len| *len <= MOST_BYTES);
        let len = len.ok_or_else(|| refused(format!("at most {} in this race", units::bytes(MOST_BYTES as u64))))?;
        let mut rng = fastrand::Rng::with_seed(3228);
        let mut bytes = |n: usize| (0..n).map(|_| rng.u8(..)).collect::<Vec<u8>>();
        let key = bytes(algorithm.key_len.unwrap_or(USUAL_KEY));
        let tag_len = algorithm.tag_len();
        let aad = if tag_len > 0 { bytes(ASSOCIATED) } else { Vec::new() };
        Ok(Job { algorithm, direction, key, aad, tag_len, len, messages: 1, from_file: false, setup_each: false })
    }

    /// Bytes that go in: plaintext, or ciphertext and tag.
    pub fn input_len(&self) -> usize {
        match self.direction {
            Direction::Encrypt => self.len,
            Direction::Decrypt => self.len + self.tag_len,
        }
    }

    /// Bytes that come out: a digest, plaintext, or ciphertext and tag.
    pub fn output_len(&self) -> usize {
        match (self.algorithm.kind, self.direction) {
            (Kind::Digest(len) | Kind::Mac(len), _) => len,
            (_, Direction::Encrypt) => self.len + self.tag_len,
            (_, Direction::Decrypt) => self.len,
        }
    }

    /// Whether there is a way back.
    pub fn is_digest(&self) -> bool {
        self.algorithm.digest_len() > 0
    }

    /// One message by a backend, from the start: what the oracle does.
    pub fn done_by(&self, backend: &dyn Backend, iv: &[u8], text: &[u8], out: &mut [u8]) -> Result<()> {
        super::library::Library::new(backend, self)?.message(iv, text, out)
    }
}

/// Two of a message and of its result must fit into memory.
const MOST_BYTES: usize = 256 << 20;
