//! Authenticated encryption (EVP_CIPHER). gcm and chacha20-poly1305 take data as it comes; ccm wants the length of the
//! message first, its tag before it decrypts, and the lengths of nonce and tag before the key.

use openssl::error::ErrorStack;

use super::super::{Aead, check, not_authentic};
use super::failed;
use crate::error::{Error, Result};
use crate::sys::evp_cipher::CipherContext;

pub struct EvpAead {
    pub seal: CipherContext,
    pub open: CipherContext,
    pub tag_len: usize,
}

/// Nonces of other lengths than the usual one are taken as they come: NIST SP 800-38D allows any.
fn fit(context: &mut CipherContext, nonce: &[u8]) -> Result<()> {
    if nonce.len() == context.iv_len() {
        return Ok(());
    }
    context
        .set_iv_len(nonce.len())
        .map_err(|_| Error::usage(format!("OpenSSL does not take a nonce of {} bytes here", nonce.len())))
}

impl Aead for EvpAead {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(plaintext.len() + self.tag_len, out.len())?;
        fit(&mut self.seal, nonce)?;
        let (text, tag) = out.split_at_mut(plaintext.len());
        let mut work = || {
            self.seal.start(nonce)?;
            if !aad.is_empty() {
                self.seal.aad(aad)?;
            }
            self.seal.update(plaintext, text)?;
            self.seal.finish()?;
            self.seal.tag(tag)
        };
        work().map_err(|e| failed(&e))
    }
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = check::split(sealed, self.tag_len)?;
        check::same(text.len(), out.len())?;
        fit(&mut self.open, nonce)?;
        let mut begin = || {
            self.open.start(nonce)?;
            self.open.set_tag(tag)?;
            if !aad.is_empty() {
                self.open.aad(aad)?;
            }
            self.open.update(text, out)
        };
        let begun = begin().map_err(|e| failed(&e));
        wiped(begun.and_then(|()| self.open.finish().map_err(|_| not_authentic())), out)
    }
}

/// ccm.
pub struct Ccm {
    pub seal: CipherContext,
    pub open: CipherContext,
    pub tag_len: usize,
}

impl Ccm {
    fn begin(context: &mut CipherContext, tag: Option<&[u8]>, nonce: &[u8], aad: &[u8], len: usize) -> Result<()> {
        check::iv(nonce, context.iv_len())?;
        let mut work = || -> Result<(), ErrorStack> {
            if let Some(tag) = tag {
                context.set_tag(tag)?;
            }
            context.start(nonce)?;
            context.set_total(len)?;
            if aad.is_empty() { Ok(()) } else { context.aad(aad) }
        };
        work().map_err(|e| failed(&e))
    }
}

impl Aead for Ccm {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(plaintext.len() + self.tag_len, out.len())?;
        Self::begin(&mut self.seal, None, nonce, aad, plaintext.len())?;
        let (text, tag) = out.split_at_mut(plaintext.len());
        self.seal.update(plaintext, text).and_then(|()| self.seal.tag(tag)).map_err(|e| failed(&e))
    }
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = check::split(sealed, self.tag_len)?;
        check::same(text.len(), out.len())?;
        Self::begin(&mut self.open, Some(tag), nonce, aad, text.len())?;
        wiped(self.open.update(text, out).map_err(|_| not_authentic()), out)
    }
}

/// What is not authentic leaves nothing of its plaintext.
fn wiped(result: Result<()>, out: &mut [u8]) -> Result<()> {
    if result.is_err() {
        out.fill(0);
    }
    result
}
