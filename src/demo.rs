//! What a recipe's run is given: it emits data into a [`Demo`]; views print it.

use std::fmt::{Debug, Display};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};

/// Collects what a recipe shows, times and checks.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Demo {
    /// Captured output, a line each.
    pub output: Vec<String>,
    /// How long parts of the run took.
    pub timings: Vec<Timing>,
    /// What was verified.
    pub checks: Vec<Check>,
    /// Whether a recipe that is scaled down by default is to work at its full scale (`syskit run ID --full`).
    #[serde(skip)]
    pub full: bool,
}

/// How long one part of a recipe's run took, once: an illustration, not a measurement (races measure).
#[derive(Debug, Serialize, JsonSchema)]
pub struct Timing {
    /// What was timed.
    pub what: String,
    /// Wall-clock time in nanoseconds.
    pub nanoseconds: u64,
    /// Bytes that the part moved, where that makes sense.
    pub bytes: Option<u64>,
}

/// One thing that a recipe verified.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    /// What was verified.
    pub what: String,
    /// Whether it held.
    pub passed: bool,
    /// What was expected and what came instead, where it did not hold.
    pub mismatch: Option<String>,
}

impl Demo {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one, for a run at full scale where `full`.
    pub fn of_scale(full: bool) -> Self {
        Demo { full, ..Self::default() }
    }

    /// Shows a line (or several) of output.
    pub fn say(&mut self, text: impl Display) {
        self.output.extend(text.to_string().lines().map(str::to_owned));
    }

    /// Does `work` and notes how long it took; `bytes` is what it moved, for a rate.
    pub fn time<T>(&mut self, what: &str, bytes: Option<u64>, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let done = work()?;
        let nanoseconds = start.elapsed().as_nanos() as u64;
        self.timings.push(Timing { what: what.to_owned(), nanoseconds, bytes });
        Ok(done)
    }

    /// Verifies that `got` is what was `expected`; what is not so ends the recipe as wrong (exit 5).
    pub fn check_eq<T: PartialEq + Debug>(&mut self, what: &str, expected: T, got: T) -> Result<()> {
        let mismatch = (expected != got).then(|| format!("expected {expected:?}, got {got:?}"));
        self.record(what, mismatch)
    }

    /// Verifies that `holds`; `otherwise` says what came instead.
    pub fn check(&mut self, what: &str, holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
        self.record(what, (!holds).then(otherwise))
    }

    fn record(&mut self, what: &str, mismatch: Option<String>) -> Result<()> {
        let failed = mismatch.as_ref().map(|m| Error::wrong(format!("{what}: {m}")));
        self.checks.push(Check { what: what.to_owned(), passed: mismatch.is_none(), mismatch });
        failed.map_or(Ok(()), Err)
    }
}
