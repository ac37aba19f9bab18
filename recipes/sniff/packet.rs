//! Capture by a packet socket: whole frames of every protocol, both directions, as the driver has them.
//!
//! packet(7). Timestamps are the kernel's (SO_TIMESTAMPNS of socket(7)); PACKET_AUXDATA tells of checksums left to
//! the device and of VLAN tags that the device took out of the frame (they are put back). On the loopback interface
//! every packet passes twice, going out and coming in; the first is skipped.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockType, recvmsg, setsockopt, socket, sockopt,
};
use nix::sys::time::TimeSpec;

use super::capture::{Capture, Captured, Direction, Event, Method, Setup};
use super::interface::{self, Interface};
use super::{filter, receive};
use crate::error::{Context, Error, Result};
use crate::need::PACKET_SOCKET;
use crate::packet::Link;
use crate::race::Contender;
use crate::sys::packet_socket::{self, Auxdata};

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "packet",
    title: "AF_PACKET socket, a recvmsg a packet",
    needs: &[&PACKET_SOCKET],
    approach: &PacketSocket,
};

/// Hardware types whose frames begin with the IP header: none (tun), and raw IP (ARPHRD_RAWIP).
pub const IP_LINKS: [u16; 2] = [libc::ARPHRD_NONE, 519];

/// A VLAN tag stands behind the two hardware addresses.
const ADDRESSES: usize = 12;
const TAG: usize = 4;

struct PacketSocket;

impl Method for PacketSocket {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let place = setup.interface.as_ref().map_or("any", |i| i.name.as_str());
        let what = || format!("cannot open a packet socket on {place}");
        let program = filter::packet_socket(&setup.selection)?;
        // Protocol 0: nothing comes in before the filter is there and bind starts the flow.
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).sys("socket", what)?;
        receive::enlarge_queue(&socket);
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).sys("setsockopt(SO_TIMESTAMPNS)", what)?;
        packet_socket::want_auxdata(&socket).sys("setsockopt(PACKET_AUXDATA)", what)?;
        filter::attach(&socket, &program, what)?;
        let index = setup.interface.as_ref().map_or(0, |i| i.index);
        packet_socket::bind(&socket, index).sys("bind", what)?;
        Ok(Box::new(Open {
            socket,
            interface: setup.interface.clone(),
            buffer: vec![0; TAG + receive::LARGEST],
            control: cmsg_space!(TimeSpec, [u8; 32]),
            dropped: 0,
        }))
    }
}

struct Open {
    socket: OwnedFd,
    interface: Option<Interface>,
    /// Frames are received behind room for a VLAN tag.
    buffer: Vec<u8>,
    control: Vec<u8>,
    dropped: u64,
}

/// What a receive gives besides the bytes.
struct Received {
    length: usize,
    from: Option<LinkAddr>,
    time: Option<TimeSpec>,
    auxdata: Auxdata,
}

impl Open {
    fn receive(&mut self, wait: Duration) -> nix::Result<Option<Received>> {
        let (buffer, control) = (&mut self.buffer[TAG..], &mut self.control);
        receive::within(self.socket.as_fd(), wait, || {
            let mut iov = [IoSliceMut::new(buffer)];
            let got = recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut iov, Some(control), MsgFlags::MSG_TRUNC)?;
            let mut received =
                Received { length: got.bytes, from: got.address, time: None, auxdata: Auxdata::default() };
            for message in got.cmsgs().into_iter().flatten() {
                match message {
                    ControlMessageOwned::ScmTimestampns(time) => received.time = Some(time),
                    ControlMessageOwned::Unknown(other) if other.cmsg_header.cmsg_type == libc::PACKET_AUXDATA => {
                        received.auxdata = Auxdata::parse(&other.data_bytes).unwrap_or_default();
                    }
                    _ => {}
                }
            }
            Ok(received)
        })
    }

    /// Where the frame stands in the buffer, once a VLAN tag that the device took out is back in.
    fn restore_tag(&mut self, captured: usize, vlan: Option<(u16, u16)>) -> std::ops::Range<usize> {
        let end = TAG + captured;
        let Some((protocol, control)) = vlan.filter(|_| captured >= ADDRESSES) else { return TAG..end };
        self.buffer.copy_within(TAG..TAG + ADDRESSES, 0);
        self.buffer[ADDRESSES..ADDRESSES + 2].copy_from_slice(&protocol.to_be_bytes());
        self.buffer[ADDRESSES + 2..ADDRESSES + TAG].copy_from_slice(&control.to_be_bytes());
        0..end
    }
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let received = match self.receive(wait) {
            Ok(Some(received)) => received,
            Ok(None) if wait.is_zero() => return Ok(Event::Nothing),
            Ok(None) => return interface::still_there(self.interface.as_ref()).map(|()| Event::Nothing),
            // Comes once, be it that the interface goes down or away: which of them is seen at the next wait.
            Err(Errno::ENETDOWN) => return Ok(Event::Down),
            Err(errno) => return Err(Error::sys("cannot receive packets", "recvmsg", errno)),
        };
        let Some(from) = received.from else { return Ok(Event::Nothing) };
        let direction = direction(from.pkttype());
        if direction == Direction::Out && from.hatype() == libc::ARPHRD_LOOPBACK {
            return Ok(Event::Nothing);
        }
        let link = link(from.hatype());
        let vlan = received.auxdata.vlan.filter(|_| link == Link::Ethernet);
        let captured = received.length.min(receive::LARGEST);
        let frame = self.restore_tag(captured, vlan);
        let time = received.time.unwrap_or_else(|| TimeSpec::new(0, 0));
        Ok(Event::Packet(Captured {
            seconds: time.tv_sec(),
            nanoseconds: time.tv_nsec() as u32,
            direction,
            interface: from.ifindex() as u32,
            link,
            length: received.length + (frame.len() - captured),
            bytes: &self.buffer[frame],
            offloaded: received.auxdata.checksum_not_ready(),
            recorded: None,
            fragments: 0,
        }))
    }

    fn dropped(&mut self) -> Result<u64> {
        // The kernel's count starts anew at every reading.
        let more = packet_socket::drops(&self.socket)
            .sys("getsockopt(PACKET_STATISTICS)", || "cannot count dropped packets".to_owned())?;
        self.dropped += u64::from(more);
        Ok(self.dropped)
    }

    fn linktype(&self) -> Option<u16> {
        match link(interface::hardware(self.interface.as_ref()?)?) {
            Link::Other(_) => None,
            link => Some(link.linktype()),
        }
    }
}

fn link(hardware: u16) -> Link {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Link::Ethernet,
        other if IP_LINKS.contains(&other) => Link::Ip,
        other => Link::Other(other),
    }
}

fn direction(kind: u8) -> Direction {
    match kind {
        libc::PACKET_HOST => Direction::In,
        libc::PACKET_BROADCAST => Direction::Broadcast,
        libc::PACKET_MULTICAST => Direction::Multicast,
        libc::PACKET_OTHERHOST => Direction::Other,
        libc::PACKET_OUTGOING => Direction::Out,
        _ => Direction::Unknown,
    }
}
