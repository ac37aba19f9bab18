//! Authenticated encryption, from one buffer into another.

use aws_lc_rs::aead::{Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;

use super::super::{Aead, check, not_authentic};
use super::failed;
use crate::error::Result;

/// The nonces are its user's, therefore the "less safe" key.
pub struct LcAead {
    key: LessSafeKey,
    tag_len: usize,
}

impl LcAead {
    pub fn new(algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Self, Unspecified> {
        Ok(LcAead { key: LessSafeKey::new(UnboundKey::new(algorithm, key)?), tag_len })
    }

    fn nonce(&self, nonce: &[u8]) -> Result<Nonce> {
        check::iv(nonce, self.key.algorithm().nonce_len())?;
        Nonce::try_assume_unique_for_key(nonce).map_err(failed)
    }
}

impl Aead for LcAead {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(plaintext.len() + self.tag_len, out.len())?;
        let (text, tag) = out.split_at_mut(plaintext.len());
        let nonce = self.nonce(nonce)?;
        self.key.seal_out_of_place_scatter(nonce, Aad::from(aad), plaintext, text, &[], tag).map_err(failed)
    }
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = check::split(sealed, self.tag_len)?;
        check::same(text.len(), out.len())?;
        let nonce = self.nonce(nonce)?;
        self.key.open_separate_gather(nonce, Aad::from(aad), text, tag, out).map_err(|_| {
            out.fill(0);
            not_authentic()
        })
    }
}
