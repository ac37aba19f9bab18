//! The limit of the copy race: the same bytes from memory to memory, once, without a kernel in between.
//!
//! It is a floor: the copies of a sample lie close together and go around, so that they stay in the caches that a copy
//! of this size can stay in.

use super::content::first_difference;
use super::method::Approach;
use crate::error::{Error, Result};
use crate::race::{Contender, Work};

/// memcpy.
pub static MEMCPY: Contender<Approach> =
    Contender { name: "memcpy", title: "memory to memory, no file", needs: &[], approach: &Approach::Memory };

/// Bytes that the copies of a sample take up together, or one copy where that is larger.
const ROOM: usize = 256 << 10;

/// A source in memory and room for some copies of it.
pub struct Memory {
    source: Vec<u8>,
    copies: Vec<u8>,
    done: usize,
    sample: u64,
}

impl Memory {
    /// Room for copies of `source`.
    pub fn new(source: Vec<u8>) -> Result<Self> {
        let len = source.len().max(1);
        let room = (ROOM / len).max(1) * len;
        let mut copies = Vec::new();
        copies.try_reserve_exact(room).map_err(|e| {
            Error::unavailable(format!("cannot hold {} in memory: {e}", crate::units::bytes(room as u64)))
        })?;
        copies.resize(room, 0);
        let mut memory = Memory { source, copies, done: 0, sample: 0 };
        memory.spoil();
        Ok(memory)
    }

    /// The next copy of the sample of this number.
    pub fn run(&mut self, sample: u64) -> Work {
        if self.sample != sample {
            (self.sample, self.done) = (sample, 0);
        }
        let len = self.source.len();
        let at = self.done * len % self.copies.len();
        self.copies[at..at + len].copy_from_slice(&self.source);
        self.done += 1;
        Work { bytes: len as u64 }
    }

    /// Holds the copies of a sample of `operations` against the source, then spoils them.
    pub fn check(&mut self, operations: usize) -> Result<()> {
        for copy in self.copies.chunks_exact(self.source.len().max(1)).take(operations) {
            if let Some(at) = first_difference(copy, &self.source) {
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
