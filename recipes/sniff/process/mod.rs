//! `syskit sniff --exec -- COMMAND`: what a command and its children send and receive, and nothing else.
//!
//! The command runs in a control group of its own, on which two programs are called for every packet that one of its
//! sockets sends or receives (BPF_PROG_TYPE_CGROUP_SKB; cgroups(7), bpf(2)): from the IP header on, before a firewall's
//! output rules and after its input rules. A socket is of the group in which it was made: one that the command was handed
//! is not, one that outlives the command is. ARP, and answers of the kernel that no socket sends, are not seen.

mod cgroup;
mod packets;
mod program;
mod twice;

use std::cell::RefCell;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;

use clap::Args;
use nix::sys::signal::Signal;

use self::cgroup::Cgroup;
pub(super) use self::cgroup::mount as cgroup_mount;
use self::packets::Packets;
use super::capture::{Capture, Setup};
use super::filter::Sieve;
use crate::error::{Context, Result};
use crate::ui::Ui;
use crate::{escape, interrupt};

/// The flags about a command.
#[derive(Args)]
pub(super) struct Exec {
    /// Run the COMMAND behind '--' and show only what it and its children send and receive; ends with the last of them
    #[arg(long, requires = "command", conflicts_with_all = ["read", "via", "dump"])]
    exec: bool,
    /// With --exec, the command to run; its output goes to stderr, unless -w leaves stdout to it
    #[arg(last = true, value_name = "COMMAND", requires = "exec")]
    command: Vec<OsString>,
}

/// A command that is captured, from before its start until after its end.
pub(super) struct Session {
    cgroup: Cgroup,
    arguments: Vec<OsString>,
    /// None before its start.
    child: Option<Child>,
}

/// What starts the command, and ends it.
#[derive(Clone)]
pub(super) struct Handle(Rc<RefCell<Session>>);

impl Exec {
    /// A capture of the command that was asked for, which is not started yet; `None` where none was.
    ///
    /// # Errors
    /// Where the filter asks for what cannot be told of the command's packets (usage); where the kernel or the user
    /// cannot do it.
    pub(super) fn open(&self, setup: &Setup) -> Result<Option<(Box<dyn Capture>, Handle)>> {
        if !self.exec {
            return Ok(None);
        }
        Sieve::new(&setup.selection)
            .map_err(|e| e.fix("what a command sends and receives is filtered as a file is"))?;
        let cgroup = Cgroup::make()?;
        let session = Rc::new(RefCell::new(Session { cgroup, arguments: self.command.clone(), child: None }));
        let packets = Packets::attach(&session, setup.interface.as_ref().map(|i| i.index))?;
        Ok(Some((Box::new(packets), Handle(session))))
    }
}

impl Handle {
    /// What is to be said before the first packet.
    pub(super) fn greeting(&self) -> String {
        format!("listening on the sockets of {} and its children; ends with them", self.0.borrow().name())
    }

    /// Starts the command, with our identity and our standard input and error. Its standard output is ours where
    /// `stdout`, else our standard error, so that it does not come between the packets.
    ///
    /// # Errors
    /// Where there is no such program, or it cannot be run.
    pub(super) fn start(&self, stdout: bool) -> Result<()> {
        let mut session = self.0.borrow_mut();
        let what = format!("cannot run {}", session.name());
        let Some((program, arguments)) = session.arguments.split_first() else { return Ok(()) };
        let mut command = Command::new(program);
        command.args(arguments);
        if !stdout {
            let stderr = io::stderr().as_fd().try_clone_to_owned().sys("dup", || what.clone())?;
            command.stdout(Stdio::from(stderr));
        }
        let child = session.cgroup.start(&mut command).sys("execve", || what).map_err(|e| match e.errno {
            Some(nix::errno::Errno::ENOENT) => e.fix("no such program is in PATH"),
            _ => e,
        })?;
        session.child = Some(child);
        Ok(())
    }

    /// Ends what still runs, removes the group, and says how the command ended.
    pub(super) fn finish(&self, ui: &mut Ui) {
        let mut session = self.0.borrow_mut();
        let name = session.name();
        let (over, interrupted) = (session.is_over(), interrupt::asked());
        let removed = session.cgroup.finish(interrupted);
        if let Some(Ok(status)) = session.child.as_mut().map(Child::wait) {
            ui.note(format_args!("{name} {}", ending(status, !over && !interrupted)));
        }
        if !removed {
            let path = escape::name(session.cgroup.path());
            ui.note(format_args!("the control group {path} stays: something in it does not end"));
        }
    }
}

impl Session {
    /// Whether the command was started, and neither it nor a child of it is left.
    fn is_over(&self) -> bool {
        self.child.is_some() && self.cgroup.is_empty()
    }

    /// The command's name, as it may be shown.
    fn name(&self) -> String {
        self.arguments.first().map_or_else(String::new, |program| escape::name(Path::new(program)))
    }
}

/// How a command ended, in words; `ended` by us, or its children were.
fn ending(status: ExitStatus, ended: bool) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit status {code}"),
        (_, Some(signal)) => {
            let name = Signal::try_from(signal).map_or_else(|_| signal.to_string(), |s| s.as_str().to_owned());
            format!("ended by signal {name}")
        }
        _ => "ended".to_owned(),
    };
    if ended { format!("{how}; what was left of it was ended with the capture") } else { how }
}
