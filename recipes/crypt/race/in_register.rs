//! The limit of everybody: the fastest library going on with one long stream over data in the first-level cache, without
//! set-up, initialisation vector or tag.
//!
//! Digests, cbc, ctr, ecb and chacha20 go on by their nature; AEADs go on as a single message does between its parts, which
//! OpenSSL alone lets a caller do, so the other libraries seal pieces instead; xts knows no stream, only data units.
//! AEADs encrypt here in either direction. Who is the fastest is tried out before.

use std::time::{Duration, Instant};

use openssl::cipher::Cipher as EvpCipher;
use openssl::cipher_ctx::CipherCtx;
use openssl::error::ErrorStack;

use super::approach::{Approach, Message, Process, fact};
use super::job::Job;
use super::library::Library;
use crate::error::{Error, Result};
use crate::race::Contender;
use crate::recipes::crypt::algorithm::Kind;
use crate::recipes::crypt::backend::{BACKENDS, Backend, Cipher, Digest, Direction};

/// Bytes that are gone over again and again: input and output fit into a first-level cache together, or for libraries that
/// gain more from long pieces than they lose from the next cache, into that. The faster is the limit.
const HOT: [usize; 2] = [8 << 10, 64 << 10];
/// How long each library is tried.
const TRIAL: Duration = Duration::from_micros(300);

/// One stream, hot.
pub static IN_REGISTER: Contender<Approach> = Contender {
    name: "in_register",
    title: "the fastest library going on with one stream, no set-up, no tag",
    needs: &[],
    approach: &Approach::InRegister,
};

/// A stream under way.
struct Stream {
    name: String,
    flow: Flow,
    job: Job,
    /// Bytes of a piece, and pieces that make up a message.
    piece: usize,
    pieces: usize,
    input: Vec<u8>,
    output: Vec<u8>,
    iv: Vec<u8>,
}

enum Flow {
    Digest(Box<dyn Digest>),
    Cipher(Box<dyn Cipher>),
    /// Whole messages of a piece each, for what does not go on.
    Pieces(Box<Library>),
    Evp(Evp),
}

/// OpenSSL's AEAD between the beginning of a message and its end.
struct Evp(CipherCtx);

/// The fastest stream of this job.
pub fn start(job: &Job) -> Result<Box<dyn Process>> {
    let mut best: Option<(f64, Stream)> = None;
    for backend in BACKENDS.iter().filter(|b| b.needs().is_empty() && b.offers(job.algorithm).is_ok()) {
        // A message that is one piece either way is tried once.
        for hot in HOT.iter().take(if job.len > HOT[0] { 2 } else { 1 }) {
            let mut stream = Stream::new(*backend, job, *hot)?;
            let speed = stream.try_out()?;
            if best.as_ref().is_none_or(|(known, _)| speed > *known) {
                stream.begin()?;
                best = Some((speed, stream));
            }
        }
    }
    match best {
        Some((_, stream)) => Ok(Box::new(stream)),
        None => Err(Error::unavailable(format!("no library here has {}", job.algorithm.name))),
    }
}

impl Stream {
    fn new(backend: &'static dyn Backend, job: &Job, hot: usize) -> Result<Self> {
        let pieces = job.len.div_ceil(hot);
        // Pieces of equal length; together they may exceed the message by a few bytes.
        let piece = job.len.div_ceil(pieces).next_multiple_of(if pieces > 1 { 64 } else { 1 });
        let job = Job { len: piece, direction: Self::direction(job), ..job.clone() };
        let shape_is_whole = matches!(job.algorithm.kind, Kind::Cipher(shape) if shape.whole);
        let flow = match job.algorithm.kind {
            Kind::Digest(_) | Kind::Mac(_) => Flow::Digest(backend.digest(job.algorithm, &job.key)?),
            Kind::Cipher(_) if !shape_is_whole => {
                Flow::Cipher(backend.cipher(job.algorithm, &job.key, job.direction)?)
            }
            Kind::Aead(_) if backend.name() == "openssl" && Self::goes_on(&job) => Flow::Evp(Evp::new(&job)?),
            Kind::Cipher(_) | Kind::Aead(_) => Flow::Pieces(Box::new(Library::new(backend, &job)?)),
        };
        let mut rng = fastrand::Rng::with_seed(1);
        let input: Vec<u8> = (0..piece).map(|_| rng.u8(..)).collect();
        let (output, iv) = (vec![0; job.output_len()], vec![7; job.algorithm.iv_len]);
        let mut stream = Stream { name: backend.name().to_owned(), flow, job, piece, pieces, input, output, iv };
        stream.begin()?;
        Ok(stream)
    }

    /// CCM must know the length of a message before it begins, and authenc is two contexts, not one.
    fn goes_on(job: &Job) -> bool {
        !job.algorithm.kernel.starts_with("ccm(") && job.algorithm.parts().is_none()
    }

    fn direction(job: &Job) -> Direction {
        if job.tag_len > 0 { Direction::Encrypt } else { job.direction }
    }

    fn begin(&mut self) -> Result<()> {
        match &mut self.flow {
            // Whatever was under way is finished, and forgotten.
            Flow::Digest(digest) => digest.finish(&mut self.output),
            Flow::Cipher(cipher) => cipher.start(&self.iv),
            Flow::Evp(evp) => evp.begin(&self.iv, &self.job.aad),
            Flow::Pieces(_) => Ok(()),
        }
    }

    fn go_on(&mut self) -> Result<()> {
        match &mut self.flow {
            Flow::Digest(digest) => digest.update(&self.input),
            Flow::Cipher(cipher) => cipher.process(&self.input, &mut self.output),
            Flow::Evp(evp) => evp.go_on(&self.input, &mut self.output[..self.piece]),
            Flow::Pieces(library) => library.message(&self.iv, &self.input, &mut self.output),
        }
    }

    /// Bytes a second.
    fn try_out(&mut self) -> Result<f64> {
        let mut best = f64::INFINITY;
        let (begun, mut tried) = (Instant::now(), 0);
        // The quickest of several: the first are cold, and others interrupt.
        while tried < 3 || begun.elapsed() < TRIAL {
            let start = Instant::now();
            // Not one at a time: asking for the time takes as long as a small piece.
            (0..8).try_for_each(|_| self.go_on())?;
            best = best.min(start.elapsed().as_secs_f64() / 8.0);
            tried += 1;
        }
        Ok(self.piece as f64 / best)
    }

    /// What another library makes of `times` pieces, the last output of it.
    fn expected(&self, times: u64) -> Result<Option<Vec<u8>>> {
        let others = BACKENDS.iter().filter(|b| b.needs().is_empty() && b.name() != self.name);
        let Some(oracle) = others.copied().find(|b| b.offers(self.job.algorithm).is_ok()) else { return Ok(None) };
        let mut out = vec![0; self.output.len()];
        match &self.flow {
            Flow::Digest(_) => {
                let mut digest = oracle.digest(self.job.algorithm, &self.job.key)?;
                (0..times).try_for_each(|_| digest.update(&self.input))?;
                digest.finish(&mut out)?;
            }
            Flow::Cipher(_) => {
                let mut cipher = oracle.cipher(self.job.algorithm, &self.job.key, self.job.direction)?;
                cipher.start(&self.iv)?;
                (0..times).try_for_each(|_| cipher.process(&self.input, &mut out))?;
            }
            Flow::Evp(_) => {
                let whole = self.input.repeat(times as usize);
                let job = Job { len: whole.len(), ..self.job.clone() };
                let mut sealed = vec![0; whole.len() + job.tag_len];
                job.done_by(oracle, &self.iv, &whole, &mut sealed)?;
                let from = sealed.len() - out.len();
                out.copy_from_slice(&sealed[from..]);
            }
            Flow::Pieces(_) => self.job.done_by(oracle, &self.iv, &self.input, &mut out)?,
        }
        Ok(Some(out))
    }
}

impl Process for Stream {
    fn process(&mut self, message: &Message<'_>, _: &mut [u8]) -> Result<()> {
        let _ = message;
        (0..self.pieces).try_for_each(|_| self.go_on())
    }
    fn end_sample(&mut self, operations: u64) -> Result<()> {
        let times = operations * self.pieces as u64;
        match &mut self.flow {
            Flow::Digest(digest) => digest.finish(&mut self.output)?,
            Flow::Evp(evp) => evp.end(&mut self.output[self.piece..])?,
            Flow::Cipher(_) | Flow::Pieces(_) => {}
        }
        let right = self.expected(times)?.is_none_or(|expected| expected == self.output);
        self.output.fill(0);
        match &self.flow {
            Flow::Digest(_) => {}
            _ => self.begin()?,
        }
        if right { Ok(()) } else { Err(Error::wrong("the stream is not what another library makes of it")) }
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        vec![
            fact("by", self.name.as_str()),
            fact("over", format!("{} of data again and again", crate::units::bytes(self.piece as u64))),
        ]
    }
}

fn failed(e: &ErrorStack) -> Error {
    Error::failed(format!("OpenSSL: {e}"))
}

impl Evp {
    fn new(job: &Job) -> Result<Self> {
        let work = || -> Result<CipherCtx, ErrorStack> {
            let cipher = EvpCipher::fetch(None, job.algorithm.name, None)?;
            let mut context = CipherCtx::new()?;
            context.encrypt_init(Some(&cipher), Some(&job.key), None)?;
            Ok(context)
        };
        work().map(Evp).map_err(|e| failed(&e))
    }
    fn begin(&mut self, iv: &[u8], aad: &[u8]) -> Result<()> {
        let begun = self.0.encrypt_init(None, None, Some(iv));
        begun.and_then(|()| self.0.cipher_update(aad, None)).map(drop).map_err(|e| failed(&e))
    }
    fn go_on(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        self.0.cipher_update(input, Some(output)).map(drop).map_err(|e| failed(&e))
    }
    fn end(&mut self, tag: &mut [u8]) -> Result<()> {
        self.0.cipher_final(&mut []).and_then(|_| self.0.tag(tag)).map_err(|e| failed(&e))
    }
}
