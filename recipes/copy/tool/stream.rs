//! Copies from what has no size that can be believed: pipes, devices, files of /proc, until they end.

use std::io::Write;

use nix::unistd::read;

use super::pour::{Pour, SLICE};
use crate::error::{Error, Result};
use crate::progress::Bar;
use crate::recipes::copy::method::{failed, failed_io, page_aligned};
use crate::sys::eintr::retry;

const BUFFER: usize = 256 << 10;

impl Pour<'_> {
    /// Copies until the source ends.
    pub(super) fn until_end(&mut self, bar: &mut Bar) -> Result<u64> {
        if self.methods.name() != "read_write_256k" {
            return self.until_end_by_method(bar);
        }
        let mut buffer = page_aligned(BUFFER)?;
        let mut copied = 0;
        loop {
            self.source.await_data(|| self.interrupted())?;
            let got = retry(|| read(&self.source.file, &mut buffer)).map_err(|e| self.named(failed("read", e)))?;
            if got == 0 {
                return Ok(copied);
            }
            let mut dst = self.dst;
            dst.write_all(&buffer[..got]).map_err(|e| self.named(failed_io("write", e)))?;
            copied += got as u64;
            self.go_on(bar, copied)?;
        }
    }

    fn until_end_by_method(&mut self, bar: &mut Bar) -> Result<u64> {
        // What can wait is asked for little at a time: no method looks for Ctrl-C while it waits.
        let slice = if self.source.may_wait() { 64 << 10 } else { SLICE };
        let mut copied = 0;
        loop {
            self.source.await_data(|| self.interrupted())?;
            let (src, dst) = (&self.source.file, self.dst);
            let moved = self.methods.present().and_then(|m| m.copy(src, dst, slice));
            let moved = moved.map_err(|e| self.named(e))?;
            copied += moved;
            self.go_on(bar, copied)?;
            if moved < slice {
                return if copied == 0 { self.see_that_it_is_empty().map(|()| 0) } else { Ok(copied) };
            }
        }
    }

    fn see_that_it_is_empty(&self) -> Result<()> {
        let mut byte = [0];
        match nix::sys::uio::pread(&self.source.file, &mut byte, 0) {
            Ok(1) => Err(Error::unavailable(format!(
                "cannot copy {}: {} believes its size, which says less than it holds",
                self.source.shown(),
                self.methods.name()
            ))
            .fix("copy it with --via auto")),
            _ => Ok(()),
        }
    }
}
