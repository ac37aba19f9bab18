//! Reads source and copy again and compares them.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::extents::next_extent;
use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::recipes::copy::content::first_difference;
use crate::recipes::copy::method::page_aligned;
use crate::recipes::copy::place::evict;
use crate::source::Source;

const PIECE: u64 = 1 << 20;

/// Holds `copy` against `source`, hole against hole; a difference is an error of kind wrong.
/// `left` says what there is at the destination then.
pub fn same(source: &Source, copy: &File, left: &str) -> Result<()> {
    if !source.was.is_file() {
        return Err(Error::usage(format!(
            "--verify needs a source that can be read again; {} cannot",
            source.shown()
        )));
    }
    let has = copy.metadata().sys("fstat", || "cannot see the length of the copy".to_owned())?.len();
    // What is read from the disk, not from the page cache that was just written, says most; not every disk lets us.
    let _ = evict(copy);
    let size = source.size.unwrap_or(has);
    let differ = |at: u64| {
        Error::wrong(format!("the copy of {} differs from it at byte {at}", source.shown()))
            .fix(format!("{left}; was the source written to meanwhile?"))
    };
    if has != size {
        return Err(differ(has.min(size)));
    }
    let (mut ours, mut theirs) = (page_aligned(PIECE as usize)?, page_aligned(PIECE as usize)?);
    let mut at = 0;
    while let Some(start) = next_data(&source.file, copy, at, size)? {
        let count = (size - start).min(PIECE) as usize;
        read(&source.file, &mut ours[..count], start)?;
        read(copy, &mut theirs[..count], start)?;
        if let Some(offset) = first_difference(&ours[..count], &theirs[..count]) {
            return Err(differ(start + offset));
        }
        at = start + count as u64;
        if interrupt::asked() {
            return Err(Error::failed(format!("interrupted: {left}")));
        }
    }
    Ok(())
}

/// Where the next data of either file starts.
fn next_data(a: &File, b: &File, at: u64, size: u64) -> Result<Option<u64>> {
    let next = |file| next_extent(file, at, size).sys("lseek", || "cannot find the holes again".to_owned());
    Ok([next(a)?, next(b)?].into_iter().flatten().map(|e| e.start).min())
}

/// Fills `buffer`; where the file ends before, zeroes remain, and the comparison says so.
fn read(file: &File, buffer: &mut [u8], mut at: u64) -> Result<()> {
    let mut rest = buffer;
    while !rest.is_empty() {
        match file.read_at(rest, at) {
            Ok(0) => {
                rest.fill(0);
                break;
            }
            Ok(n) => (at, rest) = (at + n as u64, &mut rest[n..]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e).sys("pread", || format!("cannot read again at byte {at}")),
        }
    }
    Ok(())
}
