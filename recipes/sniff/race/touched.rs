//! The limit: the packets of a mapped ring, counted where they lie and their numbers read; nothing is made of them.

use std::os::fd::AsFd;
use std::time::Duration;

use super::super::af_packet::Endpoint;
use super::super::capture::Setup;
use super::super::traffic::{ETHERNET, number_of};
use super::super::{filter, receive, ring};
use super::task::Approach;
use crate::error::{Context, Result};
use crate::need::{PACKET_RING, VETH};
use crate::race::Contender;
use crate::sys::packet_ring::{Block, Ring};

/// The record of this limit.
pub(super) static TOUCHED: Contender<Approach> = Contender {
    name: "ring_touched",
    title: "packets of a mapped ring, only touched",
    needs: &[&PACKET_RING, &VETH],
    approach: &Approach::Touched,
};

/// A ring that is walked.
pub struct Touched {
    endpoint: Endpoint,
    ring: Ring,
    block: Option<Block>,
}

impl Touched {
    pub(super) fn open(setup: &Setup) -> Result<Self> {
        let program = filter::cutting(setup)?;
        let endpoint = Endpoint::open(setup)?;
        let ring = ring::make(&endpoint, setup, 1)?;
        endpoint.start(setup, &program)?;
        Ok(Touched { endpoint, ring, block: None })
    }

    /// Hands the numbers of up to `most` packets to `each`, waiting at most `wait` for the first; how many there were.
    pub(super) fn take(&mut self, most: u64, wait: Duration, mut each: impl FnMut(u64)) -> Result<u64> {
        let mut count = 0;
        loop {
            if let Some(block) = &mut self.block {
                while count < most && block.advance().is_some() {
                    each(block.frame().get(Block::ROOM + ETHERNET..).and_then(number_of).unwrap_or(u64::MAX));
                    count += 1;
                }
            }
            if count == most {
                return Ok(count);
            }
            self.block = None;
            self.block = self.ring.take();
            if self.block.is_none() {
                let what = || "cannot wait for packets".to_owned();
                if count > 0 || !receive::ready(self.endpoint.as_fd(), wait).sys("poll", what)? {
                    return Ok(count);
                }
                self.block = self.ring.take();
                if self.block.is_none() {
                    return Ok(0);
                }
            }
        }
    }
}
