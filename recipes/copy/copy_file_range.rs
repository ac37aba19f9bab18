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
use crate::error::Result;
use crate::race::Contender;

fn copy(src: &File, dst: &File, len: u64) -> Result<u64> {
    transfer("copy_file_range", len, |left| copy_file_range(src, None, dst, None, left))
}

/// As much as a call takes.
pub static COPY_FILE_RANGE: Contender<Approach> = Contender {
    name: "copy_file_range",
    title: "copy_file_range, the file system decides how",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(copy))),
};
