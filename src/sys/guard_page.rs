//! A buffer that ends at an inaccessible page: a read past its end is a SIGSEGV, not a quiet success.
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::{ffi::c_void, slice};

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Memory of whole pages (mmap(2)) with a guard page behind it (mprotect(2)).
#[derive(Debug)]
pub struct GuardedBuffer {
    start: NonNull<c_void>,
    /// Bytes before the guard page.
    size: usize,
    guard: usize,
}

impl GuardedBuffer {
    /// Room for at least `size` bytes.
    ///
    /// # Errors
    /// The errno of mmap(2) or mprotect(2).
    pub fn new(size: usize) -> nix::Result<Self> {
        let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.unwrap_or(4096) as usize;
        let size = size.max(1).next_multiple_of(page);
        let whole = NonZeroUsize::new(size + page).expect("a page is not empty");
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new anonymous mapping overlaps nothing.
        let start = unsafe { mmap_anonymous(None, whole, access, MapFlags::MAP_PRIVATE)? };
        let buffer = GuardedBuffer { start, size, guard: page };
        // SAFETY: the last page of the mapping above; no reference to it exists or ever will.
        unsafe { mprotect(start.byte_add(size), page, ProtFlags::PROT_NONE)? };
        Ok(buffer)
    }

    /// A copy of `bytes` whose end is the end of the accessible memory.
    ///
    /// # Panics
    /// Where `bytes` is larger than the buffer.
    pub fn place(&mut self, bytes: &[u8]) -> &[u8] {
        let at = self.size.checked_sub(bytes.len()).expect("the bytes fit the buffer");
        // SAFETY: `size` bytes from `start` are mapped read-write for as long as `self` lives, and `&mut self`
        // makes this the only reference to them.
        let all = unsafe { slice::from_raw_parts_mut(self.start.cast::<u8>().as_ptr(), self.size) };
        all[at..].copy_from_slice(bytes);
        &all[at..]
    }
}

impl Drop for GuardedBuffer {
    fn drop(&mut self) {
        // SAFETY: the whole mapping made in `new`; no reference into it outlives `self`.
        let _ = unsafe { munmap(self.start, self.size + self.guard) };
    }
}
