//! A contender under way: its samples so far, or why it runs no more.

use super::comparison::Comparison;
use super::plan::Lane;
use super::result::{Fact, LaneResult, Measured, Modes, ModesKind, Outcome, Quantiles};
use super::sampling::Sample;
use super::{Axis, Entrant, modes, statistics};
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::need;

/// A lane under way; `out` is why it runs no more.
pub(super) struct Runner {
    pub(super) entrant: usize,
    pub(super) name: String,
    pub(super) limit: bool,
    pub(super) group: Option<&'static str>,
    /// What its first operation took, cold.
    pub(super) first_ns: u64,
    pub(super) operations: u64,
    pub(super) bytes_per_operation: u64,
    pub(super) samples_ns: Vec<u64>,
    pub(super) facts: Vec<Fact>,
    pub(super) out: Option<Outcome>,
}

impl Runner {
    pub(super) fn new(lane: &Lane, entrants: &[Entrant]) -> Self {
        let finding = need::first_missing(entrants[lane.entrant].needs);
        Runner {
            entrant: lane.entrant,
            name: lane.name.clone(),
            limit: lane.limit,
            group: entrants[lane.entrant].group,
            first_ns: 0,
            operations: 1,
            bytes_per_operation: 0,
            samples_ns: Vec::new(),
            facts: Vec::new(),
            out: finding.map(|f| Outcome::Unavailable { finding: f.to_string(), denied: f.denied }),
        }
    }

    /// Does something with a runner that still runs; what goes wrong takes it out.
    pub(super) fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) {
        if self.out.is_none()
            && let Err(e) = work(self)
        {
            self.out = Some(outcome_of(e));
        }
    }

    /// Notes a sample.
    pub(super) fn record(&mut self, sample: Sample) {
        self.samples_ns.push(sample.ns);
        self.bytes_per_operation = sample.work.bytes / self.operations;
    }

    /// Whether a limit bounds this contender: its own side's, or everybody's.
    pub(super) fn is_bounded_by(&self, limit: &Runner) -> bool {
        !self.limit && limit.group.is_none_or(|group| self.group == Some(group))
    }

    pub(super) fn timed(&self) -> bool {
        self.out.is_none() && !self.samples_ns.is_empty()
    }

    pub(super) fn times(&self) -> Vec<f64> {
        self.samples_ns.iter().map(|ns| *ns as f64 / self.operations as f64).collect()
    }

    pub(super) fn conclude(self, axis: Axis) -> LaneResult {
        let times = self.times();
        let outcome = match self.out {
            Some(out) => out,
            None if times.is_empty() => Outcome::Unfinished,
            None => {
                let ns_per_operation = quantiles(&times);
                let rate = self.bytes_per_operation as f64 / ns_per_operation.p50 * 1e9;
                Outcome::Measured(Box::new(Measured {
                    operations_per_sample: self.operations,
                    bytes_per_operation: self.bytes_per_operation,
                    ns_per_operation,
                    bytes_per_second: (axis == Axis::Bytes && rate.is_finite() && rate > 0.0).then_some(rate),
                    versus_baseline: None,
                    versus_limit: None,
                    versus_limits: Vec::new(),
                    modes: modes::two_modes(&times).map(modes_of),
                    samples_ns: self.samples_ns,
                }))
            }
        };
        let (group, facts) = (self.group.map(str::to_owned), self.facts);
        LaneResult { contender: self.name, limit: self.limit, group, outcome, facts }
    }
}

pub(super) fn outcome_of(e: Error) -> Outcome {
    match e.kind {
        Kind::Wrong => Outcome::Wrong { mismatch: e.to_string() },
        Kind::Unavailable | Kind::Denied => {
            Outcome::Unavailable { finding: e.to_string(), denied: e.kind == Kind::Denied }
        }
        // What ends early because the user asked for it has not failed.
        _ if interrupt::asked() => Outcome::Unfinished,
        _ => Outcome::Failed { error: e.to_string() },
    }
}

/// The lane that ratios are formed against: the planned one, or the first that could be measured.
pub(super) fn baseline(runners: &[Runner], planned: usize) -> Option<&Runner> {
    runners.get(planned).filter(|r| r.timed()).or_else(|| runners.iter().find(|r| r.timed() && !r.limit))
}

/// The widest interval of any contender against the baseline.
pub(super) fn widest(runners: &[Runner], planned: usize, heats: &[usize]) -> Option<f64> {
    let base = baseline(runners, planned)?;
    let others = runners.iter().filter(|r| r.timed() && !r.limit && r.name != base.name);
    others.map(|r| Comparison::new(&base.name, &r.times(), &base.times(), heats).half_width()).max_by(f64::total_cmp)
}

fn quantiles(times: &[f64]) -> Quantiles {
    let sorted = statistics::sorted(times);
    let at = |q| statistics::quantile(&sorted, q);
    Quantiles { min: at(0.0), p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

fn modes_of(split: modes::Split) -> Modes {
    Modes {
        kind: if split.alternates { ModesKind::Bimodal } else { ModesKind::Shifted },
        fast_ns_per_operation: split.fast,
        slow_ns_per_operation: split.slow,
        slow_share: split.slow_share,
    }
}
