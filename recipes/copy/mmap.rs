//! Copy with mmap(2) and write(2): the source is memory, and write takes it from there.
//!
//! No buffer and one copy. The price is the mapping: a page-table entry for every page, made on the first touch
//! (page faults) or at once (MAP_POPULATE), and taken down again.
//!
//! [mmap(2)](https://man7.org/linux/man-pages/man2/mmap.2.html). Traps:
//! - who truncates the file takes pages away: touching them in user space is SIGBUS. Here only write(2) touches
//!   them, so the kernel gives EFAULT instead, and that is taken as the end of the source.
//! - an offset into the file must be a multiple of the page size; files that have no pages (most of /proc, pipes)
//!   give ENODEV, and a length of 0 EINVAL.

use std::fs::File;
use std::num::NonZeroUsize;

use nix::errno::Errno;

use super::method::{Approach, advance, failed, failed_io, offsets, refused};
use super::trial::{copy_by, show};
use crate::demo::Demo;
use crate::error::Result;
use crate::race::Contender;
use crate::recipe::Recipe;
use crate::sys::eintr::retry;
use crate::sys::mmap::{FileMapping, page_size};

/// The most that is mapped at a time, so that page tables stay small and a 32-bit address space suffices.
const WINDOW: u64 = 64 << 20;

fn copy(src: &File, dst: &File, len: u64) -> Result<u64> {
    let from = offsets(src, dst)?;
    let size = src.metadata().map_err(|e| failed_io("fstat", e))?.len();
    let len = len.min(size.saturating_sub(from.0));
    let mut copied = 0;
    while copied < len {
        let moved = copy_window(src, from.0 + copied, dst, len - copied)?;
        copied += moved;
        if moved == 0 {
            break;
        }
    }
    advance(src, dst, (from.0, from.1), copied)
}

/// Maps the window that holds `at` and writes it: how many bytes, 0 where the source no longer reaches there.
fn copy_window(src: &File, at: u64, dst: &File, left: u64) -> Result<u64> {
    let skip = at % page_size() as u64;
    let len = NonZeroUsize::new((skip + left).min(WINDOW) as usize).expect("left is not 0");
    let mapping = FileMapping::new(src, (at - skip) as i64, len, true).map_err(|e| refused("mmap", e))?;
    let mut written = skip as usize;
    while written < len.get() {
        match retry(|| mapping.write_to(dst, written)) {
            Ok(0) | Err(Errno::EFAULT) => break,
            Ok(n) => written += n,
            Err(e) => return Err(failed("write", e)),
        }
    }
    Ok(written as u64 - skip)
}

/// A mapped source.
pub static MMAP: Contender<Approach> = Contender {
    name: "mmap",
    title: "write from a mapping of the source",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(copy))),
};

/// `syskit run mmap-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "mmap-copy",
    title: "Copy a file by writing from a mapping of it",
    sections: &[],
    needs: &[],
    source: include_str!("mmap.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&MMAP, demo)?;
    // The trap: the file shrinks under the mapping. Touching the bytes would be SIGBUS; write(2) says EFAULT.
    let len = NonZeroUsize::new(page_size()).expect("a page is not empty");
    let mapping = FileMapping::new(&trial.src, 0, len, true).map_err(|e| refused("mmap", e))?;
    trial.src.set_len(0).map_err(|e| failed_io("ftruncate", e))?;
    let gone = mapping.write_to(&trial.dst, 0);
    show(demo, "write(file, mapping of a file truncated since)", &gone);
    demo.check_eq("write from pages that are gone is EFAULT, not SIGBUS", Err(Errno::EFAULT), gone)
}
