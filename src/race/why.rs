//! The why pass: what one operation costs in system calls, switches, faults and CPU time, apart from the timed rounds.

use std::process::Command;

use super::Track;
use crate::error::{Error, Result};

mod record;

pub use record::{Pmu, Syscall, Usage, Why};

/// Runs `command`, which must end up in [`child`], and gathers what one operation costs.
pub fn explain(command: Command) -> Result<Why> {
    drop(command);
    Err(Error::unavailable("the why pass is not wired yet"))
}

/// The other side of [`explain`], in the process that it started. The entrant has been entered
/// ([`Track::enter`]) by the caller; `operations` is at most what one [`Track::reset`] allows.
pub fn child(track: &mut dyn Track, entrant: usize, operations: u64) -> Result<()> {
    track.reset(operations)?;
    let _ = entrant;
    Err(Error::unavailable("the why pass is not wired yet"))
}

impl Why {
    /// The record as one line of text.
    pub fn line(&self) -> String {
        format!("{} operations", self.operations)
    }
}
