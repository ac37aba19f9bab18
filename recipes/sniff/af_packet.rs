//! What the methods on packet sockets share: opening, starting the flow, turning what the kernel says into packets, losses.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socket, sockopt};

use super::capture::{Captured, Direction, Event, Setup};
use super::interface::{self, Interface};
use super::losses::{InterfaceDrops, Losses};
use super::{filter, receive};
use crate::error::{Context, Error, Result};
use crate::filter::Program;
use crate::packet::Link;
use crate::sys::packet_socket::{self, Arrival};

/// Hardware types whose frames begin with the IP header: none (tun), and raw IP (ARPHRD_RAWIP).
pub const IP_LINKS: [u16; 2] = [libc::ARPHRD_NONE, 519];

/// Frames are received behind room for a VLAN tag, which stands behind the two hardware addresses.
pub(super) const TAG: usize = 4;
const ADDRESSES: usize = 12;

/// A packet socket, and what it was opened for.
pub(super) struct Endpoint {
    socket: OwnedFd,
    interface: Option<Interface>,
    promiscuous: bool,
    losses: Losses,
    drops: InterfaceDrops,
}

impl Endpoint {
    /// A packet socket for what `setup` asks for. Nothing comes in before [`Endpoint::start`]: it is of protocol 0.
    pub(super) fn open(setup: &Setup) -> Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).sys("socket", || what(setup))?;
        Ok(Endpoint {
            socket,
            interface: setup.interface.clone(),
            promiscuous: setup.promiscuous,
            losses: Losses::default(),
            drops: InterfaceDrops::since_now(setup.interface.as_ref()),
        })
    }

    /// Asks for the control messages that tell the time and what PACKET_AUXDATA has, and for a queue of the size asked for.
    pub(super) fn queued(&self, setup: &Setup) -> Result<()> {
        receive::enlarge_queue(&self.socket, setup.buffer);
        setsockopt(&self.socket, sockopt::ReceiveTimestampns, &true)
            .sys("setsockopt(SO_TIMESTAMPNS)", || what(setup))?;
        packet_socket::want_auxdata(&self.socket).sys("setsockopt(PACKET_AUXDATA)", || what(setup))
    }

    /// Starts the flow of the packets that pass `program`.
    pub(super) fn start(&self, setup: &Setup, program: &Program) -> Result<()> {
        filter::attach(&self.socket, program, || what(setup))?;
        let index = self.interface.as_ref().map_or(0, |i| i.index);
        if self.promiscuous && index != 0 {
            packet_socket::promiscuous(&self.socket, index)
                .sys("setsockopt(PACKET_ADD_MEMBERSHIP)", || what(setup))
                .map_err(|e| e.fix("use --no-promiscuous"))?;
        }
        packet_socket::bind(&self.socket, index).sys("bind", || what(setup))
    }

    /// The error that is pending on the socket, as its event: an interface that went down comes again.
    pub(super) fn trouble(&self) -> Result<Option<Event<'static>>> {
        match receive::pending(self.socket.as_fd()) {
            None => Ok(None),
            Some(Errno::ENETDOWN) => Ok(Some(Event::Down)),
            Some(errno) => Err(Error::sys("cannot receive packets", "poll", errno)),
        }
    }

    /// The event of having waited in vain.
    pub(super) fn silence(&self, wait: Duration) -> Result<Event<'static>> {
        match wait.is_zero() {
            true => Ok(Event::Nothing),
            false => interface::still_there(self.interface.as_ref()).map(|()| Event::Nothing),
        }
    }

    /// Notes packets that could not be read.
    pub(super) fn unreadable(&mut self, packets: u64) {
        self.losses.own += packets;
    }

    /// What was lost so far.
    pub(super) fn losses(&mut self) -> Result<Losses> {
        // The kernel's counts start anew at every reading.
        let more = packet_socket::statistics(&self.socket)
            .sys("getsockopt(PACKET_STATISTICS)", || "cannot count dropped packets".to_owned())?;
        self.losses.kernel += u64::from(more.dropped);
        self.losses.full += u64::from(more.full);
        self.losses.interface = self.drops.count();
        Ok(self.losses)
    }

    /// The link type of every packet to come, where the interface tells.
    pub(super) fn linktype(&self) -> Option<u16> {
        linktype(self.interface.as_ref()?)
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Endpoint {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}

/// What opening is about, for errors.
pub(super) fn what(setup: &Setup) -> String {
    let place = setup.interface.as_ref().map_or("any", |i| i.name.as_str());
    format!("cannot open a packet socket on {place}")
}

/// The packet whose frame stands in `buffer` behind [`TAG`] bytes of room; `None` for loopback's outgoing copy of it.
///
/// A VLAN tag that the device took out is put back in its place, and what is beyond `longest` bytes is left out.
#[inline]
pub(super) fn captured<'a>(arrival: &Arrival, buffer: &'a mut [u8], longest: usize) -> Option<Captured<'a>> {
    let direction = direction(arrival.kind);
    if direction == Direction::Out && arrival.hardware == libc::ARPHRD_LOOPBACK {
        return None;
    }
    let link = link(arrival.hardware);
    let tag = arrival.vlan.filter(|_| link == Link::Ethernet && buffer.len() >= TAG + ADDRESSES);
    let begin = if let Some((protocol, control)) = tag {
        buffer.copy_within(TAG..TAG + ADDRESSES, 0);
        buffer[ADDRESSES..ADDRESSES + 2].copy_from_slice(&protocol.to_be_bytes());
        buffer[ADDRESSES + 2..ADDRESSES + TAG].copy_from_slice(&control.to_be_bytes());
        0
    } else {
        TAG
    };
    let frame = buffer.get(begin..).unwrap_or_default();
    Some(Captured {
        seconds: arrival.seconds,
        nanoseconds: arrival.nanoseconds,
        direction,
        interface: arrival.interface,
        link,
        length: arrival.length + (TAG - begin),
        bytes: &frame[..frame.len().min(longest)],
        offloaded: arrival.checksum_not_ready(),
        recorded: None,
        fragments: 0,
    })
}

/// The link type of all packets of an interface, where that is known beforehand.
pub(super) fn linktype(interface: &Interface) -> Option<u16> {
    match link(interface::hardware(interface)?) {
        Link::Other(_) => None,
        link => Some(link.linktype()),
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
