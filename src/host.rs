//! The fingerprint of this machine: what a reader must know to place a number.
//!
//! Everything here may be absent (a container hides /sys, an architecture lacks a file) and is then None: taking a
//! fingerprint never fails. It costs a few milliseconds at most.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub mod cgroup;
pub mod cpu;
mod filesystem;
pub mod frequency;
pub mod machine;
pub mod memory;
pub mod os;
pub mod root;
mod view;

pub use filesystem::{Filesystem, filesystem};
use root::Root;

/// This machine at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// The version of syskit that took the record.
    pub syskit: String,
    /// When: seconds since the epoch.
    pub recorded_unix_s: u64,
    /// Kernel release, version, architecture.
    pub kernel: os::Kernel,
    /// The distribution's name ("Debian GNU/Linux 13 (trixie)").
    pub distribution: Option<String>,
    /// Bare, virtual or emulated.
    pub machine: machine::Machine,
    /// The processors.
    pub cpu: cpu::Cpu,
    /// Governor, range, turbo.
    pub frequency: frequency::Frequency,
    /// Processor vulnerabilities by name, and what the kernel does about each ("Mitigation: PTI").
    pub vulnerabilities: BTreeMap<String, String>,
    /// The clock that clock_gettime(2) reads ("tsc").
    pub clocksource: Option<String>,
    /// Memory, NUMA, huge pages.
    pub memory: memory::Memory,
    /// CPU quota and CPU set.
    pub cgroup: cgroup::Cgroup,
}

/// Takes the fingerprint of this machine now.
pub fn fingerprint() -> Host {
    fingerprint_of(&Root::at("/"), crate::sys::cpuid::hypervisor_signature().as_deref())
}

/// The fingerprint of what lies below `root`; the kernel's own answers (uname, the clock) are still this machine's.
fn fingerprint_of(root: &Root, signature: Option<&str>) -> Host {
    Host {
        syskit: env!("CARGO_PKG_VERSION").to_owned(),
        recorded_unix_s: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        kernel: os::kernel(),
        distribution: os::distribution(root),
        machine: machine::read(root, signature),
        cpu: cpu::read(root),
        frequency: frequency::read(root),
        vulnerabilities: vulnerabilities(root),
        clocksource: clocksource(root),
        memory: memory::read(root),
        cgroup: cgroup::read(root),
    }
}

/// The clock in use.
pub fn clocksource(root: &Root) -> Option<String> {
    root.line("sys/devices/system/clocksource/clocksource0/current_clocksource")
}

/// Processor vulnerabilities and what is done about them.
pub fn vulnerabilities(root: &Root) -> BTreeMap<String, String> {
    const ALL: &str = "sys/devices/system/cpu/vulnerabilities";
    let state = |name: String| root.line(format!("{ALL}/{name}")).map(|state| (name, state));
    root.names(ALL).into_iter().filter_map(state).collect()
}

impl Host {
    /// The record in two or three lines of text.
    pub fn lines(&self) -> Vec<String> {
        view::lines(self)
    }

    /// "EMULATED: ..." or "virtual machine (KVM): ..." where a number is not one of bare hardware.
    pub fn label(&self) -> Option<String> {
        view::label(&self.machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_machine_gives_an_empty_record_and_no_failure() {
        let dir = tempfile::tempdir().unwrap();
        let host = fingerprint_of(&Root::at(dir.path()), None);
        assert_eq!((host.distribution.clone(), host.clocksource.clone()), (None, None));
        assert!(host.vulnerabilities.is_empty());
        assert!(!host.lines().is_empty());
    }

    #[test]
    fn this_machine_survives_a_round_through_json() {
        let host = fingerprint();
        assert!(host.cpu.threads.is_some());
        let text = serde_json::to_string(&host).unwrap();
        assert_eq!(serde_json::from_str::<Host>(&text).unwrap(), host);
    }
}
