//! Limits of the host that bite recipes: resource limits and sysctls, what each one bites, and how to raise it.
//!
//! A new limit is a line in [`ALL`].

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use schemars::JsonSchema;
use serde::Serialize;

use crate::need::capability::{self, Capability};
use crate::need::evidence::Evidence;

/// A limit and what it bites.
pub struct Limit {
    /// Its name: a sysctl's dotted name, or `RLIMIT_*`.
    pub name: &'static str,
    /// Where its value is read.
    source: Source,
    /// What its number counts.
    pub unit: Unit,
    /// What it bites.
    pub bites: &'static str,
    /// Whether this value bites now.
    when: When,
    /// The capability that passes it, where there is one.
    passes: Option<Capability>,
    /// A value that does not bite.
    enough: i64,
    /// A value that cannot be changed until the next boot.
    locked: Option<i64>,
}

enum Source {
    Sysctl,
    Resource(Resource),
}

/// What a limit's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// A mode or level.
    Level,
}

/// Which values bite.
#[derive(Clone, Copy)]
enum When {
    Below(i64),
    AtLeast(i64),
}

/// A limit as it stands on this host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Reading {
    /// Its name: a sysctl's dotted name, or `RLIMIT_*` (the soft limit).
    pub name: &'static str,
    /// Its value; null where it is unlimited.
    pub value: Option<i64>,
    /// What the value counts.
    pub unit: Unit,
    /// What it bites.
    pub bites: &'static str,
    /// Whether it bites this process now.
    pub biting: bool,
    /// The command that changes it to a value that does not bite.
    pub raise: String,
}

const MIB: i64 = 1 << 20;

/// Every limit, in the order `doctor` shows them: a line each.
#[rustfmt::skip]
pub static ALL: &[Limit] = &[
    resource("RLIMIT_NOFILE", Resource::RLIMIT_NOFILE, Unit::Count, "connections and watched files of one process", None, 4096, 65536),
    resource("RLIMIT_MEMLOCK", Resource::RLIMIT_MEMLOCK, Unit::Bytes, "locked memory, packet rings, io_uring's registered buffers", Some(capability::IPC_LOCK), 8 * MIB, 64 * MIB),
    floor("fs.inotify.max_user_watches", Unit::Count, "directories that inotify can watch at once", None, 65536, 1_048_576),
    floor("fs.inotify.max_user_instances", Unit::Count, "inotify instances of a user", None, 128, 1024),
    floor("fs.inotify.max_queued_events", Unit::Count, "inotify events before the queue overflows", None, 16384, 65536),
    floor("fs.pipe-max-size", Unit::Bytes, "the pipe that splice moves pages through", Some(capability::SYS_RESOURCE), MIB, MIB),
    ceiling("kernel.io_uring_disabled", "io_uring (1: without CAP_SYS_ADMIN, 2: for all)", None, 1, 0),
    ceiling("kernel.perf_event_paranoid", "counting kernel time and events of the whole system", Some(capability::PERFMON), 2, 1),
    ceiling("kernel.kptr_restrict", "addresses of kernel functions", Some(capability::SYSLOG), 1, 0),
    ceiling("kernel.yama.ptrace_scope", "attaching to a process that is not a child", Some(capability::SYS_PTRACE), 1, 0).locked_at(3),
    ceiling("kernel.unprivileged_bpf_disabled", "BPF programs without privilege", Some(capability::BPF), 1, 0).locked_at(1),
    floor("net.core.rmem_max", Unit::Bytes, "socket receive buffers: dropped packets in a burst", Some(capability::NET_ADMIN), MIB, 16 * MIB),
    floor("net.core.wmem_max", Unit::Bytes, "socket send buffers: throughput over long paths", Some(capability::NET_ADMIN), MIB, 16 * MIB),
    floor("net.core.optmem_max", Unit::Bytes, "AF_ALG requests and zero-copy sends in flight", None, 81920, MIB),
    floor("net.core.somaxconn", Unit::Count, "connections that wait for accept", None, 1024, 4096),
    floor("vm.max_map_count", Unit::Count, "mappings of one process", None, 65530, 262_144),
    floor("user.max_user_namespaces", Unit::Count, "namespaces without privilege", None, 1, 15000),
    floor("user.max_net_namespaces", Unit::Count, "traffic in a network of its own", None, 1, 15000),
];

const fn resource(
    name: &'static str,
    which: Resource,
    unit: Unit,
    bites: &'static str,
    passes: Option<Capability>,
    below: i64,
    enough: i64,
) -> Limit {
    Limit {
        name,
        source: Source::Resource(which),
        unit,
        bites,
        when: When::Below(below),
        passes,
        enough,
        locked: None,
    }
}

/// A sysctl that bites when it is lower than `below`.
const fn floor(
    name: &'static str,
    unit: Unit,
    bites: &'static str,
    passes: Option<Capability>,
    below: i64,
    enough: i64,
) -> Limit {
    Limit { name, source: Source::Sysctl, unit, bites, when: When::Below(below), passes, enough, locked: None }
}

/// A sysctl that bites from `from` on.
const fn ceiling(
    name: &'static str,
    bites: &'static str,
    passes: Option<Capability>,
    from: i64,
    enough: i64,
) -> Limit {
    Limit {
        name,
        source: Source::Sysctl,
        unit: Unit::Level,
        bites,
        when: When::AtLeast(from),
        passes,
        enough,
        locked: None,
    }
}

impl Limit {
    const fn locked_at(self, value: i64) -> Self {
        Limit { locked: Some(value), ..self }
    }

    /// As it stands now; `None` where this kernel has no such limit.
    pub fn read(&self, host: &Evidence) -> Option<Reading> {
        let (value, ceiling) = match self.source {
            Source::Sysctl => (Some(sysctl(self.name)?), None),
            Source::Resource(which) => {
                let (soft, hard) = getrlimit(which).ok()?;
                (finite(soft), finite(hard))
            }
        };
        Some(self.judge(value, ceiling, host))
    }

    /// What `value` (`None`: unlimited) means on that host; `hard` is what a resource limit may be raised to without privilege.
    pub fn judge(&self, value: Option<i64>, hard: Option<i64>, host: &Evidence) -> Reading {
        let bites = value.is_some_and(|v| match self.when {
            When::Below(least) => v < least,
            When::AtLeast(from) => v >= from,
        });
        let passed = self.passes.is_some_and(|c| host.commands(c));
        Reading {
            name: self.name,
            value,
            unit: self.unit,
            bites: self.bites,
            biting: bites && !passed,
            raise: self.raise(value, hard),
        }
    }

    fn raise(&self, value: Option<i64>, hard: Option<i64>) -> String {
        if self.locked.is_some() && self.locked == value {
            return "cannot be changed until the next boot (see /etc/sysctl.d)".to_owned();
        }
        let Source::Resource(which) = self.source else {
            return format!("as root: sysctl {}={}", self.name, self.enough);
        };
        let option = if which == Resource::RLIMIT_MEMLOCK { "l" } else { "n" };
        // ulimit -l counts KiB.
        let scale = if self.unit == Unit::Bytes { 1024 } else { 1 };
        let enough = self.enough / scale;
        match hard {
            Some(hard) if hard < self.enough => {
                format!(
                    "as root: prlimit --pid $$ --{}={}",
                    self.name.trim_start_matches("RLIMIT_").to_lowercase(),
                    self.enough
                )
            }
            _ => format!("ulimit -{option} {enough}"),
        }
    }
}

/// Every limit that this kernel has.
pub fn readings(host: &Evidence) -> Vec<Reading> {
    ALL.iter().filter_map(|limit| limit.read(host)).collect()
}

fn finite(limit: nix::sys::resource::rlim_t) -> Option<i64> {
    (limit != RLIM_INFINITY).then(|| i64::try_from(limit).unwrap_or(i64::MAX))
}

fn sysctl(name: &str) -> Option<i64> {
    std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(name: &str) -> &'static Limit {
        ALL.iter().find(|l| l.name == name).expect("a known limit")
    }

    fn holding(capabilities: &[Capability]) -> Evidence {
        let mut host = Evidence::default();
        host.status.effective = capabilities.iter().fold(0, |mask, c| mask | 1 << c.bit);
        host
    }

    #[test]
    fn a_low_value_bites_and_an_unlimited_one_does_not() {
        let nofile = limit("RLIMIT_NOFILE");
        assert!(nofile.judge(Some(1024), Some(1_048_576), &holding(&[])).biting);
        assert!(!nofile.judge(Some(4096), None, &holding(&[])).biting);
        assert!(!nofile.judge(None, None, &holding(&[])).biting);
    }

    #[test]
    fn a_capability_passes_the_limit_unless_it_counts_only_in_a_namespace() {
        let paranoid = limit("kernel.perf_event_paranoid");
        assert!(paranoid.judge(Some(2), None, &holding(&[])).biting);
        let mut host = holding(&[capability::PERFMON]);
        assert!(!paranoid.judge(Some(2), None, &host).biting);
        host.user_namespace = true;
        assert!(paranoid.judge(Some(2), None, &host).biting);
        assert!(!paranoid.judge(Some(1), None, &holding(&[])).biting);
    }

    #[test]
    fn how_to_raise_a_resource_limit_depends_on_its_hard_limit() {
        let raise = |name, hard| limit(name).judge(Some(1), hard, &holding(&[])).raise;
        assert_eq!(raise("RLIMIT_NOFILE", None), "ulimit -n 65536");
        assert_eq!(raise("RLIMIT_NOFILE", Some(4096)), "as root: prlimit --pid $$ --nofile=65536");
        assert_eq!(raise("RLIMIT_MEMLOCK", None), "ulimit -l 65536");
        assert_eq!(raise("net.core.somaxconn", None), "as root: sysctl net.core.somaxconn=4096");
    }

    #[test]
    fn a_sysctl_that_locks_itself_says_so() {
        let raise = |value| limit("kernel.unprivileged_bpf_disabled").judge(Some(value), None, &holding(&[])).raise;
        assert_eq!(raise(1), "cannot be changed until the next boot (see /etc/sysctl.d)");
        assert_eq!(raise(2), "as root: sysctl kernel.unprivileged_bpf_disabled=0");
    }

    #[test]
    fn the_value_that_is_advised_does_not_bite() {
        for limit in ALL {
            assert!(!limit.judge(Some(limit.enough), None, &holding(&[])).biting, "{}", limit.name);
        }
    }
}
