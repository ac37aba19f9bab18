//! OpenSSL through its EVP interface ([EVP_CIPHER(3ssl)](https://docs.openssl.org/3.0/man3/EVP_EncryptInit/)).
//!
//! Contexts and fetched algorithms are kept: a new one for each message costs two to four times as much.

use openssl::cipher::Cipher as EvpCipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::md_ctx::MdCtx;

use super::{Aead, Backend, Cipher, Digest, Direction, not_authentic, not_offered};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};

/// The backend.
pub static OPENSSL: OpenSsl = OpenSsl;

/// OpenSSL's libcrypto.
pub struct OpenSsl;

fn failed(e: &ErrorStack) -> Error {
    Error::failed(format!("OpenSSL: {e}"))
}

impl Backend for OpenSsl {
    fn name(&self) -> &'static str {
        "openssl"
    }
    fn title(&self) -> &'static str {
        "OpenSSL EVP"
    }
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String> {
        let there = match algorithm.kind {
            Kind::Digest(_) => Md::fetch(None, algorithm.name, None).is_ok(),
            Kind::Mac(_) => false,
            Kind::Cipher(_) | Kind::Aead(_) => EvpCipher::fetch(None, algorithm.name, None).is_ok(),
        };
        if there { Ok(algorithm.name.to_uppercase()) } else { Err(not_offered(self, algorithm)) }
    }
    fn digest(&self, algorithm: &'static Algorithm, _key: &[u8]) -> Result<Box<dyn Digest>> {
        let md = Md::fetch(None, algorithm.name, None).map_err(|_| not_offered(self, algorithm))?;
        let mut context = MdCtx::new().map_err(|e| failed(&e))?;
        context.digest_init(&md).map_err(|e| failed(&e))?;
        Ok(Box::new(EvpDigest { md, context }))
    }
    fn cipher(&self, algorithm: &'static Algorithm, _key: &[u8], _: Direction) -> Result<Box<dyn Cipher>> {
        Err(not_offered(self, algorithm))
    }
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>> {
        let cipher = EvpCipher::fetch(None, algorithm.name, None).map_err(|_| not_offered(self, algorithm))?;
        let context = |direction| -> Result<CipherCtx, ErrorStack> {
            let mut context = CipherCtx::new()?;
            match direction {
                Direction::Encrypt => context.encrypt_init(Some(&cipher), Some(key), None)?,
                Direction::Decrypt => context.decrypt_init(Some(&cipher), Some(key), None)?,
            }
            Ok(context)
        };
        let aead =
            |()| Ok(EvpAead { seal: context(Direction::Encrypt)?, open: context(Direction::Decrypt)?, tag_len });
        Ok(Box::new(aead(()).map_err(|e: ErrorStack| failed(&e))?))
    }
}

struct EvpDigest {
    md: Md,
    context: MdCtx,
}

impl Digest for EvpDigest {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.digest_update(data).map_err(|e| failed(&e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        self.context.digest_final(out).map_err(|e| failed(&e))?;
        self.context.digest_init(&self.md).map_err(|e| failed(&e))
    }
}

struct EvpAead {
    seal: CipherCtx,
    open: CipherCtx,
    tag_len: usize,
}

impl Aead for EvpAead {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = out.split_at_mut(plaintext.len());
        let mut work = || -> Result<(), ErrorStack> {
            self.seal.encrypt_init(None, None, Some(nonce))?;
            self.seal.cipher_update(aad, None)?;
            self.seal.cipher_update(plaintext, Some(text))?;
            self.seal.cipher_final(&mut [])?;
            self.seal.tag(tag)
        };
        work().map_err(|e| failed(&e))
    }
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        let (text, tag) = sealed.split_at(sealed.len() - self.tag_len);
        let mut work = || -> Result<(), ErrorStack> {
            self.open.decrypt_init(None, None, Some(nonce))?;
            self.open.set_tag(tag)?;
            self.open.cipher_update(aad, None)?;
            self.open.cipher_update(text, Some(out))?;
            self.open.cipher_final(&mut []).map(drop)
        };
        let opened = work();
        if opened.is_err() {
            out.fill(0);
        }
        opened.map_err(|_| not_authentic())
    }
}
