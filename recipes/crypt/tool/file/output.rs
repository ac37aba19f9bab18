//! The output: a new file of mode 0600 that takes its name when all is done, or a stream.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;

use crate::draft::{Draft, Place, Publish};
use crate::error::{Context, Error, Kind, Result};
use crate::escape;
use crate::source::{Source, own_descriptor};
use crate::target::Target;

/// What an encrypted file's name ends with.
pub const SUFFIX: &str = ".syskit";

/// Where the result goes.
pub enum Output {
    /// A name, and the file that takes it.
    File {
        /// The name.
        place: Place,
        /// Made when the first byte is near.
        draft: Option<Draft>,
        /// How it takes the name.
        publish: Publish,
    },
    /// Standard output, a FIFO, a device.
    Stream {
        /// Open for writing.
        file: File,
        /// As a message names it.
        name: String,
        /// Whether it is this process's standard output.
        standard: bool,
        /// Whether something was written.
        begun: bool,
    },
}

/// The name of the output where the user gave none: with the suffix, or without it.
///
/// # Errors
/// A name without the suffix has none to drop.
pub fn default_name(src: &Path, encrypt: bool) -> Result<PathBuf> {
    if own_descriptor(src, 0).is_some() {
        return Ok(PathBuf::from("-"));
    }
    let name = src.as_os_str().as_bytes();
    if encrypt {
        return Ok(OsStr::from_bytes(&[name, SUFFIX.as_bytes()].concat()).into());
    }
    match name.strip_suffix(SUFFIX.as_bytes()) {
        Some(bare) if !bare.is_empty() && !bare.ends_with(b"/") => Ok(OsStr::from_bytes(bare).into()),
        _ => {
            Err(Error::usage(format!("{} does not end in {SUFFIX}, so its plaintext has no name", escape::name(src)))
                .fix("name the output with -o"))
        }
    }
}

impl Output {
    /// Finds out what `path` is; nothing is made or changed yet.
    ///
    /// # Errors
    /// A file that exists without `publish.replace`, a directory, the source itself, and what cannot be written to.
    pub fn resolve(path: &Path, source: Option<&Source>, publish: Publish) -> Result<Self> {
        if own_descriptor(path, 1).is_none() && path.is_dir() {
            return Err(Error::usage(format!("{} is a directory", escape::name(path))).fix("name the file in it"));
        }
        match Target::resolve(path, source)? {
            Target::InPlace { file, name, standard_output } => {
                Ok(Output::Stream { file, name, standard: standard_output, begun: false })
            }
            Target::Place(place) if place.exists && !publish.replace => Err(taken(&place)),
            Target::Place(place) => Ok(Output::File { place, draft: None, publish }),
        }
    }

    /// Whether what is written is seen at once.
    pub fn is_stream(&self) -> bool {
        matches!(self, Output::Stream { .. })
    }

    /// Whether it is standard output, and whether that is a terminal.
    pub fn standard(&self) -> (bool, bool) {
        match self {
            Output::Stream { file, standard, .. } => (*standard, file.is_terminal()),
            Output::File { .. } => (false, false),
        }
    }

    /// As a message names it.
    pub fn shown(&self) -> &str {
        match self {
            Output::File { place, .. } => &place.shown,
            Output::Stream { name, .. } => name,
        }
    }

    /// What there is if the work fails, in words.
    pub fn left(&self) -> String {
        match self {
            Output::File { place, .. } => place.left(),
            Output::Stream { name, begun: true, .. } => format!("a part was written to {name}"),
            Output::Stream { name, begun: false, .. } => format!("nothing was written to {name}"),
        }
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// Those of write(2) with what to do about a full disk; a reader that went away is `BrokenPipe`.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let done = match self {
            Output::Stream { file, begun, .. } => {
                *begun |= !bytes.is_empty();
                file.write_all(bytes)
            }
            Output::File { place, draft, .. } => {
                if draft.is_none() {
                    *draft = Some(Draft::new(place, Mode::S_IRUSR | Mode::S_IWUSR)?);
                }
                draft.as_ref().expect("just made").file().write_all(bytes)
            }
        };
        done.sys("write", || format!("cannot write to {}", self.shown())).map_err(|e| self.explained(e))
    }

    fn explained(&self, mut error: Error) -> Error {
        match error.errno {
            Some(Errno::ENOSPC | Errno::EDQUOT) => error.fix(format!("make room there; {}", self.left())),
            Some(Errno::EPIPE) if self.is_stream() => {
                error.kind = Kind::BrokenPipe;
                error
            }
            _ => error,
        }
    }

    /// Gives the new file its name; nothing is to be written after that.
    ///
    /// # Errors
    /// Those of [`Draft::publish`].
    pub fn finish(&mut self) -> Result<()> {
        // An empty result is a file too.
        self.write(&[])?;
        match self {
            Output::Stream { .. } => Ok(()),
            Output::File { place, draft, publish } => {
                let draft = draft.take().ok_or_else(|| Error::failed("it was finished before"))?;
                // Where it came into being meanwhile, the link finds that out.
                draft.publish(place, *publish).map_err(|e| match e.errno {
                    None if !publish.replace => taken(place),
                    _ => e,
                })
            }
        }
    }
}

fn taken(place: &Place) -> Error {
    place.taken().fix("--force replaces it; or name another output with -o")
}
