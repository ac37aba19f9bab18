//! What verdicts are worth: ratios, ties, false alarms, power.

use syskit::race::comparison::{Comparison, Verdict};
use syskit::race::engine::Unobserved;
use syskit::race::plan::Plan;
use syskit::race::result::{ModesKind, Stop};

use crate::fake::{FakeCourse, honest};
use crate::{plan, race, race_observed, twins};

fn versus(result: &syskit::race::result::SizeResult, who: &str) -> Comparison {
    result.measured(who).unwrap().versus_baseline.clone().unwrap()
}

#[test]
fn a_known_ratio_is_recovered() {
    let mut held = 0;
    for seed in 0..100 {
        let result = race(vec![honest(|m| 357_500.0 * m.noise(0.05)), honest(|m| 250_000.0 * m.noise(0.05))], seed);
        let c = versus(&result, "b");
        assert_eq!(c.verdict, Verdict::Faster);
        assert!((c.ratio / 1.43 - 1.0).abs() < 0.03, "seed {seed}: {c}");
        assert_eq!(result.winner(), Some("b"));
        held += usize::from(c.ratio_low <= 1.43 && 1.43 <= c.ratio_high);
    }
    assert!(held >= 88, "the interval held the ratio in {held} of 100");
}

#[test]
fn false_alarms_are_at_most_one_in_twenty() {
    // At 1 % and 2 % sampling stops by width, early and at many lengths; at 10 % it goes to the most rounds.
    for (noise, precision) in [(0.01, 0.01), (0.02, 0.01), (0.03, 0.01), (0.05, 0.02), (0.1, 0.01)] {
        let (mut alarms, mut by_width) = (0, 0);
        const RUNS: u64 = 800;
        for seed in 0..RUNS {
            let plan = Plan { lanes: twins(), baseline: 1, seed, precision, ..plan(1, false, &[1000]) };
            let course = FakeCourse::new(vec![honest(move |m| 250_000.0 * m.noise(noise))], seed);
            let result = race_observed(&course, &plan, false, &mut Unobserved).remove(0);
            alarms += u64::from(versus(&result, "a#1").differs());
            by_width += u64::from(result.stop == Stop::Precision);
        }
        eprintln!("noise {noise}: {alarms} false alarms in {RUNS} runs, {by_width} stopped by width");
        assert!(alarms * 20 <= RUNS, "noise {noise}: {alarms} of {RUNS}");
    }
}

#[test]
fn three_percent_are_found_under_five_percent_of_noise() {
    const RUNS: u64 = 400;
    let found = (0..RUNS)
        .filter(|seed| {
            let slow = honest(|m| 257_500.0 * m.noise(0.05));
            let result = race(vec![slow, honest(|m| 250_000.0 * m.noise(0.05))], *seed);
            versus(&result, "b").verdict == Verdict::Faster
        })
        .count() as u64;
    eprintln!("3 % under 5 % noise: found in {found} of {RUNS} runs");
    assert!(found * 100 >= RUNS * 95, "found in {found} of {RUNS}");
}

#[test]
fn a_tie_has_no_winner() {
    let mut winners = 0;
    for seed in 0..200 {
        let same = || honest(|m| 250_000.0 * m.noise(0.04));
        let result = race(vec![same(), same(), same()], seed);
        winners += usize::from(result.winner().is_some());
        assert_eq!(result.leaders.len() > 1, result.winner().is_none());
    }
    assert!(winners <= 10, "{winners} of 200 ties had a winner");
}

#[test]
fn a_machine_that_slows_down_to_half_does_not_move_the_ratio() {
    for seed in 0..50 {
        // 200 rounds of two samples of about 2 ms: the step comes in their midst.
        let drift =
            |base: f64| honest(move |m| base * if m.now_ns > 400_000_000 { 2.0 } else { 1.0 } * m.noise(0.03));
        let plan = Plan { seed, precision: 0.001, ..plan(2, false, &[1000]) };
        let course = FakeCourse::new(vec![drift(300_000.0), drift(200_000.0)], seed);
        let result = race_observed(&course, &plan, false, &mut Unobserved).remove(0);
        let c = versus(&result, "b");
        assert!((c.ratio / 1.5 - 1.0).abs() < 0.02, "seed {seed}: {c}");
        assert!(result.rounds > 100);
        for (name, measured) in result.contenders() {
            let kind = measured.modes.map(|m| m.kind);
            assert_eq!(kind, Some(ModesKind::Shifted), "seed {seed}: {name}: {:?}", measured.modes);
        }
    }
}

#[test]
fn a_bimodal_contender_is_called_bimodal_and_its_rival_is_not() {
    for seed in 0..50 {
        let two = honest(|m| if m.rng.f64() < 0.35 { 400_000.0 } else { 250_000.0 } * m.noise(0.04));
        let result = race(vec![honest(|m| 260_000.0 * m.noise(0.04)), two], seed);
        let modes = result.measured("b").unwrap().modes.expect("two modes");
        assert_eq!(modes.kind, ModesKind::Bimodal, "seed {seed}");
        assert!((modes.fast_ns_per_operation / 250_000.0 - 1.0).abs() < 0.05);
        assert!((modes.slow_ns_per_operation / 400_000.0 - 1.0).abs() < 0.05);
        assert!((0.2..0.5).contains(&modes.slow_share));
        assert_eq!(result.measured("a").unwrap().modes, None, "seed {seed}");
    }
}

#[test]
fn stalls_do_not_decide_a_race() {
    // One sample in twelve of the faster takes a hundred times as long: the mean would turn the verdict round.
    let stalls = honest(|m| 200_000.0 * if m.rng.f64() < 0.08 { 100.0 } else { 1.0 } * m.noise(0.03));
    let c = versus(&race(vec![honest(|m| 250_000.0 * m.noise(0.03)), stalls], 5), "b");
    assert_eq!(c.verdict, Verdict::Faster, "{c}");
    assert!((c.ratio / 1.25 - 1.0).abs() < 0.03, "{c}");
}

#[test]
fn the_luck_of_a_fixture_is_no_difference_between_contenders() {
    // Where buffers come to lie makes each contender 5 % faster or slower for as long as a fixture lives.
    const RUNS: u64 = 300;
    let lucky = || honest(|m| 250_000.0 * (0.05 * m.luck).exp() * m.noise(0.03));
    let (mut alarms, mut agreed) = (0, 0);
    for seed in 0..RUNS {
        let [one, other] = [seed, seed + RUNS].map(|seed| versus(&race(vec![lucky(), lucky()], seed), "b"));
        alarms += u64::from(one.differs());
        agreed += u64::from(one.ratio_low <= other.ratio_high && other.ratio_low <= one.ratio_high);
    }
    eprintln!("luck of fixtures: {alarms} false alarms in {RUNS} runs, {agreed} pairs of runs agree");
    assert!(alarms * 20 <= RUNS, "{alarms} of {RUNS}");
    assert!(agreed * 100 >= 98 * RUNS, "{agreed} of {RUNS}");
}
