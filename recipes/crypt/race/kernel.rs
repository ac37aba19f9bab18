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

use super::approach::{Message, Process, fact};
use super::job::Job;
use crate::error::{Error, Result};
use crate::need::af_alg::{Call, Verdict, error, registered, zero_copy};
use crate::recipes::crypt::backend::af_alg::set_key;
use crate::recipes::crypt::backend::not_authentic;
use crate::sys::af_alg::{Message as Control, Operation, Parameters, Transform};
use crate::sys::eintr::retry;
use crate::units;

/// Pieces that long messages are cut into where the algorithm chains: within the default buffers, and whole blocks.
const PIECE: usize = 64 << 10;

/// How a contender hands a message to the kernel.
pub trait Feed {
    /// Hands over a part of a message, with what stands at the head of it. After that the kernel knows that the part is
    /// complete.
    fn feed(&mut self, to: &Operation, part: Part<'_>) -> Result<()>;
    /// Whether the kernel takes the message from the file.
    fn reads_file(&self) -> bool {
        false
    }
    /// How the message gets into the kernel, in a few words.
    fn way(&self) -> String;
    /// Whether it is lent to the kernel page by page, which may copy it all the same.
    fn by_reference(&self) -> bool {
        false
    }
}

/// A part of a message, in most cases all of it.
pub struct Part<'a> {
    /// What stands before the first part of a cipher's message.
    pub head: Option<Head<'a>>,
    /// The message.
    pub message: &'a Message<'a>,
    /// What of it.
    pub range: Range<usize>,
}

/// What stands before the text.
pub struct Head<'a> {
    /// Direction, initialisation vector, length of the associated data.
    pub control: &'a mut Control,
    /// Associated data.
    pub aad: &'a [u8],
}

impl Part<'_> {
    /// The bytes, for who takes them from memory.
    pub fn text(&self) -> &[u8] {
        &self.message.text[self.range.clone()]
    }

    /// Sends the head alone, where there is one: the text follows by other ways.
    pub fn send_head(&mut self, to: &Operation) -> Result<()> {
        let Some(head) = &mut self.head else { return Ok(()) };
        sent_whole(retry(|| to.send_message(head.control, &[IoSlice::new(head.aad)], true, false)), head.aad.len())
    }
}

/// Holds what a call took against what it was to take: a socket never takes less than it has room for, and it was given
/// room for all.
pub fn sent_whole(taken: nix::Result<usize>, wanted: usize) -> Result<()> {
    match taken {
        Ok(n) if n == wanted => Ok(()),
        Ok(n) => Err(Error::failed(format!("AF_ALG took {n} bytes of {wanted}"))),
        Err(e) => Err(Error::sys("cannot send a message to AF_ALG", "sendmsg", e)),
    }
}

/// Bytes up to which one more copy in user space costs less than a second buffer that the kernel must pin and walk.
pub const SMALL: usize = 2 << 10;

/// A socket set up for a job, and the way messages get into it.
pub struct Kernel<F> {
    operation: Operation,
    // The key lives as long as this.
    _transform: Transform,
    feed: F,
    job: Job,
    control: Control,
    /// What is sent at most before it is read.
    piece: usize,
    /// The kernel's copy of the associated data, which nobody wants.
    echo: Vec<u8>,
    /// Where a short result arrives together with that.
    small: Vec<u8>,
}

/// Binds, sets the key and the tag's length.
pub fn transform(job: &Job) -> Result<Transform> {
    let algorithm = job.algorithm;
    let (kind, name) = (algorithm.kernel_type(), algorithm.kernel);
    let cannot = |call| move |errno| error(kind, name, call, errno);
    let transform = Transform::open(kind, name).map_err(cannot(Call::Open))?;
    if !job.key.is_empty() {
        retry(|| set_key(&transform, algorithm, &job.key)).map_err(cannot(Call::SetKey(job.key.len())))?;
    }
    if job.tag_len > 0 {
        retry(|| transform.set_authsize(job.tag_len)).map_err(cannot(Call::SetTagLength(job.tag_len)))?;
    }
    Ok(transform)
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
        let (control, echo) = (control(job), vec![0; job.aad.len()]);
        Ok(Kernel {
            operation,
            _transform: transform,
            feed,
            job: job.clone(),
            control,
            piece,
            echo,
            small: vec![0; SMALL],
        })
    }

    fn read(&mut self, out: &mut [u8]) -> Result<()> {
        let wanted = self.echo.len() + out.len();
        let got = if self.echo.is_empty() {
            retry(|| self.operation.read(out))
        } else if wanted <= SMALL {
            let got = retry(|| self.operation.read(&mut self.small[..wanted]));
            out.copy_from_slice(&self.small[self.echo.len()..wanted]);
            got
        } else {
            retry(|| self.operation.read_vectored(&mut [IoSliceMut::new(&mut self.echo), IoSliceMut::new(out)]))
        };
        read_whole(got, wanted, &self.job)
    }
}

/// Holds what a read gave against what it was to give.
pub fn read_whole(got: nix::Result<usize>, wanted: usize, job: &Job) -> Result<()> {
    match got {
        Ok(n) if n == wanted => Ok(()),
        Ok(n) => Err(Error::failed(format!("read {n} bytes of {wanted} from AF_ALG"))),
        Err(Errno::EBADMSG) if job.tag_len > 0 => Err(not_authentic()),
        Err(e) => Err(Error::sys("cannot read the result from AF_ALG", "read", e)),
    }
}

impl<F: Feed> Process for Kernel<F> {
    fn process(&mut self, message: &Message<'_>, out: &mut [u8]) -> Result<()> {
        let len = self.job.input_len();
        let is_digest = self.job.is_digest();
        let mut at = 0;
        while at < len {
            let range = at..len.min(at.saturating_add(self.piece));
            let mut head = None;
            if at == 0 && !is_digest {
                self.control.set_iv(message.iv);
                head = Some(Head { control: &mut self.control, aad: &self.job.aad });
            }
            self.feed.feed(&self.operation, Part { head, message, range: range.clone() })?;
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
        let mut facts = facts(&self.job, self.feed.way(), self.feed.by_reference());
        if self.piece < self.job.input_len() {
            facts.push(fact("in pieces of", units::bytes(self.piece as u64)));
        }
        facts
    }
}

/// What all AF_ALG contenders say: driver, way, and what is copied on it; `by_reference` where pages are lent.
pub fn facts(job: &Job, way: String, by_reference: bool) -> Vec<(String, String)> {
    let (kind, name) = (job.algorithm.kernel_type(), job.algorithm.kernel);
    let driver = registered::driver(kind, name).map(|r| fact("driver", r.driver));
    let all = units::bytes((job.aad.len() + job.input_len()) as u64);
    let copied = match by_reference.then(|| zero_copy::detect(kind)) {
        // The kernel's page says so, and no copy could be kept: a digest has no buffer.
        None if job.is_digest() => "nothing: the kernel reads the message where it lies".to_owned(),
        None => format!("{all} into the kernel"),
        Some(seen) => match seen.verdict {
            Verdict::ZeroCopy => format!("nothing: {}", seen.why),
            Verdict::Copied => format!("{all} into the kernel all the same: {}", seen.why),
            Verdict::CannotTell => format!("nobody can tell: {}", seen.why),
        },
    };
    driver.into_iter().chain([fact("fed by", way), fact("copied:", copied)]).collect()
}

/// The control messages of a job, made once; the initialisation vector changes.
pub fn control(job: &Job) -> Control {
    let iv = vec![0; job.algorithm.iv_len];
    Control::new(&Parameters {
        direction: (!job.is_digest()).then_some(job.direction),
        iv: (!iv.is_empty()).then_some(&iv),
        assoclen: (job.tag_len > 0).then_some(job.aad.len() as u32),
    })
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
    room_for_all(job, operation)?;
    Ok(usize::MAX)
}

/// Raises the buffers of `operation` to a whole message and its result.
pub fn room_for_all(job: &Job, operation: &Operation) -> Result<()> {
    let cannot = |call| move |e| Error::sys("cannot see to the size of a socket's buffers", call, e);
    let wanted = job.aad.len() + job.input_len().max(job.output_len());
    if job.is_digest() || operation.capacity().map_err(cannot("getsockopt"))? >= wanted {
        return Ok(());
    }
    match operation.set_capacity(wanted).map_err(cannot("setsockopt"))? {
        room if room >= wanted => Ok(()),
        room => Err(Error::unavailable(format!(
            "{} must be sent whole before the result is read, and the socket's buffers hold {}",
            units::bytes(wanted as u64),
            units::bytes(room as u64)
        ))
        .fix(format!("sysctl net.core.wmem_max={wanted} net.core.rmem_max={wanted}, or run as root"))),
    }
}
