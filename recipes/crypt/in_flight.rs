//! AF_ALG with several messages under way at once, through io_uring: a socket each, and one system call for all of them.
//!
//! Each message is a sendmsg(2) linked to a read(2) in the ring. The kernel computes when it comes to the read; drivers of
//! crypto hardware then go on by themselves, and several messages overlap. With the usual drivers, which compute on the
//! spot, what is saved is system calls.
//!
//! [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html). Traps:
//! - a socket has one initialisation vector and one result: every message under way needs a socket of its own.
//! - the buffers are the kernel's until a message is done, so the message is copied into them, and the result out.

use super::race::approach::{Approach, Message, Process, fact};
use super::race::job::Job;
use super::race::kernel;
use crate::error::{Error, Result};
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::{Message as Control, Operation, Transform};
use crate::sys::eintr::retry;
use crate::sys::socket_ring::SocketRing;

/// Messages under way at once.
const DEPTH: usize = 8;

/// A ring of eight.
pub static IN_FLIGHT: Contender<Approach> = Contender {
    name: "in_flight",
    title: "AF_ALG: 8 messages under way through io_uring",
    needs: &[&need::AF_ALG, &need::IO_URING],
    approach: &Approach::Kernel(|job| Ok(Box::new(InFlight::new(job)?))),
};

struct InFlight {
    // Dropped before the sockets that it uses.
    ring: SocketRing,
    sockets: Vec<Operation>,
    _transform: Transform,
    control: Control,
    job: Job,
    /// Which message each slot is about.
    numbers: [usize; DEPTH],
    /// Slots that are free.
    free: Vec<usize>,
    results: Vec<u8>,
}

impl InFlight {
    fn new(job: &Job) -> Result<Self> {
        if job.setup_each {
            return Err(Error::unavailable("with a set-up for each message there is never more than one under way"));
        }
        let transform = kernel::transform(job)?;
        let sockets = (0..DEPTH).map(|_| kernel::accept(&transform)).collect::<Result<Vec<_>>>()?;
        let mut ring = SocketRing::new(DEPTH).map_err(|e| Error::sys("cannot make a ring", "io_uring_setup", e))?;
        for (slot, socket) in sockets.iter().enumerate() {
            kernel::room_for_all(job, socket)?;
            let exchange = ring.exchange(slot).ok_or_else(|| Error::failed("a new slot is under way"))?;
            exchange.data = [job.aad.as_slice(), &vec![0; job.input_len()]].concat();
            exchange.answer = vec![0; job.aad.len() + job.output_len()];
        }
        let (control, free) = (kernel::control(job), (0..DEPTH).collect());
        let (results, numbers) = (vec![0; job.messages * job.output_len()], [0; DEPTH]);
        let job = job.clone();
        Ok(InFlight { ring, sockets, _transform: transform, control, job, numbers, free, results })
    }

    /// Starts what is queued, all at once, and waits for all of it.
    fn drain(&mut self) -> Result<()> {
        while self.free.len() < DEPTH {
            self.take()?;
        }
        Ok(())
    }

    /// Waits for one message to be done, and takes its result.
    fn take(&mut self) -> Result<()> {
        let cannot = |e| Error::sys("cannot wait for messages to be done", "io_uring_enter", e);
        let Some((slot, got)) = retry(|| self.ring.wait()).map_err(cannot)? else { return Ok(()) };
        let (head, len) = (self.job.aad.len(), self.job.output_len());
        kernel::read_whole(got, head + len, &self.job)?;
        let exchange = self.ring.exchange(slot).ok_or_else(|| Error::failed("a message is done and is not"))?;
        let at = self.numbers[slot] * len;
        self.results[at..at + len].copy_from_slice(&exchange.answer[head..]);
        self.free.push(slot);
        Ok(())
    }
}

impl Process for InFlight {
    fn process(&mut self, message: &Message<'_>, _: &mut [u8]) -> Result<()> {
        if self.free.is_empty() {
            self.drain()?;
        }
        let slot = self.free.pop().ok_or_else(|| Error::failed("no slot is free"))?;
        let exchange = self.ring.exchange(slot).ok_or_else(|| Error::failed("a free slot is under way"))?;
        exchange.data[self.job.aad.len()..].copy_from_slice(message.text);
        if !self.job.is_digest() {
            self.control.set_iv(message.iv);
            exchange.control.clear();
            exchange.control.extend_from_slice(self.control.words());
        }
        self.numbers[slot] = message.number;
        let start = self.ring.start(slot, &self.sockets[slot]);
        start.map_err(|e| Error::sys("cannot queue a message", "io_uring: queue", e))?;
        if message.last { self.drain() } else { Ok(()) }
    }
    fn results(&self) -> Option<&[u8]> {
        Some(&self.results)
    }
    fn end_sample(&mut self, _: u64) -> Result<()> {
        self.results.fill(0xa5);
        Ok(())
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        let mut facts = kernel::facts(&self.job, "io_uring, from the ring's own buffers".to_owned(), false);
        facts.push(fact("under way at once", DEPTH.min(self.job.messages).to_string()));
        facts
    }
}
