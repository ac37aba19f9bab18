//! The why pass: what one operation costs in system calls, switches, faults and CPU time, apart from the timed rounds.
//!
//! [`explain`] starts a process that ends up in [`child()`]. The child warms up, runs operations without being traced
//! and measures them with getrusage(2) and performance counters; then it readies the next operations and reports.
//! Only now does the parent seize it (ptrace(2)), with all its threads and children, and count the system calls
//! between two markers ([`marker`]): the preparation, the verification and the conversation of the two are not in the
//! counts. Operations that are verified wrong give an error, not a record.

use std::process::Command;
use std::time::Duration;

use super::Track;
use crate::error::{Error, Result};

mod child;
mod line;
pub mod marker;
mod message;
mod names;
mod parent;
mod pin;
mod pmu;
mod record;
mod tally;
mod trace;
mod usage;
mod watchdog;

pub use record::{Pmu, Syscall, Usage, Why};

/// How long a why pass may take at most, unless told otherwise.
pub const LIMIT: Duration = Duration::from_secs(30);

/// Runs `command`, which must end up in [`child()`], and gathers what one operation costs.
///
/// The process gets no input, its output goes nowhere, it leads a process group of its own, and it is killed, with
/// that group, after [`LIMIT`] or when the user asks for the end. Where it cannot be traced, or dies or is late in the
/// traced part, the record has no system calls but a reason; before that, and where the operations fail or are
/// verified wrong, it is an error.
pub fn explain(command: Command) -> Result<Why> {
    explain_within(command, LIMIT)
}

/// As [`explain`], with another limit.
pub fn explain_within(command: Command, limit: Duration) -> Result<Why> {
    // A thread of its own: ptrace binds tracees to a thread, and waiting for any child must not meet another's.
    let pass = std::thread::Builder::new().name("why".to_owned()).spawn(move || parent::gather(command, limit));
    let pass = pass.map_err(|e| Error::failed(format!("cannot start the why pass: {e}")))?;
    pass.join().unwrap_or_else(|_| Err(Error::failed("the why pass panicked")))
}

/// The other side of [`explain`], in the process that it started.
///
/// The entrant has been entered ([`Track::enter`]) by the caller; `operations` is at most what one [`Track::reset`]
/// allows. An error is told to the parent too.
pub fn child(track: &mut dyn Track, entrant: usize, operations: u64) -> Result<()> {
    child::child(track, entrant, operations)
}

impl Why {
    /// The record as one line of text.
    pub fn line(&self) -> String {
        line::line(self)
    }
}
