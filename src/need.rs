//! Needs: what a recipe or contender requires of the host, how that is probed, and findings.
//!
//! A new need is one file in `src/need/` (or a static beside its kin) with a `pub static NAME: Need`, and one line in
//! [`ALL`]. Its probe makes the real call; what a refusal means on this host is worked out by [`diagnose`], which is
//! pure: it reasons over the [`evidence`] gathered after a failure, so that every cause can be tested with a made-up
//! host.

pub mod af_alg;
mod af_xdp;
mod bpf;
pub mod capability;
pub mod diagnose;
pub mod evidence;
pub mod feature;
mod files;
mod io_uring;
pub mod kconfig;
mod ktls;
mod kvm;
mod libpcap;
mod memory;
pub mod modprobe;
mod namespace;
mod notify;
mod packet;
mod perf;
mod program;
mod ptrace;
mod raw;
mod veth;

use std::fmt;

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::Serialize;

/// Every need syskit knows, in the order `doctor` shows them: a line each.
pub static ALL: &[&Need] = &[
    &NET_RAW,
    &PACKET_SOCKET,
    &PACKET_RING,
    &AF_XDP,
    &LIBPCAP,
    &AF_ALG,
    &AF_ALG_HASH,
    &AF_ALG_SKCIPHER,
    &AF_ALG_AEAD,
    &AF_ALG_RNG,
    &KTLS,
    &IO_URING,
    &DIRECT_IO,
    &REFLINK,
    &COPY_FILE_RANGE,
    &SPLICE,
    &INOTIFY,
    &FANOTIFY,
    &MEMFD,
    &USERFAULTFD,
    &PTRACE,
    &UPROBES,
    &KPROBES,
    &PMU,
    &BPF,
    &BPF_CGROUP,
    &BTF,
    &NET_NAMESPACE,
    &VETH,
    &KVM,
    &QEMU,
    &TCPDUMP,
    &GDB,
    &STRACE,
];

pub use af_alg::{AF_ALG, AF_ALG_AEAD, AF_ALG_HASH, AF_ALG_RNG, AF_ALG_SKCIPHER};
pub use af_xdp::AF_XDP;
pub use bpf::{BPF, BPF_CGROUP, BTF};
pub use files::{COPY_FILE_RANGE, DIRECT_IO, REFLINK, SPLICE};
pub use io_uring::IO_URING;
pub use ktls::KTLS;
pub use kvm::KVM;
pub use libpcap::LIBPCAP;
pub use memory::{MEMFD, USERFAULTFD};
pub use namespace::NET_NAMESPACE;
pub use notify::{FANOTIFY, INOTIFY};
pub use packet::{PACKET_RING, PACKET_SOCKET};
pub use perf::{KPROBES, PMU, UPROBES};
pub use program::{GDB, QEMU, STRACE, TCPDUMP};
pub use ptrace::PTRACE;
pub use raw::NET_RAW;
pub use veth::VETH;

/// Something a recipe requires of the host: a kernel feature, a capability, a device, a program.
pub struct Need {
    /// Stable name in kebab-case ("net-raw", "af-alg-hash").
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What cannot be done without it.
    pub serves: &'static str,
    /// Finds out, by the real call, whether the host meets it. Cheap (microseconds), leaves nothing behind.
    pub probe: fn() -> Readiness,
}

/// Whether a need is met.
#[derive(Debug, Clone, PartialEq)]
pub enum Readiness {
    /// It is; with a detail worth knowing (a version, a driver), if any.
    Ready(Option<String>),
    /// It is not, and why.
    Missing(Finding),
}

/// A need that is not met: what was probed, the errno, the cause, the fix.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The id of the need.
    pub need: &'static str,
    /// The failing call, with its arguments, as it was made.
    pub call: String,
    /// The errno's name ("EAFNOSUPPORT"), where the call gave one.
    pub errno: Option<String>,
    /// Why the call failed on this host.
    pub cause: String,
    /// What to do about it.
    pub fix: Fix,
    /// True where only the permission is missing.
    pub denied: bool,
}

/// What can be done about a finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "text")]
pub enum Fix {
    /// Do this: a command or a setting, exact.
    Do(String),
    /// Cannot be enabled here, and why.
    CannotBeEnabledHere(String),
}

impl Finding {
    /// A finding about `need`: `call` as it was made, its errno if it gave one, the cause and the fix.
    pub fn new(
        need: &Need,
        call: impl Into<String>,
        errno: Option<Errno>,
        cause: impl Into<String>,
        fix: Fix,
    ) -> Self {
        Finding {
            need: need.id,
            call: call.into(),
            errno: errno.map(|e| format!("{e:?}")),
            cause: cause.into(),
            fix,
            denied: matches!(errno, Some(Errno::EPERM | Errno::EACCES)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.need, self.call)?;
        if let Some(errno) = &self.errno {
            write!(f, " gives {errno}")?;
        }
        write!(f, ": {}; {}", self.cause, self.fix)
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Do(what) => f.write_str(what),
            Fix::CannotBeEnabledHere(why) => write!(f, "cannot be enabled here: {why}"),
        }
    }
}

impl Need {
    /// Probes the host now.
    pub fn probe(&self) -> Readiness {
        (self.probe)()
    }
}

/// The first need of `needs` that this host does not meet.
pub fn first_missing(needs: &[&Need]) -> Option<Finding> {
    needs.iter().find_map(|n| match n.probe() {
        Readiness::Ready(_) => None,
        Readiness::Missing(finding) => Some(finding),
    })
}
