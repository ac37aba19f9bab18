//! Where a tool's output goes: into something that stays what it is, or to a name that a new file takes.

use std::ffi::{CString, OsStr};
use std::fs::{File, FileType, Metadata, OpenOptions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::draft::Place;
use crate::error::{Context, Error, Result};
use crate::escape;
use crate::interrupt;
use crate::source::{Source, own_descriptor, set_blocking};
use crate::sys::descriptor::duplicate;

/// How long passes between two looks for a FIFO's reader.
const WAIT_FOR_READER: Duration = Duration::from_millis(5);

/// Where the output goes.
pub enum Target {
    /// A device, a FIFO, an open descriptor: written into.
    InPlace {
        /// Open for writing.
        file: File,
        /// As a message names it.
        name: String,
        /// Whether it is this process's standard output.
        standard_output: bool,
    },
    /// A name in a directory, which a new file takes in one step.
    Place(Place),
}

impl Target {
    /// Finds out what `path` is to `source`, the file whose content goes there, where there is one.
    pub fn resolve(path: &Path, source: Option<&Source>) -> Result<Self> {
        if let Some(number) = own_descriptor(path, 1) {
            return into_descriptor(number, path, source);
        }
        match path.metadata() {
            Ok(there) if there.is_dir() => into_directory(path, source),
            Ok(there) => onto(path, &there, source),
            Err(e) if e.raw_os_error() == Some(Errno::ENOENT as i32) => new(path),
            Err(e) => Err(e).sys("stat", || format!("cannot see what {} is", escape::name(path))),
        }
    }
}

fn into_descriptor(number: i32, path: &Path, source: Option<&Source>) -> Result<Target> {
    let name = if number == 1 { "standard output".to_owned() } else { escape::name(path) };
    let file = duplicate(number).sys("fcntl(F_DUPFD)", || format!("cannot write to {name}"))?;
    if let Ok(there) = file.metadata() {
        not_the_same(source, &there, &name)?;
    }
    Ok(Target::InPlace { file, name, standard_output: number == 1 })
}

fn into_directory(directory: &Path, source: Option<&Source>) -> Result<Target> {
    let shown = escape::name(directory);
    let named = source.filter(|source| own_descriptor(&source.path, 0).is_none());
    let Some(name) = named.and_then(|source| source.path.file_name()) else {
        return Err(Error::usage(format!("{shown} is a directory, and there is no name to take in it"))
            .fix("name the file in it"));
    };
    let path = directory.join(name);
    match path.metadata() {
        Ok(there) if there.is_dir() => {
            Err(Error::failed(format!("cannot replace {}: it is a directory", escape::name(&path))))
        }
        Ok(there) => onto(&path, &there, source),
        Err(_) => new(&path),
    }
}

/// A path that leads to something other than a directory.
fn onto(path: &Path, there: &Metadata, source: Option<&Source>) -> Result<Target> {
    let shown = escape::name(path);
    not_the_same(source, there, &shown)?;
    let kind = there.file_type();
    if kind.is_file() {
        // What a symbolic link leads to is replaced, not the link.
        return match path.read_link() {
            Ok(_) => place(&path.canonicalize().sys("realpath", || format!("cannot follow {shown}"))?, path, true),
            Err(_) => place(path, path, true),
        };
    }
    if !writable_kind(kind) {
        return Err(Error::failed(format!("cannot write to {shown}: it is a socket"))
            .fix("nc -U sends to a socket from a pipe"));
    }
    let file = if kind.is_fifo() { open_fifo(path)? } else { open_to_write(path, 0)? };
    Ok(Target::InPlace { file, name: shown, standard_output: false })
}

fn open_to_write(path: &Path, flags: i32) -> Result<File> {
    let opened = OpenOptions::new().write(true).custom_flags(flags | libc::O_NOCTTY).open(path);
    opened.sys("open", || format!("cannot write to {}", escape::name(path)))
}

/// Opens a FIFO once it has a reader; a blocking open would not look for Ctrl-C.
fn open_fifo(path: &Path) -> Result<File> {
    loop {
        match open_to_write(path, libc::O_NONBLOCK) {
            Err(e) if e.errno == Some(Errno::ENXIO) => std::thread::sleep(WAIT_FOR_READER),
            opened => {
                let fifo = opened?;
                set_blocking(&fifo).sys("fcntl(F_SETFL)", || format!("cannot write to {}", escape::name(path)))?;
                return Ok(fifo);
            }
        }
        if interrupt::asked() {
            return Err(Error::failed(format!("interrupted: nobody reads {}", escape::name(path))));
        }
    }
}

fn writable_kind(kind: FileType) -> bool {
    kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
}

/// A path that leads nowhere yet.
fn new(path: &Path) -> Result<Target> {
    let shown = escape::name(path);
    if let Ok(target) = path.read_link() {
        return Err(Error::failed(format!(
            "cannot write to {shown}: it is a symbolic link to {}, which does not exist",
            escape::name(&target)
        ))
        .fix("remove the link, or name its target"));
    }
    if path.as_os_str().as_bytes().ends_with(b"/") {
        return Err(
            Error::failed(format!("cannot write into {shown}: there is no such directory")).fix("mkdir it first")
        );
    }
    place(path, path, false)
}

fn place(real: &Path, named: &Path, exists: bool) -> Result<Target> {
    let shown = escape::name(named);
    let name = real.file_name().map(OsStr::as_bytes).and_then(|n| CString::new(n).ok());
    let name = name.ok_or_else(|| Error::usage(format!("'{shown}' is no name for a file")))?;
    let parent = match real.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = open(&parent, flags, Mode::empty()).sys("open", || format!("cannot write to {shown}"))?;
    Ok(Target::Place(Place { directory, path: parent, name, shown, exists }))
}

fn not_the_same(source: Option<&Source>, there: &Metadata, dst: &str) -> Result<()> {
    match source.filter(|source| source.is(there)) {
        Some(source) => Err(Error::failed(format!("{} and {dst} are the same file", source.shown()))
            .fix("name another file for the output")),
        None => Ok(()),
    }
}
