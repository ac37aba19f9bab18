//! Where the winner changes along the sizes of a race.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::Verdict;
use super::result::SizeResult;
use super::{Axis, axis_value};

/// Who is fastest where: the sizes fall into reigns, with a crossover between each and the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Crossovers {
    /// The fewest stretches of sizes such that in each one contender is fastest or tied at every size.
    pub reigns: Vec<Reign>,
    /// Between each reign and the next.
    pub crossovers: Vec<Crossover>,
}

/// A stretch of sizes through which one contender is fastest, or tied.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Reign {
    /// Who leads throughout: more than one where they cannot be told apart.
    pub leaders: Vec<String>,
    /// The first size of the stretch.
    pub from_size: u64,
    /// Its last size.
    pub to_size: u64,
    /// True where the only leader won at each size, without a tie.
    pub always_won: bool,
}

/// A change of winner between two contenders, and how well it is known where.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Crossover {
    /// Who is faster below.
    pub below: String,
    /// Who is faster above.
    pub above: String,
    /// Who ties with `below` through all of its reign.
    pub below_tied: Vec<String>,
    /// Who ties with `above` through all of its reign.
    pub above_tied: Vec<String>,
    /// Where their speeds are equal: the middle of the tie, or interpolated between the sizes raced.
    pub size: u64,
    /// The last size at which `below` was found faster than `above`.
    pub last_below: Option<u64>,
    /// The first size at which `above` was found faster than `below`.
    pub first_above: Option<u64>,
    /// The sizes between those two at which no difference was found.
    pub tied_sizes: Vec<u64>,
}

/// Finds the reigns and crossovers of `results`, ascending by size.
pub fn find(results: &[SizeResult]) -> Crossovers {
    let known: Vec<&SizeResult> = results.iter().filter(|r| is_settled(r)).collect();
    let reigns = reigns(&known);
    let crossovers = reigns.windows(2).filter_map(|pair| crossover(&known, &pair[0], &pair[1])).collect();
    Crossovers { reigns, crossovers }
}

/// Whether there were two to compare and rounds enough to tell.
fn is_settled(result: &SizeResult) -> bool {
    !result.leaders.is_empty()
        && result.contenders().count() > 1
        && result.rounds >= super::comparison::VERDICT_ROUNDS
}

/// Extends each stretch as long as somebody leads at all of its sizes: that gives the fewest stretches.
fn reigns(results: &[&SizeResult]) -> Vec<Reign> {
    let mut reigns: Vec<Reign> = Vec::new();
    for result in results {
        if let Some(reign) = reigns.last_mut() {
            let still: Vec<String> = reign.leaders.iter().filter(|l| result.leaders.contains(l)).cloned().collect();
            if !still.is_empty() {
                reign.leaders = still;
                reign.to_size = result.size;
                reign.always_won &= result.winner().is_some();
                continue;
            }
        }
        reigns.push(Reign {
            leaders: result.leaders.clone(),
            from_size: result.size,
            to_size: result.size,
            always_won: result.winner().is_some(),
        });
    }
    reigns
}

fn crossover(results: &[&SizeResult], lower: &Reign, upper: &Reign) -> Option<Crossover> {
    // Of leaders that cannot be told apart the one that both sides know most of stands for all.
    let pair = lower.leaders.iter().flat_map(|b| upper.leaders.iter().map(move |a| (b, a)));
    let raced =
        |b: &str, a: &str| results.iter().filter(|r| r.measured(b).is_some() && r.measured(a).is_some()).count();
    let (below, above) = pair.rev().max_by_key(|(b, a)| raced(b, a))?;
    let points: Vec<(u64, f64, Verdict)> = results
        .iter()
        .filter(|r| (lower.from_size..=upper.to_size).contains(&r.size))
        .filter_map(|r| r.compare(below, above).map(|c| (r.size, c.ratio.ln(), c.verdict)))
        .collect();
    let first_above = points.iter().find(|p| p.2 == Verdict::Slower && p.0 > lower.to_size).map(|p| p.0);
    let up_to = |size: u64| first_above.is_none_or(|first| size < first);
    let last_below = points.iter().rev().find(|p| p.2 == Verdict::Faster && up_to(p.0)).map(|p| p.0);
    let between = |size: u64| up_to(size) && last_below.is_none_or(|last| size > last);
    let tied_sizes = points.iter().filter(|p| !matches!(p.2, Verdict::Faster | Verdict::Slower) && between(p.0));
    let tied_sizes: Vec<u64> = tied_sizes.map(|p| p.0).collect();
    Some(Crossover {
        below: below.clone(),
        above: above.clone(),
        below_tied: lower.leaders.iter().filter(|l| *l != below).cloned().collect(),
        above_tied: upper.leaders.iter().filter(|l| *l != above).cloned().collect(),
        size: match (tied_sizes.first(), tied_sizes.last()) {
            (Some(first), Some(last)) => geometric_mean(*first, *last),
            _ => equal_at(&points, lower.to_size, upper.from_size),
        },
        last_below,
        first_above,
        tied_sizes,
    })
}

/// Where the ratio passes 1, by a straight line between its logarithms over the logarithm of size.
fn equal_at(points: &[(u64, f64, Verdict)], lower: u64, upper: u64) -> u64 {
    let changes = points.windows(2).filter(|w| w[0].1 > 0.0 && w[1].1 <= 0.0);
    let nearest = changes.min_by_key(|w| w[0].0.abs_diff(lower));
    let Some([(a, ratio_a, _), (b, ratio_b, _)]) = nearest else { return geometric_mean(lower, upper) };
    let part = ratio_a / (ratio_a - ratio_b);
    let (a, b) = (*a as f64, *b as f64);
    (a.max(1.0) * (b / a.max(1.0)).powf(part)).round() as u64
}

/// The size halfway between two on a scale of ratios.
pub fn geometric_mean(a: u64, b: u64) -> u64 {
    (a.max(1) as f64 * b.max(1) as f64).sqrt().round() as u64
}

/// Bytes to a sixteenth of their power of two, so that sizes read well; other axes as they are.
pub fn rounded(size: u64, axis: Axis) -> u64 {
    let step = match axis {
        Axis::Bytes => 1 << size.max(1).ilog2().saturating_sub(4),
        Axis::Concurrency => 1,
    };
    (size + step / 2) / step * step
}

impl Crossovers {
    /// A line for each change of winner, or one that states its absence; none where nothing was settled.
    pub fn lines(&self, axis: Axis) -> Vec<String> {
        match self.reigns.as_slice() {
            [] => Vec::new(),
            [only] => vec![only.absence(axis)],
            _ => self.crossovers.iter().map(|c| c.line(axis)).collect(),
        }
    }
}

impl Reign {
    fn absence(&self, axis: Axis) -> String {
        let [from, to] = [self.from_size, self.to_size].map(|s| axis_value(axis, s));
        let range = if from == to { format!("only {from} was raced") } else { format!("between {from} and {to}") };
        match self.leaders.as_slice() {
            [only] if self.always_won => format!("no crossover {range}: {only} is fastest throughout"),
            [only] => format!("no crossover {range}: {only} is fastest or ties throughout"),
            several => format!("no crossover {range}: {} tie throughout", Listed(several)),
        }
        .replace("no crossover only", "no crossover to see: only")
    }
}

impl Crossover {
    /// "read_write below 48 KiB, sendfile above; tie between 40 KiB and 56 KiB".
    pub fn line(&self, axis: Axis) -> String {
        let say = |size: u64| axis_value(axis, size);
        let side = |name: &str, tied: &[String]| match tied {
            [] => name.to_owned(),
            tied => format!("{name} (tied: {})", tied.join(", ")),
        };
        let (below, above) = (side(&self.below, &self.below_tied), side(&self.above, &self.above_tied));
        let at = say(rounded(self.size, axis));
        match (self.tied_sizes.as_slice(), self.last_below, self.first_above) {
            ([], Some(last), Some(first)) => {
                format!(
                    "{below} below about {at}, {above} above; it changes between {} and {}",
                    say(last),
                    say(first)
                )
            }
            ([only], Some(_), Some(_)) => format!("{below} below {at}, {above} above; tie at {}", say(*only)),
            ([first, .., last], Some(_), Some(_)) => {
                format!("{below} below {at}, {above} above; tie between {} and {}", say(*first), say(*last))
            }
            (_, None, Some(first)) => {
                format!("{below} ties with {above} below {}, which is faster from there", say(first))
            }
            (_, Some(last), None) => format!("{below} is faster up to {}, and ties with {above} above", say(last)),
            (_, None, None) => {
                format!("{below} below about {at}, {above} above; between these two there is no verdict")
            }
        }
    }
}

/// "a, b and c".
struct Listed<'a>(&'a [String]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            [only] => f.write_str(only),
            [first @ .., last] => write!(f, "{} and {last}", first.join(", ")),
        }
    }
}
