//! The reader's side of a BPF ring buffer (since Linux 5.8), and a value that a program and we share:
//! [the kernel's description](https://docs.kernel.org/bpf/ringbuf.html).
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::bpf::{Map, map};
use super::mmap::page_size;

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
/// The length and the flags before every record.
const HEADER: usize = 8;

struct Mapping {
    address: NonNull<u8>,
    len: NonZeroUsize,
}

impl Mapping {
    fn new(fd: impl AsFd, offset: usize, len: usize, access: ProtFlags) -> nix::Result<Self> {
        let len = NonZeroUsize::new(len).ok_or(nix::errno::Errno::EINVAL)?;
        // SAFETY: the kernel chooses the address, so no live mapping is replaced.
        let address = unsafe { mmap(None, len, access, MapFlags::MAP_SHARED, fd, offset as libc::off_t)? };
        Ok(Mapping { address: address.cast(), len })
    }

    /// The word at `at`, which the kernel or a program writes as well.
    fn word64(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at + 8 <= self.len.get());
        // SAFETY: aligned (the mapping begins with a page) and inside the mapping, which outlives the reference; all
        // access to it is atomic.
        unsafe { self.address.byte_add(at).cast().as_ref() }
    }

    fn word32(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at + 4 <= self.len.get());
        // SAFETY: as above.
        unsafe { self.address.byte_add(at).cast().as_ref() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: address and length are those that mmap gave, and every reference into it borrowed the mapping.
        let _ = unsafe { munmap(self.address.cast(), self.len.get()) };
    }
}

/// A ring that programs fill and we empty. Its descriptor is readable (poll(2)) where there is something in it.
pub struct Ring {
    fd: OwnedFd,
    /// How far we have read: the one page of it that we may write.
    consumer: Mapping,
    /// How far it is filled, and behind that page the data, twice in a row, so that no record is ever in two pieces.
    producer: Mapping,
    size: usize,
    /// What the kernel has back, and where the record ends that was last given out.
    read: u64,
    given: u64,
    /// Where in `producer` that record is.
    current: std::ops::Range<usize>,
}

impl Ring {
    /// A ring of `size` bytes, a power of two and of whole pages. All of it is memory of the kernel from now on.
    pub fn new(size: u32) -> nix::Result<Self> {
        let fd = map(Map::Ring(size))?;
        let (page, size) = (page_size(), size as usize);
        let consumer = Mapping::new(&fd, 0, page, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE)?;
        let producer = Mapping::new(&fd, page, page + 2 * size, ProtFlags::PROT_READ)?;
        Ok(Ring { fd, consumer, producer, size, read: 0, given: 0, current: 0..0 })
    }

    /// Goes to the next record, giving up the one before; false where there is none, or it is being written still.
    pub fn advance(&mut self) -> bool {
        self.current = 0..0;
        self.give_back(self.given);
        loop {
            let filled = self.producer.word64(0).load(Ordering::SeqCst);
            if self.read >= filled {
                return false;
            }
            let at = page_size() + (self.read as usize & (self.size - 1));
            let word = self.producer.word32(at).load(Ordering::Acquire);
            if word & BUSY != 0 {
                return false;
            }
            let length = (word & !(BUSY | DISCARDED)) as usize;
            self.given = self.read + (HEADER + length).next_multiple_of(8) as u64;
            if word & DISCARDED == 0 && length < self.size {
                self.current = at + HEADER..at + HEADER + length;
                return true;
            }
            self.give_back(self.given);
        }
    }

    /// The record that [`Ring::advance`] went to; empty where there was none.
    pub fn record(&self) -> &[u8] {
        let (at, length) = (self.current.start, self.current.len());
        // SAFETY: the record begins in the first copy of the data (or is empty) and is shorter than that, so that it ends
        // in the second; its writer is done with it, and nobody writes there until it is given back, which takes
        // `&mut self`.
        unsafe { std::slice::from_raw_parts(self.producer.address.byte_add(at).as_ptr(), length) }
    }

    fn give_back(&mut self, to: u64) {
        if self.read != to {
            self.read = to;
            self.consumer.word64(0).store(to, Ordering::SeqCst);
        }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// A counter that programs add to.
pub struct Counter {
    fd: OwnedFd,
    value: Mapping,
}

impl Counter {
    /// One that is 0.
    pub fn new() -> nix::Result<Self> {
        let fd = map(Map::Mapped(8))?;
        let value = Mapping::new(&fd, 0, page_size(), ProtFlags::PROT_READ)?;
        Ok(Counter { fd, value })
    }

    /// What it has come to.
    pub fn get(&self) -> u64 {
        self.value.word64(0).load(Ordering::Relaxed)
    }
}

impl AsFd for Counter {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
