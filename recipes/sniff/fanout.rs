//! Capture by several packet sockets that share the packets between them, each with a mapped ring and a thread.
//!
//! PACKET_FANOUT of packet(7), Linux 3.1. A packet goes to the ring of its flow (by a hash that is the same for both
//! directions), to another where that is full. CPUs that receive at the same time do not wait for each other then, as they
//! do for the one lock of one ring. The threads hand over whole blocks, in which packets stay where the kernel wrote them.
//! Fragments are not joined first (PACKET_FANOUT_FLAG_DEFRAG), as then they would be seen joined.
//!
//! Order: packets come by their time, as `merge.rs` promises it. That costs some ten milliseconds of delay where only some
//! of the rings have packets.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::af_packet::{Endpoint, captured, what};
use super::capture::{Capture, Event, Method, NOTHING, Setup};
use super::losses::Losses;
use super::merge::Merge;
use super::{filter, receive, ring};
use crate::error::{Context, Error, Result};
use crate::filter::Program;
use crate::need::PACKET_RING;
use crate::race::Contender;
use crate::sys::packet_fanout;
use crate::sys::packet_ring::{Block, Ring};

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "fanout",
    title: "several rings (PACKET_FANOUT), a thread each, merged by time",
    needs: &[&PACKET_RING],
    approach: &Fanout,
};

/// More rings than CPUs serve nobody, and one consumer merges them all.
const RINGS: std::ops::RangeInclusive<usize> = 2..=4;
/// How late a thread may be with a block that is full, in milliseconds.
const LATE: u32 = 20;
/// The longest wait for a thread: a signal may end up with any of them.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a thread sleeps while poll speaks of a block that is lent, in milliseconds: shorter naps cost more than packets.
const NAP: u8 = 5;

struct Fanout;

impl Method for Fanout {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let count = cpus.clamp(*RINGS.start(), *RINGS.end());
        let (endpoints, rings) = members(setup, count)?;
        let retire = if setup.immediate { 1 } else { ring::RETIRE };
        let hold = Duration::from_millis(u64::from(2 * retire + LATE));
        // Each block is in it once at most, and each thread says at most one other word before it is taken out.
        let capacity = rings.iter().map(Ring::blocks).sum::<usize>() + count;
        let (sender, inbox) = sync_channel(capacity);
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let stop = Arc::new(EventFd::from_value_and_flags(0, flags).sys("eventfd", || what(setup))?);
        let merge = Merge::new(count, hold);
        let mut idle = Vec::new();
        for (number, (ring, endpoint)) in rings.into_iter().zip(&endpoints).enumerate() {
            let socket = endpoint.as_fd().try_clone_to_owned().sys("dup", || what(setup))?;
            let (stop, sender) = (Arc::clone(&stop), sender.clone());
            let nap = if setup.immediate { 1 } else { NAP };
            idle.push(Feeder { number, ring, socket, nap, stop, sender });
        }
        let (inbox, threads, longest) = (Some(inbox), Vec::new(), setup.longest());
        Ok(Box::new(Open { endpoints, merge, inbox, stop, idle, threads, longest }))
    }
}

/// The sockets of a group and their rings.
fn members(setup: &Setup, count: usize) -> Result<(Vec<Endpoint>, Vec<Ring>)> {
    let program = filter::cutting(setup)?;
    let nothing = Program::verify(NOTHING.to_vec()).map_err(Error::failed)?;
    let mut group = None;
    let (mut endpoints, mut rings) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let endpoint = Endpoint::open(setup)?;
        rings.push(ring::make(&endpoint, setup, count)?);
        // Only a bound socket can join; until it has, it would get every packet.
        endpoint.start(setup, &nothing)?;
        let joined = packet_fanout::join(&endpoint, group).sys("setsockopt(PACKET_FANOUT)", || what(setup));
        group = Some(joined.map_err(|e| match e.errno {
            Some(Errno::EINVAL) => e.fix("the interface must be up, and the kernel 4.12 or later"),
            _ => e,
        })?);
        endpoints.push(endpoint);
    }
    for endpoint in &endpoints {
        filter::attach(endpoint, &program, || what(setup))?;
    }
    Ok((endpoints, rings))
}

/// What a thread hands over.
enum Delivery {
    Block(usize, Block),
    Trouble(Errno),
}

/// What a thread needs.
struct Feeder {
    number: usize,
    ring: Ring,
    socket: OwnedFd,
    /// In milliseconds.
    nap: u8,
    stop: Arc<EventFd>,
    sender: SyncSender<Delivery>,
}

impl Feeder {
    /// Hands over blocks until it is told to stop or nobody takes them any more.
    fn run(mut self) {
        loop {
            let mut idle = true;
            while let Some(block) = self.ring.take() {
                idle = false;
                if self.sender.send(Delivery::Block(self.number, block)).is_err() {
                    return;
                }
            }
            let mut waited = [
                PollFd::new(self.stop.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.socket.as_fd(), PollFlags::POLLIN),
            ];
            match poll(&mut waited, PollTimeout::NONE) {
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return drop(self.sender.send(Delivery::Trouble(errno))),
            }
            let [stop, socket] = waited.map(|w| w.revents().unwrap_or(PollFlags::empty()));
            if !stop.is_empty() {
                return;
            }
            if socket.contains(PollFlags::POLLERR) {
                self.report();
            } else if idle {
                let _ = poll(&mut [PollFd::new(self.stop.as_fd(), PollFlags::POLLIN)], self.nap);
            }
        }
    }

    /// The first of them speaks for all of what befalls the interface.
    fn report(&self) {
        let errno = receive::pending(self.socket.as_fd());
        if let Some(errno) = errno.filter(|errno| self.number == 0 || *errno != Errno::ENETDOWN) {
            let _ = self.sender.send(Delivery::Trouble(errno));
        }
    }
}

struct Open {
    endpoints: Vec<Endpoint>,
    merge: Merge,
    /// Taken at the end, before the threads are.
    inbox: Option<Receiver<Delivery>>,
    stop: Arc<EventFd>,
    /// Those that have no thread yet: it starts with the first look for a packet, so that it has no more privileges than are
    /// left by then.
    idle: Vec<Feeder>,
    threads: Vec<JoinHandle<()>>,
    longest: usize,
}

impl Open {
    /// Starts the threads that were not started yet.
    fn start(&mut self) -> Result<()> {
        while let Some(feeder) = self.idle.pop() {
            let thread = std::thread::Builder::new().name(format!("syskit-ring-{}", feeder.number));
            let started = thread.spawn(move || feeder.run());
            self.threads.push(started.sys("clone", || "cannot start a thread for a ring".to_owned())?);
        }
        Ok(())
    }

    /// The ring whose next packet is the next of all; an event where none can be told for now.
    fn pick(&mut self, wait: Duration) -> Result<Result<usize, Event<'static>>> {
        if let Some(ring) = self.merge.pick(None) {
            return Ok(Ok(ring));
        }
        self.start()?;
        let deadline = Instant::now() + wait.min(PATIENCE);
        loop {
            while let Some(delivery) = self.inbox.as_ref().and_then(|inbox| inbox.try_recv().ok()) {
                if let Some(event) = self.take(delivery)? {
                    return Ok(Err(event));
                }
            }
            let now = Instant::now();
            if let Some(ring) = self.merge.pick(Some(now)) {
                return Ok(Ok(ring));
            }
            let left = deadline.saturating_duration_since(now);
            let Some(inbox) = self.inbox.as_ref().filter(|_| !left.is_zero()) else {
                return self.endpoints[0].silence(wait).map(Err);
            };
            match inbox.recv_timeout(left.min(self.merge.patience(now))) {
                Ok(delivery) => {
                    if let Some(event) = self.take(delivery)? {
                        return Ok(Err(event));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::failed("cannot receive packets: the threads of the rings ended"));
                }
            }
        }
    }

    fn take(&mut self, delivery: Delivery) -> Result<Option<Event<'static>>> {
        match delivery {
            Delivery::Block(ring, block) => self.merge.push(ring, block, Instant::now()),
            Delivery::Trouble(Errno::ENETDOWN) => return Ok(Some(Event::Down)),
            Delivery::Trouble(errno) => return Err(Error::sys("cannot receive packets", "poll", errno)),
        }
        Ok(None)
    }
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let ring = match self.pick(wait)? {
            Ok(ring) => ring,
            Err(event) => return Ok(event),
        };
        let Some((arrival, block)) = self.merge.take(ring) else { return Ok(Event::Nothing) };
        Ok(captured(&arrival, block.frame(), self.longest).map_or(Event::Nothing, Event::Packet))
    }

    fn is_cut(&self) -> bool {
        true
    }

    fn dropped(&mut self) -> Result<Losses> {
        let mut all = Losses { own: self.merge.unreadable(), ..Losses::default() };
        for endpoint in &mut self.endpoints {
            let losses = endpoint.losses()?;
            all.kernel += losses.kernel;
            all.full += losses.full;
            all.interface = all.interface.max(losses.interface);
        }
        Ok(all)
    }

    fn linktype(&self) -> Option<u16> {
        self.endpoints[0].linktype()
    }
}

impl Drop for Open {
    /// Ends the threads: none waits for a place in the inbox that nobody empties.
    fn drop(&mut self) {
        drop(self.inbox.take());
        let _ = self.stop.write(1);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
