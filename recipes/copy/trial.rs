//! What every recipe of the family does: make a source, copy it, hold the copy against what the source was made of.

use std::fs::File;
use std::io::{Read, Seek};

use nix::fcntl::OFlag;
use nix::unistd::pipe2;

use super::content::Content;
use super::method::Approach;
use super::place::Place;
use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::race::Contender;

/// The length of the source: no multiple of anything, so that every method meets a rest.
pub const LENGTH: u64 = (8 << 20) + 3;
const SEED: u64 = 3226;

/// Two unnamed files: a source and the copy of it.
pub struct Trial {
    /// Rewound.
    pub src: File,
    /// Rewound.
    pub dst: File,
}

/// Makes a source and copies it by `contender`; shows how fast and verifies every byte.
pub fn copy_by(contender: &Contender<Approach>, demo: &mut Demo) -> Result<Trial> {
    let place = Place::usual();
    let (mut src, mut dst) = (place.unnamed()?, place.unnamed()?);
    let content = Content::new(SEED);
    content.write(&src, LENGTH)?;
    let mut copier = contender.approach.start()?;
    let copied = demo.time(contender.title, Some(LENGTH), || copier.copy(&src, &dst, LENGTH))?;
    demo.check_eq("bytes copied, by its own account", LENGTH, copied)?;
    let same = content.check(&dst, LENGTH);
    demo.check("the copy holds the same bytes", same.is_ok(), || {
        same.map_or_else(|e| e.to_string(), |()| String::new())
    })?;
    let nothing = copier.copy(&src, &dst, LENGTH)?;
    demo.check_eq("bytes copied once the source has ended", 0, nothing)?;
    demo.say(format!("copied {LENGTH} bytes on {} by {}", place.file_system(), contender.title));
    for file in [&mut src, &mut dst] {
        file.rewind().sys("lseek", || "cannot rewind".to_owned())?;
    }
    Ok(Trial { src, dst })
}

/// A pipe whose writing end takes what it has room for and not a byte more (O_NONBLOCK): short transfers on demand.
pub fn small_pipe() -> Result<(File, File)> {
    let (reader, writer) =
        pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).map_err(|e| Error::sys("cannot make a pipe", "pipe2", e))?;
    Ok((reader.into(), writer.into()))
}

/// Shows what `call` was asked for and what it gave: fewer bytes, or an errno.
pub fn show(demo: &mut Demo, call: &str, gave: &nix::Result<usize>) {
    match gave {
        Ok(n) => demo.say(format!("{call} = {n}")),
        Err(errno) => demo.say(format!("{call} = {errno:?}")),
    }
}

/// A file of /proc, of which metadata says that it is empty, and what reading it gives.
pub fn proc_file() -> Result<(File, usize)> {
    let cannot = || "cannot read /proc/self/status".to_owned();
    let mut file = File::open("/proc/self/status").sys("open", cannot)?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).sys("read", cannot)?;
    file.rewind().sys("lseek", cannot)?;
    Ok((file, text.len()))
}
