//! The verdict on the two sides of a race: the best of one against the best of the other, at each size.

use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::{Comparison, VERDICT_ROUNDS, Verdict};
use super::crossover::{self, Crossovers};
use super::result::{LaneResult, SizeResult};
use super::{Axis, axis_value};

/// How two sides of a race stand to each other.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Sides {
    /// The first side, as the race names it.
    pub first: String,
    /// The second side.
    pub second: String,
    /// Which of the two could be measured at some size.
    pub measured: Vec<String>,
    /// The sizes at which both sides were measured.
    pub sizes: Vec<Champions>,
    /// Where the better side changes.
    pub crossovers: Crossovers,
}

/// The best of either side at one size.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Champions {
    /// In the unit of the race's axis.
    pub size: u64,
    /// The best contender of the first side.
    pub first: String,
    /// The best contender of the second side.
    pub second: String,
    /// The first against the second.
    pub comparison: Comparison,
}

/// Compares the sides; none where the race, or the choice of contenders, has not exactly two.
pub fn find(results: &[SizeResult]) -> Option<Sides> {
    let mut names: Vec<&str> = Vec::new();
    for lane in results.iter().flat_map(|r| &r.lanes).filter(|l| !l.limit) {
        let group = lane.group.as_deref()?;
        if !names.contains(&group) {
            names.push(group);
        }
    }
    let [first, second] = names.as_slice() else { return None };
    let champions = results.iter().filter_map(|r| champions(r, first, second)).collect();
    let contests: Vec<SizeResult> = results.iter().filter_map(|r| contest(r, first, second)).collect();
    let measured = [first, second].into_iter().filter(|side| results.iter().any(|r| best(r, side).is_some()));
    Some(Sides {
        measured: measured.map(|side| (*side).to_owned()).collect(),
        first: (*first).to_owned(),
        second: (*second).to_owned(),
        sizes: champions,
        crossovers: crossover::find(&contests),
    })
}

fn champions(result: &SizeResult, first: &str, second: &str) -> Option<Champions> {
    let (first, second) = (best(result, first)?.contender.clone(), best(result, second)?.contender.clone());
    let comparison = result.compare(&first, &second)?;
    Some(Champions { size: result.size, first, second, comparison })
}

/// The fastest of a side by median ratio, as [`SizeResult::leaders`] are found.
fn best<'a>(result: &'a SizeResult, side: &str) -> Option<&'a LaneResult> {
    let base = result.baseline.as_deref()?;
    let speed = |l: &LaneResult| match l.contender == base {
        true => 1.0,
        false => result.compare(&l.contender, base).map_or(0.0, |c| c.ratio),
    };
    let own = result.lanes.iter().filter(|l| !l.limit && l.group.as_deref() == Some(side));
    own.filter(|l| l.outcome.measured().is_some()).max_by(|a, b| speed(a).total_cmp(&speed(b)))
}

/// The size as a race of two: the best of each side, under the side's name.
fn contest(result: &SizeResult, first: &str, second: &str) -> Option<SizeResult> {
    let lane = |side: &str| Some(LaneResult { contender: side.to_owned(), ..best(result, side)?.clone() });
    let lanes = vec![lane(first)?, lane(second)?];
    let mut contest = SizeResult { lanes, baseline: Some(first.to_owned()), leaders: Vec::new(), ..result.clone() };
    contest.rank();
    Some(contest)
}

impl Sides {
    /// What it amounts to, in words: who never wins, or where the better side changes.
    pub fn lines(&self, axis: Axis) -> Vec<String> {
        let (first, second) = (self.first.as_str(), self.second.as_str());
        let settled: Vec<&Champions> = self.sizes.iter().filter(|c| c.comparison.rounds >= VERDICT_ROUNDS).collect();
        if self.sizes.is_empty() {
            let missing = if self.measured.contains(&self.first) { second } else { first };
            return vec![format!("{first} against {second}: no verdict, since {missing} could not be measured here")];
        }
        if settled.is_empty() {
            return vec![format!("{first} against {second}: too few rounds to tell")];
        }
        let wins = |verdict: Verdict| settled.iter().any(|c| c.comparison.verdict == verdict);
        match (wins(Verdict::Faster), wins(Verdict::Slower)) {
            (false, true) => vec![never(first, second, &settled, axis, |c| 1.0 / c.ratio)],
            (true, false) => vec![never(second, first, &settled, axis, |c| c.ratio)],
            (true, true) => self.crossovers.lines(axis).into_iter().map(|l| format!("best of each: {l}")).collect(),
            (false, false) => vec![format!("{first} against {second}: no difference found at any size")],
        }
    }
}

/// "AF_ALG never wins here, between 16 B and 1 MiB: user space is 1.90x (1 MiB) to 41x (16 B) as fast".
fn never(loser: &str, winner: &str, sizes: &[&Champions], axis: Axis, ratio: impl Fn(&Comparison) -> f64) -> String {
    let say = |size: u64| axis_value(axis, size);
    let range = match sizes {
        [only] => format!("at {}", say(only.size)),
        [first, .., last] => format!("between {} and {}", say(first.size), say(last.size)),
        [] => String::new(),
    };
    let times = |c: &&Champions| format!("{} ({})", factor(ratio(&c.comparison)), say(c.size));
    let mut ordered = sizes.to_vec();
    ordered.sort_by(|a, b| ratio(&a.comparison).total_cmp(&ratio(&b.comparison)));
    let span = match ordered.as_slice() {
        [first, .., last] => format!("{} to {}", times(first), times(last)),
        [only] => factor(ratio(&only.comparison)),
        [] => String::new(),
    };
    format!("{loser} never wins here, {range}: the best of {winner} is {span} times as fast as the best of {loser}")
}

fn factor(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") }
}
