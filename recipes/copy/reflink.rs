//! Copy with FICLONE: no copy at all, the destination shares the source's blocks until one of them is written.
//!
//! The time does not depend on the size but on the number of extents, and no space is used. Both files stay
//! independent: a write to either gets new blocks (copy on write).
//!
//! [ioctl_ficlone(2)](https://man7.org/linux/man-pages/man2/ioctl_ficlonerange.2.html). Linux 4.5; on Btrfs, XFS
//! (made with reflink=1, the default since xfsprogs 5.1), bcachefs, OCFS2, overlays of these, SMB and NFS 4.2. Traps:
//! - EOPNOTSUPP on every other file system (ext4, tmpfs), EXDEV between two.
//! - FICLONERANGE wants multiples of the block size, except at the end of the source (EINVAL).
//! - data of the source that is only in the page cache is written to the disk first: the first clone after a write
//!   pays for that.
//! - a full disk shows later: at the write that needs new blocks, not at the copy.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;

use super::method::{Approach, advance, failed_io, offsets, refused};
use super::trial::{copy_by, show};
use crate::demo::Demo;
use crate::error::Result;
use crate::need;
use crate::race::Contender;
use crate::recipe::Recipe;
use crate::sys::clone_file::{clone_file, clone_range};

fn copy(src: &File, dst: &File, len: u64) -> Result<u64> {
    let (from, to) = offsets(src, dst)?;
    let size = |f: &File| f.metadata().map(|m| m.len()).map_err(|e| failed_io("fstat", e));
    let left = size(src)?.saturating_sub(from);
    if (from, to) == (0, 0) && len >= left {
        clone_file(src, dst).map_err(|e| refused("ioctl(FICLONE)", e).fix(WHERE))?;
        return advance(src, dst, (0, 0), size(dst)?);
    }
    let len = len.min(left);
    if len > 0 {
        clone_range(src, from, len, dst, to).map_err(|e| refused("ioctl(FICLONERANGE)", e).fix(WHERE))?;
    }
    advance(src, dst, (from, to), len)
}

const WHERE: &str = "source and destination must be on one Btrfs or XFS file system, or another that shares blocks";

/// Shared blocks.
pub static REFLINK: Contender<Approach> = Contender {
    name: "reflink",
    title: "share the blocks (FICLONE), copy on write",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(copy))),
};

/// `syskit run reflink-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "reflink-copy",
    title: "Copy a file by sharing its blocks",
    sections: &[],
    needs: &[&need::REFLINK],
    source: include_str!("reflink.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&REFLINK, demo)?;
    // The point: shared until written. The source keeps its byte when the copy gets another.
    let byte = |file: &File| {
        let mut byte = [0];
        file.read_exact_at(&mut byte, 0).map(|()| byte[0]).map_err(|e| failed_io("pread", e))
    };
    let before = byte(&trial.src)?;
    trial.dst.write_all_at(&[!before], 0).map_err(|e| failed_io("pwrite", e))?;
    demo.check_eq(
        "a write to the copy leaves the source alone",
        (before, !before),
        (byte(&trial.src)?, byte(&trial.dst)?),
    )?;
    // The trap: a range that is no multiple of the block size.
    let odd = clone_range(&trial.src, 0, 100, &trial.dst, 0).map(|()| 100);
    show(demo, "ioctl(FICLONERANGE, 100 bytes)", &odd);
    demo.check_eq("a range of blocks is whole blocks", Err(Errno::EINVAL), odd)
}
