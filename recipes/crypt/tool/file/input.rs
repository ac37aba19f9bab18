//! The input, read in full buffers until its end; what cannot be read twice is kept in a file without a name.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek, read};

use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::source::Source;
use crate::sys::eintr::retry;
use crate::sys::tmpfile;

/// What an error says of Ctrl-C, to which whoever knows the output adds what is left of that.
pub const INTERRUPTED: &str = "interrupted";

/// Read and kept at a time.
const PIECE: usize = 1 << 20;

/// What is encrypted or decrypted.
pub struct Input {
    source: Source,
    /// The content of a source that cannot be read twice.
    kept: Option<File>,
    /// Where it starts, for one that can.
    start: i64,
}

impl Input {
    /// Opens `path`; `-` is standard input.
    ///
    /// # Errors
    /// Those of open(2), and directories.
    pub fn open(path: &Path) -> Result<Self> {
        let source = Source::open(path)?;
        // Standard input may be a file that somebody has read a part of.
        let start = lseek(&source.file, 0, Whence::SeekCur).unwrap_or(0);
        Ok(Input { source, kept: None, start })
    }

    /// The open source.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Bytes that are still to come, where that can be known.
    pub fn size(&self) -> Option<u64> {
        match &self.kept {
            Some(kept) => kept.metadata().ok().map(|m| m.len()),
            None => self.source.size,
        }
    }

    /// Fills `buffer`, or as much of it as there is before the end: how much that was.
    ///
    /// # Errors
    /// Those of read(2), and that the user asked for the end.
    pub fn fill(&self, buffer: &mut [u8]) -> Result<usize> {
        let mut have = 0;
        while have < buffer.len() {
            self.go_on()?;
            let got = match &self.kept {
                Some(kept) => retry(|| read(kept, &mut buffer[have..])),
                None => {
                    self.source.await_data(interrupted)?;
                    retry(|| read(&self.source.file, &mut buffer[have..]))
                }
            };
            match got.sys("read", || format!("cannot read {}", self.source.shown()))? {
                0 => break,
                n => have += n,
            }
        }
        Ok(have)
    }

    /// Makes it possible to read the input twice: what cannot be is kept, from here on.
    ///
    /// # Errors
    /// Those of reading, and of the temporary directory.
    pub fn keep(&mut self) -> Result<()> {
        let kind = self.source.was.file_type();
        if kind.is_file() || kind.is_block_device() {
            return Ok(());
        }
        let directory = tmpfile::directory();
        let cannot = || format!("cannot keep {} in {}", self.source.shown(), crate::escape::name(&directory));
        let mut kept = tmpfile::unnamed(&directory).sys("open", cannot)?;
        let mut piece = vec![0; PIECE];
        loop {
            let got = self.fill(&mut piece)?;
            if let Err(e) = kept.write_all(&piece[..got]) {
                let full = e.raw_os_error() == Some(Errno::ENOSPC as i32);
                let error = Err::<(), _>(e).sys("write", cannot).expect_err("made from an error");
                return Err(if full { error.fix("make room there, or set TMPDIR to a larger place") } else { error });
            }
            if got < piece.len() {
                break;
            }
        }
        lseek(&kept, 0, Whence::SeekSet).sys("lseek", cannot)?;
        (self.kept, self.start) = (Some(kept), 0);
        Ok(())
    }

    /// Goes back to `offset` bytes after the start of what [`Input::keep`] made readable twice.
    ///
    /// # Errors
    /// Those of lseek(2).
    pub fn rewind(&self, offset: usize) -> Result<()> {
        let file = self.kept.as_ref().unwrap_or(&self.source.file);
        lseek(file, self.start + offset as i64, Whence::SeekSet)
            .sys("lseek", || format!("cannot read {} again", self.source.shown()))
            .map(drop)
    }

    /// An error where the user asked for the end.
    ///
    /// # Errors
    /// That.
    pub fn go_on(&self) -> Result<()> {
        if interrupt::asked() { Err(interrupted()) } else { Ok(()) }
    }
}

fn interrupted() -> Error {
    Error::failed(INTERRUPTED)
}
