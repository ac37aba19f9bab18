//! Copy with read(2) and write(2): the way that works between any two descriptors.
//!
//! Every byte crosses into user space and back: two copies, and two calls for each buffer. The buffer's size
//! decides: below some 64 KiB the calls cost more than the bytes, and a buffer that fits the second-level cache
//! makes the second copy cheap. The cheat sheet copies in pieces of 4 KiB.
//!
//! [read(2)](https://man7.org/linux/man-pages/man2/read.2.html),
//! [write(2)](https://man7.org/linux/man-pages/man2/write.2.html). Traps:
//! - write may take less than it was given (a pipe, a signal, RLIMIT_FSIZE, a full disk): go on with the rest, or
//!   bytes are lost without an error. `write_all` does.
//! - read gives 0 at the end of the file and nowhere else; a short read is not the end.
//! - where the buffer lies can matter more than its size. A large block from malloc begins 16 bytes past a page, and
//!   on some processors (AMD's with fast short `rep movsb`) the kernel's copy from a page to 16 bytes past a page is
//!   ten times slower than to its begin. Take whole pages.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use super::method::{Approach, CopyFile, failed_io, page_aligned};
use super::trial::{copy_by, show, small_pipe};
use crate::demo::Demo;
use crate::error::Result;
use crate::race::Contender;
use crate::recipe::Recipe;
use crate::sys::mmap::Pages;

struct ReadWrite {
    buffer: Pages,
    /// Where in the first page of the buffer the bytes go.
    offset: usize,
}

impl CopyFile for ReadWrite {
    fn copy(&mut self, mut src: &File, mut dst: &File, len: u64) -> Result<u64> {
        let mut copied = 0;
        while copied < len {
            let buffer = &mut self.buffer[self.offset..];
            let room = buffer.len().min((len - copied) as usize);
            let got = match src.read(&mut buffer[..room]) {
                Ok(0) => break,
                Ok(got) => got,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(failed_io("read", e)),
            };
            dst.write_all(&buffer[..got]).map_err(|e| failed_io("write", e))?;
            copied += got as u64;
        }
        Ok(copied)
    }
}

fn start(len: usize, offset: usize) -> Result<Box<dyn CopyFile>> {
    Ok(Box::new(ReadWrite { buffer: page_aligned(offset + len)?, offset }))
}

/// The cheat sheet's piece.
pub static READ_WRITE: Contender<Approach> = Contender {
    name: "read_write",
    title: "read and write with a 4 KiB buffer",
    needs: &[],
    approach: &Approach::Files(|| start(4 << 10, 0)),
};

/// What cp and cat use today.
pub static READ_WRITE_256K: Contender<Approach> = Contender {
    name: "read_write_256k",
    title: "read and write with a 256 KiB buffer of whole pages",
    needs: &[],
    approach: &Approach::Files(|| start(256 << 10, 0)),
};

/// The same where malloc would put the buffer: glibc's header of a large block is 16 bytes.
pub static READ_WRITE_HEAP: Contender<Approach> = Contender {
    name: "read_write_heap",
    title: "the same, 16 bytes past a page, as malloc lays it",
    needs: &[],
    approach: &Approach::Files(|| start(256 << 10, 16)),
};

/// `syskit run read-write-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "read-write-copy",
    title: "Copy a file with read and write",
    sections: &[],
    needs: &[],
    source: include_str!("read_write.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    copy_by(&READ_WRITE, demo)?;
    copy_by(&READ_WRITE_256K, demo)?;
    copy_by(&READ_WRITE_HEAP, demo)?;
    // The trap: a write that takes a part. What the pipe did not take would be lost without an error.
    let (_reader, mut writer) = small_pipe()?;
    let asked = 1 << 20;
    let taken = writer.write(&vec![0; asked]).map_err(|e| failed_io("write", e))?;
    show(demo, &format!("write(pipe, {asked} bytes)"), &Ok(taken));
    demo.check("write may take less than it is given", taken < asked, || format!("it took all {taken} bytes"))
}
