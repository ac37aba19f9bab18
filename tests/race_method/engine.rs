//! The protocol: who is admitted, what is verified, when it ends, what is kept.

use std::cell::Cell;

use syskit::race::engine::{Observer, Progress, Unobserved};
use syskit::race::plan::{FEWEST_ROUNDS, MOST_ROUNDS, Plan};
use syskit::race::result::{Outcome, Stop};
use syskit::race::self_test;
use syskit::race::{Axis, engine::Engine};

use crate::fake::{Fake, FakeCourse, Manner, entrants, honest};
use crate::{plan, race, race_observed};

fn steady(ns: f64) -> Fake {
    honest(move |m| ns * m.noise(0.02))
}

fn mannered(ns: f64, manner: Manner) -> Fake {
    Fake { manner, ..steady(ns) }
}

#[test]
fn a_cheat_is_wrong_and_has_no_number() {
    // One cheats from the start, one only after a thousand operations that were verified.
    for from in [0, 1000] {
        let result = race(vec![steady(1000.0), mannered(10.0, Manner::Cheat(from)), steady(1200.0)], 1);
        let Outcome::Wrong { mismatch } = &result.lanes[1].outcome else { panic!("{:?}", result.lanes[1].outcome) };
        assert!(mismatch.contains("bytes were asked for"), "{mismatch}");
        assert_eq!(result.winner(), Some("a"), "the cheat takes part in no ranking");
        assert!(result.measured("c").is_some(), "the others race on");
        assert!(result.rounds > 20);
    }
}

#[test]
fn one_that_fails_or_is_absent_leaves_the_others_racing() {
    let fakes =
        vec![mannered(900.0, Manner::Absent), mannered(900.0, Manner::Fail(5000)), steady(1000.0), steady(2000.0)];
    let result = race(fakes, 1);
    assert!(
        matches!(&result.lanes[0].outcome, Outcome::Unavailable { finding, denied: false } if finding.contains("imagined"))
    );
    assert!(matches!(&result.lanes[1].outcome, Outcome::Failed { error } if error.contains("disk is full")));
    assert_eq!(result.baseline.as_deref(), Some("c"), "the next that runs stands in for an absent baseline");
    assert!(result.measured("d").unwrap().versus_baseline.is_some());
}

#[test]
fn each_is_verified_before_during_and_after() {
    let course = FakeCourse::new(vec![steady(1000.0), steady(1000.0)], 1);
    let result = race_observed(&course, &plan(2, false, &[1000]), false, &mut Unobserved).remove(0);
    let log = course.log.borrow();
    let of = |who: usize| log.iter().filter(|l| l.split(' ').nth(1) == Some(&who.to_string())).collect::<Vec<_>>();
    for (who, lane) in [(0, "a"), (1, "b")] {
        let (log, operations) = (of(who), result.measured(lane).unwrap().operations_per_sample);
        assert_eq!((log[0].as_str(), log[1].as_str()), (&*format!("enter {who}"), &*format!("verify {who} 1")));
        assert_eq!(**log.last().unwrap(), format!("verify {who} 1"));
        let samples = log.iter().filter(|l| ***l == format!("verify {who} {operations}")).count();
        assert!(samples >= result.rounds, "every sample is verified");
        assert_eq!(log.iter().filter(|l| l.starts_with("enter")).count(), result.heats.len(), "once a heat");
    }
}

#[test]
fn samples_are_far_above_the_clocks_resolution_and_within_what_the_fixture_holds() {
    let course = FakeCourse::new(vec![steady(40.0), steady(50.0), steady(5e6)], 1);
    let short = Plan { most_rounds: 8, ..plan(3, false, &[1000]) };
    let result = race_observed(&course, &short, false, &mut Unobserved).remove(0);
    for (name, m) in result.contenders() {
        assert!(m.samples_ns.iter().all(|ns| *ns >= 100_000), "{name}: {:?}", m.samples_ns.iter().min());
        assert!(m.operations_per_sample.is_power_of_two());
    }
    let batch = |who: &str| result.measured(who).unwrap().operations_per_sample;
    assert_eq!(batch("a"), batch("b"), "alike in speed, alike in batch");
    assert!(batch("c") <= 4, "far slower: a batch of its own");
    let course = FakeCourse { most: 7, ..FakeCourse::new(vec![steady(30.0), steady(40.0)], 1) };
    let result = race_observed(&course, &plan(2, false, &[1000]), false, &mut Unobserved).remove(0);
    assert_eq!(result.measured("a").unwrap().operations_per_sample, 7);
}

#[test]
fn order_is_shuffled_by_the_seed_and_every_round_has_all() {
    let order = |seed: u64| {
        let course = FakeCourse { most: 1, ..FakeCourse::new(vec![steady(1e6), steady(1e6), steady(1e6)], 1) };
        race_observed(&course, &Plan { seed, ..plan(3, false, &[1000]) }, false, &mut Unobserved);
        let log = course.log.borrow();
        let verified: Vec<String> = log.iter().filter(|l| l.starts_with("verify")).cloned().collect();
        verified[verified.len() - 60..].to_vec()
    };
    assert_eq!(order(1), order(1));
    assert_ne!(order(1), order(2));
    let rounds: Vec<Vec<String>> = order(3).chunks(3).map(<[String]>::to_vec).collect();
    for round in &rounds {
        let mut all = round.clone();
        all.sort();
        assert_eq!(all, ["verify 0 1", "verify 1 1", "verify 2 1"]);
    }
    assert!(rounds.iter().any(|r| *r != rounds[0]));
}

#[test]
fn sampling_stops_for_the_reason_it_says() {
    let result = race(vec![steady(300_000.0), steady(200_000.0)], 1);
    assert_eq!(result.stop, Stop::Precision);
    assert!(result.precision_reached.unwrap() <= 0.01 && result.rounds < MOST_ROUNDS as usize);
    let noisy = || honest(|m| 250_000.0 * m.noise(0.2));
    let result = race(vec![noisy(), noisy()], 1);
    assert_eq!((result.stop, result.rounds), (Stop::MostRounds, MOST_ROUNDS as usize));
    assert_eq!(result.measured("a").unwrap().samples_ns.len(), result.rounds);

    let course = FakeCourse::new(vec![noisy(), noisy()], 1);
    let small = Plan { budget_ns: 50_000_000, ..plan(2, false, &[1000]) };
    let result = race_observed(&course, &small, false, &mut Unobserved).remove(0);
    assert_eq!(result.stop, Stop::Budget);
    assert!(course.clock_ns() <= 51_000_000, "spent {}", course.clock_ns());
}

#[test]
fn a_few_rounds_are_done_whatever_the_budget_and_say_so() {
    let course = FakeCourse::new(vec![steady(1e9), steady(1e9)], 1);
    let tiny = Plan { budget_ns: 1, ..plan(2, false, &[1000, 2000]) };
    for result in race_observed(&course, &tiny, false, &mut Unobserved) {
        assert_eq!((result.stop, result.rounds), (Stop::FewestRounds, FEWEST_ROUNDS as usize));
        assert_eq!(result.winner(), None);
    }
}

#[test]
fn what_a_size_leaves_of_the_budget_goes_to_the_next() {
    // The first is done within its precision at once; the second may then use nearly everything.
    let cost = |m: &mut crate::fake::Moment| if m.size == 1000 { 1e6 } else { 4e6 * m.noise(0.3) };
    let course = FakeCourse::new(vec![honest(cost), honest(cost)], 1);
    let plan = Plan { budget_ns: 1_200_000_000, ..plan(2, false, &[1000, 2000]) };
    let results = race_observed(&course, &plan, false, &mut Unobserved);
    assert!(results[0].elapsed_ns < 150_000_000, "{}", results[0].elapsed_ns);
    assert!(results[1].elapsed_ns > 950_000_000, "{}", results[1].elapsed_ns);
}

#[test]
fn the_limit_is_measured_along_and_never_wins() {
    let fakes = vec![steady(4000.0), steady(2000.0), steady(1000.0)];
    let course = FakeCourse::new(fakes, 1);
    let result = race_observed(&course, &plan(3, true, &[1000]), true, &mut Unobserved).remove(0);
    assert_eq!(result.winner(), Some("b"));
    let reached = result.measured("b").unwrap().versus_limit.as_ref().unwrap().ratio;
    assert!((reached - 0.5).abs() < 0.01, "{reached}");
    assert!(result.measured("c").unwrap().versus_limit.is_none());
}

/// Asks for the end after so many rounds have begun.
struct Impatient {
    after: usize,
    begun: Cell<usize>,
    disturbs: fn(usize) -> bool,
}

impl Observer for Impatient {
    fn progress(&mut self, p: &Progress) {
        assert!(p.elapsed_ns <= p.budget_ns);
    }
    fn round_begins(&mut self) {
        self.begun.set(self.begun.get() + 1);
    }
    fn round_ends(&mut self) -> bool {
        (self.disturbs)(self.begun.get())
    }
    fn stop_asked(&self) -> bool {
        self.begun.get() >= self.after
    }
}

#[test]
fn an_interrupt_keeps_the_complete_rounds() {
    let noisy = || honest(|m| 250_000.0 * m.noise(0.2));
    let course = FakeCourse::new(vec![noisy(), noisy()], 1);
    let mut observer = Impatient { after: 20, begun: Cell::new(0), disturbs: |round| round % 5 == 0 };
    let results = race_observed(&course, &plan(2, false, &[1000, 2000]), false, &mut observer);
    assert_eq!(results.len(), 1, "what was not begun is not there");
    assert_eq!((results[0].stop, results[0].rounds), (Stop::Interrupted, 19));
    assert!(results[0].lanes.iter().all(|l| l.outcome.measured().unwrap().samples_ns.len() == 19));
    assert_eq!(results[0].disturbed_rounds, [4, 9, 14]);
    let mut at_once = Impatient { after: 1, begun: Cell::new(0), disturbs: |_| false };
    let course = FakeCourse::new(vec![noisy(), noisy()], 1);
    let result = race_observed(&course, &plan(2, false, &[1000]), false, &mut at_once).remove(0);
    assert!(result.lanes.iter().all(|l| matches!(l.outcome, Outcome::Unfinished)));
    assert!(result.leaders.is_empty());
}

#[test]
fn the_self_test_tells_what_noise_hides() {
    let visible = |noise: f64| {
        let course = FakeCourse::new(vec![honest(move |m| 250_000.0 * m.noise(noise))], 3);
        let plan = self_test::plan(&Plan { budget_ns: 3_600_000_000_000, ..plan(1, false, &[1000]) });
        let entrants = entrants(1, false);
        let mut nobody = Unobserved;
        let mut engine = Engine::new(&course, Axis::Bytes, &entrants, &plan, &course.clock, &mut nobody);
        let test = self_test::run(&mut engine, "a");
        let size = &test.sizes[0];
        assert_eq!((size.races, size.rounds_per_race), (20, 200));
        assert!(size.false_alarms <= 3, "{}", size.false_alarms);
        size.smallest_visible_difference.unwrap()
    };
    // 1.84 half widths of 1.96 standard errors, each 1.2533 * sqrt(2) * noise / sqrt(200).
    let expected = |noise: f64| 1.84 * 1.96 * 1.2533 * 2f64.sqrt() * noise / 200f64.sqrt();
    for noise in [0.01, 0.05] {
        let (seen, due) = (visible(noise), expected(noise));
        assert!((0.8..1.5).contains(&(seen / due)), "noise {noise}: {seen} for {due}");
    }
}
