//! The messages of a sample, the room for their results, and the oracle.
//!
//! Every message of a sample has an initialisation vector and a place for its result of its own. What the results must
//! be is computed beforehand by two libraries, which must agree: so every contender, a library too, is held against
//! somebody else's answer.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;

use nix::sys::memfd::{MFdFlags, memfd_create};

use super::job::Job;
use super::library::Library;
use crate::error::{Context, Error, Result};
use crate::recipes::crypt::backend::{BACKENDS, Backend, Direction};
use crate::sys::mmap::{Pages, page_size};
use crate::sys::tmpfile;
use crate::units;

/// Bytes that the results of a sample take up together, or those of two messages where that is more: they are to stay in
/// the second-level cache, as a program's own buffers would.
const ROOM: usize = 256 << 10;
/// Messages of a sample at most.
const MOST: usize = 4096;
/// Different plaintexts take up as much; their initialisation vectors all differ.
const PLAIN_ROOM: usize = 128 << 10;

/// How many messages a sample has room for.
pub fn most(len: u64) -> u64 {
    (ROOM as u64 / len.max(1)).clamp(2, MOST as u64)
}

/// The input of a sample and the room for its output.
pub struct Messages {
    /// What is done with them.
    pub job: Job,
    /// The libraries whose answers are the oracle.
    pub oracles: Vec<&'static str>,
    inputs: Slots,
    ivs: Vec<u8>,
    expected: Slots,
    outputs: Slots,
    file: File,
}

/// Slices of equal length, each at a page or, where they are shorter than one, at a cache line.
struct Slots {
    pages: Pages,
    count: usize,
    stride: usize,
    len: usize,
}

impl Slots {
    fn new(count: usize, len: usize) -> Result<Self> {
        let grain = if len < page_size() { 64 } else { page_size() };
        let stride = len.max(1).next_multiple_of(grain);
        let room = NonZeroUsize::new(count * stride).ok_or_else(|| Error::failed("no room for messages"))?;
        let pages = Pages::new(room)
            .sys("mmap", || format!("cannot make room of {} for messages", units::bytes(room.get() as u64)))?;
        Ok(Slots { pages, count, stride, len })
    }
    fn at(&self, i: usize) -> usize {
        // Two divisions a message are felt at 16 bytes; most often there are as many slots as messages.
        let i = if i < self.count { i } else { i % self.count };
        i * self.stride
    }
    fn get(&self, i: usize) -> &[u8] {
        &self.pages[self.at(i)..][..self.len]
    }
    fn get_mut(&mut self, i: usize) -> &mut [u8] {
        let (at, len) = (self.at(i), self.len);
        &mut self.pages[at..][..len]
    }
}

impl Messages {
    /// Makes the messages of `job` and what must come of them.
    pub fn new(job: Job) -> Result<Self> {
        let oracles = oracles(&job)?;
        let count = job.messages;
        let mut rng = fastrand::Rng::with_seed(job.len as u64);
        let mut plain = Slots::new((PLAIN_ROOM / job.len).clamp(2, count.max(2)), job.len)?;
        rng.fill(&mut plain.pages);
        let ivs: Vec<u8> = (0..count * job.algorithm.iv_len).map(|_| rng.u8(..)).collect();
        let forward = Job { direction: Direction::Encrypt, ..job.clone() };
        let mut sealed = Slots::new(count, forward.output_len())?;
        let mut oracle = Oracle::new(&oracles, &forward)?;
        for i in 0..count {
            oracle.answer(iv_of(&ivs, &job, i), plain.get(i), sealed.get_mut(i))?;
        }
        let outputs = Slots::new(count, job.output_len())?;
        let (inputs, expected) = match job.direction {
            Direction::Encrypt => (plain, sealed),
            Direction::Decrypt => (sealed, plain),
        };
        let file = file_of(&inputs, job.from_file)?;
        let oracles = oracles.iter().map(|o| o.name()).collect();
        Ok(Messages { job, oracles, inputs, ivs, expected, outputs, file })
    }

    /// The text of a message.
    pub fn text(&self, i: usize) -> &[u8] {
        self.inputs.get(i)
    }

    /// Its initialisation vector.
    pub fn iv(&self, i: usize) -> &[u8] {
        iv_of(&self.ivs, &self.job, i)
    }

    /// Where the file has its text.
    pub fn offset(&self, i: usize) -> u64 {
        self.inputs.at(i) as u64
    }

    /// The file that has every text.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Everything for one message: text, vector, file, the file's offset, and the place for its result.
    pub fn parts(&mut self, i: usize) -> (&[u8], &[u8], &File, u64, &mut [u8]) {
        let (iv, at) = (iv_of(&self.ivs, &self.job, i), self.inputs.at(i));
        (&self.inputs.pages[at..][..self.inputs.len], iv, &self.file, at as u64, self.outputs.get_mut(i))
    }

    /// What must come of a message.
    pub fn expected(&self, i: usize) -> &[u8] {
        self.expected.get(i)
    }

    /// Overwrites the room for results, so that work left undone shows.
    pub fn spoil(&mut self, operations: usize) {
        (0..operations.min(self.outputs.count)).for_each(|i| self.outputs.get_mut(i).fill(0xa5));
    }

    /// Holds the results of a sample against the oracle; `own` has those of a contender that keeps them itself.
    pub fn check(&self, operations: usize, own: Option<&[u8]>) -> Result<()> {
        let len = self.job.output_len();
        for i in 0..operations {
            let got = match own {
                Some(results) => results.get(i * len..(i + 1) * len).unwrap_or_default(),
                None => self.outputs.get(i),
            };
            if got != self.expected(i) {
                let at = got.iter().zip(self.expected(i)).position(|(a, b)| a != b).unwrap_or(0);
                let by = self.oracles.join(" and ");
                return Err(Error::wrong(format!("message {i}: byte {at} of the result differs from that of {by}")));
            }
        }
        Ok(())
    }
}

fn iv_of<'a>(ivs: &'a [u8], job: &Job, i: usize) -> &'a [u8] {
    let len = job.algorithm.iv_len;
    &ivs[i * len..(i + 1) * len]
}

/// The first two libraries that have the algorithm.
fn oracles(job: &Job) -> Result<Vec<&'static dyn Backend>> {
    let libraries = BACKENDS.iter().copied().filter(|b| b.needs().is_empty());
    let found: Vec<_> = libraries.filter(|b| b.offers(job.algorithm).is_ok()).take(2).collect();
    if found.is_empty() {
        let name = job.algorithm.name;
        return Err(Error::unavailable(format!("no library here has {name}, so nothing could be verified")));
    }
    Ok(found)
}

/// Libraries that answer with one voice.
struct Oracle {
    libraries: Vec<(&'static str, Library)>,
    algorithm: &'static str,
    other: Vec<u8>,
}

impl Oracle {
    fn new(backends: &[&'static dyn Backend], job: &Job) -> Result<Self> {
        let library = |b: &&'static dyn Backend| Ok((b.name(), Library::new(*b, job)?));
        let libraries = backends.iter().map(library).collect::<Result<_>>()?;
        Ok(Oracle { libraries, algorithm: job.algorithm.name, other: vec![0; job.output_len()] })
    }

    fn answer(&mut self, iv: &[u8], text: &[u8], out: &mut [u8]) -> Result<()> {
        let Some(((first, library), others)) = self.libraries.split_first_mut() else { return Ok(()) };
        library.message(iv, text, out)?;
        for (name, library) in others {
            library.message(iv, text, &mut self.other)?;
            if self.other != out {
                return Err(Error::wrong(format!("{first} and {name} differ over {}", self.algorithm)));
            }
        }
        Ok(())
    }
}

/// A file with what is in memory: in memory too, or on the file system of $TMPDIR.
fn file_of(inputs: &Slots, on_disk: bool) -> Result<File> {
    let file = if on_disk {
        let directory = tmpfile::directory();
        tmpfile::unnamed(&directory).sys("open", || format!("cannot make a file in {}", directory.display()))?
    } else {
        let made = memfd_create("syskit-messages", MFdFlags::MFD_CLOEXEC);
        File::from(made.sys("memfd_create", || "cannot make a file in memory".to_owned())?)
    };
    file.write_all_at(&inputs.pages, 0).sys("pwrite", || "cannot write the messages to a file".to_owned())?;
    if on_disk {
        // Dirty pages would be written back while others are timed.
        nix::unistd::fdatasync(&file).sys("fdatasync", || "cannot write the messages to a file".to_owned())?;
    }
    Ok(file)
}
