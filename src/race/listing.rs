//! Which races there are, and who can run in them on this host.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Axis, Race};
use crate::need::{self, Finding};

/// The document that `syskit bench --list --json` prints.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Races {
    /// Version of this document's form.
    pub schema: u32,
    /// The races, in the cookbook's order.
    pub races: Vec<RaceEntry>,
}

/// One race in a listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RaceEntry {
    /// What `bench` takes.
    pub name: &'static str,
    /// What is compared.
    pub title: &'static str,
    /// What sizes mean.
    pub axis: Axis,
    /// The sizes raced by default.
    pub sizes: &'static [u64],
    /// The contender that ratios are formed against by default.
    pub baseline: &'static str,
    /// Who can run, the limits last.
    pub contenders: Vec<ContenderEntry>,
}

/// One contender in a listing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ContenderEntry {
    /// What `--only` and `--baseline` take.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// True for a limit, which is measured along.
    pub limit: bool,
    /// Whether the host meets its needs; a workload may still not be for it.
    pub ready: bool,
    /// Why not, where it does not.
    pub finding: Option<Finding>,
}

/// Probes the needs of every contender of `races`.
pub fn take(races: impl Iterator<Item = &'static dyn Race>) -> Races {
    Races { schema: 1, races: races.map(entry).collect() }
}

fn entry(race: &'static dyn Race) -> RaceEntry {
    let contender = |e: super::Entrant| {
        let finding = need::first_missing(e.needs);
        ContenderEntry { name: e.name, title: e.title, limit: e.limit, ready: finding.is_none(), finding }
    };
    RaceEntry {
        name: race.name(),
        title: race.title(),
        axis: race.axis(),
        sizes: race.sizes(),
        baseline: race.baseline(),
        contenders: race.entrants().into_iter().map(contender).collect(),
    }
}
