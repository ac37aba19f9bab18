//! Capture by a packet socket: whole frames of every protocol, both directions, as the driver has them.
//!
//! packet(7). Timestamps are the kernel's (SO_TIMESTAMPNS of socket(7)); PACKET_AUXDATA tells of checksums left to
//! the device and of VLAN tags that the device took out of the frame (they are put back). On the loopback interface
//! every packet passes twice, going out and coming in; the first is skipped.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg};
use nix::sys::time::TimeSpec;

use super::af_packet::{Endpoint, TAG, captured};
use super::capture::{Capture, Event, Method, Setup};
use super::losses::Losses;
use super::{filter, receive};
use crate::error::{Error, Result};
use crate::need::PACKET_SOCKET;
use crate::race::Contender;
use crate::sys::packet_socket::{Arrival, Auxdata};

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "packet",
    title: "AF_PACKET socket, a recvmsg a packet",
    needs: &[&PACKET_SOCKET],
    approach: &PacketSocket,
};

struct PacketSocket;

impl Method for PacketSocket {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let program = filter::cutting(setup)?;
        let endpoint = Endpoint::open(setup)?;
        endpoint.queued(setup)?;
        endpoint.start(setup, &program)?;
        Ok(Box::new(Open {
            endpoint,
            buffer: vec![0; TAG + setup.longest()],
            control: cmsg_space!(TimeSpec, [u8; 32]),
            longest: setup.longest(),
        }))
    }
}

struct Open {
    endpoint: Endpoint,
    /// Frames are received behind room for a VLAN tag.
    buffer: Vec<u8>,
    control: Vec<u8>,
    longest: usize,
}

impl Open {
    /// What the kernel says of the next packet, and how many bytes of it there are.
    fn receive(&mut self, wait: Duration) -> nix::Result<Option<(Arrival, usize)>> {
        let (buffer, control) = (&mut self.buffer[TAG..], &mut self.control);
        let socket = self.endpoint.as_raw_fd();
        receive::within(self.endpoint.as_fd(), wait, || {
            let mut iov = [IoSliceMut::new(buffer)];
            let got = recvmsg::<LinkAddr>(socket, &mut iov, Some(control), MsgFlags::MSG_TRUNC)?;
            let mut arrival = Arrival { length: got.bytes, ..Arrival::default() };
            if let Some(from) = got.address {
                let interface = from.ifindex() as u32;
                arrival = Arrival { interface, hardware: from.hatype(), kind: from.pkttype(), ..arrival };
            }
            for message in got.cmsgs().into_iter().flatten() {
                match message {
                    ControlMessageOwned::ScmTimestampns(time) => {
                        (arrival.seconds, arrival.nanoseconds) = (time.tv_sec(), time.tv_nsec() as u32);
                    }
                    ControlMessageOwned::Unknown(other) if other.cmsg_header.cmsg_type == libc::PACKET_AUXDATA => {
                        let told = Auxdata::parse(&other.data_bytes).unwrap_or_default();
                        (arrival.status, arrival.vlan) = (told.status, told.vlan);
                        // What was received is what the filter left.
                        arrival.length = arrival.length.max(told.length as usize);
                    }
                    _ => {}
                }
            }
            Ok((arrival, got.bytes))
        })
    }
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let (arrival, received) = match self.receive(wait) {
            Ok(Some(received)) => received,
            Ok(None) => return self.endpoint.silence(wait),
            // Comes once, be it that the interface goes down or away: which of them is seen at the next wait.
            Err(Errno::ENETDOWN) => return Ok(Event::Down),
            Err(errno) => return Err(Error::sys("cannot receive packets", "recvmsg", errno)),
        };
        let end = self.buffer.len().min(TAG + received);
        Ok(captured(&arrival, &mut self.buffer[..end], self.longest).map_or(Event::Nothing, Event::Packet))
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
