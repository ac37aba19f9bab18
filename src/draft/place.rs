//! A name in a directory, and the passing names that a file may bear on its way there.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, FlockArg, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use crate::error::Error;

/// Passing names that are tried: as many new files for one name can be in their last step at a time.
const PASSING: u32 = 16;
/// NAME_MAX of every Linux file system that matters.
const LONGEST_NAME: usize = 255;

/// A name that a new file is to take.
pub struct Place {
    /// Its directory, open with O_PATH.
    pub directory: OwnedFd,
    /// The path of that.
    pub path: PathBuf,
    /// The name in it.
    pub name: CString,
    /// The whole as the user named it.
    pub shown: String,
    /// Whether something bears the name already.
    pub exists: bool,
}

impl Place {
    /// What bears the name if the work fails, in words.
    pub fn left(&self) -> String {
        if self.exists { format!("{} is as it was", self.shown) } else { format!("{} was not made", self.shown) }
    }

    /// The error where something bears the name and is not to be replaced.
    pub fn taken(&self) -> Error {
        Error::failed(format!("{} exists", self.shown))
    }

    /// Calls `take` with passing names (`.NAME.syskit-0`, ...) until it does not say EEXIST.
    ///
    /// A name that is taken is freed when its owner is gone: owners hold a lock ([`claim`]) on the file they are
    /// about to name so, and the kernel lets go of it when they end in whatever way.
    pub fn with_passing_name<T>(&self, mut take: impl FnMut(&CStr) -> nix::Result<T>) -> nix::Result<T> {
        for number in 0..PASSING {
            let passing = self.passing_name(number);
            match take(&passing) {
                Err(Errno::EEXIST) if self.free_if_stale(&passing) => match take(&passing) {
                    Err(Errno::EEXIST) => continue,
                    done => return done,
                },
                Err(Errno::EEXIST) => continue,
                done => return done,
            }
        }
        Err(Errno::EEXIST)
    }

    fn passing_name(&self, number: u32) -> CString {
        let tail = format!(".syskit-{number}");
        let name = self.name.as_bytes();
        let kept = name.len().min(LONGEST_NAME - 1 - tail.len());
        CString::new([b".", &name[..kept], tail.as_bytes()].concat()).expect("parts of a name have no NUL")
    }

    /// Removes the file of a passing name whose owner is gone; whether it did.
    fn free_if_stale(&self, passing: &CStr) -> bool {
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let Ok(left) = openat(&self.directory, passing, flags, Mode::empty()) else { return false };
        let Ok(left) = claim(File::from(left)) else { return false };
        // Only who holds the lock may remove the name, so what it leads to now is what it will lead to then.
        let still = fstatat(&self.directory, passing, AtFlags::AT_SYMLINK_NOFOLLOW);
        let same = matches!((left.metadata(), still), (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.st_dev, b.st_ino));
        same && unlinkat(&self.directory, passing, UnlinkatFlags::NoRemoveDir).is_ok()
    }
}

/// Takes the lock that says a passing name's owner lives.
pub fn claim(file: File) -> nix::Result<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)
}
