//! What every way to copy a file has in common: the contract, the loop over short transfers, the errors.

use std::fs::File;
use std::num::NonZeroUsize;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

use crate::error::{Context, Error, Kind, Result};
use crate::sys::eintr::retry;
use crate::sys::mmap::Pages;

/// The most that Linux moves in one read, write, sendfile, splice or copy_file_range call, in bytes:
/// 2 GiB less a page (read(2), NOTES).
pub const MOST_PER_CALL: usize = 0x7fff_f000;

/// One way to copy, with what it needs once for any number of copies (a buffer, a pipe, a ring).
pub trait CopyFile {
    /// Copies from the offset of `src` to the offset of `dst` until `len` bytes are copied or `src` ends, and moves
    /// both offsets by what it returns: the number of bytes copied.
    ///
    /// What the two files cannot do at all is [`Kind::Unavailable`], with nothing copied yet.
    fn copy(&mut self, src: &File, dst: &File, len: u64) -> Result<u64>;
}

impl<F: FnMut(&File, &File, u64) -> Result<u64>> CopyFile for F {
    fn copy(&mut self, src: &File, dst: &File, len: u64) -> Result<u64> {
        self(src, dst, len)
    }
}

/// What the copy race compares.
pub enum Approach {
    /// A copy between two files; starts what it needs.
    Files(fn() -> Result<Box<dyn CopyFile>>),
    /// The limit: the same bytes from memory to memory.
    Memory,
}

impl Approach {
    /// Readies a copy between files.
    pub fn start(&self) -> Result<Box<dyn CopyFile>> {
        match self {
            Approach::Files(start) => start(),
            Approach::Memory => Err(Error::unavailable("memory to memory copies no files")),
        }
    }
}

/// Makes `step` (which may move less than it is asked to) until `len` bytes are moved or it moves none.
pub fn transfer(call: &'static str, len: u64, mut step: impl FnMut(usize) -> nix::Result<usize>) -> Result<u64> {
    let mut moved = 0;
    while moved < len {
        let ask = (len - moved).min(MOST_PER_CALL as u64) as usize;
        match retry(|| step(ask)) {
            Ok(0) => break,
            Ok(n) => moved += n as u64,
            Err(errno) if moved == 0 => return Err(refused(call, errno)),
            Err(errno) => return Err(failed(call, errno)),
        }
    }
    Ok(moved)
}

/// The error of a call that failed while it copied.
pub fn failed(call: &'static str, errno: Errno) -> Error {
    Error::sys("cannot copy from the source to the destination", call, errno)
}

/// The error of a call that failed before it copied anything: an errno that says "not between these two files", or
/// not as they were opened, is [`Kind::Unavailable`].
pub fn refused(call: &'static str, errno: Errno) -> Error {
    let mut error = failed(call, errno);
    if let Errno::EOPNOTSUPP
    | Errno::EXDEV
    | Errno::EINVAL
    | Errno::ENOSYS
    | Errno::ENODEV
    | Errno::ENOTTY
    | Errno::ESPIPE
    | Errno::EBADF = errno
    {
        error.kind = Kind::Unavailable;
    }
    error
}

/// [`failed`] for calls of the standard library.
pub fn failed_io(call: &'static str, e: std::io::Error) -> Error {
    match e.raw_os_error() {
        Some(code) => failed(call, Errno::from_raw(code)),
        None => Error {
            call: Some(call),
            ..Error::failed(format!("cannot copy from the source to the destination: {e}"))
        },
    }
}

/// The offset of each of two files, for calls that are told where to read and write.
pub fn offsets(src: &File, dst: &File) -> Result<(u64, u64)> {
    let at = |f: &File| lseek(f, 0, Whence::SeekCur).map(|o| o as u64).map_err(|e| refused("lseek", e));
    Ok((at(src)?, at(dst)?))
}

/// Sets both offsets `by` bytes past `from`: the end of a copy whose calls did not move them.
pub fn advance(src: &File, dst: &File, from: (u64, u64), by: u64) -> Result<u64> {
    for (file, offset) in [(src, from.0), (dst, from.1)] {
        lseek(file, (offset + by) as i64, Whence::SeekSet).map_err(|e| failed("lseek", e))?;
    }
    Ok(by)
}

/// A buffer of `len` bytes that begins at a page boundary.
///
/// Not a `Vec`: O_DIRECT asks for it, and copies from page to page are the ones that every processor does fast.
pub fn page_aligned(len: usize) -> Result<Pages> {
    let len = NonZeroUsize::new(len).ok_or_else(|| Error::failed("a buffer of no bytes"))?;
    Pages::new(len).sys("mmap", || format!("cannot make a buffer of {}", crate::units::bytes(len.get() as u64)))
}
