//! The packets of the command, as a capture.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::time::{ClockId, clock_gettime};

use super::Session;
use super::program::{Head, program};
use super::twice::Twice;
use crate::error::{Context, Error, Result};
use crate::need::{BPF_CGROUP, Readiness};
use crate::packet::Link;
use crate::recipes::sniff::capture::{Capture, Captured, Direction, Event};
use crate::recipes::sniff::losses::Losses;
use crate::sys::bpf::{self, Place, Program};
use crate::sys::bpf_ring::{Counter, Ring};
use crate::sys::socket;

/// A full ring loses what comes then: this is a hundred megabit for a quarter of a second, and room for hundreds of the
/// largest packets.
const RING: u32 = 32 << 20;
/// LOOPBACK_IFINDEX: the same in every network namespace.
const LOOPBACK: u32 = 1;
/// No interface has this index.
const ELSEWHERE: u32 = 0;
/// What goes on after the last process ended, such as the last segments of its connections: until nothing came for so
/// long, and no longer than that.
const QUIET: Duration = Duration::from_millis(100);
const LAST: Duration = Duration::from_secs(2);
/// How often the two clocks are compared: the wall clock may be set or slewed.
const CLOCKS: u64 = 1_000_000_000;

/// Programs on a control group that put its packets into a ring.
pub(super) struct Packets {
    session: Rc<RefCell<Session>>,
    ring: Ring,
    lost: Counter,
    /// While they are open the programs run.
    _programs: [OwnedFd; 2],
    /// Only packets of this interface, where one was asked for.
    interface: Option<u32>,
    /// The namespace in which interfaces have the names that we know; 0 where that is not to be told.
    namespace: u64,
    twice: Twice,
    clock: Clock,
    /// When the last process was seen to be gone, and when the last packet came after that.
    ended: Option<(Instant, Instant)>,
    /// Packets so far, and those of them without their bytes.
    seen: u64,
    uncopied: u64,
}

impl Packets {
    /// Attaches the programs to the session's group.
    ///
    /// # Errors
    /// A finding where the kernel or the user cannot do it.
    pub(super) fn attach(session: &Rc<RefCell<Session>>, interface: Option<u32>) -> Result<Packets> {
        if let Readiness::Missing(finding) = BPF_CGROUP.probe() {
            return Err(Error::finding(&finding));
        }
        let what = || "cannot make a ring for packets".to_owned();
        let ring = Ring::new(RING).sys("bpf(BPF_MAP_CREATE)", what)?;
        let lost = Counter::new().sys("bpf(BPF_MAP_CREATE)", what)?;
        let group = session.borrow();
        let attach = |place, sent| {
            let instructions = program(ring.as_fd(), lost.as_fd(), sent, false);
            let told = bpf::load(Program::CgroupPacket, place, &program(ring.as_fd(), lost.as_fd(), sent, true));
            let program = told
                .or_else(|_| bpf::load(Program::CgroupPacket, place, &instructions))
                .sys("bpf(BPF_PROG_LOAD)", || "cannot load the program that copies packets".to_owned())
                .map_err(|e| match e.errno {
                    Some(Errno::EPERM) => e.fix("needs CAP_BPF and CAP_NET_ADMIN: run as root"),
                    _ => e.fix(bpf::verdict(Program::CgroupPacket, place, &instructions)),
                })?;
            let attached = bpf::attach(program, group.cgroup.directory(), place);
            attached
                .sys("bpf(BPF_LINK_CREATE)", || "cannot attach a program to the command's group".to_owned())
                .map_err(|e| match e.errno {
                    Some(Errno::EPERM) => {
                        e.fix("needs CAP_NET_ADMIN; or a group above allows no program but its own")
                    }
                    _ => e.fix("Linux 5.7 or later is needed"),
                })
        };
        let programs = [attach(Place::Ingress, false)?, attach(Place::Egress, true)?];
        drop(group);
        Ok(Packets {
            session: Rc::clone(session),
            ring,
            lost,
            _programs: programs,
            interface,
            namespace: own_namespace().unwrap_or_default(),
            twice: Twice::default(),
            clock: Clock::default(),
            ended: None,
            seen: 0,
            uncopied: 0,
        })
    }

    /// Goes to the next record that is to be shown; what it is.
    fn advance(&mut self) -> Option<Head> {
        while self.ring.advance() {
            let Some((mut head, bytes)) = Head::parse(self.ring.record()) else { continue };
            self.seen += 1;
            self.uncopied += u64::from(!head.copied);
            let known = head.interface == LOOPBACK && !head.sent && self.twice.is_known(bytes, head.length);
            if head.interface == LOOPBACK && head.sent {
                self.twice.note(bytes, head.length);
            }
            // The command may have gone into another namespace, where another interface has that index.
            if head.namespace != self.namespace && head.namespace != 0 && self.namespace != 0 {
                head.interface = ELSEWHERE;
            }
            if known || self.interface.is_some_and(|wanted| wanted != head.interface) {
                continue;
            }
            return Some(head);
        }
        None
    }

    /// Whether all is over: no process left, and what they left under way has come.
    fn over(&mut self) -> bool {
        let now = Instant::now();
        match self.ended {
            None if !self.session.borrow().is_over() => {}
            // It may have sent its only packet just now.
            None if self.seen == 0 => self.ended = Some((now, now.checked_sub(QUIET).unwrap_or(now))),
            None => self.ended = Some((now, now)),
            Some((ended, packet)) => return now - packet >= QUIET || now - ended >= LAST,
        }
        false
    }

    /// Waits for a packet or the end of the command.
    fn wait(&self, wait: Duration) -> nix::Result<()> {
        let session = self.session.borrow();
        let ring = PollFd::new(self.ring.as_fd(), PollFlags::POLLIN);
        let timeout = PollTimeout::try_from(wait.as_millis().max(1)).unwrap_or(PollTimeout::MAX);
        let polled = match self.ended {
            Some(_) => poll(&mut [ring], timeout),
            None => poll(&mut [ring, events(session.cgroup.events())], timeout),
        };
        match polled {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno),
        }
    }
}

fn own_namespace() -> nix::Result<u64> {
    socket::namespace(socket::open(libc::AF_INET, libc::SOCK_DGRAM, 0)?)
}

fn events(file: BorrowedFd<'_>) -> PollFd<'_> {
    PollFd::new(file, PollFlags::POLLPRI)
}

impl Capture for Packets {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let mut found = self.advance();
        if found.is_none() {
            if self.over() {
                return Ok(Event::End);
            }
            if wait.is_zero() {
                return Ok(Event::Nothing);
            }
            self.wait(wait).sys("poll", || "cannot wait for packets".to_owned())?;
            found = self.advance();
        }
        let Some(head) = found else { return Ok(Event::Nothing) };
        if let Some((_, packet)) = &mut self.ended {
            *packet = Instant::now();
        }
        let (seconds, nanoseconds) = self.clock.wall(head.time);
        let bytes = Head::parse(self.ring.record()).map_or(&[][..], |(_, bytes)| bytes);
        Ok(Event::Packet(Captured {
            seconds,
            nanoseconds,
            direction: if head.sent { Direction::Out } else { Direction::In },
            interface: head.interface,
            link: Link::Ip,
            bytes,
            length: head.length as usize,
            // It is seen before the network device had its turn.
            offloaded: head.sent || matches!(head.interface, LOOPBACK | ELSEWHERE),
            recorded: None,
            fragments: 0,
        }))
    }

    fn is_filtered(&self) -> bool {
        false
    }

    fn dropped(&mut self) -> Result<Losses> {
        Ok(Losses { own: self.uncopied, ..Losses::of_kernel(self.lost.get()) })
    }

    fn linktype(&self) -> Option<u16> {
        Some(Link::Ip.linktype())
    }
}

/// Turns times of CLOCK_MONOTONIC, which programs have, into times of day.
#[derive(Default)]
struct Clock {
    /// What is added, and the monotonic time at which it was measured.
    offset: i64,
    measured: Option<u64>,
}

impl Clock {
    /// Seconds and nanoseconds since the epoch.
    fn wall(&mut self, monotonic: u64) -> (i64, u32) {
        if self.measured.is_none_or(|at| monotonic.abs_diff(at) > CLOCKS) {
            let read = |clock| clock_gettime(clock).map_or(0, |t| t.tv_sec() * 1_000_000_000 + t.tv_nsec());
            let before = read(ClockId::CLOCK_MONOTONIC);
            let wall = read(ClockId::CLOCK_REALTIME);
            let after = read(ClockId::CLOCK_MONOTONIC);
            self.offset = wall - before.midpoint(after);
            self.measured = Some(monotonic);
        }
        let wall = self.offset.saturating_add_unsigned(monotonic);
        (wall.div_euclid(1_000_000_000), wall.rem_euclid(1_000_000_000) as u32)
    }
}
