//! Capture by a packet socket, many packets by one recvmmsg.
//!
//! recvmmsg(2). Otherwise as `packet`: it saves system calls where packets come faster than they are taken, not the
//! copy, and not the socket buffer that the kernel makes of each packet.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;

use super::af_packet::{Endpoint, captured};
use super::capture::{Capture, Event, Method, Setup};
use super::losses::Losses;
use super::{filter, receive};
use crate::error::{Error, Result};
use crate::need::PACKET_SOCKET;
use crate::race::Contender;
use crate::sys::packet_batch::Batch;

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "recvmmsg",
    title: "AF_PACKET socket, a recvmmsg for up to 32 packets",
    needs: &[&PACKET_SOCKET],
    approach: &Recvmmsg,
};

/// More hardly saves more, as each has room for the largest packet.
const PACKETS: usize = 32;

struct Recvmmsg;

impl Method for Recvmmsg {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let program = filter::cutting(setup)?;
        let endpoint = Endpoint::open(setup)?;
        endpoint.queued(setup)?;
        endpoint.start(setup, &program)?;
        Ok(Box::new(Open { endpoint, longest: setup.longest(), batch: Batch::new(PACKETS, setup.longest()) }))
    }
}

struct Open {
    endpoint: Endpoint,
    batch: Batch,
    longest: usize,
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let arrival = match self.batch.advance() {
            Some(arrival) => arrival,
            None => {
                let (batch, endpoint) = (&mut self.batch, &self.endpoint);
                match receive::within(endpoint.as_fd(), wait, || batch.receive(endpoint)) {
                    Ok(Some(_)) => {}
                    Ok(None) => return self.endpoint.silence(wait),
                    Err(Errno::ENETDOWN) => return Ok(Event::Down),
                    Err(errno) => return Err(Error::sys("cannot receive packets", "recvmmsg", errno)),
                }
                let Some(arrival) = self.batch.advance() else { return Ok(Event::Nothing) };
                arrival
            }
        };
        Ok(captured(&arrival, self.batch.frame(), self.longest).map_or(Event::Nothing, Event::Packet))
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
