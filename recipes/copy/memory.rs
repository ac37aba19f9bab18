//! The limit of the copy race: the same bytes from memory to memory, once, without a kernel in between.

use super::content::first_difference;
use super::method::Approach;
use crate::error::{Error, Result};
use crate::race::{Contender, Work};

/// memcpy.
pub static MEMCPY: Contender<Approach> =
    Contender { name: "memcpy", title: "memory to memory, no file", needs: &[], approach: &Approach::Memory };

/// A source in memory and room for some copies of it.
pub struct Memory {
    source: Vec<u8>,
    copies: Vec<u8>,
    filled: usize,
    sample: u64,
}

impl Memory {
    /// Room for `copies` of `source`.
    pub fn new(source: Vec<u8>, copies: usize) -> Result<Self> {
        let room = copies * source.len();
        let mut memory = Memory { source, copies: Vec::new(), filled: 0, sample: 0 };
        memory.copies.try_reserve_exact(room).map_err(|e| {
            Error::unavailable(format!("cannot hold {} in memory: {e}", crate::units::bytes(room as u64)))
        })?;
        memory.copies.resize(room, 0);
        memory.spoil();
        Ok(memory)
    }

    /// The next copy of the sample of this number.
    pub fn run(&mut self, sample: u64) -> Work {
        if self.sample != sample {
            (self.sample, self.filled) = (sample, 0);
        }
        let len = self.source.len();
        self.copies[self.filled..self.filled + len].copy_from_slice(&self.source);
        self.filled += len;
        Work { bytes: len as u64 }
    }

    /// Holds the first `copies` against the source, then spoils them.
    pub fn check(&mut self, copies: usize) -> Result<()> {
        for copy in self.copies.chunks_exact(self.source.len().max(1)).take(copies) {
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
