//! Hardware counts around the runs, or the reason why there are none.

use nix::errno::Errno;
use nix::unistd::Pid;

use super::record::Pmu;
use crate::host::root::Root;
use crate::sys::perf_event::{Counter, Event};

const HARDWARE: [(Event, &str); 4] = [
    (Event::Cycles, "cycles"),
    (Event::Instructions, "instructions"),
    (Event::BranchMisses, "branch-misses"),
    (Event::CacheMisses, "cache-misses"),
];

/// Counters on every thread of this process.
pub struct Counters {
    hardware: [Vec<Counter>; 4],
    migrations: Vec<Counter>,
    user_only: bool,
    refused: Vec<String>,
}

impl Counters {
    /// Opens what the machine gives; never fails.
    pub fn open() -> Counters {
        let threads = threads();
        let mut counters =
            Counters { hardware: Default::default(), migrations: Vec::new(), user_only: false, refused: Vec::new() };
        if let Err(Errno::EACCES | Errno::EPERM) = Counter::open(Event::Cycles, threads[0], false) {
            counters.user_only = true;
        }
        for (i, (event, name)) in HARDWARE.into_iter().enumerate() {
            match open_all(event, &threads, counters.user_only) {
                Ok(all) => counters.hardware[i] = all,
                Err(errno) => counters.refused.push(refusal(name, errno, &Root::at("/"))),
            }
        }
        // Migrations happen in the kernel: counted in user space only they are always 0.
        counters.migrations = open_all(Event::CpuMigrations, &threads, false).unwrap_or_default();
        counters
    }

    fn all(&self) -> impl Iterator<Item = &Counter> {
        self.hardware.iter().flatten().chain(&self.migrations)
    }

    /// Counts from now on.
    pub fn enable(&self) {
        // Enabling an open counter cannot fail in a way that one could act on.
        self.all().for_each(|c| {
            let _ = c.enable();
        });
    }

    /// Counts no further.
    pub fn disable(&self) {
        self.all().for_each(|c| {
            let _ = c.disable();
        });
    }

    /// The counts per operation, the CPU migrations, and the reason for what is absent.
    pub fn finish(&mut self, operations: u64) -> (Option<Pmu>, Option<f64>, Option<String>) {
        let each = |counters: &[Counter]| {
            let counts = counters.iter().map(|c| c.count().ok().flatten()).collect::<Option<Vec<f64>>>()?;
            (!counts.is_empty()).then(|| counts.iter().sum::<f64>() / operations.max(1) as f64)
        };
        let [cycles, instructions, branch_misses, cache_misses] = self.hardware.each_ref().map(|c| each(c));
        let pmu = Pmu { user_only: self.user_only, cycles, instructions, branch_misses, cache_misses };
        let any = [cycles, instructions, branch_misses, cache_misses].iter().any(Option::is_some);
        let silent = || "no PMU: the counters were opened and never ran".to_owned();
        let reason = self.refused.first().cloned().or_else(|| (!any).then(silent));
        (any.then_some(pmu), each(&self.migrations), reason)
    }
}

fn open_all(event: Event, threads: &[Pid], user_only: bool) -> nix::Result<Vec<Counter>> {
    let open = |thread: &Pid| match Counter::open(event, *thread, user_only) {
        // The thread ended meanwhile.
        Err(Errno::ESRCH) => None,
        other => Some(other),
    };
    threads.iter().filter_map(open).collect()
}

/// The threads of this process, this one first.
fn threads() -> Vec<Pid> {
    let own = nix::unistd::gettid();
    let others = Root::at("/").names("proc/self/task").into_iter().filter_map(|n| n.parse().ok().map(Pid::from_raw));
    std::iter::once(own).chain(others.filter(|t| *t != own)).collect()
}

/// Why the counter called `name` cannot be had.
fn refusal(name: &str, errno: Errno, root: &Root) -> String {
    let cause = match errno {
        Errno::ENOENT | Errno::ENODEV | Errno::EOPNOTSUPP => match is_virtual(root) {
            true => "this virtual machine exposes no such hardware counter".to_owned(),
            false => "this machine has no such hardware counter that the kernel knows".to_owned(),
        },
        Errno::EACCES | Errno::EPERM => match root.line("proc/sys/kernel/perf_event_paranoid") {
            Some(level) => {
                format!("kernel.perf_event_paranoid is {level}; sysctl kernel.perf_event_paranoid=1 allows it")
            }
            None => "not permitted here (a container's seccomp filter forbids it)".to_owned(),
        },
        Errno::ENOSYS => "this kernel is built without performance events".to_owned(),
        other => crate::error::describe(other),
    };
    format!("no PMU: perf_event_open({name}) gives {errno:?}: {cause}")
}

fn is_virtual(root: &Root) -> bool {
    crate::host::machine::read(root, crate::sys::cpuid::hypervisor_signature().as_deref()).is_virtual
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_call_the_errno_and_the_cause() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("proc/sys/kernel")).unwrap();
        let root = Root::at(dir.path());
        assert!(refusal("cycles", Errno::EPERM, &root).contains("seccomp"));
        std::fs::write(dir.path().join("proc/sys/kernel/perf_event_paranoid"), "3\n").unwrap();
        assert_eq!(
            refusal("cycles", Errno::EACCES, &root),
            "no PMU: perf_event_open(cycles) gives EACCES: kernel.perf_event_paranoid is 3; \
             sysctl kernel.perf_event_paranoid=1 allows it"
        );
        assert!(
            refusal("cycles", Errno::ENOENT, &root).starts_with("no PMU: perf_event_open(cycles) gives ENOENT: this")
        );
    }

    #[test]
    fn there_are_counts_or_a_reason() {
        let mut counters = Counters::open();
        counters.enable();
        std::hint::black_box((0..100_000u64).fold(0, |a, b| a ^ b.wrapping_mul(31)));
        counters.disable();
        let (pmu, _, reason) = counters.finish(1);
        match pmu {
            Some(pmu) => assert!(pmu.instructions.or(pmu.cycles).is_none_or(|n| n > 1_000.0), "{pmu:?}"),
            None => assert!(reason.unwrap().starts_with("no PMU: ")),
        }
    }
}
