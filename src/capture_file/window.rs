//! The bytes of a capture file, of which only so many are held as its longest record takes.

use std::io::{ErrorKind, Read, Result};

/// What the buffer holds: the longest record or block, and a read behind it.
const CAPACITY: usize = super::LONGEST_BLOCK + READ;

/// What one read asks for, in bytes: little enough to be in the processor's cache still when it is looked at.
const READ: usize = 128 << 10;

/// Whether so many bytes are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Have {
    /// They are.
    Enough,
    /// Not yet: the input would have to be waited for.
    NotYet,
    /// The input ended; so many are left.
    Ended(usize),
}

/// A stretch of the input, from a byte that was reached onwards.
pub(super) struct Window {
    input: Box<dyn Read>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    offset: u64,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read>) -> Self {
        Window { input, buffer: vec![0; CAPACITY].into(), start: 0, end: 0, offset: 0 }
    }

    /// Where it begins, in bytes from the begin of the input.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is there without reading.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The first `N` bytes, where they are there.
    #[inline]
    pub(super) fn first<const N: usize>(&self) -> Option<[u8; N]> {
        self.bytes().first_chunk().copied()
    }

    /// Reads until `count` bytes are there, which may be [`super::LONGEST_BLOCK`] at most.
    #[inline]
    pub(super) fn want(&mut self, count: usize) -> Result<Have> {
        if self.end - self.start >= count { Ok(Have::Enough) } else { self.fill(count) }
    }

    #[cold]
    fn fill(&mut self, count: usize) -> Result<Have> {
        debug_assert!(count <= self.buffer.len());
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < count {
            let most = self.buffer.len().min(self.end + READ);
            let room = self.buffer.get_mut(self.end..most).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => return Ok(Have::Ended(self.end)),
                Ok(more) => self.end = self.buffer.len().min(self.end.saturating_add(more)),
                // After a signal the caller may want to end.
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    return Ok(Have::NotYet);
                }
                Err(e) => return Err(e),
            }
        }
        Ok(Have::Enough)
    }

    /// Goes on by up to `count` bytes of what is there, and gives them.
    #[inline]
    pub(super) fn take(&mut self, count: usize) -> &[u8] {
        let start = self.start;
        let end = self.end.min(start.saturating_add(count));
        self.start = end;
        self.offset = self.offset.saturating_add((end - start) as u64);
        self.buffer.get(start..end).unwrap_or_default()
    }
}
