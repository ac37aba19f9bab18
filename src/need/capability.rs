//! Capabilities, by name and bit: capabilities(7).

/// One of the kernel's capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capability {
    /// Its name in capabilities(7).
    pub name: &'static str,
    /// Its bit in the masks of /proc/PID/status.
    pub bit: u8,
}

/// Reading every file and directory.
pub const DAC_READ_SEARCH: Capability = Capability { name: "CAP_DAC_READ_SEARCH", bit: 2 };
/// Signalling every process.
pub const KILL: Capability = Capability { name: "CAP_KILL", bit: 5 };
/// Raw and packet sockets.
pub const NET_RAW: Capability = Capability { name: "CAP_NET_RAW", bit: 13 };
/// Network administration.
pub const NET_ADMIN: Capability = Capability { name: "CAP_NET_ADMIN", bit: 12 };
/// Tracing any process.
pub const SYS_PTRACE: Capability = Capability { name: "CAP_SYS_PTRACE", bit: 19 };
/// The catch-all of administration.
pub const SYS_ADMIN: Capability = Capability { name: "CAP_SYS_ADMIN", bit: 21 };
/// Locking memory without limit.
pub const IPC_LOCK: Capability = Capability { name: "CAP_IPC_LOCK", bit: 14 };
/// Passing resource limits.
pub const SYS_RESOURCE: Capability = Capability { name: "CAP_SYS_RESOURCE", bit: 24 };
/// Reading kernel addresses.
pub const SYSLOG: Capability = Capability { name: "CAP_SYSLOG", bit: 34 };
/// Performance monitoring (since Linux 5.8).
pub const PERFMON: Capability = Capability { name: "CAP_PERFMON", bit: 38 };
/// Loading BPF programs (since Linux 5.8).
pub const BPF: Capability = Capability { name: "CAP_BPF", bit: 39 };

impl Capability {
    /// Whether `mask`, as in the CapEff line of /proc/PID/status, holds it.
    pub fn in_mask(self, mask: u64) -> bool {
        mask >> self.bit & 1 == 1
    }
}
