//! What the page cache holds of a file, see [mincore(2)](https://man7.org/linux/man-pages/man2/mincore.2.html).
#![allow(unsafe_code)]

use std::fs::File;
use std::num::NonZeroUsize;

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::mmap::page_size;

const WINDOW: u64 = 1 << 30;

/// How many of the pages of the file's first `len` bytes are in the page cache.
///
/// Since Linux 5.2 the answer is true only for one who owns the file or may write it; to others every page seems
/// resident.
pub fn resident_pages(file: &File, len: u64) -> nix::Result<u64> {
    let mut resident = 0;
    let mut offset = 0;
    while let Some(window) = NonZeroUsize::new((len - offset).min(WINDOW) as usize) {
        resident += in_window(file, offset as i64, window)?;
        offset += window.get() as u64;
    }
    Ok(resident)
}

fn in_window(file: &File, offset: i64, len: NonZeroUsize) -> nix::Result<u64> {
    let mut pages = vec![0_u8; len.get().div_ceil(page_size())];
    // SAFETY: the kernel chooses the address; PROT_NONE memory is never touched.
    let address = unsafe { mmap(None, len, ProtFlags::PROT_NONE, MapFlags::MAP_SHARED, file, offset)? };
    // SAFETY: the range is the mapping just made and the vector has a byte for each of its pages.
    let asked = Errno::result(unsafe { libc::mincore(address.as_ptr(), len.get(), pages.as_mut_ptr()) });
    // SAFETY: address and length are those of the mapping above.
    unsafe { munmap(address, len.get())? };
    asked.map(|_| pages.iter().filter(|p| **p & 1 == 1).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn what_was_just_written_is_resident() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![1; 3 * page_size() + 1]).unwrap();
        assert_eq!(resident_pages(&file, 3 * page_size() as u64 + 1), Ok(4));
        assert_eq!(resident_pages(&file, 0), Ok(0));
    }
}
