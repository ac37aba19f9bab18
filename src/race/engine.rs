//! Runs a race: verified contenders, paired interleaved rounds in shuffled order, raw samples kept.
//!
//! The engine gives data and prints nothing; METHOD.md says why it does what it does.

use nix::errno::Errno;

use super::clock::Clock;
use super::comparison::{Comparison, VERDICT_ROUNDS};
use super::plan::{Lane, Plan};
use super::result::{Outcome, SizeResult, Stop};
use super::runner::{self, Runner};
use super::sampling::{calibrate, sample};
use super::{Axis, Course, Entrant, Track, Workload};

/// Fewer rounds than this never end a size for precision: a narrow interval of few rounds is luck.
const PRECISE_FROM: usize = 10;
/// Between looks at the intervals their number of rounds grows by this part.
const LOOK_PART: usize = 8;
/// A sample lasts between these, as the budget allows.
const SAMPLE_NS: std::ops::RangeInclusive<u64> = 200_000..=2_000_000;

/// Who is told how a race goes, and may end it. Every method has a default that does nothing.
pub trait Observer {
    /// Between rounds: where the race is.
    fn progress(&mut self, _progress: &Progress) {}
    /// A round starts.
    fn round_begins(&mut self) {}
    /// A round is done: whether something disturbed the host in it.
    fn round_ends(&mut self) -> bool {
        false
    }
    /// Whether the user asked for the end.
    fn stop_asked(&self) -> bool {
        false
    }
}

/// An [`Observer`] that neither looks nor interferes.
pub struct Unobserved;

impl Observer for Unobserved {}

/// Where a race is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The size being raced.
    pub size: u64,
    /// Rounds done at this size.
    pub rounds: usize,
    /// The widest interval so far, as half its width over the ratio.
    pub precision: Option<f64>,
    /// Time since the race began.
    pub elapsed_ns: u64,
    /// Time it may take.
    pub budget_ns: u64,
}

/// A race under way: what is raced, and what is around it.
pub struct Engine<'a> {
    /// The race with its flags read.
    pub course: &'a dyn Course,
    /// What sizes mean.
    pub axis: Axis,
    /// The race's entrants, which lanes index.
    pub entrants: &'a [Entrant],
    /// What to race and for how long.
    pub plan: &'a Plan,
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Who looks on.
    pub observer: &'a mut dyn Observer,
    /// When the race began.
    pub started_ns: u64,
}

impl<'a> Engine<'a> {
    /// Starts the race's budget now.
    pub fn new(
        course: &'a dyn Course,
        axis: Axis,
        entrants: &'a [Entrant],
        plan: &'a Plan,
        clock: &'a dyn Clock,
        observer: &'a mut dyn Observer,
    ) -> Self {
        Engine { course, axis, entrants, plan, clock, observer, started_ns: clock.now_ns() }
    }

    /// Races every size of the plan in ascending order. What a size leaves of its share goes to those after it.
    pub fn run(&mut self) -> Vec<SizeResult> {
        self.run_within(self.plan.budget_ns)
    }

    /// [`Engine::run`] with only a part of the plan's budget.
    pub fn run_within(&mut self, budget_ns: u64) -> Vec<SizeResult> {
        let sizes = &self.plan.sizes;
        let mut results = Vec::with_capacity(sizes.len());
        for (i, size) in sizes.iter().enumerate() {
            if self.observer.stop_asked() {
                break;
            }
            let left = budget_ns.saturating_sub(self.elapsed_ns());
            // Each size weighs one more than the one before: larger ones take longer for a round.
            let (own, rest) = ((i + 1) as u64, (i + 1..=sizes.len()).sum::<usize>() as u64);
            let share = left.checked_mul(own).map_or(left / rest, |part| part / rest);
            results.push(self.size(*size, &self.plan.lanes, self.plan.baseline, share));
        }
        results
    }

    /// Time since the race began.
    pub fn elapsed_ns(&self) -> u64 {
        self.clock.now_ns() - self.started_ns
    }

    /// Races `lanes` against the one at `baseline`, at one size for about `share_ns`.
    pub fn size(&mut self, size: u64, lanes: &[Lane], baseline: usize, share_ns: u64) -> SizeResult {
        let start = self.clock.now_ns();
        let workload = Workload { size };
        let mut runners: Vec<Runner> = lanes.iter().map(|lane| Runner::new(lane, self.entrants)).collect();
        let mut heat = Heat {
            workload,
            baseline,
            start,
            share_ns,
            disturbed: Vec::new(),
            rounds: 0,
            precision: None,
            next_look: PRECISE_FROM,
        };
        let stop = match self.course.prepare(&workload) {
            Ok(mut track) => self.sample_all(&mut *track, &mut runners, &mut heat),
            Err(e) => {
                runners
                    .iter_mut()
                    .filter(|r| r.out.is_none())
                    .for_each(|r| r.out = Some(runner::outcome_of(e.clone())));
                Stop::NothingToMeasure
            }
        };
        self.conclude(runners, heat, stop)
    }

    fn sample_all(&mut self, track: &mut dyn Track, runners: &mut [Runner], heat: &mut Heat) -> Stop {
        self.admit(track, runners);
        self.calibrate(track, runners, heat);
        let stop = self.rounds(track, runners, heat);
        if stop == Stop::Interrupted {
            return stop;
        }
        // A batch of one was verified as the operation it is; larger ones are followed by one more, alone.
        for runner in runners.iter_mut().filter(|r| r.operations > 1) {
            runner.attempt(|r| sample(track, self.clock, r.entrant, 1));
        }
        stop
    }

    /// Enters every contender once and lets it do one verified operation, before anything is timed.
    fn admit(&mut self, track: &mut dyn Track, runners: &mut [Runner]) {
        for i in 0..runners.len() {
            if self.observer.stop_asked() {
                return;
            }
            let entered = runners[..i].iter().any(|r| r.entrant == runners[i].entrant);
            let clock = self.clock;
            runners[i].attempt(|r| {
                if !entered {
                    track.enter(r.entrant)?;
                }
                r.first_ns = sample(track, clock, r.entrant, 1)?.ns;
                Ok(())
            });
        }
    }

    fn calibrate(&mut self, track: &mut dyn Track, runners: &mut [Runner], heat: &Heat) {
        let most = self.course.most_operations(&heat.workload).max(1);
        // About half of a round goes to reset and verification.
        let even = heat.share_ns / (2 * runners.len().max(1) as u64 * u64::from(self.plan.most_rounds.max(1)));
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
    }

    fn rounds(&mut self, track: &mut dyn Track, runners: &mut [Runner], heat: &mut Heat) -> Stop {
        let mut rng = fastrand::Rng::with_seed(self.plan.seed ^ heat.workload.size.rotate_left(32));
        let first_round = self.clock.now_ns();
        loop {
            let mut order: Vec<usize> = (0..runners.len()).filter(|i| runners[*i].out.is_none()).collect();
            if order.is_empty() {
                return Stop::NothingToMeasure;
            }
            if let Some(stop) = self.stop(runners, heat, first_round) {
                return stop;
            }
            rng.shuffle(&mut order);
            self.observer.round_begins();
            let complete = order.into_iter().all(|i| self.run_lane(track, &mut runners[i]));
            let disturbed = self.observer.round_ends();
            if !complete {
                // A round that is not complete pairs nothing: it is left out.
                runners.iter_mut().for_each(|r| r.samples_ns.truncate(heat.rounds));
                return Stop::Interrupted;
            }
            if disturbed {
                heat.disturbed.push(heat.rounds);
            }
            heat.rounds += 1;
        }
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
    fn stop(&mut self, runners: &[Runner], heat: &mut Heat, first_round: u64) -> Option<Stop> {
        let rounds = heat.rounds;
        if rounds >= heat.next_look {
            heat.next_look = rounds + (rounds / LOOK_PART).max(1);
            heat.precision = runner::widest(runners, heat.baseline);
        }
        self.observer.progress(&Progress {
            size: heat.workload.size,
            rounds,
            precision: heat.precision,
            elapsed_ns: self.elapsed_ns(),
            budget_ns: self.plan.budget_ns,
        });
        if self.observer.stop_asked() {
            return Some(Stop::Interrupted);
        }
        if heat.precision.is_some_and(|p| p <= self.plan.precision) {
            return Some(Stop::Precision);
        }
        if rounds >= self.plan.most_rounds as usize {
            return Some(Stop::MostRounds);
        }
        let now = self.clock.now_ns();
        let spent = now - heat.start;
        let a_round = (now - first_round) / rounds.max(1) as u64;
        if rounds >= self.plan.fewest_rounds as usize && spent + a_round > heat.share_ns {
            let early = rounds == self.plan.fewest_rounds as usize && spent > heat.share_ns;
            return Some(if early { Stop::FewestRounds } else { Stop::Budget });
        }
        None
    }

    fn conclude(&self, runners: Vec<Runner>, heat: Heat, stop: Stop) -> SizeResult {
        let baseline = runner::baseline(&runners, heat.baseline).map(|r| r.name.clone());
        let limit = runners.iter().find(|r| r.limit && r.timed()).map(|r| r.name.clone());
        let lanes = runners.into_iter().map(|r| r.conclude(self.axis)).collect();
        let mut result = SizeResult {
            size: heat.workload.size,
            swept: false,
            rounds: heat.rounds,
            disturbed_rounds: heat.disturbed,
            stop,
            precision_reached: None,
            elapsed_ns: self.clock.now_ns() - heat.start,
            baseline,
            leaders: Vec::new(),
            lanes,
        };
        compare_all(&mut result, limit.as_deref());
        result.rank();
        result
    }
}

/// What is known of the size being raced.
struct Heat {
    workload: Workload,
    baseline: usize,
    start: u64,
    share_ns: u64,
    disturbed: Vec<usize>,
    rounds: usize,
    precision: Option<f64>,
    next_look: usize,
}

fn compare_all(result: &mut SizeResult, limit: Option<&str>) {
    let against = |name: &str, other: Option<&str>| result.compare(name, other.filter(|o| *o != name)?);
    let pairs: Vec<_> = result
        .lanes
        .iter()
        .map(|l| (against(&l.contender, result.baseline.as_deref()), against(&l.contender, limit)))
        .collect();
    let widths = pairs.iter().zip(&result.lanes).filter(|(_, l)| !l.limit).filter_map(|((c, _), _)| c.as_ref());
    result.precision_reached =
        widths.filter(|c| c.rounds >= VERDICT_ROUNDS).map(Comparison::half_width).max_by(f64::total_cmp);
    for (lane, (versus_baseline, versus_limit)) in result.lanes.iter_mut().zip(pairs) {
        if let Outcome::Measured(measured) = &mut lane.outcome {
            measured.versus_baseline = versus_baseline;
            measured.versus_limit = versus_limit;
        }
    }
}
