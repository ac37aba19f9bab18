//! Memory mappings, see [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html).
//!
//! A mapping of a file never becomes a `&[u8]` here: whoever truncates the file takes pages away from under the
//! slice, and touching them is SIGBUS. Handing the address to write(2) instead makes that an errno (EFAULT).
#![allow(unsafe_code)]

use std::fs::File;
use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// The size of a page, in bytes.
pub fn page_size() -> usize {
    static SIZE: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    // SAFETY: sysconf takes no pointer.
    *SIZE.get_or_init(|| usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096))
}

/// A part of a file, mapped to be read by the kernel only.
pub struct FileMapping {
    address: NonNull<libc::c_void>,
    len: NonZeroUsize,
}

impl FileMapping {
    /// Maps `len` bytes from `offset` (a multiple of the page size) and asks for the pages at once where `populate`.
    pub fn new(file: &File, offset: i64, len: NonZeroUsize, populate: bool) -> nix::Result<Self> {
        let ahead = if populate { MapFlags::MAP_POPULATE } else { MapFlags::empty() };
        // SAFETY: the kernel chooses the address, so no live mapping is replaced.
        let address = unsafe { mmap(None, len, ProtFlags::PROT_READ, MapFlags::MAP_SHARED | ahead, file, offset)? };
        Ok(FileMapping { address, len })
    }

    /// write(2) of the mapped bytes from `at` on to `to`: how many were taken, which may be fewer than asked for.
    ///
    /// EFAULT says that the file no longer reaches there. EINTR is returned.
    pub fn write_to(&self, to: impl AsFd, at: usize) -> nix::Result<usize> {
        let count = self.len.get().checked_sub(at).ok_or(Errno::EINVAL)?;
        // SAFETY: `at + count` is inside the mapping, which lives as long as self; the kernel does the reading
        // and turns a page that is gone into EFAULT.
        let taken = unsafe { libc::write(to.as_fd().as_raw_fd(), self.address.as_ptr().byte_add(at), count) };
        Errno::result(taken).map(|n| n as usize)
    }
}

impl Drop for FileMapping {
    fn drop(&mut self) {
        // SAFETY: address and length are those that mmap gave, and nothing points into the mapping any more.
        let _ = unsafe { munmap(self.address, self.len.get()) };
    }
}

/// Zeroed private memory that begins at a page boundary, for calls that ask for alignment.
pub struct Pages {
    address: NonNull<libc::c_void>,
    len: NonZeroUsize,
}

impl Pages {
    /// `len` bytes.
    pub fn new(len: NonZeroUsize) -> nix::Result<Self> {
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses the address, so no live mapping is replaced.
        let address = unsafe { mmap_anonymous(None, len, access, MapFlags::MAP_PRIVATE)? };
        Ok(Pages { address, len })
    }
}

impl Deref for Pages {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: the mapping is private, zeroed, `len` bytes long, and lives as long as self.
        unsafe { std::slice::from_raw_parts(self.address.as_ptr().cast(), self.len.get()) }
    }
}

impl DerefMut for Pages {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.address.as_ptr().cast(), self.len.get()) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: address and length are those that mmap gave, and no reference outlives self.
        let _ = unsafe { munmap(self.address, self.len.get()) };
    }
}

// SAFETY: the memory is owned and reached only through self, so it may move to and be shared with other threads.
unsafe impl Send for Pages {}
// SAFETY: as above; `&Pages` gives only `&[u8]`.
unsafe impl Sync for Pages {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_truncated_file_gives_efault_not_sigbus() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[7; 8192]).unwrap();
        let mapping = FileMapping::new(&file, 0, NonZeroUsize::new(8192).unwrap(), false).unwrap();
        file.set_len(0).unwrap();
        let sink = tempfile::tempfile().unwrap();
        assert_eq!(mapping.write_to(&sink, 0), Err(Errno::EFAULT));
    }

    #[test]
    fn mapped_bytes_are_written_from_where_asked() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abcdef").unwrap();
        let mapping = FileMapping::new(&file, 0, NonZeroUsize::new(6).unwrap(), true).unwrap();
        let mut sink = tempfile::tempfile().unwrap();
        assert_eq!(mapping.write_to(&sink, 2), Ok(4));
        assert_eq!(mapping.write_to(&sink, 7), Err(Errno::EINVAL));
        let mut text = String::new();
        sink.rewind().unwrap();
        sink.read_to_string(&mut text).unwrap();
        assert_eq!(text, "cdef");
    }

    #[test]
    fn pages_are_zeroed_aligned_and_writable() {
        let mut pages = Pages::new(NonZeroUsize::new(3 * page_size()).unwrap()).unwrap();
        assert!(pages.iter().all(|b| *b == 0));
        assert_eq!(pages.as_ptr() as usize % page_size(), 0);
        pages[page_size()] = 9;
        assert_eq!(pages.iter().map(|b| u32::from(*b)).sum::<u32>(), 9);
    }
}
