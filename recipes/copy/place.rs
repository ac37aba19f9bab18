//! Where files are copied: the directory, its file system, and dropping a file from the page cache there.

use std::fs::File;
use std::path::PathBuf;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::unistd::fdatasync;

use crate::error::{Context, Error, Result};
use crate::host;
use crate::sys::mincore::resident_pages;
use crate::sys::tmpfile;

/// A directory to copy in.
#[derive(Clone)]
pub struct Place {
    /// Its path.
    pub directory: PathBuf,
}

impl Place {
    /// $TMPDIR, or /tmp.
    pub fn usual() -> Self {
        Place { directory: std::env::temp_dir() }
    }

    /// A new file there that has no name and leaves none behind.
    pub fn unnamed(&self) -> Result<File> {
        let what = || format!("cannot make an unnamed file in {}", self.directory.display());
        tmpfile::unnamed(&self.directory).sys("open", what)
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
