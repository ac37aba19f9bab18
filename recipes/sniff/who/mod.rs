//! `syskit sniff --who`: which process on this host owns the sockets between which a packet passes.
//!
//! The kernel is asked for the socket by its ends (sock_diag(7)); which process holds that is found in /proc/PID/fd
//! (proc(5)), or, for sockets made since we began, told by a small program in the kernel, so that those are named too who
//! are gone by the time their packets are read. What was found of a connection is remembered when it is closed.

mod creation;
mod diag;
mod flow;
mod portless;
mod processes;

use std::collections::HashMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use self::creation::Creation;
use self::diag::{Diag, Found};
use self::flow::Flow;
use self::processes::{Process, Processes};
use super::capture::Captured;
use crate::error::Result;
use crate::packet::{tcp, udp};
use crate::ui::Ui;

/// The flag.
#[derive(Args)]
pub(super) struct Who {
    /// Name the process on this host that owns the socket of each packet
    #[arg(long, conflicts_with_all = ["read", "write", "dump"])]
    who: bool,
}

impl Who {
    /// Whether processes are to be named.
    pub(super) fn is_asked(&self) -> bool {
        self.who
    }

    /// What names the owners, if they are to be named.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    pub(super) fn owners(&self, ui: &mut Ui) -> Result<Option<Owners>> {
        self.who.then(|| Owners::begin(ui)).transpose()
    }
}

/// A process that owns a socket of the packet.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProcessDocument {
    /// "sender" or "receiver".
    pub side: &'static str,
    /// Its number.
    pub pid: u32,
    /// Its name (comm, at most 15 bytes), escaped.
    pub command: String,
    /// How many more processes hold the same socket.
    pub others: u32,
}

/// Connections remembered, in each of two halves, of which the older is forgotten when the newer is full.
const HALF: usize = 16384;
/// After so long a socket is looked at again: it may have been closed, and another be at its place.
const FRESH: Duration = Duration::from_secs(2);
/// How far apart scans of /proc are at least, and how long each may keep packets waiting. Where the kernel tells who makes
/// a socket, they are only for those that are handed on; where not, a process may be gone when the next one comes.
const SCANS: (Duration, Duration) = (Duration::from_millis(50), Duration::MAX);
const SCANS_WHEN_TOLD: (Duration, Duration) = (Duration::from_secs(1), Duration::from_micros(300));

/// An end of a connection, as seen from that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct End {
    protocol: u8,
    local: SocketAddr,
    remote: SocketAddr,
}

/// What is known of an end.
#[derive(Debug, Clone)]
struct Known {
    owner: Option<Rc<Process>>,
    /// Whether the socket itself was found in the hands of that process.
    sure: bool,
    since: Instant,
    /// How often it was asked for.
    asked: u32,
}

/// Who owns the sockets of a packet.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Ownership {
    /// Whether the sender is a socket of this host, and whose.
    sender: Option<Option<Rc<Process>>>,
    receiver: Option<Option<Rc<Process>>>,
}

/// Names the owners of sockets.
pub struct Owners {
    diag: Diag,
    processes: Processes,
    creation: Option<Creation>,
    newer: HashMap<End, Known>,
    older: HashMap<End, Known>,
    /// Packets with a socket on this host, and those of them of which no process could be named.
    asked: u64,
    unnamed: u64,
}

impl Owners {
    fn begin(ui: &mut Ui) -> Result<Owners> {
        let diag = Diag::open()?;
        // Before the scan: who makes a socket in between is known twice rather than not at all.
        let creation = Creation::begin();
        let mut processes = Processes::default();
        processes.refresh(Duration::ZERO, Duration::MAX);
        if processes.are_hidden() {
            ui.note("the sockets of other users' processes are not to be seen: run as root, or with CAP_SYS_PTRACE");
        }
        if creation.is_none() {
            ui.note("who: short-lived processes may go unnamed: telling them all needs CAP_BPF and CAP_NET_ADMIN, and cgroup v2");
        }
        let (newer, older) = (HashMap::new(), HashMap::new());
        Ok(Owners { diag, processes, creation, newer, older, asked: 0, unnamed: 0 })
    }

    /// What stands at the end of the packet's line, and in its block: "curl 4711", "curl 4711 > nginx 88 +3"; empty
    /// where it has no socket here.
    pub(super) fn words(&mut self, packet: &Captured) -> String {
        self.of(packet).to_string()
    }

    /// The same for JSON: those that are known.
    pub(super) fn documents(&mut self, packet: &Captured) -> Vec<ProcessDocument> {
        let Ownership { sender, receiver } = self.of(packet);
        let document = |side, owner: Option<Option<Rc<Process>>>| {
            let process = owner.flatten()?;
            let (pid, command, others) = (process.pid, process.command.clone(), process.others);
            Some(ProcessDocument { side, pid, command, others })
        };
        [document("sender", sender), document("receiver", receiver)].into_iter().flatten().collect()
    }

    /// What the tally says of it.
    pub(super) fn tally(&self) -> String {
        format!("who: {} of {} packets without a process that could be named", self.unnamed, self.asked)
    }

    fn of(&mut self, packet: &Captured) -> Ownership {
        let Some(flow) = Flow::of(packet) else { return Ownership::default() };
        let (sends, receives) = flow.local(packet);
        let mut side = |yes: bool, local, remote| {
            yes.then(|| self.owner(End { protocol: flow.protocol, local, remote }, flow.begins))
        };
        let mut sender = side(sends, flow.source, flow.destination);
        let mut receiver = side(receives, flow.destination, flow.source);
        // Where both may be here and one is, the other may as well be elsewhere.
        if !flow.source.ip().is_loopback() {
            match (&sender, &receiver) {
                (Some(Some(_)), Some(None)) => receiver = None,
                (Some(None), Some(Some(_))) => sender = None,
                _ => {}
            }
        }
        let ownership = Ownership { sender, receiver };
        let sides = [&ownership.sender, &ownership.receiver];
        self.asked += u64::from(sides.iter().any(|side| side.is_some()));
        self.unnamed += u64::from(sides.iter().any(|side| matches!(side, Some(None))));
        ownership
    }

    fn owner(&mut self, end: End, begins: bool) -> Option<Rc<Process>> {
        let now = Instant::now();
        let known = self.newer.remove(&end).or_else(|| self.older.remove(&end));
        let mut known = known.unwrap_or(Known { owner: None, sure: false, since: now, asked: 0 });
        let again = match known.sure {
            true => now - known.since > FRESH || begins,
            // The first packets of a connection are when its socket changes hands; later it is asked ever less often.
            false => known.asked < 8 || known.asked.is_power_of_two() || begins,
        };
        if begins {
            known = Known { owner: None, sure: false, since: now, asked: 0 };
        }
        known.asked = known.asked.saturating_add(1);
        if again {
            known.since = now;
            match self.find(end) {
                // Of a closed socket less is known than before.
                Some((owner, sure)) if sure || !known.sure => (known.owner, known.sure) = (Some(owner), sure),
                _ => {}
            }
        }
        let owner = known.owner.clone();
        if self.newer.len() >= HALF {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(end, known);
        owner
    }

    /// Asks for the owner; with whether that is sure.
    fn find(&mut self, end: End) -> Option<(Rc<Process>, bool)> {
        let End { protocol, local, remote } = end;
        if !matches!(protocol, tcp::NUMBER | udp::NUMBER) {
            let inode = portless::socket(protocol, local.port(), local.is_ipv6()).unwrap_or_default();
            let found = Found { inode, cookie: 0, listens: false };
            // A ping socket's identifier is its port.
            let sent = || self.creation.as_ref()?.sender(End { remote: SocketAddr::new(remote.ip(), 0), ..end });
            let maker = if local.port() > 0 { sent() } else { None };
            return self.holder(found, SCANS).or_else(|| maker.map(|maker| (maker, false)));
        }
        let found = self.diag.socket(protocol, local, remote);
        if let Some(found) = found
            && let Some((owner, sure)) = self.holder(found, self.scans())
        {
            return Some((owner, sure && !found.listens));
        }
        if let Some(maker) = self.creation.as_ref().and_then(|creation| creation.sender(end)) {
            return Some((maker, false));
        }
        if protocol != tcp::NUMBER {
            return None;
        }
        // What is not accepted yet is nobody's: whoever listens will have it.
        let anywhere = if local.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
        let listener = self.diag.socket(protocol, local, SocketAddr::new(anywhere, 0)).filter(|f| f.listens)?;
        self.holder(listener, self.scans()).map(|(owner, _)| (owner, false))
    }

    fn scans(&self) -> (Duration, Duration) {
        if self.creation.is_some() { SCANS_WHEN_TOLD } else { SCANS }
    }

    fn holder(&mut self, found: Found, (apart, budget): (Duration, Duration)) -> Option<(Rc<Process>, bool)> {
        let holder = |processes: &Processes| processes.holder(found.inode).filter(|_| found.inode != 0);
        if let Some(owner) = holder(&self.processes) {
            return Some((owner, true));
        }
        let maker = self.creation.as_ref().and_then(|creation| creation.maker(found.cookie));
        if found.inode != 0 {
            self.processes.refresh(apart, budget);
        }
        holder(&self.processes).map(|owner| (owner, true)).or_else(|| maker.map(|maker| (maker, false)))
    }
}

impl std::fmt::Display for Ownership {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let word = |side: &Option<Rc<Process>>| {
            let Some(process) = side else { return "?".to_owned() };
            let mut text = format!("{} {}", process.command, process.pid);
            if process.others > 0 {
                // Writing to a String cannot fail.
                let _ = write!(text, " +{}", process.others);
            }
            text
        };
        match (&self.sender, &self.receiver) {
            (None, None) => Ok(()),
            (Some(side), None) | (None, Some(side)) => f.write_str(&word(side)),
            (Some(sender), Some(receiver)) => write!(f, "{} > {}", word(sender), word(receiver)),
        }
    }
}
