//! What a race finds out about each size: the raw samples and what follows from them.

use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::{Comparison, Verdict};

/// One size or concurrency, raced.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SizeResult {
    /// In the unit of the race's axis.
    pub size: u64,
    /// Whether a sweep chose this size, for only the two contenders whose order changes near it.
    pub swept: bool,
    /// Rounds completed, each with a sample of every measured contender.
    pub rounds: usize,
    /// The rounds (from 0) in which something disturbed the host; they count like the others.
    pub disturbed_rounds: Vec<usize>,
    /// The rounds (from 0) with which a heat began: a fresh fixture, and sessions entered anew.
    pub heats: Vec<usize>,
    /// Why sampling ended.
    pub stop: Stop,
    /// The widest 95 % interval when sampling ended: half its width over the ratio; absent where nothing is compared.
    pub precision_reached: Option<f64>,
    /// Time from the first preparation to the last verification.
    pub elapsed_ns: u64,
    /// The contender that ratios are formed against here; absent where none could be measured.
    pub baseline: Option<String>,
    /// The contenders that none was found to beat: one is the winner, several are a tie. Limits are never among them.
    pub leaders: Vec<String>,
    /// Every contender, in the family's order.
    pub lanes: Vec<LaneResult>,
}

/// Why sampling of a size ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Every interval is as narrow as was asked for.
    Precision,
    /// This size's share of the budget is spent.
    Budget,
    /// The budget was spent before the fewest rounds were done; they were done all the same.
    FewestRounds,
    /// The most rounds were done.
    MostRounds,
    /// The user asked for the end.
    Interrupted,
    /// No contender could be measured.
    NothingToMeasure,
}

/// One contender at one size.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LaneResult {
    /// Its name.
    pub contender: String,
    /// Whether it is a limit: measured along, never a winner.
    pub limit: bool,
    /// The side that it stands for, where the race has sides.
    pub group: Option<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// How it does its work here, by its own account; empty where it was not measured.
    pub facts: Vec<Fact>,
}

/// Something to know of how a contender does its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Fact {
    /// What it is about ("driver").
    pub name: String,
    /// What there is to say ("generic-gcm-aesni").
    pub value: String,
}

/// What came of a contender.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// It was right every time, and this is what it took.
    Measured(Box<Measured>),
    /// This host, or this workload, is not for it.
    Unavailable {
        /// The finding: what was tried, why it failed, what to do.
        finding: String,
        /// Whether only the permission is missing.
        denied: bool,
    },
    /// Its result was wrong: there is no number.
    Wrong {
        /// What was expected and what came.
        mismatch: String,
    },
    /// The user asked for the end before its first round was complete.
    Unfinished,
    /// It failed: there is no number.
    Failed {
        /// The error.
        error: String,
    },
}

/// What a contender took.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Measured {
    /// Operations in each sample.
    pub operations_per_sample: u64,
    /// Bytes that one operation moves, by the contender's own verified account; 0 where the job has none.
    pub bytes_per_operation: u64,
    /// Median, 90th and 99th percentile of a sample's mean time per operation.
    pub ns_per_operation: Quantiles,
    /// `bytes_per_operation` over the median time.
    pub bytes_per_second: Option<f64>,
    /// Against the baseline; absent for the baseline itself.
    pub versus_baseline: Option<Comparison>,
    /// Against the first of `versus_limits`.
    pub versus_limit: Option<Comparison>,
    /// Against each limit that bounds it; none for limits themselves. Each ratio is the part reached.
    pub versus_limits: Vec<Comparison>,
    /// Two modes of speed, if it has two.
    pub modes: Option<Modes>,
    /// The raw samples, in nanoseconds, one a round in the order of the rounds.
    pub samples_ns: Vec<u64>,
}

/// Order statistics of time per operation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Quantiles {
    /// The fastest sample.
    pub min: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// Two clusters of samples, with little between.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Modes {
    /// What they mean.
    pub kind: ModesKind,
    /// Middle of the fast cluster, nanoseconds per operation.
    pub fast_ns_per_operation: f64,
    /// Middle of the slow cluster, nanoseconds per operation.
    pub slow_ns_per_operation: f64,
    /// Share of samples in the slow cluster, 0 to 1.
    pub slow_share: f64,
}

/// What two clusters of samples mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModesKind {
    /// It goes from one to the other again and again: its median is one of two truths.
    Bimodal,
    /// It moved from one to the other once or so, as the host's speed changed.
    Shifted,
}

impl Outcome {
    /// The measurement, if there is one.
    pub fn measured(&self) -> Option<&Measured> {
        match self {
            Outcome::Measured(measured) => Some(measured),
            _ => None,
        }
    }
}

impl Measured {
    /// Time per operation, a value for each round.
    pub fn times(&self) -> Vec<f64> {
        self.samples_ns.iter().map(|ns| *ns as f64 / self.operations_per_sample as f64).collect()
    }
}

impl SizeResult {
    /// The measurement of a contender, if there is one.
    pub fn measured(&self, contender: &str) -> Option<&Measured> {
        self.lanes.iter().find(|l| l.contender == contender)?.outcome.measured()
    }

    /// One contender against another, from the rounds both ran in.
    pub fn compare(&self, contender: &str, against: &str) -> Option<Comparison> {
        let (own, other) = (self.measured(contender)?.times(), self.measured(against)?.times());
        Some(Comparison::new(against, &own, &other, &self.heats))
    }

    /// The measured contenders, without limits.
    pub fn contenders(&self) -> impl Iterator<Item = (&str, &Measured)> {
        self.lanes.iter().filter(|l| !l.limit).filter_map(|l| Some((l.contender.as_str(), l.outcome.measured()?)))
    }

    /// The only leader; none where several tie, where one raced alone, or where too few rounds were run to tell.
    pub fn winner(&self) -> Option<&str> {
        match self.leaders.as_slice() {
            [only] if self.contenders().count() > 1 => Some(only),
            _ => None,
        }
    }

    /// Finds the leaders: the fastest by median ratio, and all that it was not found to beat.
    pub(super) fn rank(&mut self) {
        let Some(base) = self.baseline.clone() else { return };
        let speed = |name: &str| if name == base { 1.0 } else { self.compare(name, &base).map_or(0.0, |c| c.ratio) };
        let Some(best) =
            self.contenders().map(|(name, _)| (name, speed(name))).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(n, _)| n)
        else {
            return;
        };
        let beaten = |name: &str| self.compare(name, best).is_some_and(|c| c.verdict == Verdict::Slower);
        let leaders = self.contenders().map(|(n, _)| n).filter(|n| *n == best || !beaten(n)).map(str::to_owned);
        self.leaders = leaders.collect();
    }
}
