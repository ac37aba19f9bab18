//! What the AF_ALG contenders share: the socket set up for a job, its limits, and reading the result.
//!
//! Limits that are handled here, see [the kernel's page](https://docs.kernel.org/crypto/userspace-if.html):
//! - what is sent stays in the socket until it is read, and a full socket blocks its only user for ever: nothing longer
//!   than the send buffer is ever sent before a read.
//! - cbc, ctr and ecb go on where they stopped, so that long messages are done in pieces; an AEAD needs the whole message
//!   before the read, and xts and chacha20 do not chain in the kernel: for those the buffers are raised to the message, as
//!   root past the system's limit, and where that is refused the message is too long here.
//! - an AEAD gives back the associated data before the text.

use std::io::{IoSlice, IoSliceMut};
use std::ops::Range;

use nix::errno::Errno;
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

use super::approach::{Message, Process, fact};
use super::job::Job;
use crate::error::{Error, Result};
use crate::recipes::crypt::backend::not_authentic;
use crate::sys::af_alg::{Operation, Parameters, Transform};
use crate::sys::eintr::retry;
use crate::sys::mmap::page_size;
use crate::units;

/// Pieces that long messages are cut into where the algorithm chains: within the default buffers, and whole blocks.
const PIECE: usize = 64 << 10;

/// How a contender hands a message to the kernel.
pub trait Feed {
    /// Hands over a part of a message, with the control messages of `parameters` and `aad` before it. After that the
    /// kernel knows that the part is complete.
    fn feed(&mut self, to: &Operation, part: &Part<'_>) -> Result<()>;
    /// Whether the kernel takes the message from the file.
    fn reads_file(&self) -> bool {
        false
    }
    /// How the message gets into the kernel, in a few words.
    fn way(&self) -> String;
}

/// A part of a message, in most cases all of it.
pub struct Part<'a> {
    /// The control messages; empty where the message goes on.
    pub parameters: Parameters<'a>,
    /// Associated data, before the text; empty where the message goes on.
    pub aad: &'a [u8],
    /// The message.
    pub message: &'a Message<'a>,
    /// What of it.
    pub range: Range<usize>,
}

impl Part<'_> {
    /// The bytes, for who takes them from memory.
    pub fn text(&self) -> &[u8] {
        &self.message.text[self.range.clone()]
    }

    /// Whether there is anything to say before the text.
    pub fn has_head(&self) -> bool {
        self.parameters.direction.is_some()
    }
}

/// A socket set up for a job, and the way messages get into it.
pub struct Kernel<F> {
    operation: Operation,
    // The key lives as long as this.
    _transform: Transform,
    feed: F,
    job: Job,
    /// What is sent at most before it is read.
    piece: usize,
    associated: Vec<u8>,
    driver: Option<String>,
}

/// Binds, sets the key and the tag's length.
pub fn transform(job: &Job) -> Result<Transform> {
    let algorithm = job.algorithm;
    let transform = Transform::open(algorithm.kernel_type(), algorithm.kernel).map_err(|e| absent(job, e))?;
    let cannot = |what: &str| format!("cannot set the {what} of {}", algorithm.kernel);
    if !job.key.is_empty() {
        retry(|| transform.set_key(&job.key)).map_err(|e| Error::sys(cannot("key"), "setsockopt(ALG_SET_KEY)", e))?;
    }
    if job.tag_len > 0 {
        let call = "setsockopt(ALG_SET_AEAD_AUTHSIZE)";
        retry(|| transform.set_authsize(job.tag_len)).map_err(|e| Error::sys(cannot("tag length"), call, e))?;
    }
    Ok(transform)
}

fn absent(job: &Job, errno: Errno) -> Error {
    let what = format!("this kernel offers no {} through AF_ALG", job.algorithm.kernel);
    Error { kind: crate::error::Kind::Unavailable, ..Error::sys(what, "bind", errno) }
}

/// A socket to compute with.
pub fn accept(transform: &Transform) -> Result<Operation> {
    retry(|| transform.accept()).map_err(|e| Error::sys("cannot begin an operation of AF_ALG", "accept", e))
}

impl<F: Feed> Kernel<F> {
    /// The whole set-up: socket, bind, key, accept.
    pub fn open(job: &Job, feed: F) -> Result<Self> {
        let transform = transform(job)?;
        let operation = accept(&transform)?;
        let piece = piece(job, &operation)?;
        let associated = vec![0; job.aad.len()];
        Ok(Kernel { operation, _transform: transform, feed, job: job.clone(), piece, associated, driver: None })
    }

    fn read(&mut self, out: &mut [u8]) -> Result<()> {
        let wanted = self.associated.len() + out.len();
        let got = retry(|| {
            if self.associated.is_empty() {
                self.operation.read(&mut [IoSliceMut::new(out)])
            } else {
                self.operation.read(&mut [IoSliceMut::new(&mut self.associated), IoSliceMut::new(out)])
            }
        });
        match got {
            Ok(n) if n == wanted => Ok(()),
            Ok(n) => Err(Error::failed(format!("read {n} bytes of {wanted} from AF_ALG"))),
            Err(Errno::EBADMSG) if self.job.tag_len > 0 => Err(not_authentic()),
            Err(e) => Err(Error::sys("cannot read the result from AF_ALG", "read", e)),
        }
    }
}

impl<F: Feed> Process for Kernel<F> {
    fn process(&mut self, message: &Message<'_>, out: &mut [u8]) -> Result<()> {
        let len = self.job.input_len();
        let mut at = 0;
        while at < len {
            let range = at..len.min(at.saturating_add(self.piece));
            let first = at == 0 && !self.job.is_digest();
            let parameters = if first { parameters(&self.job, message.iv) } else { Parameters::default() };
            let aad = if first { self.job.aad.as_slice() } else { &[] };
            self.feed.feed(&self.operation, &Part { parameters, aad, message, range: range.clone() })?;
            let whole = range.start == 0 && range.end == len;
            self.read(if whole { &mut *out } else { &mut out[range.clone()] })?;
            at = range.end;
        }
        Ok(())
    }
    fn reads_file(&self) -> bool {
        self.feed.reads_file()
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        let mut facts = vec![fact("way", self.feed.way())];
        facts.extend(self.driver.iter().map(|driver| fact("driver", driver.as_str())));
        if self.piece < self.job.input_len() {
            facts.push(fact("pieces", format!("of {}", units::bytes(self.piece as u64))));
        }
        facts
    }
}

/// The control messages that begin a message of `job`.
pub fn parameters<'a>(job: &Job, iv: &'a [u8]) -> Parameters<'a> {
    Parameters {
        direction: Some(job.direction),
        iv: (!iv.is_empty()).then_some(iv),
        assoclen: (job.tag_len > 0).then_some(job.aad.len() as u32),
    }
}

/// Sends everything, in as many calls as the kernel wants.
pub fn send_all(to: &Operation, parameters: &Parameters, aad: &[u8], text: &[u8], more: bool) -> Result<()> {
    let wanted = aad.len() + text.len();
    let one = |parameters: &Parameters, aad: &[u8], text: &[u8]| {
        let sent = if aad.is_empty() {
            retry(|| to.send(parameters, &[IoSlice::new(text)], more))
        } else {
            retry(|| to.send(parameters, &[IoSlice::new(aad), IoSlice::new(text)], more))
        };
        sent.map_err(|e| Error::sys("cannot send a message to AF_ALG", "sendmsg", e))
    };
    let mut sent = one(parameters, aad, text)?;
    while sent < wanted {
        let more = match sent.checked_sub(aad.len()) {
            Some(in_text) => one(&Parameters::default(), &[], &text[in_text..])?,
            None => one(&Parameters::default(), &aad[sent..], text)?,
        };
        if more == 0 {
            return Err(Error::failed(format!("AF_ALG took {sent} bytes of {wanted}")));
        }
        sent += more;
    }
    Ok(())
}

/// How much of a message may be sent before the result is read; raises the socket's buffers where all of it must be.
fn piece(job: &Job, operation: &Operation) -> Result<usize> {
    if job.is_digest() {
        return Ok(usize::MAX);
    }
    let chains = ["cbc(", "ctr(", "ecb("].iter().any(|mode| job.algorithm.kernel.starts_with(mode));
    if chains {
        return Ok(PIECE);
    }
    let wanted = job.aad.len() + job.input_len().max(job.output_len());
    let wanted = wanted.next_multiple_of(page_size());
    let room = room(operation)?;
    if room < wanted {
        raise(operation, wanted);
    }
    match self::room(operation)? {
        room if room >= wanted => Ok(usize::MAX),
        room => Err(Error::unavailable(format!(
            "{} must be sent whole before the result is read, and the socket's buffers hold {}",
            units::bytes(wanted as u64),
            units::bytes(room as u64)
        ))
        .fix(format!(
            "sysctl net.core.wmem_max={0} net.core.rmem_max={0}, or run as root",
            wanted / 2 + page_size()
        ))),
    }
}

/// What the socket's buffers hold, in whole pages.
fn room(operation: &Operation) -> Result<usize> {
    let cannot = |e| Error::sys("cannot read the size of a socket's buffers", "getsockopt", e);
    let send = getsockopt(operation, sockopt::SndBuf).map_err(cannot)?;
    let receive = getsockopt(operation, sockopt::RcvBuf).map_err(cannot)?;
    Ok(send.min(receive) / page_size() * page_size())
}

/// Asks for larger buffers: past the system's limit where that is allowed. What came of it, [`room`] tells.
fn raise(operation: &Operation, wanted: usize) {
    // The kernel doubles what it is asked for.
    let asked = wanted / 2 + page_size();
    if setsockopt(operation, sockopt::SndBufForce, &asked).is_err() {
        let _ = setsockopt(operation, sockopt::SndBuf, &asked);
    }
    if setsockopt(operation, sockopt::RcvBufForce, &asked).is_err() {
        let _ = setsockopt(operation, sockopt::RcvBuf, &asked);
    }
}
