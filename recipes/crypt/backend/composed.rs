//! What the kernel calls authenc, from a library's cipher and its MAC: see [`Algorithm::parts`] for what the tag covers.

use super::{Aead, Backend, Cipher, Digest, Direction, check, not_authentic, not_offered};
use crate::error::Result;
use crate::recipes::crypt::algorithm::Algorithm;

/// Encryption, then a MAC of associated data and ciphertext.
pub struct Composed {
    algorithm: &'static Algorithm,
    encrypt: Box<dyn Cipher>,
    decrypt: Box<dyn Cipher>,
    mac: Box<dyn Digest>,
    tag_len: usize,
    block: usize,
    /// The MAC in full, of which the tag is the beginning.
    full: Vec<u8>,
}

/// Whether `backend` has both parts, and what it does them with; `None` for what is not made of parts.
pub fn offers(backend: &dyn Backend, algorithm: &'static Algorithm) -> Option<Result<String>> {
    let (cipher, mac) = algorithm.parts()?;
    let with = |part| backend.offers(part).map_err(|_| not_offered(backend, algorithm));
    Some(with(cipher).and_then(|cipher| Ok(format!("{cipher} + {}", with(mac)?))))
}

/// With `backend`'s parts; `None` for what is not made of parts.
pub fn aead(
    backend: &dyn Backend,
    algorithm: &'static Algorithm,
    key: &[u8],
    tag_len: usize,
) -> Option<Result<Box<dyn Aead>>> {
    let (cipher, mac) = algorithm.parts()?;
    let make = || -> Result<Box<dyn Aead>> {
        check::key(algorithm, key)?;
        check::tag_len(algorithm, tag_len)?;
        let (mac_key, key) = key.split_at(key.len() - cipher.key_len.unwrap_or(0));
        let encrypt = backend.cipher(cipher, key, Direction::Encrypt)?;
        let decrypt = backend.cipher(cipher, key, Direction::Decrypt)?;
        let full = vec![0; mac.digest_len()];
        let mac = backend.digest(mac, mac_key)?;
        Ok(Box::new(Composed { algorithm, encrypt, decrypt, mac, tag_len, block: algorithm.block(), full }))
    };
    Some(make())
}

impl Composed {
    fn tag(&mut self, aad: &[u8], ciphertext: &[u8]) -> Result<&[u8]> {
        self.mac.update(aad)?;
        self.mac.update(ciphertext)?;
        self.mac.finish(&mut self.full)?;
        Ok(&self.full[..self.tag_len])
    }

    fn decrypted(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        check::iv(nonce, self.algorithm.iv_len)?;
        let (text, tag) = check::split(sealed, self.tag_len)?;
        check::same(text.len(), out.len())?;
        // In constant time. What is no whole number of blocks was never sealed.
        let right = openssl::memcmp::eq(self.tag(aad, text)?, tag) && text.len().is_multiple_of(self.block);
        if right { self.decrypt.once(nonce, text, out) } else { Err(not_authentic()) }
    }
}

impl Aead for Composed {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::iv(nonce, self.algorithm.iv_len)?;
        check::blocks(self.algorithm, self.block, plaintext.len())?;
        check::same(plaintext.len() + self.tag_len, out.len())?;
        let (text, tag) = out.split_at_mut(plaintext.len());
        self.encrypt.once(nonce, plaintext, text)?;
        tag.copy_from_slice(self.tag(aad, text)?);
        Ok(())
    }
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        self.decrypted(nonce, aad, sealed, out).inspect_err(|_| out.fill(0))
    }
}
