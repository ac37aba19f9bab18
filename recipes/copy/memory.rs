//! The limit of the copy race: the same bytes from memory to memory, once, without a kernel in between.
//!
//! It is a floor: the copies of a sample lie close together and go around, so that they stay in the caches that a copy
//! of this size can stay in.

use super::content::{Content, first_difference};
use super::method::{Approach, page_aligned};
use crate::error::{Error, Result};
use crate::race::{Contender, Work};
use crate::sys::mmap::Pages;

/// memcpy.
pub static MEMCPY: Contender<Approach> =
    Contender { name: "memcpy", title: "memory to memory, no file", needs: &[], approach: &Approach::Memory };

/// Bytes that the copies of a sample take up together, or one copy where that is larger.
const ROOM: usize = 256 << 10;

/// A source in memory and room for some copies of it.
pub struct Memory {
    source: Pages,
    copies: Pages,
    len: usize,
    done: usize,
    sample: u64,
}

impl Memory {
    /// `len` bytes of `content`, and room for copies of them.
    pub fn new(content: &Content, len: u64) -> Result<Self> {
        let len = usize::try_from(len).map_err(|_| Error::unavailable("memory cannot hold a copy"))?;
        let mut source = page_aligned(len.max(1))?;
        content.fill(&mut source[..len]);
        let copies = page_aligned((ROOM / len.max(1)).max(1) * len.max(1))?;
        let mut memory = Memory { source, copies, len, done: 0, sample: 0 };
        memory.spoil();
        Ok(memory)
    }

    /// The next copy of the sample of this number.
    pub fn run(&mut self, sample: u64) -> Work {
        if self.sample != sample {
            (self.sample, self.done) = (sample, 0);
        }
        let len = self.len;
        let at = self.done * len % self.copies.len();
        self.copies[at..at + len].copy_from_slice(&self.source[..len]);
        self.done += 1;
        Work { bytes: len as u64 }
    }

    /// Holds the copies of a sample of `operations` against the source, then spoils them.
    pub fn check(&mut self, operations: usize) -> Result<()> {
        for copy in self.copies.chunks_exact(self.len.max(1)).take(operations) {
            if let Some(at) = first_difference(&copy[..self.len], &self.source[..self.len]) {
                return Err(Error::wrong(format!("the copy differs from the source at byte {at}")));
            }
        }
        self.spoil();
        Ok(())
    }

    /// Empties every copy, so that work left undone shows.
    fn spoil(&mut self) {
        self.copies.fill(0);
    }
}
