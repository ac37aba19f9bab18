//! Where files are copied: the directory, its file system, and dropping a file from the page cache there.

use std::fs::File;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::fdatasync;

use super::memory;
use crate::error::{Context, Error, Kind, Result};
use crate::escape;
use crate::host;
use crate::sys::mincore::resident_pages;
use crate::sys::tmpfile;
use crate::units;

/// A directory to copy in.
#[derive(Clone)]
pub struct Place {
    /// Its path.
    pub directory: PathBuf,
    /// What to do where it cannot be used.
    fix: &'static str,
}

impl Place {
    /// $TMPDIR, or /tmp.
    pub fn usual() -> Self {
        Place { directory: tmpfile::directory(), fix: "set TMPDIR to a folder that exists and can be written" }
    }

    /// The directory that the user named.
    pub fn at(directory: PathBuf) -> Self {
        Place { directory, fix: "choose a --dir that exists and can be written" }
    }

    /// Its path, as a message names it.
    pub fn shown(&self) -> String {
        escape::name(&self.directory)
    }

    /// Sees that files can be made there; that it is missing or takes none is an error of the command line.
    pub fn check(&self) -> Result<()> {
        match self.unnamed() {
            Ok(_) => Ok(()),
            Err(e) if matches!(e.errno, Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)) => Err(e),
            Err(e) => Err(Error { kind: Kind::Usage, ..e }),
        }
    }

    /// A new file there that has no name and leaves none behind.
    pub fn unnamed(&self) -> Result<File> {
        let what = || format!("cannot make an unnamed file in {}", self.shown());
        tmpfile::unnamed(&self.directory).sys("open", what).map_err(|e| match e.errno {
            Some(Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM) => e,
            _ => e.fix(self.fix),
        })
    }

    /// Sees that `files` more files of `len` bytes have room on the file system of `file`.
    pub fn see_room(&self, file: &File, files: u64, len: u64) -> Result<()> {
        let Some(free) = free(file) else { return Ok(()) };
        let needs = len.saturating_mul(files);
        if needs <= free {
            return Ok(());
        }
        let (shown, free, len) = (self.shown(), units::bytes(free), units::bytes(len));
        let needs = units::bytes(needs);
        Err(Error::failed(format!("no room for {files} files of {len}: needs {needs}, {shown} has {free} free"))
            .fix("choose smaller --sizes, or a --dir with more room"))
    }

    /// The type of its file system ("ext4", "xfs", "tmpfs"), as /proc/self/mountinfo names it.
    pub fn file_system(&self) -> String {
        host::filesystem(&self.directory).map_or_else(|| "unknown".to_owned(), |f| f.kind)
    }
}

/// Writes `file` to its disk and asks for its pages to leave the page cache; some may stay.
pub fn evict(file: &File) -> Result<()> {
    let cannot = || "cannot drop a file from the page cache".to_owned();
    fdatasync(file).sys("fdatasync", cannot)?;
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).sys("posix_fadvise", cannot)
}

/// Drops the first `len` bytes of `file` from the page cache, and sees that they are gone.
pub fn drop_cache(file: &File, len: u64) -> Result<()> {
    let cannot = || "cannot drop the source from the page cache".to_owned();
    evict(file)?;
    let resident = || resident_pages(file, len).sys("mincore", cannot);
    if resident()? == 0 {
        return Ok(());
    }
    // Pages that are pinned or in a batch of another CPU stay; the whole cache can be asked to go with privilege.
    let dropped = std::fs::write("/proc/sys/vm/drop_caches", "1");
    match (resident()?, dropped) {
        (0, _) => Ok(()),
        (pages, Ok(())) => Err(Error::unavailable(format!("{}: {pages} pages stay resident", cannot()))
            .fix("choose a --dir whose file system is on a block device (tmpfs is the page cache)")),
        (_, Err(e)) => Err(e)
            .sys("write", || format!("{}: /proc/sys/vm/drop_caches", cannot()))
            .map_err(|e| e.fix("needs root: run as root, or choose a --dir on a block device")),
    }
}

/// Bytes that can be written on the file system of `file`; None where it does not tell.
fn free(file: &File) -> Option<u64> {
    let there = fstatvfs(file).ok().filter(|s| s.blocks() > 0)?;
    let free = there.blocks_available().saturating_mul(there.fragment_size());
    // tmpfs is memory, and may be told to hold more than there is.
    let in_memory = fstatfs(file).is_ok_and(|s| s.filesystem_type() == TMPFS_MAGIC);
    Some(if in_memory { free.min(memory::available()) } else { free })
}
