//! [RustCrypto](https://github.com/RustCrypto): ciphers and digests in Rust, a crate each, which use the processor's AES, SHA
//! and carry-less multiplication instructions where it has them.

use ::aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use ccm::Ccm;
use chacha20poly1305::ChaCha20Poly1305;
use cmac::Cmac;
use hmac::Hmac;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use sha3::{Sha3_224, Sha3_256, Sha3_384, Sha3_512};

use super::{Aead, Backend, Cipher, Digest, Direction, check, composed, not_offered};
use crate::error::Result;
use crate::recipes::crypt::algorithm::{Algorithm, Kind};

mod aead;
mod block;
mod digest;
mod stream;
mod version;
mod xts;

use aead::Sealer;
use digest::{Keyed, Plain};

/// The backend.
pub static RUSTCRYPTO: RustCrypto = RustCrypto;

/// The RustCrypto crates.
pub struct RustCrypto;

/// The crate that has it.
fn crate_of(algorithm: &Algorithm) -> &'static str {
    match algorithm.name {
        "md5" => "md-5",
        "sha1" => "sha1",
        "blake2b512" => "blake2",
        "chacha20" => "chacha20",
        "chacha20-poly1305" => "chacha20poly1305",
        name if name.starts_with("sha3-") => "sha3",
        name if name.starts_with("sha") => "sha2",
        name if name.starts_with("hmac-") => "hmac",
        name if name.starts_with("cmac-") => "cmac",
        name => match name.rsplit_once('-').map_or("", |(_, mode)| mode) {
            "ecb" => "ecb",
            "cbc" => "cbc",
            "ctr" => "ctr",
            "xts" => "xts-mode",
            "gcm" => "aes-gcm",
            "ccm" => "ccm",
            _ => "",
        },
    }
}

impl Backend for RustCrypto {
    fn name(&self) -> &'static str {
        "rustcrypto"
    }
    fn title(&self) -> &'static str {
        "RustCrypto"
    }
    fn version(&self) -> Option<String> {
        Some(format!("RustCrypto (aes {})", version::of("aes")))
    }
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String> {
        if let Some(offered) = composed::offers(self, algorithm) {
            return offered;
        }
        match crate_of(algorithm) {
            "" => Err(not_offered(self, algorithm)),
            name => Ok(format!("{name} {}", version::of(name))),
        }
    }
    fn digest(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Box<dyn Digest>> {
        check::key(algorithm, key)?;
        Ok(match algorithm.name {
            "md5" => Box::new(Plain::<md5::Md5>::default()),
            "sha1" => Box::new(Plain::<sha1::Sha1>::default()),
            "sha224" => Box::new(Plain::<Sha224>::default()),
            "sha256" => Box::new(Plain::<Sha256>::default()),
            "sha384" => Box::new(Plain::<Sha384>::default()),
            "sha512" => Box::new(Plain::<Sha512>::default()),
            "sha3-224" => Box::new(Plain::<Sha3_224>::default()),
            "sha3-256" => Box::new(Plain::<Sha3_256>::default()),
            "sha3-384" => Box::new(Plain::<Sha3_384>::default()),
            "sha3-512" => Box::new(Plain::<Sha3_512>::default()),
            "blake2b512" => Box::new(Plain::<blake2::Blake2b512>::default()),
            "hmac-sha1" => Box::new(Keyed::<Hmac<sha1::Sha1>>::new(key)?),
            "hmac-sha256" => Box::new(Keyed::<Hmac<Sha256>>::new(key)?),
            "hmac-sha512" => Box::new(Keyed::<Hmac<Sha512>>::new(key)?),
            "cmac-aes-128" => Box::new(Keyed::<Cmac<Aes128>>::new(key)?),
            "cmac-aes-256" => Box::new(Keyed::<Cmac<Aes256>>::new(key)?),
            _ => return Err(not_offered(self, algorithm)),
        })
    }
    fn cipher(&self, algorithm: &'static Algorithm, key: &[u8], direction: Direction) -> Result<Box<dyn Cipher>> {
        let Kind::Cipher(shape) = algorithm.kind else { return Err(not_offered(self, algorithm)) };
        check::key(algorithm, key)?;
        Ok(match algorithm.name {
            "aes-128-ecb" => Box::new(block::Ecb::<Aes128>::new(key, direction, shape)?),
            "aes-256-ecb" => Box::new(block::Ecb::<Aes256>::new(key, direction, shape)?),
            "aes-128-cbc" => Box::new(block::Cbc::<Aes128>::new(key, direction, shape)?),
            "aes-192-cbc" => Box::new(block::Cbc::<Aes192>::new(key, direction, shape)?),
            "aes-256-cbc" => Box::new(block::Cbc::<Aes256>::new(key, direction, shape)?),
            "aes-128-ctr" => Box::new(stream::Ctr::<Aes128>::new(key, shape)?),
            "aes-192-ctr" => Box::new(stream::Ctr::<Aes192>::new(key, shape)?),
            "aes-256-ctr" => Box::new(stream::Ctr::<Aes256>::new(key, shape)?),
            "aes-128-xts" => Box::new(xts::Xts::<Aes128>::new(key, direction, shape)?),
            "aes-256-xts" => Box::new(xts::Xts::<Aes256>::new(key, direction, shape)?),
            "chacha20" => Box::new(stream::Stream::new(key, shape)),
            _ => return Err(not_offered(self, algorithm)),
        })
    }
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>> {
        use ::aes::cipher::consts::{U4, U6, U8, U10, U12, U13, U14, U15, U16};
        if let Some(made) = composed::aead(self, algorithm, key, tag_len) {
            return made;
        }
        check::key(algorithm, key)?;
        check::tag_len(algorithm, tag_len)?;
        // The length of the tag is part of the type.
        macro_rules! sealer {
            ($mode:ident, $aes:ty, $tag:ident) => {
                Box::new(Sealer::<sealer!(@type $mode, $aes, $tag)>::new(key)?)
            };
            (@type gcm, $aes:ty, $tag:ident) => { AesGcm<$aes, U12, $tag> };
            (@type ccm, $aes:ty, $tag:ident) => { Ccm<$aes, $tag, U12> };
            ($mode:ident, $aes:ty, $($len:literal $tag:ident),+) => {
                match tag_len {
                    $($len => sealer!($mode, $aes, $tag),)+
                    _ => return Err(check::no_tag("RustCrypto", algorithm, tag_len)),
                }
            };
        }
        Ok(match algorithm.name {
            "aes-128-gcm" => sealer!(gcm, Aes128, 4 U4, 8 U8, 12 U12, 13 U13, 14 U14, 15 U15, 16 U16),
            "aes-192-gcm" => sealer!(gcm, Aes192, 4 U4, 8 U8, 12 U12, 13 U13, 14 U14, 15 U15, 16 U16),
            "aes-256-gcm" => sealer!(gcm, Aes256, 4 U4, 8 U8, 12 U12, 13 U13, 14 U14, 15 U15, 16 U16),
            "aes-128-ccm" => sealer!(ccm, Aes128, 4 U4, 6 U6, 8 U8, 10 U10, 12 U12, 14 U14, 16 U16),
            "aes-256-ccm" => sealer!(ccm, Aes256, 4 U4, 6 U6, 8 U8, 10 U10, 12 U12, 14 U14, 16 U16),
            "chacha20-poly1305" => Box::new(Sealer::<ChaCha20Poly1305>::new(key)?),
            _ => return Err(not_offered(self, algorithm)),
        })
    }
}
