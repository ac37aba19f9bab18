//! What a tool reads: opened once, and what its metadata can be believed of; waiting for it looks for Ctrl-C.

use std::fs::{File, Metadata, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::statfs::fstatfs;

use crate::error::{Context, Error, Result};
use crate::escape;
use crate::interrupt;
use crate::sys::descriptor::duplicate;

/// File systems whose files are made up on reading, so that their sizes mean nothing.
const MADE_UP: [i64; 8] = [
    libc::PROC_SUPER_MAGIC,
    libc::SYSFS_MAGIC,
    libc::CGROUP2_SUPER_MAGIC,
    libc::CGROUP_SUPER_MAGIC,
    libc::DEBUGFS_MAGIC,
    libc::TRACEFS_MAGIC,
    libc::SECURITYFS_MAGIC,
    libc::BPF_FS_MAGIC,
];

/// An open source.
pub struct Source {
    /// The file.
    pub file: File,
    /// As the user named it.
    pub path: PathBuf,
    /// Its metadata when it was opened.
    pub was: Metadata,
    /// Its size where that can be believed. Where there is none, it is read until its end.
    pub size: Option<u64>,
}

impl Source {
    /// Opens `path`; `-` and the names of descriptors are this process's own.
    pub fn open(path: &Path) -> Result<Self> {
        let own = own_descriptor(path, 0);
        let shown = shown(path);
        let file = match own {
            Some(number) => duplicate(number).sys("dup", || format!("cannot read {shown}"))?,
            // Not to wait for a FIFO's writer here, where Ctrl-C is not looked at.
            None => OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(path)
                .sys("open", || format!("cannot open {shown}"))?,
        };
        let was = file.metadata().sys("fstat", || format!("cannot see what {shown} is"))?;
        if was.is_dir() {
            return Err(Error::failed(format!("cannot read {shown}: it is a directory")).fix("name one file of it"));
        }
        let believed = was.is_file() && own.is_none() && was.len() > 0 && !made_up(&file);
        let size = believed.then_some(was.len());
        if !was.is_file() && own.is_none() {
            set_blocking(&file).sys("fcntl(F_SETFL)", || format!("cannot read {shown}"))?;
        }
        Ok(Source { file, path: path.to_owned(), was, size })
    }

    /// As a message names it.
    pub fn shown(&self) -> String {
        shown(&self.path)
    }

    /// As the user named it, unescaped: not for a terminal.
    pub fn named(&self) -> String {
        if self.path.as_os_str() == "-" { self.shown() } else { self.path.to_string_lossy().into_owned() }
    }

    /// Whether reading may wait for someone else.
    pub fn may_wait(&self) -> bool {
        let kind = self.was.file_type();
        kind.is_fifo() || kind.is_socket() || kind.is_char_device()
    }

    /// Waits until one that may wait for someone else has data or ended; `interrupted` is the error where the user asks
    /// for the end before.
    pub fn await_data(&self, interrupted: impl Fn() -> Error) -> Result<()> {
        while self.may_wait() {
            if interrupt::asked() {
                return Err(interrupted());
            }
            // A signal between the look and the call must not be slept over for long.
            let timeout = PollTimeout::from(200_u8);
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => break,
                Err(e) => return Err(e).sys("poll", || format!("cannot read {}", self.shown())),
            }
        }
        Ok(())
    }

    /// Whether `other` is this very file, by whatever name.
    pub fn is(&self, other: &Metadata) -> bool {
        (self.was.dev(), self.was.ino()) == (other.dev(), other.ino()) && !self.was.file_type().is_char_device()
    }

    /// Its metadata now.
    pub fn now(&self) -> Result<Metadata> {
        self.file.metadata().sys("fstat", || format!("cannot see the size of {}", self.shown()))
    }
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { escape::name(path) }
}

/// Whether `file` is on a file system whose files are made up on reading.
pub fn made_up(file: impl AsFd) -> bool {
    fstatfs(file).is_ok_and(|s| MADE_UP.contains(&s.filesystem_type().0))
}

/// Calls on `file` wait from now on.
pub fn set_blocking(file: &File) -> nix::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = OFlag::from_bits_retain(fcntl(file, FcntlArg::F_GETFL)?);
    fcntl(file, FcntlArg::F_SETFL(flags - OFlag::O_NONBLOCK)).map(drop)
}

/// The number of the descriptor of this process that `path` means; `-` means `standard`.
pub fn own_descriptor(path: &Path, standard: i32) -> Option<i32> {
    match path.to_str()? {
        "-" => Some(standard),
        "/dev/stdin" => Some(0),
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        other => other.strip_prefix("/dev/fd/").or_else(|| other.strip_prefix("/proc/self/fd/"))?.parse().ok(),
    }
}
