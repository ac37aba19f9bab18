//! Capture by a packet socket with a mapped ring: the kernel writes the packets where we read them.
//!
//! packet(7), the kernel's networking/packet_mmap.rst; TPACKET_V3, Linux 3.2. No system call and no copy a packet: the kernel
//! hands over a block of them when it is full, or some milliseconds after it was begun. Waiting is a poll. Traps:
//! - An error of the interface is told by poll alone (POLLERR), the ring stays silent.
//! - poll says that there is something for as long as the block before the one that is being filled is ours.
//! - A packet that does not fit into a block is cut.
//! - Blocks are also spent by time: a ring of 256 of them is full after 256 times the milliseconds if nobody reads, however
//!   few packets came. Hence many small ones.
//! - The memory is the kernel's, never swapped out; closing the socket takes some ten milliseconds.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use procfs::{FromRead, Meminfo};

use super::af_packet::{Endpoint, captured, what};
use super::capture::{Capture, Event, Method, Setup};
use super::losses::Losses;
use super::{filter, receive};
use crate::error::{Context, Error, Result};
use crate::need::PACKET_RING;
use crate::race::Contender;
use crate::sys::mmap::page_size;
use crate::sys::packet_ring::{Block, Geometry, Ring};
use crate::units::bytes;

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "ring",
    title: "AF_PACKET socket with a mapped ring (TPACKET_V3)",
    needs: &[&PACKET_RING],
    approach: &MappedRing,
};

/// The ring where memory allows.
const SIZE: usize = 64 << 20;
/// The smallest ring: its blocks hold the largest packet that most interfaces have.
pub(super) const SMALLEST: usize = 512 << 10;
/// Holds the largest packet that is met (joined segments: 64 KiB, with BIG TCP up to 185,000 bytes).
const BLOCK: usize = 256 << 10;
/// A ring has at least so many blocks, so that the kernel has one to fill while we read another.
const BLOCKS: usize = 4;
/// A packet is shown after at most twice this time, in milliseconds; with the usual 256 blocks we may pause for 5 seconds.
pub(super) const RETIRE: u32 = 20;

struct MappedRing;

impl Method for MappedRing {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let program = filter::cutting(setup)?;
        let endpoint = Endpoint::open(setup)?;
        let ring = make(&endpoint, setup, 1)?;
        endpoint.start(setup, &program)?;
        Ok(Box::new(Open { endpoint, ring, block: None, longest: setup.longest() }))
    }
}

/// Makes the ring of a socket, one of so many that share the memory.
pub(super) fn make(endpoint: &Endpoint, setup: &Setup, share: usize) -> Result<Ring> {
    let retire = if setup.immediate { 1 } else { RETIRE };
    let mut size = setup.buffer.unwrap_or_else(affordable) / share;
    loop {
        match Ring::new(endpoint, geometry(size, retire)) {
            // What was asked for is not halved in silence.
            Err(Errno::ENOMEM) if setup.buffer.is_none() && size / 2 >= SMALLEST => size /= 2,
            Err(errno @ (Errno::ENOMEM | Errno::EINVAL)) if setup.buffer.is_some() => {
                let error = Error::sys(what(setup), "setsockopt(PACKET_RX_RING)", errno);
                return Err(error.fix(format!("a ring of {} is too much: ask for less by -B", bytes(size as u64))));
            }
            made => return made.sys("setsockopt(PACKET_RX_RING)", || what(setup)),
        }
    }
}

/// The usual size, less where memory is scarce: none of it can be swapped out.
fn affordable() -> usize {
    let memory = Meminfo::from_file("/proc/meminfo").ok().and_then(|m| m.mem_available);
    let most = memory.map_or(SIZE, |available| (available / 8).min(SIZE as u64) as usize);
    most.max(SMALLEST)
}

fn geometry(size: usize, retire: u32) -> Geometry {
    let size = size.max(SMALLEST);
    let block = (size / BLOCKS).min(BLOCK) / page_size() * page_size();
    Geometry { block: block as u32, blocks: u32::try_from(size / block).unwrap_or(u32::MAX), retire }
}

struct Open {
    endpoint: Endpoint,
    ring: Ring,
    /// The block whose packets are being read.
    block: Option<Block>,
    longest: usize,
}

impl Capture for Open {
    #[inline]
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let arrival = loop {
            if let Some(arrival) = self.block.as_mut().and_then(Block::advance) {
                break arrival;
            }
            if let Some(event) = self.turn(wait)? {
                return Ok(event);
            }
        };
        let Some(block) = &mut self.block else { return Ok(Event::Nothing) };
        Ok(captured(&arrival, block.frame(), self.longest).map_or(Event::Nothing, Event::Packet))
    }

    fn is_cut(&self) -> bool {
        true
    }

    fn dropped(&mut self) -> Result<Losses> {
        self.endpoint.losses()
    }

    fn linktype(&self) -> Option<u16> {
        self.endpoint.linktype()
    }
}

impl Open {
    /// Gives the block back and goes on to the next, waiting for it; an event where none comes.
    #[cold]
    fn turn(&mut self, wait: Duration) -> Result<Option<Event<'static>>> {
        if let Some(block) = self.block.take() {
            self.endpoint.unreadable(block.left().into());
        }
        self.block = self.ring.take();
        if self.block.is_some() {
            return Ok(None);
        }
        if wait.is_zero() {
            return Ok(Some(Event::Nothing));
        }
        let what = || "cannot wait for packets".to_owned();
        if !receive::ready(self.endpoint.as_fd(), wait).sys("poll", what)? {
            return self.endpoint.silence(wait).map(Some);
        }
        self.block = self.ring.take();
        match self.block {
            Some(_) => Ok(None),
            None => Ok(Some(self.endpoint.trouble()?.unwrap_or(Event::Nothing))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_about_as_large_as_asked_for_and_its_blocks_are_pages() {
        for (size, block, blocks) in [
            (SIZE, BLOCK, 256),
            (SMALLEST, SMALLEST / 4, 4),
            (1, SMALLEST / 4, 4),
            ((600 << 10) + 5, 151_552, 4),
            ((3 << 20) + 5, BLOCK, 12),
            (usize::MAX, BLOCK, usize::MAX >> 18),
        ] {
            let made = geometry(size, 10);
            let blocks = u32::try_from(blocks).unwrap_or(u32::MAX);
            assert_eq!((made.block as usize, made.blocks), (block, blocks), "{size}");
            assert_eq!(made.block as usize % page_size(), 0);
        }
    }
}
