//! Capture by io_uring(7): a packet socket, and one request that goes on giving packets.
//!
//! A multishot recvmsg into buffers that are provided beforehand: a packet costs no system call of its own, as one call
//! takes all that have come. The kernel copies as it does for recvmsg(2), so that what is seen is what
//! `packet` sees: whole frames, VLAN tags put back, the kernel's timestamps.

use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;

use super::af_packet::{Endpoint, TAG, captured, what};
use super::capture::{Capture, Event, Method, Setup};
use super::filter;
use super::losses::Losses;
use crate::error::{Context, Error, Result};
use crate::need::{IO_URING, PACKET_SOCKET};
use crate::race::Contender;
use crate::sys::packet_socket::{Arrival, Auxdata, Sender};
use crate::sys::packet_uring::{self, Message, ROOM, Receiver};

/// The packet stands behind room for a VLAN tag.
const _: () = assert!(ROOM == TAG);

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "io_uring",
    title: "io_uring: AF_PACKET socket, one multishot recvmsg",
    needs: &[&PACKET_SOCKET, &IO_URING],
    approach: &IoUring,
};

struct IoUring;

impl Method for IoUring {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let program = filter::cutting(setup)?;
        let endpoint = Endpoint::open(setup)?;
        endpoint.queued(setup)?;
        endpoint.start(setup, &program)?;
        let socket = endpoint.as_fd().try_clone_to_owned().sys("dup", || what(setup))?;
        let receiver = Receiver::new(socket, setup.longest()).map_err(|errno| {
            let error = Error::sys("cannot receive packets by io_uring", "io_uring_setup", errno);
            match errno {
                Errno::EINVAL => error.fix("needs Linux 6.1: use --via packet"),
                Errno::EPERM => error.fix("see kernel.io_uring_disabled, or use --via packet"),
                _ => error.fix("use --via packet"),
            }
        })?;
        Ok(Box::new(Open { receiver, endpoint, longest: setup.longest() }))
    }
}

struct Open {
    // Dropped before the socket that it works on.
    receiver: Receiver,
    endpoint: Endpoint,
    longest: usize,
}

/// What the control messages tell: seconds and nanoseconds, and what the kernel says beside the packet.
fn told(message: &Message) -> ((i64, u32), Auxdata) {
    let (mut time, mut auxdata) = ((0, 0), Auxdata::default());
    for (level, kind, data) in packet_uring::control_messages(message.control) {
        match (level, kind, data) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, data) if data.len() == 16 => {
                let (seconds, nanoseconds) = data.split_at(8);
                let number = |eight: &[u8]| eight.first_chunk().map_or(0, |eight| i64::from_ne_bytes(*eight));
                time = (number(seconds), number(nanoseconds) as u32);
            }
            (libc::SOL_PACKET, libc::PACKET_AUXDATA, data) => auxdata = Auxdata::parse(data).unwrap_or_default(),
            _ => {}
        }
    }
    (time, auxdata)
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let message = match self.receiver.next(wait) {
            Ok(Some(message)) => message,
            Ok(None) => return self.endpoint.silence(wait),
            Err(Errno::ENETDOWN) => return Ok(Event::Down),
            Err(errno) => return Err(Error::sys("cannot receive packets", "io_uring_enter", errno)),
        };
        let Some(from) = Sender::parse(message.name) else { return Ok(Event::Nothing) };
        let ((seconds, nanoseconds), auxdata) = told(&message);
        let arrival = Arrival {
            seconds,
            nanoseconds,
            // What was received is what the filter left.
            length: message.length.max(auxdata.length as usize),
            status: auxdata.status,
            vlan: auxdata.vlan,
            interface: from.interface,
            hardware: from.hardware,
            kind: from.kind,
        };
        Ok(captured(&arrival, message.payload, self.longest).map_or(Event::Nothing, Event::Packet))
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
