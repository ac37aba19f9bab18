//! AWS-LC, a descendant of BoringSSL with its own assembly, through the crate
//! [aws-lc-rs](https://docs.rs/aws-lc-rs). What that crate does not let through (xts, ccm, plain chacha20) is not offered.

use aws_lc_rs::{aead as lc_aead, cipher as lc_cipher, cmac, digest as lc_digest, hmac};

use super::{Aead, Backend, Cipher, Digest, Direction, check, composed, not_offered};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};

mod aead;
mod cipher;
mod digest;

/// The backend.
pub static AWS_LC: AwsLc = AwsLc;

/// AWS-LC.
pub struct AwsLc;

/// The crate tells no more than that it failed.
fn failed(_: aws_lc_rs::error::Unspecified) -> Error {
    Error::failed("AWS-LC refuses")
}

/// What the crate calls the algorithm.
enum Made {
    Digest(&'static lc_digest::Algorithm),
    Hmac(hmac::Algorithm),
    Cmac(cmac::Algorithm),
    Cipher(&'static lc_cipher::Algorithm, cipher::Mode),
    Aead(&'static lc_aead::Algorithm),
}

fn made(algorithm: &Algorithm) -> Option<Made> {
    use cipher::Mode::{Cbc, Ctr, Ecb};
    Some(match algorithm.name {
        "sha1" => Made::Digest(&lc_digest::SHA1_FOR_LEGACY_USE_ONLY),
        "sha224" => Made::Digest(&lc_digest::SHA224),
        "sha256" => Made::Digest(&lc_digest::SHA256),
        "sha384" => Made::Digest(&lc_digest::SHA384),
        "sha512" => Made::Digest(&lc_digest::SHA512),
        "sha3-256" => Made::Digest(&lc_digest::SHA3_256),
        "sha3-384" => Made::Digest(&lc_digest::SHA3_384),
        "sha3-512" => Made::Digest(&lc_digest::SHA3_512),
        "hmac-sha1" => Made::Hmac(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
        "hmac-sha256" => Made::Hmac(hmac::HMAC_SHA256),
        "hmac-sha512" => Made::Hmac(hmac::HMAC_SHA512),
        "cmac-aes-128" => Made::Cmac(cmac::AES_128),
        "cmac-aes-256" => Made::Cmac(cmac::AES_256),
        "aes-128-ecb" => Made::Cipher(&lc_cipher::AES_128, Ecb),
        "aes-256-ecb" => Made::Cipher(&lc_cipher::AES_256, Ecb),
        "aes-128-cbc" => Made::Cipher(&lc_cipher::AES_128, Cbc),
        "aes-192-cbc" => Made::Cipher(&lc_cipher::AES_192, Cbc),
        "aes-256-cbc" => Made::Cipher(&lc_cipher::AES_256, Cbc),
        "aes-128-ctr" => Made::Cipher(&lc_cipher::AES_128, Ctr),
        "aes-192-ctr" => Made::Cipher(&lc_cipher::AES_192, Ctr),
        "aes-256-ctr" => Made::Cipher(&lc_cipher::AES_256, Ctr),
        "aes-128-gcm" => Made::Aead(&lc_aead::AES_128_GCM),
        "aes-192-gcm" => Made::Aead(&lc_aead::AES_192_GCM),
        "aes-256-gcm" => Made::Aead(&lc_aead::AES_256_GCM),
        "chacha20-poly1305" => Made::Aead(&lc_aead::CHACHA20_POLY1305),
        _ => return None,
    })
}

impl Backend for AwsLc {
    fn name(&self) -> &'static str {
        "aws_lc"
    }
    fn title(&self) -> &'static str {
        "AWS-LC through aws-lc-rs"
    }
    fn version(&self) -> Option<String> {
        let version = String::from_utf8_lossy(aws_lc_sys::AWSLC_VERSION_NUMBER_STRING);
        Some(format!("AWS-LC {}", version.trim_end_matches('\0')))
    }
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String> {
        if let Some(offered) = composed::offers(self, algorithm) {
            return offered;
        }
        let made = made(algorithm).ok_or_else(|| not_offered(self, algorithm))?;
        Ok(match made {
            Made::Digest(_) => format!("digest::{}", algorithm.name.to_uppercase().replace('-', "_")),
            Made::Hmac(_) => format!("hmac::{}", algorithm.name.to_uppercase().replace('-', "_")),
            Made::Cmac(_) => format!("cmac::{}", algorithm.name[5..].to_uppercase().replace('-', "_")),
            Made::Cipher(_, mode) => {
                format!("cipher::{} {mode:?}", algorithm.name[..7].to_uppercase().replace('-', "_"))
            }
            Made::Aead(_) => format!("aead::{}", algorithm.name.to_uppercase().replace('-', "_")),
        })
    }
    fn digest(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Box<dyn Digest>> {
        check::key(algorithm, key)?;
        Ok(match made(algorithm) {
            Some(Made::Digest(which)) => Box::new(digest::Plain::new(which)),
            Some(Made::Hmac(which)) => Box::new(digest::Hmac::new(which, key, algorithm.digest_len())),
            Some(Made::Cmac(which)) => Box::new(digest::Cmac::new(which, key).map_err(failed)?),
            _ => return Err(not_offered(self, algorithm)),
        })
    }
    fn cipher(&self, algorithm: &'static Algorithm, key: &[u8], direction: Direction) -> Result<Box<dyn Cipher>> {
        let (Some(Made::Cipher(which, mode)), Kind::Cipher(shape)) = (made(algorithm), algorithm.kind) else {
            return Err(not_offered(self, algorithm));
        };
        check::key(algorithm, key)?;
        Ok(Box::new(cipher::Aes::new(which, mode, shape, key, direction).map_err(failed)?))
    }
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>> {
        if let Some(made) = composed::aead(self, algorithm, key, tag_len) {
            return made;
        }
        let Some(Made::Aead(which)) = made(algorithm) else { return Err(not_offered(self, algorithm)) };
        check::key(algorithm, key)?;
        check::tag_len(algorithm, tag_len)?;
        if tag_len != which.tag_len() {
            return Err(check::no_tag("aws-lc-rs", algorithm, tag_len));
        }
        Ok(Box::new(aead::LcAead::new(which, key, tag_len).map_err(failed)?))
    }
}
