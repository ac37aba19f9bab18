//! Giving up privileges: what is decoded comes from strangers, and nothing of root's is needed for it.
//!
//! Once capture and files are open, root becomes another user, supplementary groups and all capability sets are emptied for
//! good (no_new_privs), and seccomp(2) refuses the system calls that are not needed any more. To be called before threads are
//! started: capabilities are a thread's own.

use std::os::fd::{AsFd, RawFd};
use std::path::{Path, PathBuf};

use clap::Args;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::prctl;
use nix::sys::socket::{SockType, getsockopt, sockopt};
use nix::unistd::{AccessFlags, Gid, Uid, User, faccessat, fchown, setgroups, setresgid, setresuid};

use super::sandbox::{self, Calls};
use crate::error::{Context, Error, Result};
use crate::escape;
use crate::need::capability::{self, Capability};
use crate::sys::descriptor::duplicate;
use crate::sys::{capability as sets, local_time, seccomp};

/// Flags about privileges.
#[derive(Args)]
pub(super) struct Relinquish {
    /// As root, become USER once all is open [default: the user who called sudo, else nobody]; 'root' stays root, but
    /// without its capabilities
    #[arg(long = "relinquish-privileges", short = 'Z', value_name = "USER")]
    user: Option<String>,
}

/// What the rest of the run still does that needs more than to take packets and to write where it writes already.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// Makes further files in this directory.
    pub directory: Option<PathBuf>,
    /// Opens files to read them (/sys/class/net).
    pub reading: bool,
    /// Looks into other users' processes: which of them has a socket.
    pub processes: bool,
    /// Waits for children and signals them.
    pub children: bool,
}

impl Keep {
    fn capabilities(&self) -> impl Iterator<Item = Capability> {
        let processes = [capability::SYS_PTRACE, capability::DAC_READ_SEARCH];
        let children = [capability::KILL];
        let processes = processes.into_iter().filter(|_| self.processes);
        processes.chain(children.into_iter().filter(|_| self.children))
    }

    fn calls(&self) -> Calls {
        Calls {
            reading: self.reading || self.processes || self.directory.is_some(),
            creating: self.directory.is_some(),
            netlink: self.processes,
            children: self.children,
        }
    }
}

/// Whom root becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    user: Uid,
    group: Gid,
    origin: Origin,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// -Z.
    Asked,
    /// Whoever called sudo, or a program that is set-user-ID root.
    Caller,
    /// Nobody in particular.
    Default,
}

/// The privileges that are to be given up.
#[derive(Debug)]
pub struct Privileges {
    /// `None` where the user stays.
    becomes: Option<Identity>,
}

impl Relinquish {
    /// Decides whom to become.
    ///
    /// # Errors
    /// Where there is no such user.
    pub(super) fn privileges(&self) -> Result<Privileges> {
        Privileges::becoming(self.user.as_deref())
    }
}

fn named(name: &str) -> Result<Identity> {
    let what = || format!("cannot look up user '{}'", name.escape_default());
    let number = || name.parse().ok().and_then(|id| User::from_uid(Uid::from_raw(id)).ok().flatten());
    let user = User::from_name(name).sys("getpwnam", what)?.or_else(number);
    let user = user.ok_or_else(|| Error::usage(format!("-Z: there is no user '{}'", name.escape_default())))?;
    Ok(Identity { user: user.uid, group: user.gid, origin: Origin::Asked })
}

/// The user whose root we are: sudo tells it, or the real user where the program is set-user-ID.
fn caller() -> Option<Identity> {
    // The largest number is nobody's: to setresuid(2) it means to stay.
    let number = |name| std::env::var(name).ok()?.parse().ok().filter(|id| *id != u32::MAX);
    let (user, group) = match Uid::current() {
        real if !real.is_root() => (real, Gid::current()),
        _ => (Uid::from_raw(number("SUDO_UID")?), Gid::from_raw(number("SUDO_GID")?)),
    };
    Some(Identity { user, group, origin: Origin::Caller }).filter(|to| !to.user.is_root())
}

fn nobody() -> Identity {
    let (user, group) = User::from_name("nobody")
        .ok()
        .flatten()
        .map_or((Uid::from_raw(65534), Gid::from_raw(65534)), |user| (user.uid, user.gid));
    Identity { user, group, origin: Origin::Default }
}

impl Privileges {
    /// Those that are given up by becoming this user; where none is named, by root becoming another.
    ///
    /// # Errors
    /// Where there is no such user.
    pub fn becoming(user: Option<&str>) -> Result<Self> {
        let becomes = match user {
            Some(name) => Some(named(name)?).filter(|to| to.user != Uid::effective()),
            None if Uid::effective().is_root() => Some(caller().unwrap_or_else(nobody)),
            None => None,
        };
        Ok(Privileges { becomes })
    }

    /// Gives a file that was newly made to the user that we become, where that is someone in particular: a file of
    /// nobody's would be in reach of every other program that runs as nobody, so it stays root's.
    pub fn hand_over(&self, file: impl AsFd) {
        if let Some(to) = self.becomes.filter(|to| to.origin != Origin::Default) {
            // On a file system without owners it stays whose it is, and is written all the same.
            let _ = fchown(file, Some(to.user), Some(to.group));
        }
    }

    /// Gives up everything but what `keep` needs. Words about what could not be given up.
    ///
    /// # Errors
    /// Where the user that was asked for cannot be become, or a capability stays.
    pub fn drop(&self, keep: &Keep) -> Result<Vec<String>> {
        let mut words = Vec::new();
        // Reads the time zone while files can be read.
        local_time::offset(0);
        let held = sets::permitted().sys("capget", || WHAT.to_owned())?;
        let kept = keep.capabilities().filter(|c| c.in_mask(held)).fold(0, |mask, c| mask | 1 << c.bit);
        // Without CAP_SETPCAP it stays, and gives nobody anything: no_new_privs bars what execve(2) would.
        let _ = sets::clear_bounding();
        sets::clear_ambient();
        if self.becomes.is_none() {
            // Root's own: whoever may not give them up has no others than he came with.
            let _ = setgroups(&[]);
        }
        if let Some(to) = self.becomes {
            prctl::set_keepcaps(kept != 0).sys("prctl(PR_SET_KEEPCAPS)", || WHAT.to_owned())?;
            words.extend(to.enter(keep.directory.as_deref())?);
        }
        sets::set(kept).sys("capset", || WHAT.to_owned())?;
        prctl::set_no_new_privs().sys("prctl(PR_SET_NO_NEW_PRIVS)", || WHAT.to_owned())?;
        words.extend(confine(keep.calls()));
        Ok(words)
    }
}

const WHAT: &str = "cannot give up privileges";

/// Installs the filter of system calls; where this kernel has none, a word.
fn confine(calls: Calls) -> Option<String> {
    let Some(architecture) = seccomp::ARCHITECTURE else {
        return Some("sniff: no filter of system calls is known for this architecture".to_owned());
    };
    let installed = seccomp::install(&sandbox::program(architecture, calls, &raw_sockets()));
    let what = || "cannot filter system calls".to_owned();
    installed.sys("seccomp", what).err().map(|e| format!("sniff: {e}; going on without"))
}

/// The sockets that capture: what is written to one goes out on the wire. Standard streams are not ours to judge.
fn raw_sockets() -> Vec<RawFd> {
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let numbers = descriptors.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_raw = |number: &RawFd| {
        let socket = duplicate(*number);
        socket.is_ok_and(|socket| getsockopt(&socket, sockopt::SockType) == Ok(SockType::Raw))
    };
    numbers.filter(|number| *number > 2).filter(is_raw).collect()
}

impl Identity {
    /// Becomes this user; a word where it had to stay the one it is.
    fn enter(self, directory: Option<&Path>) -> Result<Option<String>> {
        match self.switch(directory) {
            Ok(()) => Ok(None),
            Err(e) if self.origin == Origin::Asked && e.errno == Some(Errno::EPERM) => {
                Err(e.fix("needs CAP_SETUID and CAP_SETGID: run as root, or without -Z"))
            }
            Err(e) if self.origin == Origin::Asked => Err(e),
            // In a user namespace there may be no such user, in a container no right to become it.
            Err(e) => Ok(Some(format!("sniff: {e}; staying user {}, without capabilities", Uid::effective()))),
        }
    }

    fn switch(self, directory: Option<&Path>) -> Result<()> {
        let Identity { user, group, .. } = self;
        let what = || format!("cannot become user {user}");
        let same = (Uid::effective(), Gid::effective());
        setgroups(&[]).sys("setgroups", what)?;
        if let Some(directory) = directory {
            let stay = (Uid::from_raw(u32::MAX), Gid::from_raw(u32::MAX));
            setresgid(stay.1, group, stay.1).sys("setresgid", what)?;
            setresuid(stay.0, user, stay.0).sys("setresuid", what)?;
            let writable = faccessat(AT_FDCWD, directory, AccessFlags::W_OK | AccessFlags::X_OK, AtFlags::AT_EACCESS);
            setresuid(stay.0, same.0, stay.0).sys("setresuid", what)?;
            setresgid(stay.1, same.1, stay.1).sys("setresgid", what)?;
            writable.sys("faccessat", || {
                format!("{}, who could not make files in {}", what(), escape::name(directory))
            })?;
        }
        setresgid(group, group, group).sys("setresgid", what)?;
        setresuid(user, user, user).sys("setresuid", what)
    }
}
