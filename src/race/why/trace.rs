//! The tracer: follows every thread and child of the traced process and counts its calls between the markers.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::ptrace::{Options, interrupt, seize};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::marker::Marker;
use super::pin::Pin;
use super::tally::Tally;
use crate::host::root::Root;
use crate::sys::ptrace::{Change, Resume, SyscallStop, listen, resume, syscall_stop, wait_any};

/// Counting ends with the operation during which this is used up: tracing slows every call down, and the first
/// operations tell as much as all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the traced process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not yet at the begin marker.
    Before,
    /// Between the markers.
    Within,
    /// Past the end marker: let go.
    Past,
}

/// Counts the calls of one process tree. Made, used and dropped on the thread that is the process's parent.
pub struct Tracer {
    leader: Pid,
    tracees: HashSet<Pid>,
    tally: Tally<Pid>,
    pin: Option<Pin>,
    begun: Instant,
    /// Operations that were counted.
    pub operations: u64,
    /// How far it got.
    pub phase: Phase,
    /// The leader's end, where it was met (and reaped) while tracing.
    pub reaped: Option<Change>,
    /// The call that failed, where tracing broke down.
    pub broken: Option<Errno>,
}

impl Tracer {
    /// Seizes all threads and children of `leader`, which stand still only when [`Tracer::run`] meets them.
    pub fn seize(leader: Pid) -> nix::Result<Tracer> {
        let options = Options::PTRACE_O_TRACESYSGOOD
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_EXITKILL;
        seize(leader, options)?;
        let mut tracees = HashSet::from([leader]);
        // A thread not yet seized can make another one: look until there is none that is new.
        loop {
            let new: Vec<Pid> = tree(leader).into_iter().filter(|t| !tracees.contains(t)).collect();
            let seized = new.into_iter().filter(|t| seize(*t, options).is_ok()).collect::<Vec<_>>();
            if seized.is_empty() {
                break;
            }
            tracees.extend(seized);
        }
        let pin = if tracees.len() == 1 { Pin::together(leader) } else { None };
        tracees.iter().for_each(|t| {
            let _ = interrupt(*t);
        });
        let (tally, phase) = (Tally::new(), Phase::Before);
        Ok(Tracer {
            leader,
            tracees,
            tally,
            pin,
            begun: Instant::now(),
            operations: 0,
            phase,
            reaped: None,
            broken: None,
        })
    }

    /// Follows the tracees until the end marker is passed and all are let go, or all have ended.
    pub fn run(&mut self) {
        while !self.tracees.is_empty() {
            // ECHILD: all have ended.
            let Ok((tid, change)) = wait_any() else { return };
            match change {
                Change::Exited(_) | Change::Killed(_) => self.ended(tid, change),
                Change::Syscall => {
                    self.syscall(tid);
                    self.go_on(tid, 0);
                }
                Change::Signal(signal) => self.go_on(tid, signal),
                Change::GroupStop if self.phase != Phase::Past => {
                    let _ = listen(tid);
                }
                Change::Bore(child) => {
                    self.tracees.insert(child);
                    self.go_on(tid, 0);
                }
                Change::Event | Change::GroupStop => self.go_on(tid, 0),
            }
        }
    }

    /// The counts, of use once the phase is [`Phase::Past`].
    pub fn tally(&self) -> &Tally<Pid> {
        &self.tally
    }

    fn ended(&mut self, tid: Pid, change: Change) {
        self.tracees.remove(&tid);
        if tid == self.leader {
            self.reaped = Some(change);
            // What it leaves behind has nothing more to tell; a tracee's id cannot be reused before it is reaped.
            self.tracees.iter().for_each(|t| {
                let _ = kill(*t, Signal::SIGKILL);
            });
        }
    }

    fn go_on(&mut self, tid: Pid, signal: i32) {
        let how = match self.phase {
            Phase::Past => {
                self.tracees.remove(&tid);
                Resume::Detached
            }
            _ => {
                self.tracees.insert(tid);
                Resume::ToSyscall
            }
        };
        // ESRCH: it was killed in its stop, and its end will be reported.
        let _ = resume(tid, how, signal);
    }

    fn syscall(&mut self, tid: Pid) {
        match (syscall_stop(tid), self.phase) {
            (_, Phase::Past) | (Err(Errno::ESRCH) | Ok(SyscallStop::Other), _) => {}
            (Err(errno), _) => {
                self.broken = Some(errno);
                self.let_go();
            }
            (Ok(SyscallStop::Entry { arch, number, first }), phase) => match (Marker::of(number, first), phase) {
                (Some(Marker::Begin), _) => {
                    (self.phase, self.begun) = (Phase::Within, Instant::now());
                }
                (Some(Marker::Next), Phase::Within) => {
                    self.operations += 1;
                    if self.begun.elapsed() >= PATIENCE {
                        self.let_go();
                    }
                }
                (Some(_), _) => self.let_go(),
                (None, Phase::Within) => {
                    self.unpin_if_seen(number);
                    self.tally.enters(tid, arch, number);
                }
                (None, _) => {}
            },
            (Ok(SyscallStop::Exit { value, failed }), _) => self.tally.returns(&tid, value, failed),
        }
    }

    fn unpin_if_seen(&mut self, number: u64) {
        if self.pin.as_ref().is_some_and(|p| p.shows_in(number)) {
            self.pin = None;
        }
    }

    /// Past the end: every tracee is brought to a stop, from which [`Tracer::go_on`] detaches it.
    fn let_go(&mut self) {
        self.phase = Phase::Past;
        self.pin = None;
        self.tracees.iter().for_each(|t| {
            let _ = interrupt(*t);
        });
    }
}

/// The threads of `leader` and, below it, of its children.
fn tree(leader: Pid) -> Vec<Pid> {
    let (root, mut all, mut processes) = (Root::at("/"), Vec::new(), vec![leader.to_string()]);
    while let Some(process) = processes.pop() {
        for task in root.names(format!("proc/{process}/task")) {
            let children = root.line(format!("proc/{process}/task/{task}/children")).unwrap_or_default();
            processes.extend(children.split_whitespace().map(str::to_owned));
            all.extend(task.parse().ok().map(Pid::from_raw));
        }
    }
    all
}
