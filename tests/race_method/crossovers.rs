//! Where the winner changes: found, narrowed, or stated to be absent.

use syskit::race::Axis;
use syskit::race::crossover;
use syskit::race::engine::{Engine, Unobserved};
use syskit::race::plan::Plan;
use syskit::race::result::SizeResult;
use syskit::race::sweep;

use crate::fake::{Fake, FakeCourse, entrants, honest};
use crate::{plan, race_observed};

const KIB: u64 = 1024;

/// A start-up cost and a cost a byte.
fn linear(start_ns: f64, ns_per_byte: f64, noise: f64) -> Fake {
    honest(move |m| (start_ns + ns_per_byte * m.size as f64) * m.noise(noise))
}

/// Costs that are equal at 48 KiB: cheap to start and dear by the byte, and the reverse.
fn crossing_at_48_kib(noise: f64) -> Vec<Fake> {
    let at = 48.0 * KIB as f64;
    vec![linear(200_000.0, 10.0, noise), linear(200_000.0 + 5.0 * at, 5.0, noise)]
}

fn swept(fakes: Vec<Fake>, sizes: &[u64], budget_ns: u64) -> Vec<SizeResult> {
    let entrants = entrants(fakes.len(), false);
    let plan = Plan { budget_ns, ..plan(fakes.len(), false, sizes) };
    let course = FakeCourse::new(fakes, 1);
    let mut nobody = Unobserved;
    let mut engine = Engine::new(&course, Axis::Bytes, &entrants, &plan, &course.clock, &mut nobody);
    let results = sweep::run(&mut engine);
    assert!(results.is_sorted_by_key(|r| r.size));
    results
}

fn raced(fakes: Vec<Fake>, sizes: &[u64]) -> crossover::Crossovers {
    let plan = plan(fakes.len(), false, sizes);
    crossover::find(&race_observed(&FakeCourse::new(fakes, 1), &plan, false, &mut Unobserved))
}

#[test]
fn a_crossover_is_found_between_the_sizes_raced() {
    let found = raced(crossing_at_48_kib(0.02), &[4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB]);
    let [c] = found.crossovers.as_slice() else { panic!("{found:?}") };
    assert_eq!((c.below.as_str(), c.above.as_str()), ("a", "b"));
    assert_eq!((c.last_below, c.first_above), (Some(16 * KIB), Some(64 * KIB)));
    assert!((40 * KIB..58 * KIB).contains(&c.size), "{}", c.size);
    let line = &found.lines(Axis::Bytes)[0];
    assert!(
        line.starts_with("a below about 4") && line.contains("KiB, b above; it changes between 16 KiB and 64 KiB"),
        "{line}"
    );
}

#[test]
fn a_sweep_narrows_it_down_and_finds_the_tie() {
    let results = swept(crossing_at_48_kib(0.08), &[4 * KIB, 1024 * KIB], 60_000_000_000);
    let found = crossover::find(&results);
    let [c] = found.crossovers.as_slice() else { panic!("{found:?}") };
    assert!((45 * KIB..51 * KIB).contains(&c.size), "{}", c.size);
    let (last, first) = (c.last_below.unwrap(), c.first_above.unwrap());
    assert!(last >= 32 * KIB && first <= 72 * KIB && last < c.size && c.size < first, "{last} {first}");
    assert!(!c.tied_sizes.is_empty(), "near the crossing there is a tie");
    assert!(c.line(Axis::Bytes).contains("; tie "), "{}", c.line(Axis::Bytes));
    assert!(results.iter().filter(|r| r.swept).count() >= 4);
}

#[test]
fn a_sweep_keeps_to_its_budget() {
    let budget = 2_000_000_000;
    let course_ns: u64 =
        swept(crossing_at_48_kib(0.05), &[4 * KIB, 1024 * KIB], budget).iter().map(|r| r.elapsed_ns).sum();
    assert!(course_ns < budget + budget / 5, "{course_ns}");
}

#[test]
fn absence_is_stated() {
    let sizes = [4 * KIB, 64 * KIB, 1024 * KIB];
    let always = raced(vec![linear(2e5, 10.0, 0.02), linear(1e5, 5.0, 0.02)], &sizes);
    assert_eq!(always.lines(Axis::Bytes), ["no crossover between 4 KiB and 1 MiB: b is fastest throughout"]);
    // Equal while the start-up cost rules, b ahead where bytes do.
    let ties = raced(vec![linear(4e6, 10.0, 0.02), linear(4e6, 5.0, 0.02)], &[KIB, 4 * KIB, 1024 * KIB]);
    assert_eq!(ties.lines(Axis::Bytes), ["no crossover between 1 KiB and 1 MiB: b is fastest or ties throughout"]);
    let same = raced(vec![linear(2e5, 5.0, 0.02), linear(2e5, 5.0, 0.02)], &sizes);
    assert_eq!(same.lines(Axis::Bytes), ["no crossover between 4 KiB and 1 MiB: a and b tie throughout"]);
    let one = raced(vec![linear(2e5, 10.0, 0.02), linear(1e5, 5.0, 0.02)], &[4 * KIB]);
    assert_eq!(one.lines(Axis::Bytes), ["no crossover to see: only 4 KiB was raced: b is fastest throughout"]);
    assert!(raced(vec![linear(2e5, 1.0, 0.02)], &sizes).lines(Axis::Bytes).is_empty(), "one alone has no rival");
}

#[test]
fn three_reigns_have_two_crossovers() {
    let three = vec![linear(1e5, 20.0, 0.02), linear(4e5, 8.0, 0.02), linear(4e6, 1.0, 0.02)];
    let found = raced(three, &[KIB, 8 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB, 4096 * KIB]);
    let pairs: Vec<_> = found.crossovers.iter().map(|c| (c.below.as_str(), c.above.as_str())).collect();
    assert_eq!(pairs, [("a", "b"), ("b", "c")]);
    assert!((22 * KIB..28 * KIB).contains(&found.crossovers[0].size), "{found:?}");
    assert_eq!(found.reigns.len(), 3);
}
