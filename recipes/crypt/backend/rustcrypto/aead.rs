//! Authenticated encryption, from one buffer into another.

use aes_gcm::aead::common::typenum::Unsigned;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit, Nonce, Tag};

use super::super::{Aead, check, not_authentic};
use crate::error::{Error, Result};

/// A key for one of the crates' types.
pub struct Sealer<A>(A);

impl<A: AeadInOut + KeyInit> Sealer<A> {
    pub fn new(key: &[u8]) -> Result<Self> {
        A::new_from_slice(key).map(Sealer).map_err(|e| Error::usage(e.to_string()))
    }
}

fn nonce<A: AeadInOut>(nonce: &[u8]) -> Result<&Nonce<A>> {
    check::iv(nonce, A::NonceSize::USIZE)?;
    nonce.try_into().map_err(|_| Error::usage("a nonce of another length"))
}

/// Two buffers of one length.
fn both<'i, 'o>(input: &'i [u8], output: &'o mut [u8]) -> Result<InOutBuf<'i, 'o, u8>> {
    check::same(input.len(), output.len())?;
    InOutBuf::new(input, output).map_err(|_| Error::usage("buffers of two lengths"))
}

impl<A: AeadInOut> Aead for Sealer<A> {
    fn seal(&mut self, iv: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(plaintext.len() + A::TagSize::USIZE, out.len())?;
        let (text, tag) = out.split_at_mut(plaintext.len());
        let made = self.0.encrypt_inout_detached(nonce::<A>(iv)?, aad, both(plaintext, text)?);
        tag.copy_from_slice(&made.map_err(|_| Error::failed("RustCrypto refuses: the message is too long"))?);
        Ok(())
    }
    fn open(&mut self, iv: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = check::split(sealed, A::TagSize::USIZE)?;
        let tag = <&Tag<A>>::try_from(tag).map_err(|_| not_authentic())?;
        let opened = self.0.decrypt_inout_detached(nonce::<A>(iv)?, aad, both(text, out)?, tag);
        opened.map_err(|_| {
            out.fill(0);
            not_authentic()
        })
    }
}
