//! OpenSSL 3 through its EVP interface ([EVP_CIPHER(3ssl)](https://docs.openssl.org/3.0/man3/EVP_EncryptInit/)).
//!
//! Contexts and fetched algorithms are kept: a new one for each message costs two to four times as much.

use std::ffi::{CStr, CString};

use openssl::error::ErrorStack;
use openssl::md::Md;

use super::{Aead, Backend, Cipher, Digest, Direction, check, composed, not_offered};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};
use crate::sys::evp_cipher::{CipherContext, has_cipher};
use crate::sys::evp_digest::DigestContext;
use crate::sys::evp_mac::MacContext;

mod aead;
mod cipher;
mod digest;

/// The backend.
pub static OPENSSL: OpenSsl = OpenSsl;

/// OpenSSL's libcrypto.
pub struct OpenSsl;

fn failed(e: &ErrorStack) -> Error {
    // An empty stack displays as "OpenSSL error".
    if e.errors().is_empty() { Error::failed("OpenSSL refuses") } else { Error::failed(format!("OpenSSL: {e}")) }
}

fn c_name(algorithm: &Algorithm) -> CString {
    CString::new(algorithm.name).unwrap_or_default()
}

/// The MAC, the name of its parameter, and what it is over: "hmac-sha256", "cmac-aes-128".
fn mac_parts(algorithm: &Algorithm) -> Option<(&'static CStr, &'static CStr, CString)> {
    match algorithm.name.split_once('-')? {
        ("hmac", digest) => Some((c"HMAC", c"digest", CString::new(digest).ok()?)),
        ("cmac", cipher) => Some((c"CMAC", c"cipher", CString::new(format!("{cipher}-cbc")).ok()?)),
        _ => None,
    }
}

impl Backend for OpenSsl {
    fn name(&self) -> &'static str {
        "openssl"
    }
    fn title(&self) -> &'static str {
        "OpenSSL EVP"
    }
    fn version(&self) -> Option<String> {
        Some(openssl::version::version().split(' ').take(2).collect::<Vec<_>>().join(" "))
    }
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String> {
        if let Some(offered) = composed::offers(self, algorithm) {
            return offered;
        }
        let there = match algorithm.kind {
            Kind::Digest(_) => Md::fetch(None, algorithm.name, None).is_ok(),
            Kind::Mac(_) => self.digest(algorithm, &vec![0; algorithm.key_len.unwrap_or(16)]).is_ok(),
            Kind::Cipher(_) | Kind::Aead(_) => has_cipher(&c_name(algorithm)),
        };
        if there { Ok(algorithm.name.to_uppercase()) } else { Err(not_offered(self, algorithm)) }
    }
    fn digest(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Box<dyn Digest>> {
        check::key(algorithm, key)?;
        match algorithm.kind {
            Kind::Digest(_) => {
                let context = DigestContext::new(&c_name(algorithm)).map_err(|_| not_offered(self, algorithm))?;
                Ok(Box::new(digest::EvpDigest(context)))
            }
            _ => {
                let (mac, parameter, over) = mac_parts(algorithm).ok_or_else(|| not_offered(self, algorithm))?;
                let context = MacContext::new(mac, parameter, &over, key).map_err(|e| failed(&e))?;
                Ok(Box::new(digest::EvpMac { context, len: algorithm.digest_len() }))
            }
        }
    }
    fn cipher(&self, algorithm: &'static Algorithm, key: &[u8], direction: Direction) -> Result<Box<dyn Cipher>> {
        let Kind::Cipher(shape) = algorithm.kind else { return Err(not_offered(self, algorithm)) };
        check::key(algorithm, key)?;
        let context = CipherContext::new(&c_name(algorithm), direction, key, None).map_err(|e| failed(&e))?;
        Ok(Box::new(cipher::EvpCipher { context, shape }))
    }
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>> {
        if let Some(made) = composed::aead(self, algorithm, key, tag_len) {
            return made;
        }
        check::key(algorithm, key)?;
        check::tag_len(algorithm, tag_len)?;
        let ccm = algorithm.name.ends_with("-ccm");
        let lengths = ccm.then_some((algorithm.iv_len, tag_len));
        let context = |direction| CipherContext::new(&c_name(algorithm), direction, key, lengths);
        let contexts = || Ok((context(Direction::Encrypt)?, context(Direction::Decrypt)?));
        let (seal, open) = contexts().map_err(|e: ErrorStack| failed(&e))?;
        Ok(if ccm {
            Box::new(aead::Ccm { seal, open, tag_len })
        } else {
            Box::new(aead::EvpAead { seal, open, tag_len })
        })
    }
}
