//! The rings that an AF_XDP socket shares with the kernel, see the kernel's
//! [AF_XDP](https://docs.kernel.org/networking/af_xdp.html) page.
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// A mapped ring of `T`, which this side either fills or empties.
pub struct Ring<T> {
    address: NonNull<libc::c_void>,
    len: NonZeroUsize,
    producer: NonNull<AtomicU32>,
    consumer: NonNull<AtomicU32>,
    entries: NonNull<T>,
    mask: u32,
    /// Our own position, which the other side learns of by [`Ring::publish_filled`] or [`Ring::publish_taken`].
    position: u32,
}

// SAFETY: the memory is owned and reached only through self.
unsafe impl<T> Send for Ring<T> {}

impl<T: Copy> Ring<T> {
    /// Maps the ring of `count` entries (a power of two) that `socket` has at `page` (XDP_PGOFF_*), whose parts are
    /// where `offsets` (XDP_MMAP_OFFSETS) says.
    ///
    /// # Errors
    /// The errno of mmap(2); EINVAL for offsets that make no sense.
    pub fn map(socket: impl AsFd, page: i64, count: u32, offsets: &libc::xdp_ring_offset) -> nix::Result<Self> {
        let entries = (count as usize).checked_mul(size_of::<T>()).ok_or(Errno::EINVAL)?;
        let len = (offsets.desc as usize).checked_add(entries).and_then(NonZeroUsize::new).ok_or(Errno::EINVAL)?;
        let word = |at: u64| at.is_multiple_of(4) && at as usize + 4 <= len.get();
        let fits = word(offsets.producer) && word(offsets.consumer);
        if !fits || !count.is_power_of_two() || !(offsets.desc as usize).is_multiple_of(align_of::<T>()) {
            return Err(Errno::EINVAL);
        }
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
        // SAFETY: the kernel chooses the address, so no live mapping is replaced.
        let address = unsafe { mmap(None, len, access, flags, socket, page)? };
        // SAFETY: the offset was found to be within the mapping.
        let at = |offset: u64| unsafe { address.byte_add(offset as usize) };
        Ok(Ring {
            address,
            len,
            producer: at(offsets.producer).cast(),
            consumer: at(offsets.consumer).cast(),
            entries: at(offsets.desc).cast(),
            mask: count - 1,
            position: 0,
        })
    }

    /// Whether there is one to [`Ring::take`].
    pub fn has_more(&self) -> bool {
        // SAFETY: the word is inside the mapping, aligned, and shared as an atomic.
        unsafe { self.producer.as_ref() }.load(Ordering::Acquire) != self.position
    }

    /// The entry that is next in a ring that the kernel fills; it stays the kernel's reading until it is published as taken.
    pub fn take(&mut self) -> Option<T> {
        // SAFETY: the word is inside the mapping, aligned, and shared as an atomic.
        let producer = unsafe { self.producer.as_ref() }.load(Ordering::Acquire);
        if producer == self.position {
            return None;
        }
        let at = (self.position & self.mask) as usize;
        // SAFETY: the index is masked to the entries inside the mapping; the kernel wrote this one before it moved the
        // producer, and does not touch it before the consumer passes it.
        let entry = unsafe { self.entries.add(at).read() };
        self.position = self.position.wrapping_add(1);
        Some(entry)
    }

    /// Lets the kernel use again the places of what was taken.
    pub fn publish_taken(&mut self) {
        // SAFETY: the word is inside the mapping, aligned, and shared as an atomic.
        unsafe { self.consumer.as_ref() }.store(self.position, Ordering::Release);
    }

    /// Puts an entry into a ring that the kernel empties; false where it is full.
    pub fn fill(&mut self, entry: T) -> bool {
        // SAFETY: the word is inside the mapping, aligned, and shared as an atomic.
        let consumer = unsafe { self.consumer.as_ref() }.load(Ordering::Acquire);
        if self.position.wrapping_sub(consumer) > self.mask {
            return false;
        }
        let at = (self.position & self.mask) as usize;
        // SAFETY: the index is masked to the entries inside the mapping; the kernel reads this one only once the producer
        // is behind it.
        unsafe { self.entries.add(at).write(entry) };
        self.position = self.position.wrapping_add(1);
        true
    }

    /// Lets the kernel see what was filled.
    pub fn publish_filled(&mut self) {
        // SAFETY: the word is inside the mapping, aligned, and shared as an atomic.
        unsafe { self.producer.as_ref() }.store(self.position, Ordering::Release);
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        // SAFETY: address and length are those that mmap gave, and nothing points into the mapping any more.
        let _ = unsafe { munmap(self.address, self.len.get()) };
    }
}
