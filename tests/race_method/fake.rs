//! A clock that is told how time passes, and contenders whose cost is known.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use syskit::error::{Error, Result};
use syskit::race::clock::Clock;
use syskit::race::{Course, Entrant, Track, Work, Workload};

/// Time that passes only when a contender works.
#[derive(Clone, Default)]
pub struct FakeClock(Rc<Cell<u64>>);

impl FakeClock {
    pub fn pass(&self, ns: f64) {
        self.0.set(self.0.get() + ns.max(1.0) as u64);
    }
}

impl Clock for FakeClock {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }
    fn resolution_ns(&self) -> u64 {
        20
    }
}

/// What a sample is like: the size, how many samples this contender has had, and the random numbers of the run.
pub struct Moment<'a> {
    /// A bell that is drawn once for each contender and fixture.
    pub luck: f64,
    pub size: u64,
    pub now_ns: u64,
    pub rng: &'a mut fastrand::Rng,
}

impl Moment<'_> {
    /// A bell of standard deviation 1.
    pub fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.rng.f64()).sum::<f64>() - 6.0
    }
    /// Multiplicative noise of this standard deviation.
    pub fn noise(&mut self, sd: f64) -> f64 {
        (sd * self.bell()).exp()
    }
}

/// What an operation costs in nanoseconds; asked once a sample, so that noise is a sample's.
pub type Cost = Box<dyn Fn(&mut Moment) -> f64>;

/// How a fake contender behaves besides taking time.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Honest,
    /// Claims the bytes of work it did not do, from this operation on.
    Cheat(u64),
    /// Fails at this operation.
    Fail(u64),
    /// Cannot take the workload.
    Absent,
}

pub struct Fake {
    pub cost: Cost,
    pub manner: Manner,
}

pub fn honest(cost: impl Fn(&mut Moment) -> f64 + 'static) -> Fake {
    Fake { cost: Box::new(cost), manner: Manner::Honest }
}

/// A race of fakes.
pub struct FakeCourse {
    pub fakes: Rc<Vec<Fake>>,
    pub clock: FakeClock,
    pub rng: Rc<RefCell<fastrand::Rng>>,
    /// Resets seen and operations each allowed, for tests of the protocol.
    pub log: Rc<RefCell<Vec<String>>>,
    pub most: u64,
}

impl FakeCourse {
    pub fn new(fakes: Vec<Fake>, seed: u64) -> Self {
        FakeCourse {
            fakes: Rc::new(fakes),
            clock: FakeClock::default(),
            rng: Rc::new(RefCell::new(fastrand::Rng::with_seed(seed))),
            log: Rc::default(),
            most: u64::MAX,
        }
    }
}

impl FakeCourse {
    pub fn clock_ns(&self) -> u64 {
        self.clock.now_ns()
    }
}

impl Course for FakeCourse {
    fn settings(&self) -> Vec<(String, String)> {
        vec![("cache".to_owned(), "imagined".to_owned())]
    }
    fn most_operations(&self, _: &Workload) -> u64 {
        self.most
    }
    fn prepare(&self, workload: &Workload) -> Result<Box<dyn Track>> {
        let n = self.fakes.len();
        let bell = || (0..12).map(|_| self.rng.borrow_mut().f64()).sum::<f64>() - 6.0;
        let luck = (0..n).map(|_| bell()).collect();
        Ok(Box::new(FakeTrack {
            size: workload.size,
            fakes: Rc::clone(&self.fakes),
            clock: self.clock.clone(),
            rng: Rc::clone(&self.rng),
            log: Rc::clone(&self.log),
            left: 0,
            ready: None,
            really_done: 0,
            cost: None,
            operations: vec![0; n],
            luck,
        }))
    }
}

struct FakeTrack {
    size: u64,
    fakes: Rc<Vec<Fake>>,
    clock: FakeClock,
    rng: Rc<RefCell<fastrand::Rng>>,
    log: Rc<RefCell<Vec<String>>>,
    left: u64,
    /// Who was readied since the last reset.
    ready: Option<usize>,
    really_done: u64,
    cost: Option<f64>,
    operations: Vec<u64>,
    luck: Vec<f64>,
}

impl FakeTrack {
    fn once(&mut self, entrant: usize) -> Result<Work> {
        assert!(self.left > 0, "more runs than the reset allowed");
        assert_eq!(self.ready, Some(entrant), "who runs was readied");
        self.left -= 1;
        let fake = &self.fakes[entrant];
        let operation = self.operations[entrant];
        self.operations[entrant] += 1;
        if fake.manner == Manner::Fail(operation) {
            return Err(Error::failed("the imagined disk is full"));
        }
        let (size, now_ns, luck) = (self.size, self.clock.now_ns(), self.luck[entrant]);
        let cost = *self
            .cost
            .get_or_insert_with(|| (fake.cost)(&mut Moment { luck, size, now_ns, rng: &mut self.rng.borrow_mut() }));
        self.clock.pass(cost);
        match fake.manner {
            Manner::Cheat(from) if operation >= from => {}
            _ => self.really_done += self.size,
        }
        Ok(Work { bytes: self.size })
    }
}

impl Track for FakeTrack {
    fn enter(&mut self, entrant: usize) -> Result<()> {
        self.log.borrow_mut().push(format!("enter {entrant}"));
        match self.fakes[entrant].manner {
            Manner::Absent => Err(Error::unavailable("not on this imagined file system")),
            _ => Ok(()),
        }
    }
    fn reset(&mut self, operations: u64) -> Result<()> {
        (self.left, self.really_done, self.cost, self.ready) = (operations, 0, None, None);
        Ok(())
    }
    fn ready(&mut self, entrant: usize, operations: u64) -> Result<()> {
        assert_eq!(self.left, operations, "as many as the reset was told");
        self.ready = Some(entrant);
        Ok(())
    }
    fn run(&mut self, entrant: usize, operations: u64) -> Result<Work> {
        (0..operations).try_fold(Work::default(), |sum, _| Ok(Work { bytes: sum.bytes + self.once(entrant)?.bytes }))
    }
    fn verify(&mut self, entrant: usize, operations: u64, done: Work) -> Result<()> {
        self.log.borrow_mut().push(format!("verify {entrant} {operations}"));
        let expected = self.size * operations;
        if done.bytes != expected || self.really_done != expected {
            return Err(Error::wrong(format!("{expected} bytes were asked for, {} were done", self.really_done)));
        }
        Ok(())
    }
}

/// "a", "b", "c"; the last is the limit where `limit` says so.
pub fn entrants(n: usize, limit: bool) -> Vec<Entrant> {
    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    (0..n)
        .map(|i| Entrant { name: NAMES[i], title: "", needs: &[], limit: limit && i == n - 1, group: None })
        .collect()
}
