//! Copy with sendfile(2): the kernel moves the bytes itself (cheat sheet 3.2.26, "Using sendfile do copy").
//!
//! One call instead of read and write, and one copy instead of two: the pages of the source's page cache are handed
//! through a pipe inside the kernel and copied once, into the destination's pages. The cheat sheet asks for 4 KiB a
//! call, which gives most of that away again; asking for the whole rest needs one call for 2 GiB.
//!
//! [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html). To a file since Linux 2.6.33. Traps:
//! - it moves at most 0x7ffff000 bytes a call (2 GiB less a page), and fewer when it likes: loop until done.
//! - 0 is the end of the source. The source must be a file with pages (EINVAL for a pipe or a socket); the
//!   destination must not be open with O_APPEND (EINVAL).
//! - the bytes are those of the moment at which the kernel reads the page, not of the call.

use std::fs::{File, OpenOptions};

use nix::errno::Errno;
use nix::sys::sendfile::sendfile;

use super::method::{Approach, MOST_PER_CALL, transfer};
use super::trial::{copy_by, show, small_pipe};
use crate::demo::Demo;
use crate::error::{Context, Result};
use crate::race::Contender;
use crate::recipe::Recipe;

fn copy(src: &File, dst: &File, len: u64, piece: usize) -> Result<u64> {
    transfer("sendfile", len, |left| sendfile(dst, src, None, left.min(piece)))
}

/// The cheat sheet's piece.
pub static SENDFILE_4K: Contender<Approach> = Contender {
    name: "sendfile_4k",
    title: "sendfile, 4 KiB a call",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(|src: &File, dst: &File, len| copy(src, dst, len, 4 << 10)))),
};

/// As much as a call takes.
pub static SENDFILE: Contender<Approach> = Contender {
    name: "sendfile",
    title: "sendfile, the whole rest a call",
    needs: &[],
    approach: &Approach::Files(|| Ok(Box::new(|src: &File, dst: &File, len| copy(src, dst, len, usize::MAX)))),
};

/// `syskit run sendfile-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "sendfile-copy",
    title: "Copy a file with sendfile",
    sections: &["3.2.26"],
    needs: &[],
    source: include_str!("sendfile.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    copy_by(&SENDFILE_4K, demo)?;
    let trial = copy_by(&SENDFILE, demo)?;
    // The traps: a pipe takes what it has room for, 2 GiB less a page is the most of a call, and a pipe is no source.
    let (reader, writer) = small_pipe()?;
    let asked = 1 << 20;
    let taken = sendfile(&writer, &trial.src, None, asked);
    show(demo, &format!("sendfile(pipe, file, {asked})"), &taken);
    demo.check("sendfile may move less than asked", taken.is_ok_and(|n| n < asked), || format!("it gave {taken:?}"))?;
    let refused = sendfile(&trial.dst, &reader, None, asked);
    show(demo, "sendfile(file, pipe)", &refused);
    demo.check_eq("a pipe is no source for sendfile", Err(Errno::EINVAL), refused)?;
    let (null, zero) = (open("/dev/null", true)?, open("/dev/zero", false)?);
    let most = sendfile(&null, &zero, None, 3 << 30);
    show(demo, "sendfile(/dev/null, /dev/zero, 3 GiB)", &most);
    demo.check_eq("a call moves 2 GiB less a page at most", Ok(MOST_PER_CALL), most)
}

fn open(path: &str, write: bool) -> Result<File> {
    OpenOptions::new().read(!write).write(write).open(path).sys("open", || format!("cannot open {path}"))
}
