//! What every library in user space asks of its arguments: lengths, checked before anything is computed, and told as
//! errors rather than as panics of a crate.

use crate::error::{Error, Kind as Class, Result};
use crate::recipes::crypt::algorithm::{Algorithm, Kind, Shape};

fn refuse(what: String) -> Error {
    Error::usage(what)
}

/// The key's length is one that the algorithm takes.
pub fn key(algorithm: &Algorithm, key: &[u8]) -> Result<()> {
    match algorithm.key_len {
        Some(len) if len != key.len() => {
            Err(refuse(format!("{} takes a key of {len} bytes, not {}", algorithm.name, key.len())))
        }
        _ => Ok(()),
    }
}

/// The tag's length is one that the algorithm takes.
pub fn tag_len(algorithm: &Algorithm, len: usize) -> Result<()> {
    match algorithm.kind {
        Kind::Aead(lengths) if lengths.contains(&len) => Ok(()),
        _ => Err(refuse(format!("{} has no tag of {len} bytes", algorithm.name))),
    }
}

/// The IV or nonce is of `len` bytes.
pub fn iv(iv: &[u8], len: usize) -> Result<()> {
    if iv.len() == len { Ok(()) } else { Err(refuse(format!("an IV of {len} bytes is taken, not {}", iv.len()))) }
}

/// `input` is whole blocks, at least `least` bytes where a message is one call, and `output` is as long.
pub fn text(shape: Shape, input: &[u8], output: &[u8]) -> Result<()> {
    same(input.len(), output.len())?;
    // Division by what is known here costs nothing; by what is not, it is felt at 16 bytes a message.
    let whole = match shape.block {
        1 => true,
        16 => input.len().is_multiple_of(16),
        block => input.len().is_multiple_of(block),
    };
    if !whole {
        return Err(refuse(format!("{} bytes are not whole blocks of {}", input.len(), shape.block)));
    }
    if shape.whole && input.len() < shape.least {
        return Err(refuse(format!("a message of {} bytes is shorter than {}", input.len(), shape.least)));
    }
    Ok(())
}

/// A plaintext is whole blocks of the algorithm ([`Algorithm::block`], which is not looked up for each message).
pub fn blocks(algorithm: &Algorithm, block: usize, len: usize) -> Result<()> {
    if block == 1 || len.is_multiple_of(block) {
        return Ok(());
    }
    Err(refuse(format!("{} takes whole blocks of {block} bytes, not {len}", algorithm.name)).fix("pad the text"))
}

/// The output has the length that the input gives.
pub fn same(needed: usize, output: usize) -> Result<()> {
    if needed == output { Ok(()) } else { Err(refuse(format!("{needed} bytes are written, not {output}"))) }
}

/// Ciphertext and tag apart; what is shorter than a tag is not authentic.
pub fn split(sealed: &[u8], tag_len: usize) -> Result<(&[u8], &[u8])> {
    sealed.split_at_checked(sealed.len().wrapping_sub(tag_len)).ok_or_else(super::not_authentic)
}

/// The error of a library that has the algorithm but not with tags of this length.
pub fn no_tag(library: &str, algorithm: &Algorithm, len: usize) -> Error {
    Error {
        kind: Class::Unavailable,
        ..refuse(format!("{library} has {} not with tags of {len} bytes", algorithm.name))
    }
}
