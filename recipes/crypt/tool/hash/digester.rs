//! Computes the digests of files: what all of a run have in common, and what each thread has of its own.

use std::ffi::OsStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::input::{Input, PIECE};
use super::kernel::Kernel;
use crate::error::{Error, Result};
use crate::progress::Bar;
use crate::recipes::copy::method::page_aligned;
use crate::recipes::crypt::algorithm::{Algorithm, Kind};
use crate::recipes::crypt::backend::{self, BACKENDS, Backend, Digest};
use crate::sys::mmap::Pages;
use crate::sys::secret::Secret;

/// The kernel's name among the backends.
pub const KERNEL: &str = "af_alg";
/// Files from this size on are read by a thread of their own, while there are processors to spare.
const READ_AHEAD: u64 = 8 << 20;

/// How the files of a run are digested.
pub struct Plan {
    /// The backend by name, or `auto`.
    pub via: String,
    /// For MACs.
    pub key: Option<Secret>,
    /// Shows how far all of it is.
    pub bar: Mutex<Bar>,
    /// Processors of this process.
    pub processors: usize,
    seen: AtomicU64,
    busy: AtomicUsize,
}

/// The digest of a file.
pub struct Digested {
    /// It.
    pub digest: Vec<u8>,
    /// The length of the file.
    pub bytes: u64,
}

/// A thread's own part: its buffer, and what it has readied of each algorithm.
pub struct Digester<'a> {
    plan: &'a Plan,
    buffer: Pages,
    ready: Vec<(&'static Algorithm, Machine)>,
}

enum Machine {
    Library(Box<dyn Digest>),
    Kernel(Kernel),
}

/// The names that `--via` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("auto").chain(BACKENDS.iter().map(|b| b.name()))
}

impl Plan {
    /// A plan; `bar` is told of the bytes that are done.
    pub fn new(via: &str, key: Option<Secret>, bar: Bar) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let (seen, busy) = (AtomicU64::new(0), AtomicUsize::new(0));
        Plan { via: via.to_owned(), key, bar: Mutex::new(bar), processors, seen, busy }
    }

    /// The library that computes `algorithm`; `None` is the kernel.
    fn library(&self, algorithm: &'static Algorithm) -> Result<Option<&'static dyn Backend>> {
        match self.via.as_str() {
            // OpenSSL is the fastest of them at what it has, on every processor that was measured.
            "auto" => ["openssl"]
                .into_iter()
                .filter_map(backend::find)
                .chain(BACKENDS.iter().copied().filter(|b| b.name() != KERNEL))
                .find(|b| b.offers(algorithm).is_ok())
                .map(Some)
                .ok_or_else(|| Error::unavailable(format!("no library here has {}", algorithm.name))),
            name => {
                let library = backend::find(name).ok_or_else(|| Error::usage(format!("no backend '{name}'")))?;
                library.offers(algorithm).map(|_| Some(library).filter(|_| name != KERNEL))
            }
        }
    }

    /// The name of what computes `algorithm`.
    pub fn backend_of(&self, algorithm: &'static Algorithm) -> Result<&'static str> {
        self.library(algorithm).map(|library| library.map_or(KERNEL, |l| l.name()))
    }

    fn machine(&self, algorithm: &'static Algorithm) -> Result<Machine> {
        let key = match (&algorithm.kind, &self.key) {
            (Kind::Mac(_), Some(key)) => &key[..],
            _ => &[],
        };
        Ok(match self.library(algorithm)? {
            Some(library) => Machine::Library(library.digest(algorithm, key)?),
            None => Machine::Kernel(Kernel::new(algorithm, key)?),
        })
    }

    fn saw(&self, bytes: u64) {
        let seen = self.seen.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).at(seen);
    }
}

impl<'a> Digester<'a> {
    /// With a buffer, and nothing readied.
    pub fn new(plan: &'a Plan) -> Result<Self> {
        Ok(Digester { plan, buffer: page_aligned(PIECE)?, ready: Vec::new() })
    }

    /// The digest of the file of this name (`-`: standard input).
    pub fn digest(&mut self, algorithm: &'static Algorithm, name: &OsStr) -> Result<Digested> {
        let input = Input::open(name)?;
        let busy = self.plan.busy.fetch_add(1, Ordering::Relaxed) + 1;
        let done = self.of_input(algorithm, &input, busy);
        self.plan.busy.fetch_sub(1, Ordering::Relaxed);
        if done.is_err() {
            // Half a message may be in there.
            self.ready.retain(|(a, _)| !std::ptr::eq(*a, algorithm));
        }
        done
    }

    /// Readies `algorithm`, so that what is wrong with it shows before any file; gives its place.
    pub fn ready(&mut self, algorithm: &'static Algorithm) -> Result<usize> {
        if let Some(at) = self.ready.iter().position(|(a, _)| std::ptr::eq(*a, algorithm)) {
            return Ok(at);
        }
        self.ready.push((algorithm, self.plan.machine(algorithm)?));
        Ok(self.ready.len() - 1)
    }

    fn of_input(&mut self, algorithm: &'static Algorithm, input: &Input, busy: usize) -> Result<Digested> {
        let at = self.ready(algorithm)?;
        let plan = self.plan;
        match &mut self.ready[at].1 {
            Machine::Kernel(kernel) => {
                let (digest, bytes) = kernel.digest(input, &mut self.buffer, |len| plan.saw(len))?;
                Ok(Digested { digest, bytes })
            }
            Machine::Library(library) => {
                let take = |piece: &[u8]| {
                    plan.saw(piece.len() as u64);
                    library.update(piece)
                };
                let large = input.size.is_some_and(|size| size >= READ_AHEAD);
                let bytes = match large && 2 * busy <= plan.processors {
                    true => input.pieces_read_ahead(take)?,
                    false => input.pieces(&mut self.buffer, take)?,
                };
                let mut digest = vec![0; algorithm.digest_len()];
                library.finish(&mut digest)?;
                Ok(Digested { digest, bytes })
            }
        }
    }
}
