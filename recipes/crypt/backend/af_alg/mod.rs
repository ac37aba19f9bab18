//! The kernel, through AF_ALG sockets ([`crate::sys::af_alg`]).
//!
//! Digests and ciphers take messages of any length: digests are done with data as it comes, ciphers get it in parts that
//! the socket holds, each going on from the one before (by the IV that the socket keeps, or one that is computed here
//! where the kernel keeps none). What is whole by its nature has a bound: a data unit of xts, and above all an AEAD
//! message, see `aead`.

mod aead;
mod cipher;
mod digest;

use super::{Aead, Backend, Cipher, Digest, Direction, check, not_offered};
use crate::error::{Error, Result};
use crate::need::af_alg::{Call, error, registered};
use crate::need::{AF_ALG, Need};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};
use crate::sys::af_alg::Transform;

/// The backend.
pub static KERNEL: Kernel = Kernel;

/// The kernel's crypto API.
pub struct Kernel;

impl Backend for Kernel {
    fn name(&self) -> &'static str {
        "af_alg"
    }
    fn title(&self) -> &'static str {
        "the kernel (AF_ALG)"
    }
    fn version(&self) -> Option<String> {
        let system = nix::sys::utsname::uname().ok()?;
        Some(format!("Linux {}", system.release().to_string_lossy()))
    }
    fn needs(&self) -> &'static [&'static Need] {
        static NEEDS: [&Need; 1] = [&AF_ALG];
        &NEEDS
    }
    /// The name of the driver that the kernel takes, from /proc/crypto once a socket is bound.
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String> {
        open(algorithm)?;
        let driver = registered::driver(algorithm.kernel_type(), algorithm.kernel);
        Ok(driver.map_or_else(|| algorithm.kernel.to_owned(), |r| r.driver))
    }
    fn digest(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Box<dyn Digest>> {
        let transform = match algorithm.kind {
            Kind::Digest(_) => {
                check::key(algorithm, key)?;
                open(algorithm)?
            }
            Kind::Mac(_) => keyed(algorithm, key)?,
            _ => return Err(not_offered(self, algorithm)),
        };
        Ok(Box::new(digest::KernelDigest::new(algorithm, transform)?))
    }
    fn cipher(&self, algorithm: &'static Algorithm, key: &[u8], direction: Direction) -> Result<Box<dyn Cipher>> {
        let Kind::Cipher(shape) = algorithm.kind else { return Err(not_offered(self, algorithm)) };
        Ok(Box::new(cipher::KernelCipher::new(algorithm, shape, keyed(algorithm, key)?, direction)?))
    }
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>> {
        let Kind::Aead(_) = algorithm.kind else { return Err(not_offered(self, algorithm)) };
        check::tag_len(algorithm, tag_len)?;
        let transform = keyed(algorithm, key)?;
        transform.set_authsize(tag_len).map_err(|e| failed(algorithm, Call::SetTagLength(tag_len), e))?;
        Ok(Box::new(aead::KernelAead::new(algorithm, transform, tag_len)?))
    }
}

fn open(algorithm: &'static Algorithm) -> Result<Transform> {
    Transform::open(algorithm.kernel_type(), algorithm.kernel).map_err(|e| failed(algorithm, Call::Open, e))
}

fn keyed(algorithm: &'static Algorithm, key: &[u8]) -> Result<Transform> {
    // The kernel takes any AES key for "gcm(aes)"; of "aes-128-gcm" the length is part of the name.
    check::key(algorithm, key)?;
    let transform = open(algorithm)?;
    set_key(&transform, algorithm, key).map_err(|e| failed(algorithm, Call::SetKey(key.len()), e))?;
    Ok(transform)
}

/// Sets a key in the form that the kernel has it in: two where the algorithm is made of two.
pub fn set_key(transform: &Transform, algorithm: &Algorithm, key: &[u8]) -> nix::Result<()> {
    let Some((cipher, _)) = algorithm.parts() else { return transform.set_key(key) };
    let mac_len = key.len().checked_sub(cipher.key_len.unwrap_or(0)).ok_or(nix::errno::Errno::EINVAL)?;
    let (mac, cipher) = key.split_at(mac_len);
    transform.set_authenc_keys(mac, cipher)
}

fn failed(algorithm: &'static Algorithm, call: Call, errno: nix::errno::Errno) -> Error {
    error(algorithm.kernel_type(), algorithm.kernel, call, errno)
}
