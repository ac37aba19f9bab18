//! The paired comparison of contenders on one workload: the contract between families and the engine.
//!
//! A family implements [`Task`] once and lists its contenders in a [`TaskRace`]; the engine sees only the
//! erased side: [`Race`] (registered) -> [`Course`] (configured by flags) -> [`Track`] (one prepared workload).
//! METHOD.md states how a race is measured and what its verdicts mean.

pub mod clock;
pub mod comparison;
pub mod crossover;
pub mod engine;
pub mod listing;
pub mod modes;
pub mod noise;
pub mod plan;
pub mod result;
mod runner;
pub mod sampling;
pub mod self_test;
pub mod sides;
mod size;
pub mod statistics;
pub mod sweep;
pub mod why;

use clap::{ArgMatches, Command};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::Result;
use crate::need::Need;

/// What an operation did, by its own account; `verify` holds it to that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Bytes moved, or 0 where the job has none.
    pub bytes: u64,
}

/// What the sizes of a race mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Bytes per operation.
    Bytes,
    /// Things at the same time (connections, threads).
    Concurrency,
}

/// A size as its axis is written: "48 KiB", "16".
pub fn axis_value(axis: Axis, size: u64) -> String {
    match axis {
        Axis::Bytes => crate::units::bytes(size),
        Axis::Concurrency => size.to_string(),
    }
}

/// One size or concurrency at which contenders are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Workload {
    /// In the unit of the race's [`Axis`].
    pub size: u64,
}

/// One approach that can be raced: its record, and the thing itself in the family's own type.
pub struct Contender<C: ?Sized + 'static> {
    /// What a user types in `--only` and `--baseline`; a man-page word.
    pub name: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// What it requires of the host.
    pub needs: &'static [&'static Need],
    /// The approach.
    pub approach: &'static C,
}

/// The job that a family's contenders compete in.
///
/// `prepare`, `enter`, `reset`, `ready` and `verify` are outside the clock, `run` is inside.
pub trait Task: Sized + 'static {
    /// What every contender implements (`dyn CopyFile`).
    type Contender: ?Sized + Sync + 'static;
    /// What all contenders of one workload share: input, place for output, oracle.
    type Fixture;
    /// What one contender keeps between operations on a fixture (an open socket, a key schedule); often `()`.
    type Session;

    /// Adds the race's own flags to `syskit bench NAME`.
    fn flags(command: Command) -> Command {
        command
    }
    /// Reads them.
    fn configure(matches: &ArgMatches) -> Result<Self>;
    /// The settings that a reader of the report must know ("cache" = "warm"), name and value.
    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }
    /// How many operations may share one `reset`, at most (what the fixture can hold).
    fn most_operations(&self, _workload: &Workload) -> u64 {
        u64::MAX
    }
    /// Makes input and oracle for one workload.
    fn prepare(&self, workload: &Workload) -> Result<Self::Fixture>;
    /// Readies one contender; a contender that cannot take this workload (O_DIRECT on tmpfs) fails here with
    /// a [`crate::error::Kind::Unavailable`] error.
    fn enter(contender: &'static Self::Contender, fixture: &mut Self::Fixture) -> Result<Self::Session>;
    /// Puts the fixture into a state from which `operations` runs can be made and told from work left undone.
    fn reset(fixture: &mut Self::Fixture, operations: u64) -> Result<()>;
    /// After `reset`: makes what only this contender is to find before it runs (packets in its very queue).
    fn ready(
        _: &'static Self::Contender,
        _: &mut Self::Session,
        _: &mut Self::Fixture,
        _operations: u64,
    ) -> Result<()> {
        Ok(())
    }
    /// The side that a contender stands for where a race asks which of two is better as a whole ("AF_ALG", "user
    /// space"); a limit of a side bounds only that side.
    fn group(_: &Self::Contender) -> Option<&'static str> {
        None
    }
    /// What a reader should know of how a contender does its work here, name and value ("driver" =
    /// "generic-gcm-aesni"); asked after the last sample, outside the clock.
    fn facts(_: &'static Self::Contender, _: &mut Self::Session, _: &mut Self::Fixture) -> Vec<(String, String)> {
        Vec::new()
    }
    /// One operation.
    fn run(
        contender: &'static Self::Contender,
        session: &mut Self::Session,
        fixture: &mut Self::Fixture,
    ) -> Result<Work>;
    /// Holds everything done since `reset` against the oracle; `done` is what `run` claimed, summed.
    /// A difference is [`crate::Error::wrong`].
    fn verify(session: &mut Self::Session, fixture: &mut Self::Fixture, operations: u64, done: Work) -> Result<()>;
}

/// A contender as the engine sees it.
#[derive(Clone, Copy)]
pub struct Entrant {
    /// What a user types.
    pub name: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// What it requires of the host.
    pub needs: &'static [&'static Need],
    /// True for a limit: a physical or practical floor, measured along but never a winner.
    pub limit: bool,
    /// See [`Task::group`].
    pub group: Option<&'static str>,
}

/// A registered race, its types erased.
pub trait Race: Sync {
    /// What a user types after `syskit bench`.
    fn name(&self) -> &'static str;
    /// What is compared, in a few words.
    fn title(&self) -> &'static str;
    /// What sizes mean.
    fn axis(&self) -> Axis;
    /// The sizes raced by default, ascending.
    fn sizes(&self) -> &'static [u64];
    /// The contenders in the family's order; the limits, if any, last.
    fn entrants(&self) -> Vec<Entrant>;
    /// The entrant that ratios are formed against by default.
    fn baseline(&self) -> &'static str;
    /// Adds the race's own flags.
    fn flags(&self, command: Command) -> Command;
    /// Reads them.
    fn configure(&self, matches: &ArgMatches) -> Result<Box<dyn Course>>;
}

/// A race with its flags read.
pub trait Course {
    /// See [`Task::settings`].
    fn settings(&self) -> Vec<(String, String)>;
    /// See [`Task::most_operations`].
    fn most_operations(&self, workload: &Workload) -> u64;
    /// See [`Task::prepare`].
    fn prepare(&self, workload: &Workload) -> Result<Box<dyn Track>>;
}

/// One prepared workload; entrants are named by their index in [`Race::entrants`].
pub trait Track {
    /// See [`Task::enter`]; once for each entrant, before its first `run`.
    fn enter(&mut self, entrant: usize) -> Result<()>;
    /// See [`Task::reset`].
    fn reset(&mut self, operations: u64) -> Result<()>;
    /// See [`Task::ready`].
    fn ready(&mut self, _entrant: usize, _operations: u64) -> Result<()> {
        Ok(())
    }
    /// That many times [`Task::run`], and what they did together: the loop is here, where it costs no dynamic call a turn.
    fn run(&mut self, entrant: usize, operations: u64) -> Result<Work>;
    /// See [`Task::verify`].
    fn verify(&mut self, entrant: usize, operations: u64, done: Work) -> Result<()>;
    /// See [`Task::facts`].
    fn facts(&mut self, _entrant: usize) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A [`Race`] made of a [`Task`] and its contenders: what a family registers.
pub struct TaskRace<T: Task> {
    /// What a user types after `syskit bench`.
    pub name: &'static str,
    /// What is compared, in a few words.
    pub title: &'static str,
    /// What sizes mean.
    pub axis: Axis,
    /// The sizes raced by default, ascending.
    pub sizes: &'static [u64],
    /// The contenders, a line each; the first is the default baseline.
    pub contenders: &'static [&'static Contender<T::Contender>],
    /// The floors, measured in the same run; one that bounds all contenders comes first.
    pub limits: &'static [&'static Contender<T::Contender>],
}

impl<T: Task> TaskRace<T> {
    fn all(&self) -> impl Iterator<Item = &'static Contender<T::Contender>> {
        self.contenders.iter().chain(self.limits).copied()
    }
}

impl<T: Task> Race for TaskRace<T> {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        self.title
    }
    fn axis(&self) -> Axis {
        self.axis
    }
    fn sizes(&self) -> &'static [u64] {
        self.sizes
    }
    fn entrants(&self) -> Vec<Entrant> {
        let limits_at = self.contenders.len();
        let entrant = |(i, c): (usize, &'static Contender<T::Contender>)| Entrant {
            name: c.name,
            title: c.title,
            needs: c.needs,
            limit: i >= limits_at,
            group: T::group(c.approach),
        };
        self.all().enumerate().map(entrant).collect()
    }
    fn baseline(&self) -> &'static str {
        self.contenders.first().map_or("", |c| c.name)
    }
    fn flags(&self, command: Command) -> Command {
        T::flags(command)
    }
    fn configure(&self, matches: &ArgMatches) -> Result<Box<dyn Course>> {
        Ok(Box::new(TaskCourse { task: T::configure(matches)?, contenders: self.all().collect() }))
    }
}

struct TaskCourse<T: Task> {
    task: T,
    contenders: Vec<&'static Contender<T::Contender>>,
}

impl<T: Task> Course for TaskCourse<T> {
    fn settings(&self) -> Vec<(String, String)> {
        self.task.settings()
    }
    fn most_operations(&self, workload: &Workload) -> u64 {
        self.task.most_operations(workload)
    }
    fn prepare(&self, workload: &Workload) -> Result<Box<dyn Track>> {
        let fixture = self.task.prepare(workload)?;
        let lanes = self.contenders.iter().map(|c| (c.approach, None)).collect();
        Ok(Box::new(TaskTrack::<T> { fixture, lanes }))
    }
}

struct TaskTrack<T: Task> {
    fixture: T::Fixture,
    lanes: Vec<(&'static T::Contender, Option<T::Session>)>,
}

impl<T: Task> TaskTrack<T> {
    fn lane(&mut self, entrant: usize) -> (&'static T::Contender, &mut T::Session, &mut T::Fixture) {
        let (contender, session) = &mut self.lanes[entrant];
        (*contender, session.as_mut().expect("enter comes before run"), &mut self.fixture)
    }
}

impl<T: Task> Track for TaskTrack<T> {
    fn enter(&mut self, entrant: usize) -> Result<()> {
        let (contender, session) = &mut self.lanes[entrant];
        *session = Some(T::enter(contender, &mut self.fixture)?);
        Ok(())
    }
    fn reset(&mut self, operations: u64) -> Result<()> {
        T::reset(&mut self.fixture, operations)
    }
    fn ready(&mut self, entrant: usize, operations: u64) -> Result<()> {
        let (contender, session, fixture) = self.lane(entrant);
        T::ready(contender, session, fixture, operations)
    }
    fn run(&mut self, entrant: usize, operations: u64) -> Result<Work> {
        let (contender, session, fixture) = self.lane(entrant);
        let mut done = Work::default();
        for _ in 0..operations {
            // What is claimed is untrusted until it is verified.
            done.bytes = done.bytes.wrapping_add(T::run(contender, session, fixture)?.bytes);
        }
        Ok(done)
    }
    fn verify(&mut self, entrant: usize, operations: u64, done: Work) -> Result<()> {
        let (_, session, fixture) = self.lane(entrant);
        T::verify(session, fixture, operations, done)
    }
    fn facts(&mut self, entrant: usize) -> Vec<(String, String)> {
        let (contender, session, fixture) = self.lane(entrant);
        T::facts(contender, session, fixture)
    }
}

/// Every registered race, in the cookbook's order.
pub fn all() -> impl Iterator<Item = &'static dyn Race> + Clone {
    crate::recipes::FAMILIES.iter().flat_map(|f| f.races.iter().copied())
}

/// The registered race of this name, or the first race of the family of this name.
pub fn find(name: &str) -> Option<&'static dyn Race> {
    all().find(|r| r.name() == name).or_else(|| crate::recipe::find_family(name)?.races.first().copied())
}
