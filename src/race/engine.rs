//! Runs a race: verified contenders, paired interleaved rounds in shuffled order, raw samples kept.
//!
//! The engine gives data and prints nothing; METHOD.md says why it does what it does.

use super::clock::Clock;
use super::plan::Plan;
use super::result::SizeResult;
use super::{Axis, Course, Entrant};

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
}
