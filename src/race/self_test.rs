//! A contender against itself (A/A): what difference can be seen on this host now, and how often one is seen
//! where there is none.

use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::Comparison;
use super::engine::Engine;
use super::plan::{Lane, MOST_ROUNDS, Plan};
use super::result::{Outcome, SizeResult};
use super::statistics;

/// Races that one size is divided into, where the budget allows rounds enough.
const RACES: u32 = 20;
/// Rounds that each of them has at least.
const ROUNDS: usize = 10;
/// A true difference of this many half widths has its interval clear of 1 in 95 of 100 races: (1.96 + 1.645) / 1.96.
const POWER: f64 = 1.84;

/// What a contender's races against itself showed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SelfTest {
    /// Who ran against itself.
    pub contender: String,
    /// What was seen at each size.
    pub sizes: Vec<SelfTestSize>,
}

/// A/A races at one size.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SelfTestSize {
    /// In the unit of the race's axis.
    pub size: u64,
    /// Races held.
    pub races: usize,
    /// Rounds in each.
    pub rounds_per_race: usize,
    /// Races that found a difference, where there is none.
    pub false_alarms: usize,
    /// The smallest true difference that such a race finds in 95 of 100 cases, as a fraction (0.02 is 2 %);
    /// absent where no race was held.
    pub smallest_visible_difference: Option<f64>,
    /// Each race; above 1 the first of the two lanes was faster.
    pub comparisons: Vec<Comparison>,
    /// Why there is no race, where there is none.
    pub trouble: Option<String>,
    /// The samples behind it.
    pub raw: SizeResult,
}

/// The two lanes of `entrant`, named alike but for a number.
pub fn lanes(entrant: usize, name: &str) -> Vec<Lane> {
    (1..=2).map(|n| Lane { entrant, name: format!("{name}#{n}"), limit: false }).collect()
}

/// A plan that races the baseline of `plan` against itself for the whole of the budget.
pub fn plan(plan: &Plan) -> Plan {
    let lane = &plan.lanes[plan.baseline];
    Plan {
        lanes: lanes(lane.entrant, &lane.name),
        baseline: 1,
        precision: 0.0,
        fewest_rounds: ROUNDS as u32,
        most_rounds: RACES * MOST_ROUNDS,
        ..plan.clone()
    }
}

/// Runs an engine whose plan was made by [`plan()`]; `contender` is who it is about.
pub fn run(engine: &mut Engine<'_>, contender: &str) -> SelfTest {
    SelfTest { contender: contender.to_owned(), sizes: engine.run().into_iter().map(divide).collect() }
}

/// Cuts the rounds of one size into races of equal length, one after the other.
fn divide(raw: SizeResult) -> SelfTestSize {
    let times: Vec<Vec<f64>> = raw.contenders().map(|(_, m)| m.times()).collect();
    let rounds_per_race = (raw.rounds / RACES as usize).clamp(ROUNDS, MOST_ROUNDS as usize);
    let comparisons: Vec<Comparison> = match times.as_slice() {
        [one, other] => one
            .chunks_exact(rounds_per_race)
            .zip(other.chunks_exact(rounds_per_race))
            .enumerate()
            .map(|(i, (one, other))| {
                let rounds = i * rounds_per_race..(i + 1) * rounds_per_race;
                let heats: Vec<usize> =
                    raw.heats.iter().filter(|h| rounds.contains(h)).map(|h| h - rounds.start).collect();
                Comparison::new("itself", one, other, &heats)
            })
            .collect(),
        _ => Vec::new(),
    };
    let false_alarms = comparisons.iter().filter(|c| c.differs()).count();
    SelfTestSize {
        size: raw.size,
        races: comparisons.len(),
        rounds_per_race,
        false_alarms,
        smallest_visible_difference: smallest_visible(&comparisons),
        trouble: comparisons.is_empty().then(|| trouble(&raw)),
        comparisons,
        raw,
    }
}

/// By the usual width of the intervals, but never less than what was wrongly found.
fn smallest_visible(comparisons: &[Comparison]) -> Option<f64> {
    let widths = statistics::sorted(&comparisons.iter().map(Comparison::half_width).collect::<Vec<_>>());
    let by_width = (!widths.is_empty()).then(|| POWER * statistics::quantile(&widths, 0.5))?;
    let found = comparisons.iter().filter(|c| c.differs()).map(|c| c.ratio.ln().abs().exp_m1());
    Some(found.fold(by_width, f64::max))
}

fn trouble(raw: &SizeResult) -> String {
    let said = raw.lanes.iter().find_map(|l| match &l.outcome {
        Outcome::Unavailable { finding, .. } => Some(finding.clone()),
        Outcome::Wrong { mismatch } => Some(mismatch.clone()),
        Outcome::Failed { error } => Some(error.clone()),
        Outcome::Measured(_) | Outcome::Unfinished => None,
    });
    said.unwrap_or_else(|| format!("only {} rounds were done", raw.rounds))
}
