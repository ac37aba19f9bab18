//! Noise: what else the machine did before, during and after a race, and how far the race can be trusted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far to trust a race on this machine at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Nothing seen that would bend a result.
    Good,
    /// Ratios hold, small differences and absolute times may not.
    Fair,
    /// Do not decide anything by this race.
    Poor,
}

/// One thing that bends results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// The best grade that a race with this can have; good: worth knowing, no more.
    pub at_best: Trust,
    /// What was seen, with figures.
    pub what: String,
    /// What to do about it.
    pub advice: String,
}

/// The noise of a race.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The grade.
    pub trust: Trust,
    /// What it rests on, the worst first.
    pub reasons: Vec<Reason>,
    /// Rounds watched.
    pub rounds: u64,
    /// Of these, rounds in which something else took the CPU.
    pub disturbed: u64,
}

/// Watches the machine during a race. Made and used on the thread that measures.
pub struct Watch {
    rounds: u64,
}

impl Watch {
    /// Takes the record "before".
    pub fn start() -> Watch {
        Watch { rounds: 0 }
    }

    /// A round begins.
    pub fn round_begins(&mut self) {}

    /// A round ended; true: something else took the CPU in it.
    pub fn round_ends(&mut self) -> bool {
        self.rounds += 1;
        false
    }

    /// Takes the record "after" and grades.
    pub fn finish(self) -> Noise {
        Noise { trust: Trust::Good, reasons: Vec::new(), rounds: self.rounds, disturbed: 0 }
    }
}

impl Noise {
    /// The record in a few lines of text.
    pub fn lines(&self) -> Vec<String> {
        vec![format!("trust: {:?}", self.trust)]
    }
}
