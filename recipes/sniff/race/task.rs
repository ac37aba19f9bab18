//! The race itself: a wire for each contender, bursts that wait in its queue, and the facts.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use clap::ArgMatches;

use super::super::capture::{Capture, Method, Setup};
use super::super::interface::Interface;
use super::super::selection::{Protocol, Selection};
use super::super::traffic::Sender;
use super::super::wire::{Plan, Stay, Wire};
use super::burst::{self, Note};
use super::rates;
use crate::error::{Error, Result};
use crate::need;
use crate::race::{Task, Work, Workload};

/// Packets of one operation: in every method's queue there is room for two such bursts of the largest frames.
pub const BURST: u64 = 512;
/// Bursts that wait at a time, at most.
const BURSTS: u64 = 2;
/// How long they lie there: a ring keeps a block that is not full for some milliseconds before it hands it over.
const SETTLE: Duration = Duration::from_millis(15);

/// A contender.
pub enum Approach {
    /// A capture method, a packet at a time.
    Method(&'static dyn Method),
}

/// The job: receive packets.
pub struct SniffTask {
    /// A wire lasts as long as the race: making and removing many of them would disturb it.
    wires: Rc<RefCell<Vec<Rc<Wire>>>>,
}

/// Frames of one size, and the wires.
pub struct Place {
    size: usize,
    wires: Rc<RefCell<Vec<Rc<Wire>>>>,
    entered: usize,
    /// This thread's stay at the near end while a contender works.
    stay: Option<Stay>,
}

/// A contender's capture, and the other end of its wire.
pub struct Session {
    capture: Box<dyn Capture>,
    sender: Sender,
    wire: Rc<Wire>,
    memory: u64,
    notes: Vec<Note>,
    /// Number of the first packet that waits.
    first: u64,
}

impl Task for SniffTask {
    type Contender = Approach;
    type Fixture = Place;
    type Session = Session;

    fn configure(_: &ArgMatches) -> Result<Self> {
        Ok(SniffTask { wires: Rc::default() })
    }

    fn settings(&self) -> Vec<(String, String)> {
        let setting = |name: &str, value: String| (name.to_owned(), value);
        vec![
            setting("traffic", "TCP over IPv4, on a veth pair between two network namespaces".to_owned()),
            setting("operation", format!("{BURST} packets")),
        ]
    }

    fn most_operations(&self, _: &Workload) -> u64 {
        BURSTS
    }

    fn prepare(&self, workload: &Workload) -> Result<Place> {
        if let Some(finding) = need::first_missing(&[&need::VETH, &need::PACKET_SOCKET]) {
            return Err(Error::finding(&finding));
        }
        let size = usize::try_from(workload.size).unwrap_or(usize::MAX);
        Ok(Place { size, wires: Rc::clone(&self.wires), entered: 0, stay: None })
    }

    fn enter(contender: &'static Approach, place: &mut Place) -> Result<Session> {
        place.stay = None;
        let wire = place.next_wire()?;
        let mut sender = Sender::new(&wire, place.size)?;
        let Approach::Method(method) = contender;
        let selection = Selection { protocol: Protocol::Tcp, ..Selection::default() };
        let interface = Interface { name: wire.near.name.to_owned(), index: wire.near.index };
        let before = rates::resident();
        let _stay = wire.near.stay()?;
        let mut capture = method.open(&Setup { interface: Some(interface), selection })?;
        let count = BURST * BURSTS;
        sender.send(count)?;
        burst::compare(&mut *capture, &mut sender, 0, count)?;
        let memory = rates::resident().saturating_sub(before);
        let notes = Vec::with_capacity(count as usize);
        Ok(Session { capture, sender, memory, notes, first: count, wire: Rc::clone(&wire) })
    }

    fn reset(place: &mut Place, _: u64) -> Result<()> {
        place.stay = None;
        Ok(())
    }

    fn ready(_: &'static Approach, session: &mut Session, place: &mut Place, operations: u64) -> Result<()> {
        place.stay = Some(session.wire.near.stay()?);
        session.notes.clear();
        session.first = session.sender.sent();
        session.sender.send(operations * BURST)?;
        thread::sleep(SETTLE);
        Ok(())
    }

    fn run(_: &'static Approach, session: &mut Session, place: &mut Place) -> Result<Work> {
        let before = session.notes.len();
        burst::receive(&mut *session.capture, BURST as usize, &mut session.notes)?;
        Ok(Work { bytes: ((session.notes.len() - before) * place.size) as u64 })
    }

    fn verify(session: &mut Session, place: &mut Place, operations: u64, done: Work) -> Result<()> {
        place.stay = None;
        let expected = operations * BURST;
        burst::verify(&mut session.notes, &mut session.sender, session.first, expected)?;
        if done.bytes != expected * place.size as u64 {
            return Err(Error::wrong(format!("{} bytes were claimed of {expected} packets", done.bytes)));
        }
        Ok(())
    }

    fn facts(_: &'static Approach, session: &mut Session, _: &mut Place) -> Vec<(String, String)> {
        let Ok(_stay) = session.wire.near.stay() else { return Vec::new() };
        let mut facts = rates::facts(&mut *session.capture, &mut session.sender);
        facts.push(("memory".to_owned(), crate::units::bytes(session.memory)));
        facts
    }
}

impl Place {
    /// A wire that no contender of this place has.
    fn next_wire(&mut self) -> Result<Rc<Wire>> {
        let mut wires = self.wires.borrow_mut();
        if self.entered == wires.len() {
            wires.push(Rc::new(Wire::with(&Plan { ipv6: false, ..Plan::default() })?));
        }
        self.entered += 1;
        Ok(Rc::clone(&wires[self.entered - 1]))
    }
}
