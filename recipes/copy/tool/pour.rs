//! Moves the bytes: extent by extent where the size is known, else until the end; in slices, so that Ctrl-C and the
//! progress line are never far.

use std::fs::{File, Metadata};

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, fallocate};
use nix::unistd::{Whence, lseek};

use super::amount;
use super::document::{Changed, PassedOver};
use super::extents::{Extent, Extents};
use super::method::Methods;
use crate::error::{Context, Error, Kind, Result};
use crate::interrupt;
use crate::progress::Bar;
use crate::recipes::copy::method::failed;
use crate::source::Source;
use crate::sys::eintr::retry;

/// How much is moved between two looks for Ctrl-C.
pub(super) const SLICE: u64 = 32 << 20;
/// From here on room is asked for beforehand, so that a full disk shows at once.
const PREALLOCATE: u64 = 64 << 20;

/// A copy under way.
pub struct Pour<'a> {
    pub source: &'a Source,
    pub dst: &'a File,
    /// The destination as a message names it.
    pub name: String,
    /// What there is at the destination if the copy fails, in words.
    pub left: String,
    /// Whether the destination is a new regular file, so that it may have holes.
    pub ours: bool,
    pub methods: Methods,
    pub progress: bool,
}

/// What was done.
pub struct Poured {
    pub bytes: u64,
    pub data_bytes: u64,
    pub holes: u64,
    pub hole_bytes: u64,
    pub via: &'static str,
    pub passed_over: Vec<PassedOver>,
    pub changed: Changed,
}

impl Pour<'_> {
    /// Copies all.
    pub fn run(mut self) -> Result<Poured> {
        let mut done = Poured {
            bytes: 0,
            data_bytes: 0,
            holes: 0,
            hole_bytes: 0,
            via: "",
            passed_over: Vec::new(),
            changed: Changed::Nothing,
        };
        let mut bar = Bar::new(self.progress, self.source.size);
        match self.source.size {
            Some(size) if self.ours => self.sized(size, &mut done, &mut bar)?,
            Some(size) => done.bytes = self.stretch(Extent { start: 0, end: size }, &mut bar)?,
            None => done.bytes = self.until_end(&mut bar)?,
        }
        if !self.ours || self.source.size.is_none() {
            done.data_bytes = done.bytes;
        }
        drop(bar);
        if let Some(size) = self.source.size {
            done.changed = changed(&self.source.was, &self.source.now()?, size);
        }
        done.via = self.methods.name();
        done.passed_over = self.methods.passed_over;
        Ok(done)
    }

    fn sized(&mut self, size: u64, done: &mut Poured, bar: &mut Bar) -> Result<()> {
        let whole = Extent { start: 0, end: size };
        if self.methods.shares_blocks() && self.attempt(whole, bar)? {
            return self.cut(size, done);
        }
        let mut reached = 0;
        for extent in Extents::new(&self.source.file, size) {
            let extent = extent.sys("lseek", || format!("cannot find the holes of {}", self.source.shown()))?;
            done.note_hole(reached, extent.start);
            self.reserve(extent)?;
            self.stretch(extent, bar)?;
            done.data_bytes += extent.end - extent.start;
            reached = extent.end;
        }
        done.note_hole(reached, size);
        // A hole at the end has nothing that was written.
        if reached < size {
            self.dst.set_len(size).sys("ftruncate", || self.cannot())?;
        }
        done.bytes = size;
        Ok(())
    }

    /// Makes a clone, which is as long as the source was at that moment, as long as the source was at the start.
    fn cut(&self, size: u64, done: &mut Poured) -> Result<()> {
        let length = self.dst.metadata().sys("fstat", || self.cannot())?.len();
        if length < size {
            return Err(self.shrank(length, length));
        }
        if length > size {
            self.dst.set_len(size).sys("ftruncate", || self.cannot())?;
        }
        done.bytes = size;
        Ok(())
    }

    /// Copies one stretch, going on to the next method where one cannot: how many bytes.
    fn stretch(&mut self, extent: Extent, bar: &mut Bar) -> Result<u64> {
        while !self.attempt(extent, bar)? {}
        Ok(extent.end - extent.start)
    }

    /// Copies one stretch by the present method; false where that was passed over with nothing copied.
    fn attempt(&mut self, extent: Extent, bar: &mut Bar) -> Result<bool> {
        let mut at = extent.start;
        lseek(&self.source.file, at as i64, Whence::SeekSet).sys("lseek", || self.cannot())?;
        if self.ours {
            lseek(self.dst, at as i64, Whence::SeekSet).sys("lseek", || self.cannot())?;
        }
        while at < extent.end {
            let slice = if self.methods.shares_blocks() { extent.end - at } else { (extent.end - at).min(SLICE) };
            let (src, dst) = (&self.source.file, self.dst);
            match self.methods.present().and_then(|method| method.copy(src, dst, slice)) {
                Ok(moved) if moved < slice && !self.methods.shares_blocks() => {
                    self.ended_early(at + moved, extent, moved == 0 && at == extent.start)?;
                    return Ok(false);
                }
                Ok(_) => at += slice,
                Err(e) if e.kind == Kind::Unavailable && at == extent.start => {
                    let why = self.named(e);
                    self.methods.pass_over(why)?;
                    return Ok(false);
                }
                Err(e) => return Err(self.named(e)),
            }
            self.go_on(bar, at)?;
        }
        Ok(true)
    }

    /// The source gave less than its size promised: it shrank, or the method does not see what is there.
    fn ended_early(&mut self, at: u64, extent: Extent, nothing: bool) -> Result<()> {
        let now = self.source.now()?.len();
        if now >= extent.end && nothing {
            let blind = format!("{} sees no data in {}", self.methods.name(), self.source.shown());
            return self.methods.pass_over(Error::unavailable(blind).fix("copy with --via read_write"));
        }
        Err(self.shrank(at, now))
    }

    fn shrank(&self, at: u64, now: u64) -> Error {
        let (source, was) = (self.source.shown(), self.source.was.len());
        let what = format!("{source} shrank while it was copied: it ended at {at} of {was} bytes and has {now} now");
        Error::failed(what).fix(format!("{}; copy again", self.left))
    }

    /// Asks for the room of a long stretch.
    fn reserve(&self, extent: Extent) -> Result<()> {
        let len = extent.end - extent.start;
        if len < PREALLOCATE {
            return Ok(());
        }
        let room = || fallocate(self.dst, FallocateFlags::FALLOC_FL_KEEP_SIZE, extent.start as i64, len as i64);
        match retry(room) {
            Err(e @ (Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG)) => Err(self.named(failed("fallocate", e))),
            _ => Ok(()),
        }
    }

    pub(super) fn go_on(&self, bar: &mut Bar, at: u64) -> Result<()> {
        bar.at(at);
        if interrupt::asked() { Err(self.interrupted()) } else { Ok(()) }
    }

    pub(super) fn interrupted(&self) -> Error {
        Error::failed(format!("interrupted: {}", self.left))
    }

    pub(super) fn cannot(&self) -> String {
        format!("cannot copy {} to {}", self.source.shown(), self.name)
    }

    /// Puts the names of the files into the error of a method, and what a full disk means.
    pub(super) fn named(&self, mut error: Error) -> Error {
        if error.call.is_some() {
            error.what = self.cannot();
        }
        match error.errno {
            Some(Errno::ENOSPC | Errno::EDQUOT) if self.ours => {
                let needs = self.source.size.map_or(String::new(), |s| format!(" (the source has {})", amount(s)));
                error.fix(format!("make room there{needs}; {}", self.left))
            }
            Some(Errno::EPIPE) if !self.ours => {
                error.kind = Kind::BrokenPipe;
                error
            }
            _ => error,
        }
    }
}

impl Poured {
    fn note_hole(&mut self, start: u64, end: u64) {
        if end > start {
            self.holes += 1;
            self.hole_bytes += end - start;
        }
    }
}

/// What happened to the source between two looks at it.
fn changed(was: &Metadata, now: &Metadata, size: u64) -> Changed {
    use std::os::unix::fs::MetadataExt;
    if now.len() > size {
        return Changed::Grew { bytes: now.len() - size };
    }
    let same = (was.mtime(), was.mtime_nsec()) == (now.mtime(), now.mtime_nsec());
    if same { Changed::Nothing } else { Changed::Written }
}
