//! What to race and for how long.

use super::Entrant;
use crate::error::{Error, Result};

/// Rounds at most, by default: with noise of 5 % a sample this many show a difference of 3 % (tests/race_method.rs).
pub const MOST_ROUNDS: u32 = 200;
/// Rounds that are run even when the budget is spent before.
pub const FEWEST_ROUNDS: u32 = 3;

/// A place in every round: a contender, or the same one twice when it races itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Index in [`super::Race::entrants`].
    pub entrant: usize,
    /// The name in the report.
    pub name: String,
    /// Whether it is a limit.
    pub limit: bool,
}

/// What to race and for how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Who runs in every round.
    pub lanes: Vec<Lane>,
    /// The lane that ratios are formed against, an index into `lanes`.
    pub baseline: usize,
    /// Sizes or concurrencies, ascending.
    pub sizes: Vec<u64>,
    /// Time for everything: preparation, verification and the rounds of all sizes.
    pub budget_ns: u64,
    /// A size is done when every interval is this narrow (half width over ratio: 0.01 is 1 %).
    pub precision: f64,
    /// Seed of the order within rounds.
    pub seed: u64,
    /// Rounds even when the budget is spent.
    pub fewest_rounds: u32,
    /// Rounds at most.
    pub most_rounds: u32,
}

impl Plan {
    /// A plan with the default number of rounds, precision 1 %, 10 s, seed 1.
    pub fn new(lanes: Vec<Lane>, baseline: usize, sizes: Vec<u64>) -> Self {
        Plan {
            lanes,
            baseline,
            sizes,
            budget_ns: 10_000_000_000,
            precision: 0.01,
            seed: 1,
            fewest_rounds: FEWEST_ROUNDS,
            most_rounds: MOST_ROUNDS,
        }
    }
}

/// The lanes of a choice of contenders, and the place of the baseline among them. The limits always run along.
///
/// Without an explicit baseline it is the race's own, or the first of `only` where that is not among them.
pub fn lanes(
    entrants: &[Entrant],
    only: &[String],
    baseline: Option<&str>,
    default: &str,
) -> Result<(Vec<Lane>, usize)> {
    let find = |name: &str| {
        entrants.iter().position(|e| e.name == name && !e.limit).ok_or_else(|| unknown_contender(entrants, name))
    };
    let chosen = only.iter().map(|name| find(name)).collect::<Result<Vec<_>>>()?;
    let in_race = |i: usize| chosen.is_empty() || chosen.contains(&i);
    let base = match baseline {
        Some(name) => find(name)?,
        None => find(default).ok().filter(|i| in_race(*i)).or(chosen.first().copied()).unwrap_or(0),
    };
    let lanes: Vec<Lane> = entrants
        .iter()
        .enumerate()
        .filter(|(i, e)| e.limit || in_race(*i) || *i == base)
        .map(|(entrant, e)| Lane { entrant, name: e.name.to_owned(), limit: e.limit })
        .collect();
    let place =
        lanes.iter().position(|l| l.entrant == base).ok_or_else(|| Error::failed("a race of no contenders"))?;
    Ok((lanes, place))
}

fn unknown_contender(entrants: &[Entrant], name: &str) -> Error {
    let names = || entrants.iter().filter(|e| !e.limit).map(|e| e.name);
    let fix = match crate::recipe::nearest(name, names()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Error::usage(format!("no contender '{name}'")).fix(fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entrants() -> Vec<Entrant> {
        ["read_write", "sendfile", "splice", "memcpy"]
            .map(|name| Entrant { name, title: "", needs: &[], limit: name == "memcpy", group: None })
            .to_vec()
    }

    fn chosen(only: &[&str], baseline: Option<&str>) -> Result<(Vec<String>, String)> {
        let only: Vec<String> = only.iter().map(|s| (*s).to_owned()).collect();
        let (lanes, base) = lanes(&entrants(), &only, baseline, "read_write")?;
        let name = lanes[base].name.clone();
        Ok((lanes.into_iter().map(|l| l.name).collect(), name))
    }

    #[test]
    fn a_choice_keeps_the_limit_and_its_baseline() {
        let (all, base) = chosen(&[], None).unwrap();
        assert_eq!((all.len(), base.as_str()), (4, "read_write"));
        let (two, base) = chosen(&["splice", "sendfile"], None).unwrap();
        assert_eq!((two.join(" "), base.as_str()), ("sendfile splice memcpy".to_owned(), "splice"));
        let (with, base) = chosen(&["splice"], Some("sendfile")).unwrap();
        assert_eq!((with.join(" "), base.as_str()), ("sendfile splice memcpy".to_owned(), "sendfile"));
    }

    #[test]
    fn a_name_nobody_bears_suggests_the_nearest() {
        let e = chosen(&["sendfil"], None).unwrap_err();
        assert_eq!((e.to_string().as_str(), e.exit_code()), ("no contender 'sendfil'; did you mean 'sendfile'?", 2));
        assert!(chosen(&[], Some("memcpy")).is_err(), "the limit is no baseline");
    }
}
