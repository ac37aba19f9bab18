//! The versioned data of a race, and its views (one file per format under `report/`).
//!
//! A new format is one file with a function over [`Report`], and one line in [`FORMATS`].

mod json;
mod race_text;
mod self_test_text;
mod table;

use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Result;
use crate::host::Host;
use crate::race::Axis;
use crate::race::crossover::Crossovers;
use crate::race::noise::Noise;
use crate::race::plan::Plan;
use crate::race::result::{Outcome, SizeResult};
use crate::race::self_test::SelfTest;
use crate::race::sides::Sides;
use crate::race::why::Why;
use crate::ui::Ui;
use crate::verb::Document;

pub use json::save;

/// Writes a report to the data stream of a [`Ui`].
pub type View = fn(&Report, &mut Ui) -> Result<()>;

/// Every format a report can be shown in: name and view, a line each.
pub static FORMATS: &[(&str, View)] = &[("text", table::show), ("json", json::show)];

/// The documents of `syskit bench`.
pub static SCHEMAS: &[Document] = &[
    ("bench", || schemars::schema_for!(Report)),
    ("bench-list", || schemars::schema_for!(crate::race::listing::Races)),
];

/// Version of [`Report`]'s form.
pub const SCHEMA: u32 = 1;

/// What a race found out, with everything a reader needs to place it: `syskit bench RACE --json`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Report {
    /// Version of this document's form.
    pub schema: u32,
    /// The version of syskit that made it.
    pub syskit: String,
    /// When the race began, seconds since 1970 (UTC).
    pub began_unix_seconds: u64,
    /// The race's name.
    pub race: String,
    /// What is compared, in a few words.
    pub title: String,
    /// What sizes mean.
    pub axis: Axis,
    /// The race's own settings.
    pub settings: Vec<Setting>,
    /// How it was measured.
    pub method: Method,
    /// True where the user ended it early: what was known by then.
    pub interrupted: bool,
    /// Time that the race took, verification included; the why pass comes after it.
    pub elapsed_ns: u64,
    /// The machine.
    pub host: Host,
    /// What else the machine did, and how far to trust the race.
    pub noise: Noise,
    /// Who ran, in the family's order; the limits last.
    pub contenders: Vec<ContenderRecord>,
    /// Every size raced, ascending. Empty for a self-test.
    pub sizes: Vec<SizeResult>,
    /// Where the winner changes.
    pub crossovers: Crossovers,
    /// The verdict on the two sides of the race, where it has sides and both were raced.
    pub sides: Option<Sides>,
    /// Why: what each contender asks of the kernel, counted apart from the timing.
    pub why: Vec<WhyRecord>,
    /// The self-test, if it was one.
    pub self_test: Option<SelfTest>,
}

/// A setting of the race.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// How a race was measured.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Method {
    /// The contender that ratios are formed against, where it could be measured.
    pub baseline: String,
    /// The first limit's name, where the race has one.
    pub limit: Option<String>,
    /// The names of all limits.
    pub limits: Vec<String>,
    /// Time for the whole race.
    pub budget_ns: u64,
    /// Half width of the intervals asked for, over the ratio: 0.01 is 1 %.
    pub precision: f64,
    /// Confidence of the intervals.
    pub confidence: f64,
    /// Level of the sign test that a difference must pass.
    pub significance: f64,
    /// Seed of the order within rounds.
    pub seed: u64,
    /// Rounds at least, whatever the budget.
    pub fewest_rounds: u32,
    /// Rounds at most.
    pub most_rounds: u32,
    /// Whether sizes were added where the winner changes.
    pub sweep: bool,
    /// The CPUs that the process was pinned to, if it was.
    pub pinned_cpus: Option<Vec<usize>>,
    /// The smallest step of the clock.
    pub clock_resolution_ns: u64,
}

/// A contender of the race.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContenderRecord {
    /// What a user types.
    pub name: String,
    /// What it does.
    pub title: String,
    /// Whether it is a limit.
    pub limit: bool,
    /// The side that it stands for, where the race has sides.
    pub group: Option<String>,
}

/// Why a contender takes what it takes, at one size.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WhyRecord {
    /// The contender.
    pub contender: String,
    /// The size it was looked at.
    pub size: u64,
    /// What one operation costs; absent where that could not be found out.
    pub why: Option<Why>,
    /// Why it could not.
    pub trouble: Option<String>,
}

impl WhyRecord {
    /// The line that text shows.
    pub fn line(&self) -> String {
        match &self.why {
            Some(why) => why.line(),
            None => self.trouble.clone().unwrap_or_default(),
        }
    }
}

impl Method {
    /// What `plan` says about the method.
    pub fn of(plan: &Plan, sweep: bool, pinned_cpus: Option<Vec<usize>>, clock_resolution_ns: u64) -> Self {
        let limits: Vec<String> = plan.lanes.iter().filter(|l| l.limit).map(|l| l.name.clone()).collect();
        Method {
            baseline: plan.lanes[plan.baseline].name.clone(),
            limit: limits.first().cloned(),
            limits,
            budget_ns: plan.budget_ns,
            precision: plan.precision,
            confidence: crate::race::comparison::CONFIDENCE,
            significance: crate::race::comparison::SIGNIFICANCE,
            seed: plan.seed,
            fewest_rounds: plan.fewest_rounds,
            most_rounds: plan.most_rounds,
            sweep,
            pinned_cpus,
            clock_resolution_ns,
        }
    }
}

impl Report {
    /// Every outcome of every size, those of the self-test too.
    pub fn outcomes(&self) -> impl Iterator<Item = (&SizeResult, &str, &Outcome)> {
        let tested = self.self_test.iter().flat_map(|t| t.sizes.iter().map(|s| &s.raw));
        self.sizes
            .iter()
            .chain(tested)
            .flat_map(|s| s.lanes.iter().map(move |l| (s, l.contender.as_str(), &l.outcome)))
    }
}
