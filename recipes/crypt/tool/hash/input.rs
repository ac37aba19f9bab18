//! What is digested: a file, a pipe, standard input; read piece by piece, by a thread ahead of the digest where that pays.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{channel, sync_channel};

use nix::errno::Errno;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Context, Error, Result};
use crate::escape;
use crate::interrupt;
use crate::recipes::copy::method::page_aligned;
use crate::source::set_blocking;
use crate::sys::eintr::retry;
use crate::sys::mmap::Pages;

/// Bytes of a piece: a part of the second-level cache, so that the digest finds there what was just read.
pub const PIECE: usize = 128 << 10;
/// Buffers between the reading and the digesting thread.
const BUFFERS: usize = 4;

/// Something to digest, open.
pub struct Input {
    /// At its start, but for standard input, which is where it is.
    pub file: File,
    /// Its length by its metadata, where it is a regular file.
    pub size: Option<u64>,
    /// Reading may wait for someone else.
    waits: bool,
    shown: String,
}

impl Input {
    /// Opens the file of this name; `-` is standard input.
    pub fn open(name: &OsStr) -> Result<Self> {
        let standard = name == "-";
        let shown = shown(name);
        let cannot = || format!("cannot open {shown}");
        let file = if standard {
            File::from(std::io::stdin().as_fd().try_clone_to_owned().sys("dup", cannot)?)
        } else {
            // Not to wait for a FIFO's writer here, where Ctrl-C is not looked at.
            let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
            OpenOptions::new().read(true).custom_flags(flags).open(name).sys("open", cannot)?
        };
        let metadata = file.metadata().sys("fstat", cannot)?;
        let kind = metadata.file_type();
        if !kind.is_file() && !standard {
            set_blocking(&file).sys("fcntl", cannot)?;
        }
        let size = kind.is_file().then_some(metadata.len());
        let waits = kind.is_fifo() || kind.is_socket() || kind.is_char_device();
        if size.is_some_and(|size| size > PIECE as u64) {
            // Advice only: what does not take it (standard input may be anything) is read all the same.
            let _ = posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_SEQUENTIAL);
        }
        Ok(Input { file, size, waits, shown })
    }

    /// Reads the next piece: how many bytes, 0 at the end. Ctrl-C ends it.
    pub fn read(&self, piece: &mut [u8]) -> Result<usize> {
        self.await_data()?;
        retry(|| nix::unistd::read(&self.file, piece)).map_err(|e| self.unreadable("read", e))
    }

    /// Waits until there is something to read, or the user asks for the end.
    pub fn await_data(&self) -> Result<()> {
        loop {
            if interrupt::asked() {
                return Err(Error::failed(format!("interrupted while {} was digested", self.shown)));
            }
            if !self.waits {
                return Ok(());
            }
            // A signal between the look and the call must not be slept over for long.
            let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(200_u8)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                // What cannot be polled does not wait.
                Ok(_) | Err(_) => return Ok(()),
            }
        }
    }

    /// The error of a call that failed while this was read.
    pub fn unreadable(&self, call: &'static str, errno: Errno) -> Error {
        Error::sys(format!("cannot read {}", self.shown), call, errno)
    }

    /// Hands every piece to `take`; gives how many bytes there were.
    pub fn pieces(&self, buffer: &mut Pages, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        let mut total = 0;
        loop {
            let len = self.read(buffer)?;
            if len == 0 {
                return Ok(total);
            }
            take(&buffer[..len])?;
            total += len as u64;
        }
    }

    /// As [`Input::pieces`], with a thread that reads while `take` works on what came before.
    pub fn pieces_read_ahead(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        let (give_empty, empty) = channel();
        let (give_full, full) = sync_channel(BUFFERS);
        for _ in 0..BUFFERS {
            let _ = give_empty.send(page_aligned(PIECE)?);
        }
        std::thread::scope(|scope| {
            // It ends with the file, with an error, or when the other side is gone.
            scope.spawn(move || {
                for mut buffer in empty {
                    let got = self.read(&mut buffer);
                    let goes_on = got.as_ref().is_ok_and(|len| *len > 0);
                    if give_full.send((buffer, got)).is_err() || !goes_on {
                        break;
                    }
                }
            });
            let mut total = 0;
            // Moved in, so that an early return frees a reader that waits for an empty buffer.
            let give_empty = give_empty;
            for (buffer, got) in full {
                let len = got?;
                take(&buffer[..len])?;
                total += len as u64;
                let _ = give_empty.send(buffer);
            }
            Ok(total)
        })
    }
}

/// A name as a message shows it.
pub fn shown(name: &OsStr) -> String {
    if name == "-" { "standard input".to_owned() } else { escape::name(Path::new(name)) }
}
