//! Two sides of a race: who never wins, where the better side changes, and limits that bound one side only.

use syskit::race::engine::{Engine, Unobserved};
use syskit::race::plan::{Plan, lanes};
use syskit::race::result::SizeResult;
use syskit::race::sides::{self, Sides};
use syskit::race::{Axis, Entrant};

use crate::fake::{Fake, FakeCourse, Manner, honest};

const SIZES: [u64; 3] = [16, 4096, 1 << 20];

/// Two of the kernel, two of the library, a limit of all and one of the kernel's side.
fn entrants() -> Vec<Entrant> {
    let entrant = |name, group, limit| Entrant { name, title: "", needs: &[], limit, group };
    vec![
        entrant("lib_a", Some("library"), false),
        entrant("lib_b", Some("library"), false),
        entrant("send", Some("kernel"), false),
        entrant("splice", Some("kernel"), false),
        entrant("floor", None, true),
        entrant("null", Some("kernel"), true),
    ]
}

fn linear(start_ns: f64, ns_per_byte: f64) -> Fake {
    honest(move |m| (start_ns + ns_per_byte * m.size as f64) * m.noise(0.01))
}

fn raced(only: &[&str], kernel: [Fake; 2]) -> Vec<SizeResult> {
    let entrants = entrants();
    let only: Vec<String> = only.iter().map(|s| (*s).to_owned()).collect();
    let (lanes, baseline) = lanes(&entrants, &only, None, "lib_a").unwrap();
    let plan = Plan { budget_ns: 3_600_000_000_000, ..Plan::new(lanes, baseline, SIZES.to_vec()) };
    let [send, splice] = kernel;
    let library = [linear(200.0, 1.0), linear(400.0, 0.9)];
    let limits = [linear(50.0, 0.5), linear(3000.0, 0.0)];
    let fakes = library.into_iter().chain([send, splice]).chain(limits).collect();
    let course = FakeCourse::new(fakes, 1);
    Engine::new(&course, Axis::Bytes, &entrants, &plan, &course.clock, &mut Unobserved).run()
}

fn found(results: &[SizeResult]) -> Sides {
    sides::find(results).expect("two sides")
}

fn absent() -> Fake {
    Fake { manner: Manner::Absent, ..linear(1.0, 1.0) }
}

#[test]
fn a_side_that_never_wins_is_told_so() {
    let sides = found(&raced(&[], [linear(5000.0, 2.0), linear(8000.0, 1.8)]));
    let best: Vec<(&str, &str)> = sides.sizes.iter().map(|c| (c.first.as_str(), c.second.as_str())).collect();
    assert_eq!(best, [("lib_a", "send"), ("lib_b", "send"), ("lib_b", "splice")]);
    let lines = sides.lines(Axis::Bytes);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("kernel never wins here, between 16 B and 1 MiB: the best of library is ")
            && lines[0].contains("(1 MiB) to 2")
            && lines[0].ends_with("(16 B) times as fast as the best of kernel"),
        "{lines:?}"
    );
}

#[test]
fn where_the_better_side_changes_is_a_crossover_of_sides() {
    let sides = found(&raced(&[], [linear(5000.0, 0.2), linear(8000.0, 1.8)]));
    let lines = sides.lines(Axis::Bytes);
    assert!(
        lines[0].starts_with("best of each: library below about ") && lines[0].contains("kernel above"),
        "{lines:?}"
    );
    let crossover = &sides.crossovers.crossovers[0];
    assert!((4096..1 << 20).contains(&crossover.size), "{crossover:?}");
}

#[test]
fn a_side_that_cannot_run_is_named_and_one_that_was_not_asked_for_is_not() {
    let sides = found(&raced(&[], [absent(), absent()]));
    assert_eq!(
        sides.lines(Axis::Bytes),
        ["library against kernel: no verdict, since kernel could not be measured here"]
    );
    assert_eq!(sides.measured, ["library"]);
    assert_eq!(sides::find(&raced(&["lib_a", "lib_b"], [absent(), absent()])), None);
}

#[test]
fn a_limit_of_one_side_bounds_only_that_side() {
    let result = raced(&[], [linear(5000.0, 2.0), linear(8000.0, 1.8)]).remove(0);
    let bounds = |name: &str| -> Vec<String> {
        result.measured(name).unwrap().versus_limits.iter().map(|c| c.against.clone()).collect()
    };
    assert_eq!(bounds("lib_a"), ["floor"]);
    assert_eq!(bounds("send"), ["floor", "null"]);
    assert!(bounds("floor").is_empty() && bounds("null").is_empty());
    let measured = result.measured("send").unwrap();
    assert_eq!(measured.versus_limit, measured.versus_limits.first().cloned());
    let reached = measured.versus_limits[1].ratio;
    assert!((reached - 3000.0 / 5032.0).abs() < 0.01, "{reached}");
}
