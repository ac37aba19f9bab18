//! The copy race: from two open descriptors and an empty destination to a destination with the same bytes.
//!
//! Source and destinations are unnamed files: nothing is left behind however the process ends.

use std::fs::{File, OpenOptions};
use std::io::Seek;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit};

use super::content::Content;
use super::memory::Memory;
use super::method::{Approach, CopyFile};
use super::place::{self, Place};
use crate::error::{Context, Error, Result};
use crate::race::{Task, Work, Workload};
use crate::sys::tmpfile::reopen;
use crate::units;

/// Bytes that the destinations of one sample may hold together (a single one may be larger).
const MOST_BYTES: u64 = 64 << 20;
/// Destinations of one sample.
const MOST_FILES: u64 = 256;
/// The content of every source.
const SEED: u64 = 26;

/// The job: copy one file into another.
pub struct CopyTask {
    place: Place,
    cold: bool,
}

/// A source, and destinations for the operations of a sample.
pub struct Files {
    place: Place,
    len: u64,
    content: Content,
    source: File,
    cold: bool,
    lanes: Vec<Lane>,
    next: usize,
    laid_out: usize,
    sample: u64,
}

/// The two descriptors of one operation; every operation reads through a descriptor of its own, so that no rewinding
/// is inside the clock.
struct Lane {
    src: File,
    dst: File,
}

/// What a contender keeps between operations.
pub enum Session {
    /// A copy between files.
    Files(Box<dyn CopyFile>),
    /// The limit's memory.
    Memory(Memory),
}

impl Task for CopyTask {
    type Contender = Approach;
    type Fixture = Files;
    type Session = Session;

    fn flags(command: Command) -> Command {
        command
            .arg(
                Arg::new("dir")
                    .long("dir")
                    .value_name("DIR")
                    .value_parser(value_parser!(std::path::PathBuf))
                    .help("Copy in this directory, on its file system [default: $TMPDIR or /tmp]"),
            )
            .arg(
                Arg::new("cold")
                    .long("cold")
                    .action(ArgAction::SetTrue)
                    .help("Drop the source from the page cache before every copy (default: warm)"),
            )
    }

    fn configure(matches: &ArgMatches) -> Result<Self> {
        let place = match matches.get_one::<std::path::PathBuf>("dir") {
            Some(directory) => Place::at(directory.clone()),
            None => Place::usual(),
        };
        place.check()?;
        Ok(CopyTask { place, cold: matches.get_flag("cold") })
    }

    fn settings(&self) -> Vec<(String, String)> {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        vec![
            setting("directory", self.place.shown()),
            setting("file system", self.place.file_system()),
            setting("cache", if self.cold { "cold" } else { "warm" }.to_owned()),
        ]
    }

    fn most_operations(&self, workload: &Workload) -> u64 {
        if self.cold { 1 } else { (MOST_BYTES / workload.size.max(1)).clamp(1, most_files()) }
    }

    fn prepare(&self, workload: &Workload) -> Result<Files> {
        let source = self.place.unnamed()?;
        self.place.see_room(&source, 2, workload.size)?;
        let content = Content::new(SEED);
        let room = |e: Error| match e.errno {
            Some(Errno::EINTR) => e,
            _ => e.fix(format!("choose a --dir with room for two files of {}", units::bytes(workload.size))),
        };
        content.write(&source, workload.size).map_err(room)?;
        // Dirty pages of the source would be written back while others are timed.
        nix::unistd::fdatasync(&source).sys("fdatasync", || "cannot write the source".to_owned()).map_err(room)?;
        let (place, len, cold) = (self.place.clone(), workload.size, self.cold);
        Ok(Files { place, len, content, source, cold, lanes: Vec::new(), next: 0, laid_out: 0, sample: 0 })
    }

    fn enter(contender: &'static Approach, files: &mut Files) -> Result<Session> {
        if let Approach::Memory = contender {
            return Ok(Session::Memory(Memory::new(&files.content, files.len)?));
        }
        // One copy outside the clock tells what these files cannot do from what fails later.
        let mut copier = contender.start()?;
        files.reset(1)?;
        let lane = &files.lanes[0];
        copier.copy(&lane.src, &lane.dst, files.len)?;
        Ok(Session::Files(copier))
    }

    fn reset(files: &mut Files, operations: u64) -> Result<()> {
        files.reset(operations as usize)
    }

    fn run(_: &'static Approach, session: &mut Session, files: &mut Files) -> Result<Work> {
        match session {
            Session::Memory(memory) => Ok(memory.run(files.sample)),
            Session::Files(copier) => {
                let lane =
                    files.lanes.get(files.next).ok_or_else(|| Error::failed("more copies than were laid out"))?;
                files.next += 1;
                copier.copy(&lane.src, &lane.dst, files.len).map(|bytes| Work { bytes })
            }
        }
    }

    fn verify(session: &mut Session, files: &mut Files, operations: u64, done: Work) -> Result<()> {
        let expected = files.len * operations;
        if done.bytes != expected {
            return Err(Error::wrong(format!("{} bytes were to be copied, {} were claimed", expected, done.bytes)));
        }
        match session {
            Session::Memory(memory) => memory.check(operations as usize),
            Session::Files(_) => {
                let used = files.lanes.iter().take(operations as usize);
                used.into_iter().try_for_each(|lane| files.content.check(&lane.dst, files.len))
            }
        }
    }
}

/// As many destinations as there are descriptors for: each takes two, and the rest of the program some.
fn most_files() -> u64 {
    let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    (limit.saturating_sub(64) / 2).clamp(1, MOST_FILES)
}

impl Files {
    fn reset(&mut self, operations: usize) -> Result<()> {
        while self.lanes.len() < operations {
            let again = || format!("cannot open the source {} times", self.lanes.len() + 1);
            let src = reopen(&self.source, OpenOptions::new().read(true)).sys("open", again)?;
            self.lanes.push(Lane { src, dst: self.place.unnamed()? });
        }
        // Only what the last sample may have filled: the others are empty, and truncating one is not free.
        for lane in &mut self.lanes[..self.laid_out] {
            lane.dst.set_len(0).sys("ftruncate", || "cannot empty a destination".to_owned())?;
        }
        for lane in &mut self.lanes[..operations] {
            lane.dst.rewind().sys("lseek", || "cannot rewind a destination".to_owned())?;
            lane.src.rewind().sys("lseek", || "cannot rewind the source".to_owned())?;
        }
        self.laid_out = operations;
        (self.next, self.sample) = (0, self.sample + 1);
        if self.cold { place::drop_cache(&self.source, self.len) } else { Ok(()) }
    }
}
