//! Capture by io_uring(7): a packet socket, and one request that goes on giving packets.
//!
//! A multishot recvmsg into buffers that are provided beforehand: a packet costs no system call of its own, as one call
//! takes all that have come. The kernel copies as it does for recvmsg(2), so that what is seen is what
//! `packet` sees: whole frames, VLAN tags put back, the kernel's timestamps.

use std::time::Duration;

use nix::errno::Errno;

use super::capture::{Capture, Captured, Direction, Event, Method, Setup};
use super::interface::{self, Interface};
use super::packet;
use super::receive;
use crate::error::{Error, Result};
use crate::need::{IO_URING, PACKET_SOCKET};
use crate::packet::Link;
use crate::race::Contender;
use crate::sys::packet_socket::{Auxdata, Sender};
use crate::sys::packet_uring::{self, Message, ROOM, Receiver};

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
        let socket = packet::open_socket(setup)?;
        let receiver = Receiver::new(socket, receive::LARGEST).map_err(|errno| {
            let error = Error::sys("cannot receive packets by io_uring", "io_uring_setup", errno);
            match errno {
                Errno::EINVAL => error.fix("needs Linux 6.1: use --via packet"),
                Errno::EPERM => error.fix("see kernel.io_uring_disabled, or use --via packet"),
                _ => error.fix("use --via packet"),
            }
        })?;
        Ok(Box::new(Open { receiver, interface: setup.interface.clone(), dropped: 0 }))
    }
}

struct Open {
    receiver: Receiver,
    interface: Option<Interface>,
    dropped: u64,
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
            Ok(None) if wait.is_zero() => return Ok(Event::Nothing),
            Ok(None) => return interface::still_there(self.interface.as_ref()).map(|()| Event::Nothing),
            Err(Errno::ENETDOWN) => return Ok(Event::Down),
            Err(errno) => return Err(Error::sys("cannot receive packets", "io_uring_enter", errno)),
        };
        let Some(from) = Sender::parse(message.name) else { return Ok(Event::Nothing) };
        let direction = packet::direction(from.kind);
        if direction == Direction::Out && from.hardware == libc::ARPHRD_LOOPBACK {
            return Ok(Event::Nothing);
        }
        let ((seconds, nanoseconds), auxdata) = told(&message);
        let link = packet::link(from.hardware);
        let vlan = auxdata.vlan.filter(|_| link == Link::Ethernet);
        let captured = message.payload.len() - ROOM;
        let frame = packet::restore_tag(message.payload, vlan);
        Ok(Event::Packet(Captured {
            seconds,
            nanoseconds,
            direction,
            interface: from.interface,
            link,
            length: message.length + (frame.len() - captured),
            bytes: frame,
            offloaded: auxdata.checksum_not_ready(),
            recorded: None,
        }))
    }

    fn dropped(&mut self) -> Result<u64> {
        packet::count_drops(&self.receiver, &mut self.dropped)
    }

    fn linktype(&self) -> Option<u16> {
        packet::linktype(self.interface.as_ref()?)
    }
}
