//! Bisects towards the sizes at which the winner changes.

use super::Axis;
use super::crossover::{self, Crossover, rounded};
use super::engine::Engine;
use super::plan::Lane;
use super::result::SizeResult;

/// A gap between two sizes is narrow enough when the larger is at most this many times the smaller.
const NARROW: f64 = 1.1;
/// Sizes that a sweep adds at most.
const MOST_ADDED: usize = 32;
/// What share of the budget the sizes asked for get before the rest goes into bisection.
const COARSE_SHARE: f64 = 0.5;
/// What share of the remaining budget one added size gets.
const STEP_SHARE: u64 = 6;

/// Races the plan's sizes, then sizes in between where the winner changes, until the budget or the resolution is
/// reached. Added sizes race only the two contenders (and the limit) whose order is in question.
pub fn run(engine: &mut Engine<'_>) -> Vec<SizeResult> {
    let mut results = engine.run_within((engine.plan.budget_ns as f64 * COARSE_SHARE) as u64);
    for _ in 0..MOST_ADDED {
        let left = engine.plan.budget_ns.saturating_sub(engine.elapsed_ns());
        if left == 0 || engine.observer.stop_asked() {
            break;
        }
        let Some((size, pair)) = next(&results, engine.axis) else { break };
        let lanes: Vec<Lane> =
            engine.plan.lanes.iter().filter(|l| l.limit || pair.contains(&l.name)).cloned().collect();
        let baseline = lanes.iter().position(|l| !l.limit).unwrap_or(0);
        let mut result = engine.size(size, &lanes, baseline, left / STEP_SHARE);
        result.swept = true;
        let place = results.partition_point(|r| r.size < size);
        results.insert(place, result);
    }
    results
}

/// The size that tells most: the middle of the widest gap at the edge of a crossover.
fn next(results: &[SizeResult], axis: Axis) -> Option<(u64, [String; 2])> {
    let found = crossover::find(results);
    let gaps =
        found.crossovers.iter().flat_map(|c| edges(c).map(move |gap| (gap, [c.below.clone(), c.above.clone()])));
    gaps.filter_map(|((low, high), pair)| {
        let size = rounded(crossover::geometric_mean(low, high), axis);
        let wide = high as f64 / low.max(1) as f64;
        let is_new = low < size && size < high && results.iter().all(|r| r.size != size);
        (wide > NARROW && is_new).then_some((wide, size, pair))
    })
    .max_by(|a, b| a.0.total_cmp(&b.0))
    .map(|(_, size, pair)| (size, pair))
}

/// The gaps in which a crossover's edges lie: one where the winner flips, two around a tie.
fn edges(c: &Crossover) -> impl Iterator<Item = (u64, u64)> {
    let (first, last) = (c.tied_sizes.first().copied(), c.tied_sizes.last().copied());
    let lower = c.last_below.zip(first.or(c.first_above));
    let upper = last.zip(c.first_above);
    [lower, upper].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_sizes_read_well() {
        assert_eq!(rounded(47_312, Axis::Bytes), 47_104);
        assert_eq!(crate::units::bytes(rounded(49_000, Axis::Bytes)), "48 KiB");
        assert_eq!([1, 7, 100].map(|n| rounded(n, Axis::Concurrency)), [1, 7, 100]);
    }

    #[test]
    fn a_tie_has_two_edges_and_a_flip_one() {
        let mut c = Crossover {
            below: "a".into(),
            above: "b".into(),
            below_tied: vec![],
            above_tied: vec![],
            size: 20,
            last_below: Some(10),
            first_above: Some(40),
            tied_sizes: vec![],
        };
        assert_eq!(edges(&c).collect::<Vec<_>>(), [(10, 40)]);
        c.tied_sizes = vec![18, 25];
        assert_eq!(edges(&c).collect::<Vec<_>>(), [(10, 18), (25, 40)]);
    }
}
