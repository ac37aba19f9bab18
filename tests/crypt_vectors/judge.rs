//! One vector against one backend.

use std::collections::BTreeMap;
use std::fmt;

use syskit::error::{Error, Kind as Class};
use syskit::recipes::crypt::algorithm::{Algorithm, Kind};
use syskit::recipes::crypt::backend::{Backend, Direction};
use syskit::recipes::crypt::padding;

/// What must come of a vector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Exactly the published result.
    Valid,
    /// A refusal, or another result than the one that is given.
    Invalid,
}

/// One published vector.
#[derive(Debug)]
pub struct Vector {
    /// Where it stands.
    pub about: String,
    pub key: Vec<u8>,
    pub iv: Vec<u8>,
    pub aad: Vec<u8>,
    /// Plaintext or message; `None` where the message is one that must be refused.
    pub text: Option<Vec<u8>>,
    pub ciphertext: Vec<u8>,
    /// Tag, MAC or digest.
    pub tag: Vec<u8>,
    pub verdict: Verdict,
    /// The plaintext is padded to whole blocks (PKCS #7).
    pub padded: bool,
}

/// How it went.
pub enum Outcome {
    /// The published result.
    Agrees,
    /// An invalid one is refused.
    Refused,
    /// This backend cannot be asked: why.
    NotApplicable(&'static str),
}

/// Counts of outcomes.
#[derive(Default)]
pub struct Tally {
    pub agree: usize,
    refused: usize,
    not_applicable: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Agrees => self.agree += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::NotApplicable(why) => *self.not_applicable.entry(why).or_default() += 1,
        }
    }

    pub fn join(&mut self, other: &Tally) {
        self.agree += other.agree;
        self.refused += other.refused;
        for (why, count) in &other.not_applicable {
            *self.not_applicable.entry(why).or_default() += count;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} vectors agree, {:>4} invalid ones refused", self.agree, self.refused)?;
        let sum: usize = self.not_applicable.values().sum();
        if sum > 0 {
            let why: Vec<_> = self.not_applicable.iter().map(|(why, count)| format!("{count} by {why}")).collect();
            write!(f, ", {sum:>4} not applicable ({})", why.join(", "))?;
        }
        Ok(())
    }
}

/// Whether an error says that these parameters are not taken, rather than that the work failed.
fn not_taken(error: &Error) -> bool {
    matches!(error.kind, Class::Usage | Class::Unavailable)
}

/// Runs it; an error where backend and vector disagree.
pub fn judge(backend: &dyn Backend, algorithm: &'static Algorithm, vector: &Vector) -> Result<Outcome, String> {
    match algorithm.kind {
        Kind::Digest(_) | Kind::Mac(_) => digest(backend, algorithm, vector),
        Kind::Cipher(_) => cipher(backend, algorithm, vector),
        Kind::Aead(_) => aead(backend, algorithm, vector),
    }
}

fn digest(backend: &dyn Backend, algorithm: &'static Algorithm, vector: &Vector) -> Result<Outcome, String> {
    let mut digest = match backend.digest(algorithm, &vector.key) {
        // Every length of key is taken but, by some, none at all.
        Err(e) if vector.key.is_empty() && not_taken(&e) => return Ok(Outcome::NotApplicable("empty key")),
        made => made.map_err(|e| e.to_string())?,
    };
    let text = vector.text.as_deref().unwrap_or_default();
    let mut got = vec![0; algorithm.digest_len()];
    digest.once(text, &mut got).map_err(|e| e.to_string())?;
    // Some are of a MAC cut short.
    let same = got.get(..vector.tag.len()) == Some(&vector.tag);
    match (same, vector.verdict) {
        (true, Verdict::Valid) => Ok(Outcome::Agrees),
        (false, Verdict::Invalid) => Ok(Outcome::Refused),
        _ => Err(format!("got {}, {:?} is {}", hex::encode(got), vector.verdict, hex::encode(&vector.tag))),
    }
}

fn cipher(backend: &dyn Backend, algorithm: &'static Algorithm, vector: &Vector) -> Result<Outcome, String> {
    let run = |direction, text: &[u8]| -> Result<Vec<u8>, Error> {
        let mut out = vec![0; text.len()];
        let mut cipher = backend.cipher(algorithm, &vector.key, direction)?;
        cipher.once(&vector.iv, text, &mut out)?;
        Ok(out)
    };
    let mut plaintext = run(Direction::Decrypt, &vector.ciphertext);
    if vector.iv.len() != algorithm.iv_len {
        return match plaintext {
            Err(e) if not_taken(&e) => Ok(Outcome::NotApplicable("IV length")),
            other => Err(format!("an IV of {} bytes: {other:?}", vector.iv.len())),
        };
    }
    if vector.padded {
        // What is not whole blocks, or not padded, is refused here and not by the backend.
        let len = plaintext.as_ref().ok().and_then(|text| padding::unpadded_len(text, 16));
        match (len, vector.verdict) {
            (None, Verdict::Invalid) => return Ok(Outcome::Refused),
            (Some(_), Verdict::Invalid) => return Err("padding that is wrong was taken".into()),
            (None, Verdict::Valid) => return Err(format!("not padded: {plaintext:?}")),
            (Some(len), Verdict::Valid) => plaintext = plaintext.map(|text| text[..len].to_vec()),
        }
    }
    let expected = vector.text.clone().unwrap_or_default();
    if plaintext.as_ref().ok() != Some(&expected) {
        return Err(format!("decrypts to {plaintext:?}"));
    }
    let mut text = expected;
    if vector.padded {
        padding::pad(&mut text, 16);
    }
    let ciphertext = run(Direction::Encrypt, &text);
    if ciphertext.as_ref().ok() != Some(&vector.ciphertext) {
        return Err(format!("encrypts to {ciphertext:?}"));
    }
    Ok(Outcome::Agrees)
}

fn aead(backend: &dyn Backend, algorithm: &'static Algorithm, vector: &Vector) -> Result<Outcome, String> {
    let mut aead = match backend.aead(algorithm, &vector.key, vector.tag.len()) {
        Err(e) if not_taken(&e) => {
            // The algorithm never has such a tag, or this backend says that it lacks it.
            let known = matches!(algorithm.kind, Kind::Aead(lengths) if lengths.contains(&vector.tag.len()));
            let right = known == (e.kind == Class::Unavailable);
            return if right { Ok(Outcome::NotApplicable("tag length")) } else { Err(e.to_string()) };
        }
        made => made.map_err(|e| e.to_string())?,
    };
    let sealed = [&*vector.ciphertext, &*vector.tag].concat();
    let mut opened = vec![0xaa; vector.ciphertext.len()];
    let result = aead.open(&vector.iv, &vector.aad, &sealed, &mut opened);
    match (result, vector.verdict) {
        (Err(e), _) if not_taken(&e) && vector.iv.len() != algorithm.iv_len => {
            return Ok(Outcome::NotApplicable("nonce length"));
        }
        (Err(e), Verdict::Invalid) if e.errno == Some(nix::errno::Errno::EBADMSG) => {
            let released = opened.iter().any(|b| *b != 0);
            return if released { Err("plaintext is released".into()) } else { Ok(Outcome::Refused) };
        }
        (Ok(()), Verdict::Valid) if Some(&opened) == vector.text.as_ref() => {}
        (other, verdict) => return Err(format!("opening a {verdict:?} one: {other:?}, {}", hex::encode(opened))),
    }
    let mut made = vec![0; sealed.len()];
    aead.seal(&vector.iv, &vector.aad, &opened, &mut made).map_err(|e| e.to_string())?;
    if made == sealed { Ok(Outcome::Agrees) } else { Err(format!("seals to {}", hex::encode(made))) }
}
