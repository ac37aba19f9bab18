//! The method, held to its word with a fake clock and contenders of known cost over many seeded runs.

#![allow(clippy::print_stderr)]

mod crossovers;
mod engine;
mod fake;
mod report;
mod sides;
mod verdicts;

use fake::{Fake, FakeCourse, entrants};
use syskit::race::Axis;
use syskit::race::engine::{Engine, Observer, Unobserved};
use syskit::race::plan::{Lane, Plan, lanes};
use syskit::race::result::SizeResult;

/// A plan for `n` fakes with the default number of rounds and time enough for all of them.
fn plan(n: usize, limit: bool, sizes: &[u64]) -> Plan {
    let (lanes, baseline) = lanes(&entrants(n, limit), &[], None, "a").unwrap();
    Plan { budget_ns: 3_600_000_000_000, ..Plan::new(lanes, baseline, sizes.to_vec()) }
}

fn race_observed(course: &FakeCourse, plan: &Plan, limit: bool, observer: &mut dyn Observer) -> Vec<SizeResult> {
    let entrants = entrants(course.fakes.len(), limit);
    Engine::new(course, Axis::Bytes, &entrants, plan, &course.clock, observer).run()
}

/// Races fakes at one size of 1000 bytes.
fn race(fakes: Vec<Fake>, seed: u64) -> SizeResult {
    let plan = Plan { seed, ..plan(fakes.len(), false, &[1000]) };
    race_observed(&FakeCourse::new(fakes, seed), &plan, false, &mut Unobserved).remove(0)
}

/// The two lanes of an A/A race.
fn twins() -> Vec<Lane> {
    syskit::race::self_test::lanes(0, "a")
}
