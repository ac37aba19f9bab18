//! The limit of the copy race: the same bytes from memory to memory, once, without a kernel in between.
//!
//! It is a floor: the copies of a sample lie close together and go around, so that they stay in the caches that a copy
//! of this size can stay in.

use procfs::FromRead;

use super::content::{Content, first_difference};
use super::method::{Approach, page_aligned};
use crate::error::{Error, Result};
use crate::race::{Contender, Work};
use crate::sys::mmap::Pages;
use crate::units;

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
        room_for(len, available())?;
        let len = len as usize;
        let mut source = page_aligned(len.max(1))?;
        content.fill(&mut source[..len])?;
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

/// Bytes that can be had without taking them from someone else (MemAvailable, proc_meminfo(5)); all where that is unknown.
pub fn available() -> u64 {
    procfs::Meminfo::from_file("/proc/meminfo").ok().and_then(|info| info.mem_available).unwrap_or(u64::MAX)
}

/// Whether source and copies of `len` bytes fit: mmap promises more than there is, and the kernel kills for the rest.
fn room_for(len: u64, available: u64) -> Result<()> {
    let needs = len.saturating_add(len.max(ROOM as u64));
    if needs <= available {
        return Ok(());
    }
    let (needs, has) = (units::bytes(needs), units::bytes(available));
    Err(Error::unavailable(format!("a copy in memory needs {needs}, and {has} are available"))
        .fix("choose smaller --sizes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_not_there_is_not_asked_for() {
        assert!(room_for(1 << 20, 2 << 20).is_ok());
        let e = room_for(2 << 20, (4 << 20) - 1).unwrap_err();
        assert_eq!(e.exit_code(), 3);
        assert!(e.what.contains("needs 4 MiB"), "{e}");
        assert!(room_for(u64::MAX, u64::MAX - 1).is_err());
        assert!(Memory::new(&Content::new(1), 1 << 50).is_err());
        assert!((1 << 20..1 << 50).contains(&available()));
    }
}
