//! When `-w` goes on in another file, and what that is called: `-G`, `-C` and `-W`, as tcpdump has them.

use std::ffi::{CString, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::error::{Context, Error, Result};
use crate::escape;
use crate::source::Source;
use crate::sys::strftime;
use crate::target::Target;

/// Flags about more than one file.
#[derive(Args)]
pub(super) struct RotationFlags {
    /// Begin another file every SECONDS; the name may hold directives of strftime(3) (%Y%m%d-%H%M%S)
    #[arg(short = 'G', long, value_name = "SECONDS", requires = "write",
        value_parser = clap::value_parser!(u32).range(1..))]
    rotate_seconds: Option<u32>,
    /// Begin another file before a packet when this one is larger: in millions of bytes, or with k, m, g in KiB, MiB, GiB
    #[arg(short = 'C', long, value_name = "SIZE", requires = "write", value_parser = size)]
    rotate_size: Option<u64>,
    /// With -C: begin again with the first file after COUNT of them. With -G alone: end after COUNT files
    #[arg(short = 'W', long, value_name = "COUNT", requires = "write",
        value_parser = clap::value_parser!(u32).range(1..))]
    rotate_count: Option<u32>,
}

/// Reads the size that -C takes, as tcpdump reads it.
fn size(text: &str) -> Result<u64> {
    let bad = || Error::usage(format!("'{text}' is not a size")).fix("write 5 (millions of bytes), 64k, 10m or 1g");
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: u64 = match unit {
        "" => 1_000_000,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return Err(bad()),
    };
    let number: u64 = number.parse().map_err(|_| bad())?;
    number.checked_mul(scale).filter(|size| *size > 0).ok_or_else(bad)
}

impl RotationFlags {
    /// Whether there may be more than one file.
    pub(super) fn is_asked(&self) -> bool {
        self.rotate_seconds.is_some() || self.rotate_size.is_some()
    }

    /// What was asked for, of files named after `pattern`; nothing where one file holds all.
    ///
    /// # Errors
    /// Where the flags do not go together (usage).
    pub(super) fn rotation(&self, pattern: &Path, live: bool) -> Result<Option<Rotation>> {
        let rotation = Rotation {
            pattern: pattern.to_owned(),
            seconds: self.rotate_seconds.map(i64::from),
            size: self.rotate_size,
            count: self.rotate_count,
            since: if live { Some(now()) } else { None },
            turns: 0,
            number: 0,
            directory: None,
            files: 0,
        };
        match (self.rotate_seconds, self.rotate_size, self.rotate_count) {
            (None, None, None) => Ok(None),
            (None, None, Some(_)) => Err(Error::usage("-W counts files of -C or -G").fix("give one of them too")),
            (Some(_), None, count) if count != Some(1) && !pattern.as_os_str().as_bytes().contains(&b'%') => {
                let shown = escape::name(pattern);
                Err(Error::usage(format!("every file would be called {shown}, and take the place of the one before"))
                    .fix("put a time into the name: %Y%m%d-%H%M%S"))
            }
            _ => Ok(Some(rotation)),
        }
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Files, one after the other.
pub(super) struct Rotation {
    /// The name as it was given.
    pattern: PathBuf,
    seconds: Option<i64>,
    size: Option<u64>,
    count: Option<u32>,
    /// When the file's time began; the clock is that of the packets. None before the first of a capture that was made
    /// before.
    since: Option<i64>,
    /// How many times another file began for its time.
    turns: u32,
    /// Number of the file among those of -C.
    number: u32,
    /// Where the files are made: kept open, as its path may be out of reach once privileges are dropped.
    directory: Option<(PathBuf, OwnedFd)>,
    /// How many files there were.
    pub(super) files: u64,
}

impl Rotation {
    /// Whether a file can be begun before the first packet: its name does not depend on that.
    pub(super) fn is_ready(&self) -> bool {
        self.seconds.is_none() || self.since.is_some()
    }

    /// The time of the first file, where that is not known yet.
    pub(super) fn begin(&mut self, seconds: Option<i64>) {
        self.since.get_or_insert_with(|| seconds.unwrap_or_else(now));
    }

    fn is_late(&self, now: i64) -> bool {
        self.seconds.zip(self.since).is_some_and(|(every, since)| now.saturating_sub(since) >= every)
    }

    /// Whether a packet of this time goes into another file than the one of so many bytes; then that is the next.
    pub(super) fn turn(&mut self, seconds: i64, size: u64) -> bool {
        let late = self.is_late(seconds);
        if late {
            (self.since, self.number) = (Some(seconds), 0);
            self.turns += 1;
        } else if self.size.is_some_and(|most| size > most) {
            self.number += 1;
            if self.count.is_some_and(|count| self.number >= count) {
                self.number = 0;
            }
        } else {
            return false;
        }
        true
    }

    /// Whether the last of the files that were asked for has had its time, at that of a packet or now.
    pub(super) fn is_over(&self, seconds: Option<i64>) -> bool {
        let last = self.size.is_none() && self.count.is_some_and(|count| self.turns + 1 >= count);
        last && self.is_late(seconds.unwrap_or_else(now))
    }

    /// The name of the file.
    fn name(&self) -> Result<PathBuf> {
        let mut name = self.pattern.as_os_str().as_bytes().to_vec();
        if self.seconds.is_some() {
            let shown = || escape::name(&self.pattern);
            let pattern = CString::new(name).map_err(|_| Error::usage(format!("'{}' is no name", shown())))?;
            let since = self.since.unwrap_or_else(now);
            name = strftime::local(&pattern, since)
                .ok_or_else(|| Error::usage(format!("'{}' makes no name that a file can have", shown())))?;
        }
        let width = match (self.size, self.count) {
            (Some(_), Some(count @ 2..)) => (count - 1).to_string().len(),
            _ => 0,
        };
        if self.number > 0 || width > 0 {
            name.extend(format!("{:0width$}", self.number).bytes());
        }
        Ok(PathBuf::from(OsString::from_vec(name)))
    }

    /// Opens the folder of the file whose turn it is; gives the file's path.
    ///
    /// # Errors
    /// Where there is none, or the file is no regular one, or the one that is read.
    pub(super) fn settle(&mut self, source: Option<&Source>) -> Result<PathBuf> {
        let path = self.name()?;
        let shown = escape::name(&path);
        let parent = path.parent().unwrap_or(Path::new("")).to_owned();
        if self.directory.as_ref().is_none_or(|(known, _)| *known != parent) {
            self.directory = match Target::resolve(&path, source)? {
                Target::Place(place) if path.read_link().is_err() => Some((parent, place.directory)),
                _ => {
                    return Err(Error::usage(format!("{shown} is no regular file: -G and -C begin new ones"))
                        .fix("name a file"));
                }
            };
        }
        Ok(path)
    }

    /// Opens the file whose turn it is, written anew; its name for messages.
    ///
    /// # Errors
    /// Where it cannot be written, is no regular file, or is the one that is read.
    pub(super) fn open(&mut self, source: Option<&Source>) -> Result<(File, String)> {
        let path = self.settle(source)?;
        let shown = escape::name(&path);
        let what = || format!("cannot write to {shown}");
        let Some(((_, directory), name)) = self.directory.as_ref().zip(path.file_name()) else {
            return Err(Error::usage(format!("'{shown}' is no name for a file")));
        };
        // A FIFO without a reader is an error instead of a wait.
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOCTTY | OFlag::O_NONBLOCK;
        let file = openat(directory, name, flags, Mode::from_bits_truncate(0o666));
        let file = File::from(file.sys("open", what)?);
        let there = file.metadata().sys("fstat", what)?;
        if source.is_some_and(|source| source.is(&there)) {
            return Err(Error::failed(format!("{shown} is the file that is read")).fix("name another file"));
        }
        if !there.is_file() {
            return Err(Error::failed(format!("{shown} is no regular file")).fix("name another file"));
        }
        file.set_len(0).sys("ftruncate", what)?;
        self.files += 1;
        Ok((file, shown))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(rotate_seconds: Option<u32>, rotate_size: Option<u64>, rotate_count: Option<u32>) -> Rotation {
        let flags = RotationFlags { rotate_seconds, rotate_size, rotate_count };
        flags.rotation(Path::new("x%%"), false).expect("flags").expect("a rotation")
    }

    fn names(rotation: &mut Rotation, turns: usize) -> Vec<String> {
        let mut names = Vec::new();
        for _ in 0..=turns {
            names.push(rotation.name().expect("a name").display().to_string());
            rotation.turn(0, u64::MAX);
        }
        names
    }

    #[test]
    fn sizes_are_those_of_tcpdump() {
        for (text, bytes) in [("1", 1_000_000), ("2k", 2048), ("3M", 3 << 20), ("1g", 1 << 30)] {
            assert_eq!(size(text).expect("a size"), bytes);
        }
        for text in ["", "0", "k", "1x", "1.5", "-1", "99999999999999999999"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_those_of_tcpdump() {
        assert_eq!(names(&mut rotation(None, Some(1), None), 2), ["x%%", "x%%1", "x%%2"]);
        assert_eq!(names(&mut rotation(None, Some(1), Some(2)), 3), ["x%%0", "x%%1", "x%%0", "x%%1"]);
        let ring = names(&mut rotation(None, Some(1), Some(11)), 11);
        assert_eq!((ring[0].as_str(), ring[10].as_str(), ring[11].as_str()), ("x%%00", "x%%10", "x%%00"));
        let mut timed = rotation(Some(60), Some(1), None);
        timed.begin(Some(0));
        assert_eq!(names(&mut timed, 1), ["x%", "x%1"]);
    }

    #[test]
    fn time_turns_and_ends() {
        let mut timed = rotation(Some(60), None, Some(2));
        assert!(!timed.is_ready());
        timed.begin(Some(1000));
        assert!(!timed.turn(1059, u64::MAX) && !timed.is_over(Some(1060)) && timed.turn(1060, 0));
        assert!(!timed.turn(1119, 0) && !timed.is_over(Some(1119)) && timed.is_over(Some(1120)));
    }
}
