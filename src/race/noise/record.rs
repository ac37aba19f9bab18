//! The data of the noise record.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stat::Pressure;
use crate::host::machine::Machine;

/// How far to trust a race on this machine at this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Do not decide anything by this race.
    Poor,
    /// Clear differences hold; small ones, and absolute times, may not.
    Fair,
    /// Nothing was seen that would bend a result.
    Good,
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

/// The noise of a race: what else the machine did before, during and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Noise {
    /// The grade: the worst of the reasons.
    pub trust: Trust,
    /// What it rests on, the worst first; then what is merely worth knowing.
    pub reasons: Vec<Reason>,
    /// What was recorded.
    pub record: Record,
}

/// Everything that the grade is made of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// What does not change during a race.
    pub setting: Setting,
    /// The machine when watching began.
    pub before: Snapshot,
    /// What happened while watching.
    pub during: During,
    /// The machine when watching ended.
    pub after: Snapshot,
}

/// What does not change during a race.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Bare, virtual or emulated.
    pub machine: Machine,
    /// Processors online.
    pub cpus: usize,
    /// Processors that this thread may run on.
    pub allowed_cpus: usize,
    /// Whether simultaneous multithreading is active.
    pub smt: Option<bool>,
    /// CPUs' worth of time that the control group allows.
    pub cpu_quota: Option<f64>,
    /// Processor vulnerabilities that the kernel mitigates, which makes system calls and switches dearer.
    pub mitigations: usize,
}

/// The machine at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Stalls for want of CPU.
    pub cpu_pressure: Option<Pressure>,
    /// Stalls for want of I/O.
    pub io_pressure: Option<Pressure>,
    /// Stalls for want of memory.
    pub memory_pressure: Option<Pressure>,
    /// The load average over one minute.
    pub load: Option<f32>,
    /// Runnable threads, ourselves among them.
    pub running: Option<u32>,
    /// Threads that wait for a disk.
    pub blocked: Option<u32>,
    /// The scaling governors in use.
    pub governors: Vec<String>,
    /// The lowest and highest current frequency of the allowed processors, in kHz.
    pub khz: Option<Range>,
    /// The clock that times are read from.
    pub clocksource: Option<String>,
}

/// The lowest and highest of what was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The lowest.
    pub min: u64,
    /// The highest.
    pub max: u64,
}

/// What happened while watching. Shares are of 1.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct During {
    /// How long was watched.
    pub seconds: f64,
    /// Rounds watched.
    pub rounds: u64,
    /// Of these, rounds in which something else took the CPU.
    pub disturbed: u64,
    /// Of these, rounds that ended on another processor than they began on.
    pub moved: u64,
    /// Time in rounds that the measuring thread waited for a CPU that others had, as a share of the rounds' time.
    pub waited: Option<f64>,
    /// Involuntary context switches of this process in rounds.
    pub involuntary_switches: u64,
    /// Share of the allowed processors' time that the hypervisor gave to others.
    pub stolen: Option<f64>,
    /// Share of all processors' time that other processes used.
    pub others: Option<f64>,
    /// Share of their time in which the SMT siblings of the allowed processors were busy, where those are not allowed
    /// themselves.
    pub siblings: Option<f64>,
    /// Share of the time in which some task was stalled for want of CPU; our own threads count too.
    pub cpu_pressure: Option<f64>,
    /// The same for I/O; our own I/O counts too.
    pub io_pressure: Option<f64>,
    /// The same for memory.
    pub memory_pressure: Option<f64>,
    /// The most runnable threads seen at the end of a round, ourselves among them.
    pub most_running: Option<u32>,
    /// The lowest and highest frequency seen, in kHz.
    pub khz: Option<Range>,
    /// Periods in which the control group's quota was used up, and periods there were.
    pub throttled: Option<(u64, u64)>,
}

impl Range {
    /// The range of some values; None where there are none.
    pub fn of(values: impl IntoIterator<Item = u64>) -> Option<Range> {
        values.into_iter().map(|v| Range { min: v, max: v }).reduce(Range::with)
    }

    /// The range that spans both.
    pub fn with(self, other: Range) -> Range {
        Range { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}
