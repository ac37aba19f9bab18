//! Which method moves the bytes: the one that was named, or under `auto` the first that the two files can do.

use std::os::unix::fs::MetadataExt;

use super::document::PassedOver;
use crate::error::{Error, Result};
use crate::race::Contender;
use crate::recipes::copy::RACE;
use crate::recipes::copy::method::{Approach, CopyFile};
use crate::source::Source;

/// What `auto` tries: sharing blocks costs nothing, the kernel's own copy spares a copy into user space, and read
/// and write work everywhere. METHOD of the page says how they compare.
const AUTO: [&str; 4] = ["reflink", "copy_file_range", "sendfile", LAST];
const LAST: &str = "read_write_256k";

/// The names that `--via` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("auto").chain(RACE.contenders.iter().map(|c| c.name))
}

/// The methods still to be tried, the present one first, and why others were passed over.
pub struct Methods {
    left: Vec<&'static Contender<Approach>>,
    present: Option<Box<dyn CopyFile>>,
    auto: bool,
    /// Those that the files could not do.
    pub passed_over: Vec<PassedOver>,
}

impl Methods {
    /// The candidates for `via`; `ours` says that the destination is a new regular file.
    pub fn new(via: &str, source: &Source, ours: bool) -> Self {
        let auto = via == "auto";
        let fits = |name: &str| match name {
            LAST => true,
            "reflink" => ours && source.size.is_some() && source.was.blocks() > 0,
            _ => source.size.is_some(),
        };
        let wanted = |name: &str| if auto { AUTO.contains(&name) && fits(name) } else { name == via };
        let mut left: Vec<_> = RACE.contenders.iter().copied().filter(|c| wanted(c.name)).collect();
        left.sort_by_key(|c| AUTO.iter().position(|name| *name == c.name));
        left.reverse();
        Methods { left, present: None, auto, passed_over: Vec::new() }
    }

    /// The name of the present one.
    pub fn name(&self) -> &'static str {
        self.left.last().map_or(LAST, |c| c.name)
    }

    /// The present one, started.
    pub fn present(&mut self) -> Result<&mut dyn CopyFile> {
        while self.present.is_none() {
            let contender = self.left.last().ok_or_else(|| Error::failed("no method is left"))?;
            match contender.approach.start() {
                Ok(started) => self.present = Some(started),
                Err(e) => self.pass_over(e)?,
            }
        }
        Ok(&mut **self.present.as_mut().expect("just started"))
    }

    /// Goes on to the next; the reason is the error where there is none, or where the user named the method.
    pub fn pass_over(&mut self, why: Error) -> Result<()> {
        if !self.auto || self.left.len() < 2 {
            return Err(why);
        }
        self.present = None;
        if let Some(contender) = self.left.pop() {
            self.passed_over.push(PassedOver { method: contender.name, why: reason(&why) });
        }
        Ok(())
    }

    /// Whether it shares blocks, so that holes need no care.
    pub fn shares_blocks(&self) -> bool {
        self.name() == "reflink"
    }
}

fn reason(error: &Error) -> String {
    match (error.call, error.errno) {
        (Some(call), Some(errno)) => format!("{call} gives {errno:?}"),
        _ => error.to_string(),
    }
}
