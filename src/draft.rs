//! A new file before it has its name: nobody else sees it, and whatever ends this process takes it along.
//!
//! [`Draft::publish`] gives it the name in one step, so that whoever looks finds the old file or the whole new one.

use std::ffi::{CStr, CString};
use std::fs::File;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, Flock, OFlag, RenameFlags, openat, renameat, renameat2};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use crate::error::{Context, Error, Kind, Result};
use crate::escape;
use crate::source::made_up;
use crate::sys::publish::{self, Failed};
use crate::sys::tmpfile;

mod place;

pub use place::{Place, claim};

/// How a draft gets its name.
#[derive(Debug, Clone, Copy)]
pub struct Publish {
    /// Whether it takes the place of what bears the name; else that is an error.
    pub replace: bool,
    /// Only once it is on the disk, and to return only when its name is too.
    pub durable: bool,
}

/// A file that will replace what is at a [`Place`].
pub enum Draft {
    /// It has no name yet.
    Unnamed(File),
    /// It has a passing name, because the file system has no O_TMPFILE.
    Named(Named),
}

/// A file with a passing name, which it loses when dropped.
pub struct Named {
    file: Flock<File>,
    directory: OwnedFd,
    passing: CString,
}

impl Draft {
    /// A new file on the file system of `place`, with what the umask leaves of `mode`.
    pub fn new(place: &Place, mode: Mode) -> Result<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
        match openat(&place.directory, ".", OFlag::O_TMPFILE | flags, mode) {
            Ok(file) => return Ok(Draft::Unnamed(file.into())),
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {}
            Err(e) => return Err(no_file(place, e)),
        }
        let named = place.with_passing_name(|passing| {
            let file = openat(&place.directory, passing, flags | OFlag::O_CREAT | OFlag::O_EXCL, mode)?;
            let (file, directory) = (claim(file.into())?, place.directory.try_clone().map_err(|_| Errno::EMFILE)?);
            Ok(Named { file, directory, passing: passing.to_owned() })
        });
        named.map(Draft::Named).map_err(|e| no_file(place, e))
    }

    /// The file.
    pub fn file(&self) -> &File {
        match self {
            Draft::Unnamed(file) => file,
            Draft::Named(named) => &named.file,
        }
    }

    /// Gives it its name, as `how` says.
    pub fn publish(self, place: &Place, how: Publish) -> Result<()> {
        let cannot = || format!("cannot put the new file in the place of {}", place.shown);
        if how.durable {
            self.file().sync_all().sys("fsync", cannot)?;
        }
        match self {
            Draft::Unnamed(file) => name_unnamed(file, place, how.replace)?,
            Draft::Named(named) => named.rename(place, how.replace)?,
        }
        if how.durable {
            File::open(&place.path)
                .and_then(|d| d.sync_all())
                .sys("fsync", || format!("cannot make the name {} durable", place.shown))?;
        }
        Ok(())
    }
}

fn name_unnamed(file: File, place: &Place, replace: bool) -> Result<()> {
    if !place.exists || !replace {
        match tmpfile::link(&file, &place.directory, &place.name) {
            // Someone else took the name meanwhile: their file is replaced, as it would be a moment later.
            Err(Errno::EEXIST) if replace => {}
            Err(Errno::EEXIST) => return Err(place.taken()),
            done => return done.sys("linkat", || format!("cannot give the new file the name {}", place.shown)),
        }
    }
    let file = claim(file).map_err(|e| not_replaced(place, "flock", e))?;
    let mut call = "linkat";
    let replaced = place.with_passing_name(|passing: &CStr| {
        publish::replace(&file, &place.directory, passing, &place.name).map_err(|failed| {
            let (at, errno) = match failed {
                Failed::Link(e) => ("linkat", e),
                Failed::Rename(e) => ("renameat", e),
                Failed::Clone(e) => ("clone", e),
            };
            call = at;
            errno
        })
    });
    replaced.map_err(|e| not_replaced(place, call, e))
}

impl Named {
    fn rename(mut self, place: &Place, replace: bool) -> Result<()> {
        let (from, to) = (self.passing.as_c_str(), place.name.as_c_str());
        if replace {
            renameat(&self.directory, from, &place.directory, to).map_err(|e| not_replaced(place, "renameat", e))?;
            self.passing = CString::default();
            return Ok(());
        }
        // A link never replaces; the passing name goes when self is dropped.
        match linkat(&self.directory, from, &place.directory, to, AtFlags::empty()) {
            Err(Errno::EEXIST) => Err(place.taken()),
            // A file system without hard links.
            Err(Errno::EPERM | Errno::EOPNOTSUPP | Errno::ENOSYS) => self.rename_to_free(place),
            done => done.sys("linkat", || format!("cannot give the new file the name {}", place.shown)),
        }
    }

    fn rename_to_free(mut self, place: &Place) -> Result<()> {
        let (from, to) = (self.passing.as_c_str(), place.name.as_c_str());
        match renameat2(&self.directory, from, &place.directory, to, RenameFlags::RENAME_NOREPLACE) {
            Ok(()) => {
                self.passing = CString::default();
                Ok(())
            }
            Err(Errno::EEXIST) => Err(place.taken()),
            Err(e) => Err(not_replaced(place, "renameat2", e)),
        }
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if !self.passing.is_empty() {
            let _ = unlinkat(&self.directory, self.passing.as_c_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

fn not_replaced(place: &Place, call: &'static str, errno: Errno) -> Error {
    let error = Error::sys(format!("cannot put the new file in the place of {}", place.shown), call, errno);
    let sticky = || fstat(&place.directory).is_ok_and(|d| d.st_mode & libc::S_ISVTX != 0);
    if errno == Errno::EPERM && call == "renameat" && sticky() {
        return error.fix(format!(
            "its directory has the sticky bit: only the owner of {} or of the directory may replace it; give \
             another name",
            place.shown
        ));
    }
    error
}

fn no_file(place: &Place, errno: Errno) -> Error {
    let error = Error::sys(format!("cannot write a new file to {}", escape::name(&place.path)), "open", errno);
    if fstat(&place.directory).is_ok_and(|d| d.st_nlink == 0) {
        // What the kernel says of a directory that is gone differs by file system (ENOENT, EPERM).
        return Error { kind: Kind::Failed, ..error }.fix("the directory was removed; name one that exists");
    }
    if made_up(&place.directory) {
        return Error { kind: Kind::Failed, ..error }
            .fix("it belongs to the kernel (procfs, sysfs and the like), which takes no new files there");
    }
    match error.kind {
        Kind::Denied => error
            .fix(format!("{} is replaced as a whole, which needs write permission for its directory", place.shown)),
        _ => error,
    }
}
