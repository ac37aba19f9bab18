//! The copy before it has its name: nobody else sees it, and whatever ends this process takes it along.

use std::ffi::{CStr, CString};
use std::fs::{File, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use nix::errno::Errno;
use nix::fcntl::{Flock, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::place::{Place, claim};
use super::source::{Source, made_up};
use crate::error::{Context, Error, Kind, Result};
use crate::escape;
use crate::sys::publish::{self, Failed};
use crate::sys::tmpfile;

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
    /// A new file on the file system of `place`.
    pub fn new(place: &Place, source: &Source) -> Result<Self> {
        let mode = first_mode(source);
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

    /// Gives it the source's permissions; set-user-ID and set-group-ID only where owner and group are the same too.
    pub fn keep_mode(&self, source: &Source) -> Result<()> {
        if !source.was.is_file() {
            return Ok(());
        }
        let cannot = || "cannot give the copy the mode of its source".to_owned();
        let has = self.file().metadata().sys("fstat", cannot)?;
        let same_owner = (has.uid(), has.gid()) == (source.was.uid(), source.was.gid());
        let wanted = source.was.mode() & if same_owner { 0o7777 } else { 0o1777 };
        if has.mode() & 0o7777 == wanted {
            return Ok(());
        }
        self.file().set_permissions(Permissions::from_mode(wanted)).sys("fchmod", cannot)
    }

    /// Gives it its name, in the place of what bears it; with `durable` only once it is on the disk.
    pub fn publish(self, place: &Place, durable: bool) -> Result<()> {
        let cannot = || format!("cannot put the copy in the place of {}", place.shown);
        if durable {
            self.file().sync_all().sys("fsync", cannot)?;
        }
        match self {
            Draft::Unnamed(file) => name_unnamed(file, place)?,
            Draft::Named(named) => {
                renameat(&named.directory, named.passing.as_c_str(), &place.directory, place.name.as_c_str())
                    .map_err(|e| not_replaced(place, "renameat", e))?;
                named.keep();
            }
        }
        if durable {
            File::open(&place.path)
                .and_then(|d| d.sync_all())
                .sys("fsync", || format!("cannot make the name {} durable", place.shown))?;
        }
        Ok(())
    }
}

fn name_unnamed(file: File, place: &Place) -> Result<()> {
    if !place.exists {
        match tmpfile::link(&file, &place.directory, &place.name) {
            // Someone else took the name meanwhile: their file is replaced, as it would be a moment later.
            Err(Errno::EEXIST) => {}
            done => return done.sys("linkat", || format!("cannot give the copy the name {}", place.shown)),
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
    fn keep(mut self) {
        self.passing = CString::default();
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        if !self.passing.is_empty() {
            let _ = unlinkat(&self.directory, self.passing.as_c_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// The mode a draft is made with: never more than the source's, and what the umask leaves where that has none.
fn first_mode(source: &Source) -> Mode {
    let bits = if source.was.is_file() { source.was.mode() & 0o777 } else { 0o666 };
    Mode::from_bits_truncate(bits)
}

fn not_replaced(place: &Place, call: &'static str, errno: Errno) -> Error {
    let error = Error::sys(format!("cannot put the copy in the place of {}", place.shown), call, errno);
    let sticky = || fstat(&place.directory).is_ok_and(|d| d.st_mode & libc::S_ISVTX != 0);
    if errno == Errno::EPERM && call == "renameat" && sticky() {
        return error.fix(format!(
            "its directory has the sticky bit: only the owner of {} or of the directory may replace it; copy to \
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
