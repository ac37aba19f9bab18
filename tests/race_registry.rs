//! Every registered race is run, every contender of it verified; one that cannot run here says so loudly.

#![allow(clippy::print_stderr)]

mod common;

use syskit::need;
use syskit::race::clock::Monotonic;
use syskit::race::engine::{Engine, Unobserved};
use syskit::race::plan::{Plan, lanes};
use syskit::race::result::Outcome;
use syskit::race::{self, Axis, Course, Entrant, Race};

/// Sizes above this are for measuring: they show nothing about right and wrong that smaller ones do not.
const MOST_BYTES: u64 = 1 << 20;

fn configured(race: &dyn Race) -> Box<dyn Course> {
    let command = race.flags(clap::Command::new("race"));
    race.configure(&command.get_matches_from(["race"])).expect("a race runs without flags")
}

fn host_lacks(entrants: &[Entrant], name: &str) -> bool {
    entrants.iter().any(|e| e.name == name && need::first_missing(e.needs).is_some())
}

#[test]
fn every_contender_of_every_race_is_right() {
    for race in race::all() {
        let (course, entrants, clock) = (configured(race), race.entrants(), Monotonic::new());
        let (lanes, baseline) = lanes(&entrants, &[], None, race.baseline()).unwrap();
        let small = |s: &&u64| race.axis() != Axis::Bytes || **s <= MOST_BYTES;
        let sizes: Vec<u64> = race.sizes().iter().filter(small).copied().collect();
        assert!(!sizes.is_empty(), "{}: a race has a small size", race.name());
        let plan = Plan { budget_ns: 1, ..Plan::new(lanes, baseline, sizes) };
        let mut nobody = Unobserved;
        for result in Engine::new(&*course, race.axis(), &entrants, &plan, &clock, &mut nobody).run() {
            for lane in &result.lanes {
                let who =
                    format!("{} {} at {}", race.name(), lane.contender, race::axis_value(race.axis(), result.size));
                match &lane.outcome {
                    Outcome::Measured(measured) => assert_eq!(measured.samples_ns.len(), result.rounds, "{who}"),
                    Outcome::Unavailable { finding, .. } if host_lacks(&entrants, &lane.contender) => {
                        common::skip(&format!("{who}: {finding}"));
                    }
                    // The workload is not for it (a file system that shares no blocks): no host makes up for that.
                    Outcome::Unavailable { finding, .. } => eprintln!("NOT FOR THIS WORKLOAD: {who}: {finding}"),
                    other => panic!("{who}: {other:?}"),
                }
            }
            assert!(result.contenders().next().is_some(), "{}: nobody can run", race.name());
        }
    }
}

#[test]
fn every_race_is_well_formed() {
    let mut names: Vec<&str> = race::all().map(|r| r.name()).collect();
    for race in race::all() {
        let entrants = race.entrants();
        let name = race.name();
        assert!(race.sizes().is_sorted(), "{name}: sizes ascend");
        assert!(entrants.iter().filter(|e| !e.limit).count() > 1, "{name}: a race has two contenders");
        assert!(entrants.iter().any(|e| e.name == race.baseline() && !e.limit), "{name}: the baseline runs");
        assert!(entrants.is_sorted_by_key(|e| e.limit), "{name}: limits come last");
        let limits = || entrants.iter().filter(|e| e.limit);
        assert!(limits().skip(1).all(|e| e.group.is_some()), "{name}: a limit of all contenders comes first");
        for e in &entrants {
            assert_eq!(entrants.iter().filter(|o| o.name == e.name).count(), 1, "{name}: two are named {}", e.name);
            assert!(e.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b)), "{name}: {}", e.name);
        }
    }
    names.sort_unstable();
    assert!(names.windows(2).all(|w| w[0] != w[1]), "two races share a name: {names:?}");
}
