//! A file that whole records are written to.

use std::fs::File;
use std::io::{ErrorKind, Seek, Write};

use crate::error::{Context, Error, Kind, Result};

/// So many bytes wait to be written together.
const LIMIT: usize = 128 << 10;

/// The file, and the records that are not yet in it.
pub(super) struct Output {
    file: File,
    name: String,
    buffer: Vec<u8>,
    /// Where in the buffer its records end.
    ends: Vec<usize>,
    /// Bytes that left the buffer.
    gone: u64,
    failed: bool,
}

impl Output {
    pub(super) fn new(file: File, name: String) -> Self {
        Output { file, name, buffer: Vec::with_capacity(2 * LIMIT), ends: Vec::new(), gone: 0, failed: false }
    }

    /// As a message names it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of all records.
    pub(super) fn size(&self) -> u64 {
        self.gone + self.buffer.len() as u64
    }

    /// Appends the record that `write` appends.
    #[inline]
    pub(super) fn record(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        write(&mut self.buffer);
        self.ends.push(self.buffer.len());
        if self.buffer.len() < LIMIT { Ok(()) } else { self.flush() }
    }

    /// Writes what is in the buffer; after a failure nothing is written any more.
    pub(super) fn flush(&mut self) -> Result<()> {
        let mut rest = self.buffer.as_slice();
        let mut result = Ok(());
        while !rest.is_empty() && !self.failed {
            match self.file.write(rest) {
                Ok(0) => result = Err(ErrorKind::WriteZero.into()),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => result = Err(e),
            }
            self.failed = result.is_err();
        }
        let written = self.buffer.len() - rest.len();
        let whole = if result.is_err() { self.take_back(written) } else { Ok(()) };
        self.gone += self.buffer.len() as u64;
        self.buffer.clear();
        self.ends.clear();
        result.map_err(|e| self.explain(e, &whole))
    }

    /// Cuts the begin of a record off the file's end, where `written` bytes of the buffer are in it.
    fn take_back(&mut self, written: usize) -> std::io::Result<()> {
        let whole = self.ends.iter().rev().find(|end| **end <= written).copied().unwrap_or(0);
        let length = self.file.metadata()?;
        let partial = (written - whole) as u64;
        // What others wrote behind it is not ours to cut.
        if partial > 0 && length.is_file() && self.file.stream_position()? == length.len() {
            self.file.set_len(length.len() - partial)?;
        }
        Ok(())
    }

    fn explain(&self, error: std::io::Error, whole: &std::io::Result<()>) -> Error {
        if error.kind() == ErrorKind::BrokenPipe {
            return Error { kind: Kind::BrokenPipe, ..Error::failed("the reader of the capture went away") };
        }
        let what = || format!("cannot write the capture to {}", self.name);
        let error = Context::<()>::sys(Err(error), "write", what).expect_err("made from an error");
        error.fix(match whole {
            Ok(()) => "what was written before is whole",
            Err(_) => "its last record is not whole",
        })
    }
}
