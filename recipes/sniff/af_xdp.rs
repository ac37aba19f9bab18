//! Capture by AF_XDP sockets: packets as the driver gets them, before the kernel's network stack.
//!
//! The kernel's [AF_XDP](https://docs.kernel.org/networking/af_xdp.html) page. A program on the interface redirects every
//! packet that comes in to a socket, one a receive queue. **What is redirected is taken away from the host**: XDP
//! passes a packet on or redirects it, it cannot do both. So this is for a port that gets a mirror of others' traffic, and
//! for races; connections of the host over this interface stall. What the host sends is not seen. There are no
//! timestamps of the kernel: a packet has the time at which it was taken. The program is attached by a link that
//! ends with this process, whatever way that ends.

use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::af_packet;
use super::capture::{Capture, Captured, Direction, Event, Method, Setup};
use super::interface::{self, Interface};
use super::losses::{InterfaceDrops, Losses};
use crate::error::{Context, Error, Kind, Result};
use crate::need::{AF_XDP, BPF};
use crate::packet::Link;
use crate::race::Contender;
use crate::sys::xdp_program::{Attached, Failed, Mode, Redirect};
use crate::sys::xdp_socket::XdpSocket;

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "af_xdp",
    title: "AF_XDP sockets; takes incoming packets away from the host",
    needs: &[&AF_XDP, &BPF],
    approach: &AfXdp,
};

/// Receive queues of an interface at most; packets of further ones would pass on to the host unseen.
const QUEUES: u32 = 64;

/// Frames of 4 KiB that the sockets have together, and that one of them has at most and at least: what the kernel may queue
/// for us.
const FRAMES: u32 = 16_384;
const FRAMES_OF_ONE: std::ops::RangeInclusive<u32> = 512..=8192;

/// How long a queue is waited for that another socket has.
const GIVEN_BACK: Duration = Duration::from_millis(500);

struct AfXdp;

impl Method for AfXdp {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let Some(interface) = &setup.interface else {
            return Err(Error::usage("af_xdp is for one interface, not 'any'").fix("name it with -i"));
        };
        if af_packet::linktype(interface).is_some_and(|link| link != Link::Ethernet.linktype()) {
            let error =
                Error::unavailable(format!("{} has no Ethernet frames, and af_xdp knows no others", interface.name));
            return Err(error.fix("use --via packet"));
        }
        let queues = interface::receive_queues(interface).unwrap_or(1);
        if queues > QUEUES {
            let error = Error::unavailable(format!(
                "{} has {queues} receive queues, and af_xdp takes {QUEUES}",
                interface.name
            ));
            return Err(error.fix(format!("ethtool -L {} combined {QUEUES}, or --via packet", interface.name)));
        }
        let failed = |e| explained(&interface.name, e);
        let redirect = Redirect::new(QUEUES).map_err(failed)?;
        // The driver may have no such mode, or not as the interface is set up now (its MTU).
        let (attached, mode) = match redirect.attach(interface.index, Mode::Driver) {
            Ok(attached) => (attached, Mode::Driver),
            Err((_, Errno::EBUSY)) => return Err(failed(("bpf(BPF_LINK_CREATE)", Errno::EBUSY))),
            Err(_) => (redirect.attach(interface.index, Mode::Generic).map_err(failed)?, Mode::Generic),
        };
        let sockets = bind_all(interface, queues, mode).map_err(failed)?;
        for (queue, socket) in (0..).zip(&sockets) {
            redirect.set(queue, socket).map_err(failed)?;
        }
        Ok(Box::new(Open {
            _attached: attached,
            _redirect: redirect,
            mode,
            sockets,
            turn: 0,
            interface: interface.clone(),
            drops: InterfaceDrops::since_now(Some(interface)),
        }))
    }
}

/// A socket for one receive queue. The kernel gives the queue of a socket back only some time after that was closed.
fn bind(interface: &Interface, queue: u32, frames: u32, mode: Mode) -> Result<XdpSocket, Failed> {
    let begin = Instant::now();
    loop {
        match XdpSocket::bind(interface.index, queue, frames, mode == Mode::Generic) {
            Err((_, Errno::EBUSY)) if begin.elapsed() < GIVEN_BACK => sleep(Duration::from_millis(10)),
            bound => return bound,
        }
    }
}

/// A socket for every receive queue.
fn bind_all(interface: &Interface, queues: u32, mode: Mode) -> Result<Vec<XdpSocket>, Failed> {
    let mut sockets = Vec::new();
    let share = FRAMES / queues.max(1);
    let frames = share.clamp(*FRAMES_OF_ONE.start(), *FRAMES_OF_ONE.end()).next_power_of_two();
    for queue in 0..QUEUES {
        match bind(interface, queue, frames, mode) {
            Ok(socket) => sockets.push(socket),
            // There are no more queues.
            Err(("bind", Errno::EINVAL)) if queue > 0 => break,
            Err(e) => return Err(e),
        }
    }
    Ok(sockets)
}

fn explained(name: &str, (call, errno): Failed) -> Error {
    let error = Error::sys(format!("cannot redirect packets of {name} to AF_XDP sockets"), call, errno);
    if error.kind == Kind::Denied {
        return error.fix("needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF: run as root");
    }
    match errno {
        Errno::EBUSY => error.fix("another XDP program or socket has it: see 'ip link show'"),
        Errno::ENOBUFS => error.fix("it locks up to 32 MiB a receive queue: raise 'ulimit -l'"),
        _ => error.fix("use --via packet"),
    }
}

struct Open {
    /// Detaches the program first.
    _attached: Attached,
    _redirect: Redirect,
    mode: Mode,
    sockets: Vec<XdpSocket>,
    /// The socket that is asked next.
    turn: usize,
    interface: Interface,
    drops: InterfaceDrops,
}

impl Open {
    /// Waits until a socket has something, or a signal comes.
    fn wait(&self, wait: Duration) -> Result<()> {
        let mut fds: Vec<PollFd> = self.sockets.iter().map(|s| PollFd::new(s.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(wait.as_millis().max(1)).unwrap_or(PollTimeout::MAX);
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(Error::sys("cannot wait for packets", "poll", errno)),
        }
    }
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        if !wait.is_zero() {
            self.wait(wait)?;
        }
        for _ in 0..self.sockets.len() {
            let turn = self.turn;
            // A second borrow for the return, as the checker does not see that this one ends where nothing came.
            if self.sockets[turn].has_packet() {
                let Some(bytes) = self.sockets[turn].packet() else { break };
                return Ok(Event::Packet(captured(bytes, self.interface.index)));
            }
            self.turn = (turn + 1) % self.sockets.len();
        }
        if !wait.is_zero() {
            interface::still_there(Some(&self.interface))?;
        }
        Ok(Event::Nothing)
    }

    fn is_filtered(&self) -> bool {
        false
    }

    fn dropped(&mut self) -> Result<Losses> {
        let mut sum = 0;
        for socket in &self.sockets {
            let losses =
                socket.losses().sys("getsockopt(XDP_STATISTICS)", || "cannot count dropped packets".to_owned())?;
            sum += losses.dropped + losses.ring_full;
        }
        Ok(Losses { interface: self.drops.count(), ..Losses::of_kernel(sum) })
    }

    fn caution(&self) -> Option<String> {
        let copied = match self.sockets.iter().all(XdpSocket::is_zero_copy) {
            true => "not copied",
            false => "copied",
        };
        let by = match self.mode {
            Mode::Driver => "its driver",
            Mode::Generic => "the kernel, as its driver cannot",
        };
        let name = &self.interface.name;
        Some(format!(
            "sniff: packets that come in by {name} do not reach this host while af_xdp takes them (redirected by {by}; {copied})"
        ))
    }

    fn linktype(&self) -> Option<u16> {
        Some(Link::Ethernet.linktype())
    }
}

fn captured(bytes: &[u8], interface: u32) -> Captured<'_> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Captured {
        seconds: now.as_secs() as i64,
        nanoseconds: now.subsec_nanos(),
        direction: direction(bytes),
        interface,
        link: Link::Ethernet,
        bytes,
        length: bytes.len(),
        offloaded: false,
        recorded: None,
        fragments: 0,
    }
}

/// As far as the address tells: to everyone, to a group, or else just in.
fn direction(frame: &[u8]) -> Direction {
    match frame {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, ..] => Direction::Broadcast,
        [first, ..] if first & 1 == 1 => Direction::Multicast,
        _ => Direction::In,
    }
}
