//! The contenders in user space: a backend each, one call a message with contexts that are kept.

use super::approach::{Approach, Message, Process, fact};
use super::job::Job;
use crate::error::{Error, Result};
use crate::race::Contender;
use crate::recipes::crypt::algorithm::Kind;
use crate::recipes::crypt::backend::{self, Aead, Backend, Cipher, Digest, Direction};

const fn contender(name: &'static str, title: &'static str, approach: &'static Approach) -> Contender<Approach> {
    Contender { name, title, needs: &[], approach }
}

/// OpenSSL's EVP.
pub static OPENSSL: Contender<Approach> =
    contender("openssl", "OpenSSL EVP, context kept", &Approach::Library("openssl"));

/// AWS-LC.
pub static AWS_LC: Contender<Approach> = contender("aws_lc", "AWS-LC, key kept", &Approach::Library("aws_lc"));

/// RustCrypto.
pub static RUSTCRYPTO: Contender<Approach> =
    contender("rustcrypto", "RustCrypto, key schedule kept", &Approach::Library("rustcrypto"));

/// A backend with the job's key.
pub struct Library {
    state: State,
    aad: Vec<u8>,
    direction: Direction,
    facts: Vec<(String, String)>,
}

enum State {
    Digest(Box<dyn Digest>),
    Cipher(Box<dyn Cipher>),
    Aead(Box<dyn Aead>),
}

/// The backend of this name; one that this build lacks is [`crate::error::Kind::Unavailable`].
pub fn named(name: &str) -> Result<&'static dyn Backend> {
    backend::find(name).ok_or_else(|| Error::unavailable(format!("this build of syskit has no {name}")))
}

/// The whole set-up of a library.
pub fn start(name: &str, job: &Job) -> Result<Box<dyn Process>> {
    let backend = named(name)?;
    let mut library = Library::new(backend, job)?;
    library.facts = vec![
        fact("by", backend.version().unwrap_or_else(|| backend.title().to_owned())),
        fact("as", backend.offers(job.algorithm)?),
    ];
    Ok(Box::new(library))
}

impl Library {
    /// A context of `backend`, with the job's key.
    pub fn new(backend: &dyn Backend, job: &Job) -> Result<Self> {
        let state = match job.algorithm.kind {
            Kind::Digest(_) | Kind::Mac(_) => State::Digest(backend.digest(job.algorithm, &job.key)?),
            Kind::Cipher(_) => State::Cipher(backend.cipher(job.algorithm, &job.key, job.direction)?),
            Kind::Aead(_) => State::Aead(backend.aead(job.algorithm, &job.key, job.tag_len)?),
        };
        Ok(Library { state, aad: job.aad.clone(), direction: job.direction, facts: Vec::new() })
    }

    /// One message.
    pub fn message(&mut self, iv: &[u8], text: &[u8], out: &mut [u8]) -> Result<()> {
        match (&mut self.state, self.direction) {
            (State::Digest(digest), _) => digest.once(text, out),
            (State::Cipher(cipher), _) => cipher.once(iv, text, out),
            (State::Aead(aead), Direction::Encrypt) => aead.seal(iv, &self.aad, text, out),
            (State::Aead(aead), Direction::Decrypt) => aead.open(iv, &self.aad, text, out),
        }
    }
}

impl Process for Library {
    fn process(&mut self, message: &Message<'_>, out: &mut [u8]) -> Result<()> {
        self.message(message.iv, message.text, out)
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        self.facts.clone()
    }
}
