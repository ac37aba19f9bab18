//! Who computes: the kernel through AF_ALG, or a library in this process. A file each, a line each in [`BACKENDS`].

use super::algorithm::Algorithm;
use crate::error::{Error, Result};
use crate::need::Need;
pub use crate::sys::af_alg::Direction;

pub mod af_alg;
mod aws_lc;
mod check;
mod composed;
mod counter;
mod openssl;
mod rustcrypto;

/// Every backend: the kernel, then the libraries in the order in which [`library`] takes them. AWS-LC is as fast as any
/// at what it has, and ready sooner than OpenSSL, whose start costs milliseconds.
pub static BACKENDS: &[&dyn Backend] =
    &[&af_alg::KERNEL, &aws_lc::AWS_LC, &openssl::OPENSSL, &rustcrypto::RUSTCRYPTO];

/// The backend of this name.
pub fn find(name: &str) -> Option<&'static dyn Backend> {
    BACKENDS.iter().copied().find(|b| b.name() == name)
}

/// The first library that has `algorithm`: what `--via auto` means. The kernel's work costs system calls.
///
/// # Errors
/// `Unavailable` where none has it.
pub fn library(algorithm: &'static Algorithm) -> Result<&'static dyn Backend> {
    let offers = |b: &&'static dyn Backend| b.name() != af_alg::KERNEL.name() && b.offers(algorithm).is_ok();
    let none = || Error::unavailable(format!("no library here has {}", algorithm.name));
    BACKENDS.iter().copied().find(offers).ok_or_else(none)
}

/// One implementation of many algorithms.
pub trait Backend: Sync {
    /// What a user types after `--via`: "af_alg", "openssl", "aws_lc", "rustcrypto".
    fn name(&self) -> &'static str;
    /// What it is, in a few words.
    fn title(&self) -> &'static str;
    /// The library and its version ("OpenSSL 3.0.19"), or the kernel's.
    fn version(&self) -> Option<String> {
        None
    }
    /// What it requires of the host as a whole.
    fn needs(&self) -> &'static [&'static Need] {
        &[]
    }
    /// Whether it has `algorithm`, and what it calls or drives it with ("AES-128-GCM", "generic-gcm-aesni"); not to have it is
    /// [`crate::error::Kind::Unavailable`].
    fn offers(&self, algorithm: &'static Algorithm) -> Result<String>;
    /// A digest, or a MAC with `key` (empty for a digest).
    fn digest(&self, algorithm: &'static Algorithm, key: &[u8]) -> Result<Box<dyn Digest>>;
    /// A cipher without authentication.
    fn cipher(&self, algorithm: &'static Algorithm, key: &[u8], direction: Direction) -> Result<Box<dyn Cipher>>;
    /// Authenticated encryption with tags of `tag_len` bytes.
    fn aead(&self, algorithm: &'static Algorithm, key: &[u8], tag_len: usize) -> Result<Box<dyn Aead>>;
}

/// A digest or MAC under way.
pub trait Digest {
    /// Adds data.
    fn update(&mut self, data: &[u8]) -> Result<()>;
    /// Writes the digest ([`Algorithm::digest_len`] bytes) and begins anew, with the same key.
    fn finish(&mut self, out: &mut [u8]) -> Result<()>;
    /// The digest of one message: what a backend can do in fewer steps than update and finish.
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        self.update(data)?;
        self.finish(out)
    }
}

/// A cipher without authentication, with its key. No padding: that is its user's.
pub trait Cipher {
    /// Begins a message with its initialisation vector ([`Algorithm::iv_len`] bytes).
    fn start(&mut self, iv: &[u8]) -> Result<()>;
    /// Goes on with the message: `output` is as long as `input`, which is whole blocks (`Shape`); for xts a message is
    /// one call.
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()>;
    /// One message: what a backend can do in fewer steps than start and process.
    fn once(&mut self, iv: &[u8], input: &[u8], output: &mut [u8]) -> Result<()> {
        self.start(iv)?;
        self.process(input, output)
    }
}

/// Authenticated encryption, with its key and tag length. Texts are multiples of [`Algorithm::block`]. A nonce is covered by
/// the tag of every algorithm but those of [`Algorithm::parts`].
pub trait Aead {
    /// `out` becomes the ciphertext and then the tag: as long as `plaintext` and a tag together.
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()>;
    /// `sealed` is ciphertext and tag; `out`, as long as the ciphertext, becomes the plaintext. What is not authentic is
    /// [`not_authentic`], and `out` then holds nothing of the plaintext.
    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()>;
}

/// The error of a message that was changed, or sealed with another key, nonce or associated data.
pub fn not_authentic() -> Error {
    Error { errno: Some(nix::errno::Errno::EBADMSG), ..Error::failed("authentication failed") }
}

/// The error of a backend without an algorithm.
fn not_offered(backend: &dyn Backend, algorithm: &Algorithm) -> Error {
    Error::unavailable(format!("{} has no {}", backend.title(), algorithm.name))
}
