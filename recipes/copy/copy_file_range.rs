//! Copy with copy_file_range(2): say what is to be copied where, and let the file system find out how.
//!
//! XFS, Btrfs and overlays of them share the blocks (a reflink: no data moves at all), NFS 4.2 and CIFS let the
//! server copy; all others move pages inside the kernel as sendfile does.
//!
//! [copy_file_range(2)](https://man7.org/linux/man-pages/man2/copy_file_range.2.html). Linux 4.5. Traps:
//! - between two file systems it gives EXDEV, unless both are of one type that can (since Linux 5.19; from 5.3 to 5.18
//!   it copied between all of them, and got some wrong).
//! - it believes the size: files of /proc and /sys say 0 or a page, so it copies nothing from them, or fails.
//! - holes are filled with zeroes; whoever wants them kept copies from hole to hole (lseek, SEEK_DATA).
//! - the destination must not be open with O_APPEND (EBADF), and 0 is the end of the source.

use std::fs::File;

use nix::fcntl::copy_file_range;

use super::method::{Approach, transfer};
use super::trial::{copy_by, proc_file, show};
use crate::demo::Demo;
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::recipe::Recipe;

fn copy(src: &File, dst: &File, len: u64) -> Result<u64> {
    transfer("copy_file_range", len, |left| copy_file_range(src, None, dst, None, left))
}

/// As much as a call takes.
pub static COPY_FILE_RANGE: Contender<Approach> = Contender {
    name: "copy_file_range",
    title: "copy_file_range, the file system decides how",
    needs: &[&need::COPY_FILE_RANGE],
    approach: &Approach::Files(|| Ok(Box::new(copy))),
};

/// `syskit run copy-file-range-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "copy-file-range-copy",
    title: "Copy a file with copy_file_range",
    sections: &[],
    needs: &[&need::COPY_FILE_RANGE],
    source: include_str!("copy_file_range.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&COPY_FILE_RANGE, demo)?;
    // The trap: a file of /proc says that it is empty. Nothing is copied, or nothing can be.
    let (status, held) = proc_file()?;
    show(demo, "read(/proc/self/status)", &Ok(held));
    let copied = copy_file_range(&status, None, &trial.dst, None, held);
    show(demo, "copy_file_range(file, /proc/self/status)", &copied);
    demo.check("copy_file_range gets nothing out of /proc", !copied.is_ok_and(|n| n > 0), || {
        format!("it gave {copied:?}")
    })
}
