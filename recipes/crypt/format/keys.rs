//! From the user's key to the keys of one file: HKDF-SHA256 (RFC 5869) with the file's salt, and the whole header as
//! the context, so that no two files and no two headers share a key.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::header::{Argon2id, COVERED, Header, LEN};
use crate::error::{Context, Error, Result};
use crate::sys::secret::Secret;

/// Bytes of the user's key, and of each key derived from it.
pub const KEY: usize = 32;
/// Bytes of the part of the nonces that is the file's.
pub const PREFIX: usize = 7;
/// The context of the derivation: this, then the covered bytes of the header.
const INFO: &[u8] = b"syskit crypt file";

/// The keys of one file.
#[derive(Debug)]
pub struct FileKeys {
    /// Key of the chunks, key of the header's MAC, prefix of the nonces, one after the other.
    derived: Secret,
    covered: [u8; COVERED],
}

impl FileKeys {
    /// Those of the file with this header, for who has the user's `key` of [`KEY`] bytes.
    ///
    /// # Errors
    /// No memory.
    pub fn derive(key: &[u8], header: &Header) -> Result<Self> {
        let mut derived = secret(KEY + KEY + PREFIX)?;
        let covered = header.covered();
        let hkdf = Hkdf::<Sha256>::new(Some(&header.salt), key);
        hkdf.expand_multi_info(&[INFO, &covered], &mut derived)
            .map_err(|_| Error::failed("HKDF does not give so many bytes"))?;
        Ok(FileKeys { derived, covered })
    }

    /// The key that seals the chunks.
    pub fn chunks(&self) -> &[u8] {
        &self.derived[..KEY]
    }

    /// The first bytes of every nonce.
    pub fn prefix(&self) -> [u8; PREFIX] {
        self.derived[KEY + KEY..].try_into().expect("derived so long")
    }

    fn mac(&self) -> Hmac<Sha256> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.derived[KEY..KEY + KEY]).expect("HMAC takes any key");
        mac.chain_update(self.covered)
    }

    /// The header as it stands at the start of the file: the covered bytes and their HMAC-SHA256.
    pub fn header(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[..COVERED].copy_from_slice(&self.covered);
        bytes[COVERED..].copy_from_slice(&self.mac().finalize().into_bytes());
        bytes
    }

    /// Whether `mac` is that of this header under this key; compared in constant time.
    pub fn check(&self, mac: &[u8]) -> bool {
        self.mac().verify_slice(mac).is_ok()
    }
}

/// The user's key from a passphrase.
///
/// # Errors
/// No memory, or parameters that Argon2id does not take.
pub fn from_passphrase(passphrase: &[u8], with: &Argon2id) -> Result<Secret> {
    let failed = |e: argon2::Error| Error::failed(format!("Argon2id: {e}"));
    let params = argon2::Params::new(with.memory, with.passes, with.lanes, Some(KEY)).map_err(failed)?;
    // Blocks of our own, so that they can be wiped.
    let mut blocks = Zeroizing::new(Vec::new());
    blocks.try_reserve_exact(params.block_count()).map_err(|_| failed(argon2::Error::OutOfMemory))?;
    blocks.resize(params.block_count(), argon2::Block::new());
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut key = secret(KEY)?;
    let memory: &mut [argon2::Block] = &mut blocks;
    argon.hash_password_into_with_memory(passphrase, &with.salt, &mut key, memory).map_err(failed)?;
    Ok(key)
}

/// Memory for a key of `len` bytes.
///
/// # Errors
/// No memory.
pub fn secret(len: usize) -> Result<Secret> {
    Secret::new(len).sys("mmap", || "cannot get memory for a key".to_owned())
}
