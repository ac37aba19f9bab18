//! Copy with O_DIRECT: between the disk and a buffer of ours, past the page cache.
//!
//! It leaves the cache to others and saves the copy into it, and so it waits for the disk: for data that will not be
//! read again soon and is larger than memory, not for small or warm files.
//!
//! [open(2)](https://man7.org/linux/man-pages/man2/open.2.html), section O_DIRECT. Linux 2.4.10. Traps:
//! - buffer address, length and offset must be multiples of the device's logical block size (EINVAL); 4096 serves
//!   all. The end of a file seldom is one: it goes through the page cache here.
//! - the flag belongs to the open file description: fcntl(F_SETFL) sets it for everyone who shares the descriptor.
//! - tmpfs takes the flag since Linux 6.6 and ignores it: it is the page cache. Btrfs goes back to the page cache by
//!   itself where data is checksummed.
//! - a write is in the disk's cache when it returns, not on its platter: durable is after fdatasync.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};

use super::method::{Approach, CopyFile, failed_io, offsets, page_aligned, refused};
use super::place::evict;
use super::trial::{LENGTH, copy_by, show};
use crate::demo::Demo;
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::recipe::Recipe;
use crate::sys::mincore::resident_pages;
use crate::sys::mmap::Pages;

const BLOCK: usize = 4096;

struct Direct {
    buffer: Pages,
}

impl CopyFile for Direct {
    fn copy(&mut self, mut src: &File, mut dst: &File, len: u64) -> Result<u64> {
        // On a pipe the same flag means packets.
        offsets(src, dst)?;
        let mut direct = Some(Flag::set(src, dst)?);
        let mut copied = 0;
        while copied < len {
            let mut room = self.buffer.len().min((len - copied) as usize);
            match room % BLOCK {
                tail if tail < room => room -= tail,
                _ => direct = None,
            }
            let got = match src.read(&mut self.buffer[..room]) {
                Ok(0) => break,
                Ok(got) => got,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(refused("read", Errno::from_raw(e.raw_os_error().unwrap_or(0)))),
            };
            if got % BLOCK != 0 {
                direct = None;
            }
            dst.write_all(&self.buffer[..got]).map_err(|e| failed_io("write", e))?;
            copied += got as u64;
        }
        drop(direct);
        Ok(copied)
    }
}

/// O_DIRECT on two open files, for as long as it lives.
struct Flag<'a>([(&'a File, OFlag); 2]);

impl<'a> Flag<'a> {
    fn set(src: &'a File, dst: &'a File) -> Result<Self> {
        let mut before = [(src, OFlag::empty()), (dst, OFlag::empty())];
        for (file, flags) in &mut before {
            if fstatfs(*file).is_ok_and(|s| s.filesystem_type() == TMPFS_MAGIC) {
                return Err(Error::unavailable("cannot copy past the page cache: tmpfs is the page cache")
                    .fix("choose a file system on a block device"));
            }
            let now = fcntl(*file, FcntlArg::F_GETFL).map_err(|e| refused("fcntl(F_GETFL)", e))?;
            *flags = OFlag::from_bits_retain(now);
        }
        let flag = Flag(before);
        for (file, flags) in flag.0 {
            fcntl(file, FcntlArg::F_SETFL(flags | OFlag::O_DIRECT))
                .map_err(|e| refused("fcntl(F_SETFL, O_DIRECT)", e).fix("this file system has no direct I/O"))?;
        }
        Ok(flag)
    }
}

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        for (file, flags) in self.0 {
            let _ = fcntl(file, FcntlArg::F_SETFL(flags));
        }
    }
}

/// An aligned buffer of a mebibyte.
pub static DIRECT: Contender<Approach> = Contender {
    name: "direct",
    title: "O_DIRECT read and write with a 1 MiB buffer",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(Direct { buffer: page_aligned(1 << 20)? }))),
};

/// `syskit run direct-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "direct-copy",
    title: "Copy a file past the page cache",
    sections: &[],
    needs: &[&need::DIRECT_IO],
    source: include_str!("direct.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&DIRECT, demo)?;
    // The point: what was copied is not in the page cache. The check of the copy brought it in, so once more.
    evict(&trial.src)?;
    evict(&trial.dst)?;
    DIRECT.approach.start()?.copy(&trial.src, &trial.dst, LENGTH)?;
    let resident = resident_pages(&trial.dst, LENGTH).map_err(|e| refused("mincore", e))?;
    demo.say(format!("pages of the copy in the page cache: {resident} of {}", LENGTH.div_ceil(BLOCK as u64)));
    // The trap: lengths, offsets and addresses that are no multiple of the block size.
    let _direct = Flag::set(&trial.src, &trial.dst)?;
    let mut bytes = [0; 100];
    let odd = nix::sys::uio::pread(&trial.src, &mut bytes, 1);
    show(demo, "pread(O_DIRECT file, 100 bytes at 1)", &odd);
    demo.check_eq("O_DIRECT refuses what is not aligned", Err(Errno::EINVAL), odd)
}
