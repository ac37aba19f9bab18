//! The race itself: a wire for each contender, bursts that wait in its queue, and the facts.

use std::cell::RefCell;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use clap::ArgMatches;

use super::super::capture::{Method, Setup};
use super::super::interface::Interface;
use super::super::selection::{Protocol, Selection};
use super::super::traffic::Sender;
use super::super::wire::{Plan, Stay, Wire};
use super::burst::{Note, Taker};
use super::rates;
use super::touched::Touched;
use crate::error::{Error, Result};
use crate::need;
use crate::race::{Task, Work, Workload};

/// Packets of one operation: in every method's queue there is room for so many of the largest frames, and in the kernel's
/// queue between the two ends (net.core.netdev_max_backlog, 1000), whoever empties that late.
pub const BURST: u64 = 800;
/// So many are sent without a pause: a device with an XDP program has room for twice that.
const GUST: u64 = 128;
/// And the pause.
const LULL: Duration = Duration::from_micros(20);
/// How long they lie there: a ring keeps a block that is not full for up to 20 milliseconds before it hands it over.
const SETTLE: Duration = Duration::from_millis(25);

/// Packets that are taken before the clock starts: whoever hands over blocks, or merges queues, has then begun to.
const OPENERS: u64 = 1;

/// A contender.
pub enum Approach {
    /// A capture method, a packet at a time, and how long it holds packets back once it has taken them over.
    Method(&'static dyn Method, Duration),
    /// The limit.
    Touched,
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
    taker: Taker,
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
        1
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
        let selection = Selection { protocol: Protocol::Tcp, ..Selection::default() };
        let interface = Interface { name: wire.near.name.to_owned(), index: wire.near.index };
        let mut notes = vec![Note::default(); (BURST + OPENERS) as usize];
        notes.clear();
        let before = rates::resident();
        let _stay = wire.near.stay()?;
        let setup = Setup { interface: Some(interface), selection, ..Setup::default() };
        let mut taker = match contender {
            Approach::Method(method, _) => Taker::Capture(method.open(&setup)?),
            Approach::Touched => Taker::Touched(Touched::open(&setup)?),
        };
        send(&mut sender, BURST)?;
        taker.receive(BURST, &mut notes)?;
        let memory = rates::resident().saturating_sub(before);
        taker.verify(&mut notes, &mut sender, 0, BURST)?;
        send(&mut sender, BURST)?;
        taker.compare(&mut sender, BURST, BURST)?;
        Ok(Session { taker, sender, memory, notes, first: 2 * BURST, wire: Rc::clone(&wire) })
    }

    fn reset(place: &mut Place, _: u64) -> Result<()> {
        place.stay = None;
        Ok(())
    }

    fn ready(contender: &'static Approach, session: &mut Session, place: &mut Place, operations: u64) -> Result<()> {
        place.stay = Some(session.wire.near.stay()?);
        session.notes.clear();
        session.first = session.sender.sent();
        send(&mut session.sender, operations * BURST + OPENERS)?;
        thread::sleep(SETTLE);
        session.taker.receive(OPENERS, &mut session.notes)?;
        if let Approach::Method(_, held) = contender {
            thread::sleep(*held);
        }
        Ok(())
    }

    fn run(_: &'static Approach, session: &mut Session, place: &mut Place) -> Result<Work> {
        let before = session.notes.len();
        session.taker.receive(BURST, &mut session.notes)?;
        Ok(Work { bytes: ((session.notes.len() - before) * place.size) as u64 })
    }

    fn verify(session: &mut Session, place: &mut Place, operations: u64, done: Work) -> Result<()> {
        place.stay = None;
        let expected = operations * BURST;
        session.taker.verify(&mut session.notes, &mut session.sender, session.first, expected + OPENERS)?;
        if done.bytes != expected * place.size as u64 {
            return Err(Error::wrong(format!("{} bytes were claimed of {expected} packets", done.bytes)));
        }
        Ok(())
    }

    fn facts(_: &'static Approach, session: &mut Session, _: &mut Place) -> Vec<(String, String)> {
        let Ok(_stay) = session.wire.near.stay() else { return Vec::new() };
        let mut facts = rates::facts(&mut session.taker, &mut session.sender);
        facts.push(("memory".to_owned(), crate::units::bytes(session.memory)));
        facts
    }
}

/// Sends a burst into a queue that nobody empties yet.
fn send(sender: &mut Sender, count: u64) -> Result<()> {
    let mut left = count;
    while left > 0 {
        sender.send(left.min(GUST))?;
        left -= left.min(GUST);
        thread::sleep(LULL);
    }
    Ok(())
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
