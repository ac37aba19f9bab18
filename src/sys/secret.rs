//! Memory for keys: wiped when dropped, left out of core dumps, and kept from swap where that is allowed, see
//! [madvise(2)](https://man7.org/linux/man-pages/man2/madvise.2.html) (MADV_DONTDUMP, Linux 3.4) and
//! [mlock(2)](https://man7.org/linux/man-pages/man2/mlock.2.html).
#![allow(unsafe_code)]

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use nix::sys::mman::{MmapAdvise, madvise, mlock};
use zeroize::Zeroize;

use super::mmap::Pages;

/// Bytes that nobody else is to see.
pub struct Secret {
    pages: Pages,
    len: usize,
}

impl Secret {
    /// `len` zeroes, on pages of their own.
    ///
    /// # Errors
    /// The errno of mmap(2). That the pages could not be locked (RLIMIT_MEMLOCK) is none.
    pub fn new(len: usize) -> nix::Result<Self> {
        let room = NonZeroUsize::new(len).unwrap_or(NonZeroUsize::MIN);
        let mut pages = Pages::new(room)?;
        let address = NonNull::from(&mut *pages).cast();
        // SAFETY: the mapping was just made, is at least `room` long, and neither call changes what is in it.
        unsafe {
            let _ = madvise(address, room.get(), MmapAdvise::MADV_DONTDUMP);
            let _ = mlock(address, room.get());
        }
        Ok(Secret { pages, len })
    }

    /// A copy of `bytes`; the original is its owner's to wipe.
    ///
    /// # Errors
    /// As [`Secret::new`].
    pub fn copy(bytes: &[u8]) -> nix::Result<Self> {
        let mut secret = Secret::new(bytes.len())?;
        secret.copy_from_slice(bytes);
        Ok(secret)
    }

    /// Keeps the first `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        if len < self.len {
            self[len..].zeroize();
            self.len = len;
        }
    }
}

impl Deref for Secret {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.pages[..self.len]
    }
}

impl DerefMut for Secret {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.pages[..self.len]
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.pages.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_as_long_as_asked_and_not_shown() {
        let mut secret = Secret::copy(b"swordfish").unwrap();
        assert_eq!(&*secret, b"swordfish");
        secret.truncate(5);
        assert_eq!((&*secret, &secret.pages[5..9]), (&b"sword"[..], &[0; 4][..]));
        assert_eq!(format!("{secret:?}"), "Secret(5 bytes)");
        assert!(Secret::new(0).unwrap().is_empty());
    }

    #[test]
    fn its_pages_are_left_out_of_core_dumps() {
        let secret = Secret::new(32).unwrap();
        let start = format!("{:x}-", secret.as_ptr() as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        // A neighbouring mapping with the same flags may have been merged with this one.
        let flags: Vec<&str> = maps.lines().skip_while(|l| !l.starts_with(&start)).collect();
        let Some(flags) = flags.iter().find(|l| l.starts_with("VmFlags:")) else { return };
        assert!(flags.contains(" dd"), "{flags}");
    }
}
