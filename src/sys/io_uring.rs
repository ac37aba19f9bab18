//! Reads and writes that are queued and complete later, see
//! [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html) (Linux 5.1).
#![allow(unsafe_code)]

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};

use io_uring::{IoUring, opcode, squeue, types};
use nix::errno::Errno;

use super::mmap::Pages;

/// A ring and one registered buffer that file data passes through without being looked at.
///
/// The buffer is pinned by the kernel until the ring is gone, so operations under way never touch freed memory.
pub struct Ring {
    // Dropped before the memory it refers to.
    ring: IoUring,
    buffer: Pages,
}

/// What one queued operation moves: `len` bytes between the buffer at `at` and the file at `offset`.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    /// Where in the buffer.
    pub at: usize,
    /// How many bytes.
    pub len: usize,
    /// Where in the file.
    pub offset: u64,
}

/// The end of an operation: its tag, and how many bytes it moved or why none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completion {
    /// What it was queued with.
    pub tag: u64,
    /// Bytes moved, maybe fewer than asked for; ECANCELED where the operation it was linked to fell short.
    pub moved: nix::Result<usize>,
}

impl Ring {
    /// A ring for `entries` operations at a time and a buffer of `len` bytes, registered.
    ///
    /// ENOSYS or EPERM where io_uring is absent or switched off (/proc/sys/kernel/io_uring_disabled), ENOMEM where
    /// RLIMIT_MEMLOCK is below `len`.
    pub fn new(entries: u32, len: NonZeroUsize) -> nix::Result<Self> {
        let ring = IoUring::new(entries).map_err(errno)?;
        let mut buffer = Pages::new(len)?;
        let iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: len.get() };
        // SAFETY: the buffer is `len` bytes long, its bytes are only ever used by the kernel, and it is freed after
        // the ring (field order), whose registration pins the pages until the last operation ended.
        unsafe { ring.submitter().register_buffers(&[iovec]) }.map_err(errno)?;
        Ok(Ring { ring, buffer })
    }

    /// Queues a read; with `linked` the next operation queued starts when this one has moved all of its piece.
    pub fn read(&mut self, file: impl AsFd, piece: Piece, linked: bool, tag: u64) -> nix::Result<()> {
        let (address, len) = self.within(piece)?;
        let read = opcode::ReadFixed::new(types::Fd(file.as_fd().as_raw_fd()), address, len, 0);
        let flags = if linked { squeue::Flags::IO_LINK } else { squeue::Flags::empty() };
        self.push(read.offset(piece.offset).build().flags(flags).user_data(tag))
    }

    /// Queues a write.
    pub fn write(&mut self, file: impl AsFd, piece: Piece, tag: u64) -> nix::Result<()> {
        let (address, len) = self.within(piece)?;
        let write = opcode::WriteFixed::new(types::Fd(file.as_fd().as_raw_fd()), address, len, 0);
        self.push(write.offset(piece.offset).build().user_data(tag))
    }

    /// Hands the queue to the kernel and waits until at least `want` operations have ended. EINTR is returned.
    pub fn submit_and_wait(&mut self, want: usize) -> nix::Result<()> {
        self.ring.submit_and_wait(want).map(drop).map_err(errno)
    }

    /// The next operation that has ended, if any.
    pub fn completion(&mut self) -> Option<Completion> {
        let entry = self.ring.completion().next()?;
        let moved = usize::try_from(entry.result()).map_err(|_| Errno::from_raw(-entry.result()));
        Some(Completion { tag: entry.user_data(), moved })
    }

    fn within(&mut self, piece: Piece) -> nix::Result<(*mut u8, u32)> {
        let part = piece.at.checked_add(piece.len).and_then(|end| self.buffer.get_mut(piece.at..end));
        let part = part.ok_or(Errno::EFAULT)?;
        Ok((part.as_mut_ptr(), u32::try_from(part.len()).map_err(|_| Errno::EINVAL)?))
    }

    fn push(&mut self, entry: squeue::Entry) -> nix::Result<()> {
        // SAFETY: address and length lie inside the registered buffer (`within`), which outlives the operation.
        unsafe { self.ring.submission().push(&entry) }.map_err(|_| Errno::EBUSY)
    }
}

fn errno(e: io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
