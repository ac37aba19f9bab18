//! One size of a race: admission, calibration, rounds in heats, and what follows from the samples.

use nix::errno::Errno;

use super::comparison::{Comparison, VERDICT_ROUNDS};
use super::engine::{Engine, Progress};
use super::plan::Lane;
use super::result::{Fact, Outcome, SizeResult, Stop};
use super::runner::{self, Runner};
use super::sampling::{calibrate, sample};
use super::{Track, Workload};
use crate::error::Result;

/// A size is not done for precision before this many heats: luck that lasts for a heat shows only between heats.
const PRECISE_HEATS: usize = 10;
/// Between looks at the intervals the number of rounds grows by this part.
const LOOK_PART: usize = 8;
/// A sample lasts between these, as the budget allows.
const SAMPLE_NS: std::ops::RangeInclusive<u64> = 200_000..=2_000_000;
/// To work in the same batch as the fastest, a contender's sample may take this many times as long as it must.
const SAME_BATCH: u64 = 4;
/// Rounds of a heat at least.
const HEAT_ROUNDS: usize = 5;
/// A heat lasts at least this many times what its preparation took, so that most of the budget goes into rounds.
const HEAT_WORTH: u64 = 3;

/// What is known of the size being raced.
struct State {
    workload: Workload,
    baseline: usize,
    start: u64,
    share_ns: u64,
    disturbed: Vec<usize>,
    rounds: usize,
    /// The round with which each heat began: a fresh fixture, fresh sessions.
    heats: Vec<usize>,
    heat_began: u64,
    preparation_ns: u64,
    precision: Option<f64>,
    next_look: usize,
}

impl Engine<'_> {
    /// Races `lanes` against the one at `baseline`, at one size for about `share_ns`.
    pub fn size(&mut self, size: u64, lanes: &[Lane], baseline: usize, share_ns: u64) -> SizeResult {
        let mut runners: Vec<Runner> = lanes.iter().map(|lane| Runner::new(lane, self.entrants)).collect();
        let mut state = State {
            workload: Workload { size },
            baseline,
            start: self.clock.now_ns(),
            share_ns,
            disturbed: Vec::new(),
            rounds: 0,
            heats: Vec::new(),
            heat_began: 0,
            preparation_ns: 0,
            precision: None,
            next_look: PRECISE_HEATS * HEAT_ROUNDS,
        };
        let stop = self.sample_all(&mut runners, &mut state).unwrap_or_else(|e| {
            // Without a fixture nobody runs on, and what ran before stands on sand.
            runners.iter_mut().filter(|r| r.out.is_none()).for_each(|r| r.out = Some(runner::outcome_of(e.clone())));
            Stop::NothingToMeasure
        });
        self.conclude(runners, state, stop)
    }

    fn sample_all(&mut self, runners: &mut [Runner], state: &mut State) -> Result<Stop> {
        let mut track = self.prepare(runners, state)?;
        self.admit(&mut *track, runners);
        self.calibrate(&mut *track, runners, state);
        let (stop, mut track) = self.rounds(track, runners, state)?;
        if stop != Stop::Interrupted {
            self.finish(&mut *track, runners);
        }
        Ok(stop)
    }

    fn finish(&self, track: &mut dyn Track, runners: &mut [Runner]) {
        // A batch of one was verified as the operation it is; larger ones are followed by one more, alone.
        for runner in runners.iter_mut().filter(|r| r.operations > 1) {
            runner.attempt(|r| sample(track, self.clock, r.entrant, 1));
        }
        for runner in runners.iter_mut().filter(|r| r.out.is_none()) {
            let facts = track.facts(runner.entrant).into_iter();
            runner.facts = facts.map(|(name, value)| Fact { name, value }).collect();
        }
    }

    /// Begins a heat: makes a fixture, and enters everybody who still runs.
    fn prepare(&mut self, runners: &mut [Runner], state: &mut State) -> Result<Box<dyn Track>> {
        let start = self.clock.now_ns();
        let mut track = self.course.prepare(&state.workload)?;
        for i in 0..runners.len() {
            if self.observer.stop_asked() {
                break;
            }
            let entered = runners[..i].iter().any(|r| r.entrant == runners[i].entrant);
            runners[i].attempt(|r| if entered { Ok(()) } else { track.enter(r.entrant) });
        }
        state.heats.push(state.rounds);
        state.heat_began = start;
        Ok(track)
    }

    /// Lets everybody do one verified operation before anything is timed.
    fn admit(&mut self, track: &mut dyn Track, runners: &mut [Runner]) {
        for runner in runners {
            if self.observer.stop_asked() {
                return;
            }
            let clock = self.clock;
            runner.attempt(|r| {
                r.first_ns = sample(track, clock, r.entrant, 1)?.ns;
                Ok(())
            });
        }
    }

    fn calibrate(&mut self, track: &mut dyn Track, runners: &mut [Runner], state: &State) {
        let most = self.course.most_operations(&state.workload).max(1);
        // About half of a round goes to reset and verification.
        let even = state.share_ns / (2 * runners.len().max(1) as u64 * u64::from(self.plan.most_rounds.max(1)));
        let wanted = even.clamp(*SAMPLE_NS.start(), *SAMPLE_NS.end());
        for i in 0..runners.len() {
            if self.observer.stop_asked() {
                return;
            }
            // The same contender twice works in batches of the same size.
            let twin = runners[..i].iter().find(|r| r.entrant == runners[i].entrant && r.out.is_none());
            let known = twin.map(|r| r.operations);
            let clock = self.clock;
            runners[i].attempt(|r| {
                r.operations = match known {
                    Some(operations) => operations,
                    None => calibrate(track, clock, r.entrant, r.first_ns, wanted, most)?,
                };
                Ok(())
            });
        }
        same_batches(runners);
    }

    fn rounds(
        &mut self,
        mut track: Box<dyn Track>,
        runners: &mut [Runner],
        state: &mut State,
    ) -> Result<(Stop, Box<dyn Track>)> {
        let mut rng = fastrand::Rng::with_seed(self.plan.seed ^ state.workload.size.rotate_left(32));
        let first_round = self.clock.now_ns();
        loop {
            let mut order: Vec<usize> = (0..runners.len()).filter(|i| runners[*i].out.is_none()).collect();
            if order.is_empty() {
                return Ok((Stop::NothingToMeasure, track));
            }
            if let Some(stop) = self.stop(runners, state, first_round) {
                return Ok((stop, track));
            }
            if self.heat_is_over(state) {
                // The old fixture goes first: two might not fit.
                drop(track);
                track = self.prepare(runners, state)?;
                order.retain(|i| runners[*i].out.is_none());
            }
            rng.shuffle(&mut order);
            self.observer.round_begins();
            let complete = order.into_iter().all(|i| self.run_lane(&mut *track, &mut runners[i]));
            let disturbed = self.observer.round_ends();
            if !complete {
                // A round that is not complete pairs nothing: it is left out.
                runners.iter_mut().for_each(|r| r.samples_ns.truncate(state.rounds));
                return Ok((Stop::Interrupted, track));
            }
            if disturbed {
                state.disturbed.push(state.rounds);
            }
            state.rounds += 1;
            if state.heats.last() == Some(&(state.rounds - 1)) {
                // The first round belongs to the preparation: fixtures grow in it to what a sample needs.
                let now = self.clock.now_ns();
                (state.preparation_ns, state.heat_began) = (now - state.heat_began, now);
            }
        }
    }

    fn heat_is_over(&self, state: &State) -> bool {
        let rounds = state.rounds - state.heats.last().copied().unwrap_or(0);
        let took = self.clock.now_ns() - state.heat_began;
        rounds >= HEAT_ROUNDS && took >= HEAT_WORTH * state.preparation_ns
    }

    /// Takes a sample of one runner; false where the user asked for the end before there was one.
    fn run_lane(&mut self, track: &mut dyn Track, runner: &mut Runner) -> bool {
        if self.observer.stop_asked() {
            return false;
        }
        match sample(track, self.clock, runner.entrant, runner.operations) {
            Ok(sample) => runner.record(sample),
            Err(e) if e.errno == Some(Errno::EINTR) && self.observer.stop_asked() => return false,
            Err(e) => runner.out = Some(runner::outcome_of(e)),
        }
        true
    }

    /// Whether and why it is enough; asked before each round.
    fn stop(&mut self, runners: &[Runner], state: &mut State, first_round: u64) -> Option<Stop> {
        let rounds = state.rounds;
        if rounds >= state.next_look && state.heats.len() >= PRECISE_HEATS {
            state.next_look = rounds + (rounds / LOOK_PART).max(1);
            state.precision = runner::widest(runners, state.baseline, &state.heats);
        }
        self.observer.progress(&Progress {
            size: state.workload.size,
            rounds,
            precision: state.precision,
            elapsed_ns: self.elapsed_ns(),
            budget_ns: self.plan.budget_ns,
        });
        if self.observer.stop_asked() {
            return Some(Stop::Interrupted);
        }
        if state.precision.is_some_and(|p| p <= self.plan.precision) {
            return Some(Stop::Precision);
        }
        if rounds >= self.plan.most_rounds as usize {
            return Some(Stop::MostRounds);
        }
        let now = self.clock.now_ns();
        let spent = now - state.start;
        let a_round = (now - first_round) / rounds.max(1) as u64;
        if rounds >= self.plan.fewest_rounds as usize && spent + a_round > state.share_ns {
            let early = rounds == self.plan.fewest_rounds as usize && spent > state.share_ns;
            return Some(if early { Stop::FewestRounds } else { Stop::Budget });
        }
        None
    }

    fn conclude(&self, runners: Vec<Runner>, state: State, stop: Stop) -> SizeResult {
        let baseline = runner::baseline(&runners, state.baseline).map(|r| r.name.clone());
        let bounds: Vec<Vec<String>> = runners.iter().map(|r| bounds(r, &runners)).collect();
        let lanes = runners.into_iter().map(|r| r.conclude(self.axis)).collect();
        let mut result = SizeResult {
            size: state.workload.size,
            swept: false,
            rounds: state.rounds,
            disturbed_rounds: state.disturbed,
            heats: state.heats,
            stop,
            precision_reached: None,
            elapsed_ns: self.clock.now_ns() - state.start,
            baseline,
            leaders: Vec::new(),
            lanes,
        };
        compare_all(&mut result, &bounds);
        result.rank();
        result
    }
}

/// Gives contenders whose speeds are not far apart batches of the same size: what an operation costs depends on how many
/// the fixture is laid out for, and that must not look like a difference between them.
fn same_batches(runners: &mut [Runner]) {
    let contenders = || runners.iter().filter(|r| r.out.is_none() && !r.limit);
    let common = contenders().map(|r| r.operations).max().unwrap_or(1);
    for runner in runners.iter_mut().filter(|r| !r.limit) {
        runner.operations = common.min(runner.operations.saturating_mul(SAME_BATCH));
    }
}

/// The limits that a contender is held against.
fn bounds(of: &Runner, runners: &[Runner]) -> Vec<String> {
    runners.iter().filter(|r| r.limit && r.timed() && of.is_bounded_by(r)).map(|r| r.name.clone()).collect()
}

/// `bounds` has the limits of each lane.
fn compare_all(result: &mut SizeResult, bounds: &[Vec<String>]) {
    let against = |name: &str, other: Option<&str>| result.compare(name, other.filter(|o| *o != name)?);
    let limits = |name: &str, bounds: &[String]| bounds.iter().filter_map(|b| against(name, Some(b))).collect();
    let pairs: Vec<(_, Vec<_>)> = result
        .lanes
        .iter()
        .zip(bounds)
        .map(|(l, b)| (against(&l.contender, result.baseline.as_deref()), limits(&l.contender, b)))
        .collect();
    let widths = pairs.iter().zip(&result.lanes).filter(|(_, l)| !l.limit).filter_map(|((c, _), _)| c.as_ref());
    result.precision_reached =
        widths.filter(|c| c.rounds >= VERDICT_ROUNDS).map(Comparison::half_width).max_by(f64::total_cmp);
    for (lane, (versus_baseline, versus_limits)) in result.lanes.iter_mut().zip(pairs) {
        if let Outcome::Measured(measured) = &mut lane.outcome {
            measured.versus_baseline = versus_baseline;
            measured.versus_limit = versus_limits.first().cloned();
            measured.versus_limits = versus_limits;
        }
    }
}
