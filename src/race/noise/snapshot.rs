//! The machine at one moment, and what does not change.

use std::collections::BTreeSet;

use procfs::FromRead;

use super::record::{Range, Setting, Snapshot};
use super::stat::{pressure, stat};
use crate::host::root::{Root, cpu_list};
use crate::host::{cgroup, clocksource, cpu, frequency, machine, vulnerabilities};

/// Takes a snapshot.
pub fn take(root: &Root, allowed: &BTreeSet<usize>) -> Snapshot {
    let stall = |resource: &str| root.text(format!("proc/pressure/{resource}")).and_then(|t| pressure(&t));
    let load = root.text("proc/loadavg").and_then(|t| procfs::LoadAverage::from_read(t.as_bytes()).ok());
    let now = stat(&root.text("proc/stat").unwrap_or_default());
    Snapshot {
        cpu_pressure: stall("cpu"),
        io_pressure: stall("io"),
        memory_pressure: stall("memory"),
        load: load.map(|l| l.one),
        running: now.running,
        blocked: now.blocked,
        governors: frequency::read(root).governors,
        khz: khz(root, allowed),
        clocksource: clocksource(root),
    }
}

/// The current frequencies of the allowed processors: by cpufreq, else as /proc/cpuinfo has them (x86, in MHz).
fn khz(root: &Root, allowed: &BTreeSet<usize>) -> Option<Range> {
    let scaling = frequency_files(allowed).into_iter().filter_map(|f| root.number(f));
    Range::of(scaling).or_else(|| {
        let info = root.text("proc/cpuinfo")?;
        let mhz = cpu::fields(&info, "cpu MHz").filter_map(|m| m.parse::<f64>().ok());
        Range::of(mhz.map(|m| (m * 1e3) as u64))
    })
}

/// Where the current frequencies of some processors are read.
pub fn frequency_files(cpus: &BTreeSet<usize>) -> Vec<String> {
    cpus.iter().map(|c| format!("sys/devices/system/cpu/cpu{c}/cpufreq/scaling_cur_freq")).collect()
}

/// Reads what does not change. `signature`: see [`machine::read`].
pub fn setting(root: &Root, signature: Option<&str>, allowed: &BTreeSet<usize>) -> Setting {
    let online = root.line("sys/devices/system/cpu/online").map(|l| cpu_list(&l).len());
    Setting {
        machine: machine::read(root, signature),
        cpus: online.unwrap_or_default().max(allowed.len()),
        allowed_cpus: allowed.len(),
        smt: root.number::<u8>("sys/devices/system/cpu/smt/active").map(|a| a == 1),
        cpu_quota: cgroup::read(root).cpu_quota,
        mitigations: vulnerabilities(root).values().filter(|s| s.starts_with("Mitigation")).count(),
    }
}

/// The processors that the calling thread may run on.
pub fn allowed(root: &Root) -> BTreeSet<usize> {
    let status = root.text("proc/thread-self/status").unwrap_or_default();
    cpu::fields(&status, "Cpus_allowed_list").flat_map(cpu_list).collect()
}

/// The SMT siblings of `cpus` that are not among them.
pub fn siblings(root: &Root, cpus: &BTreeSet<usize>) -> BTreeSet<usize> {
    let list = |c: &usize| root.line(format!("sys/devices/system/cpu/cpu{c}/topology/thread_siblings_list"));
    let all: BTreeSet<usize> = cpus.iter().filter_map(list).flat_map(|l| cpu_list(&l)).collect();
    all.difference(cpus).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_laid_out_machine() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("proc/loadavg", "0.52 0.28 0.19 2/89 8419\n");
        put("proc/stat", "cpu0 1 2 3 4 5 6 7 8\nprocs_running 2\nprocs_blocked 0\n");
        put("proc/pressure/memory", "some avg10=3.00 avg60=0.00 avg300=0.00 total=7\n");
        put("proc/thread-self/status", "Name:\tx\nCpus_allowed_list:\t0,2\n");
        for (cpu, siblings) in [(0, "0-1"), (1, "0-1"), (2, "2-3"), (3, "2-3")] {
            put(&format!("sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"), siblings);
            let freq = format!("{}", 1_000_000 * (cpu + 1));
            put(&format!("sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq"), &freq);
        }
        let root = Root::at(dir.path());
        let allowed = allowed(&root);
        assert_eq!(allowed, BTreeSet::from([0, 2]));
        assert_eq!(siblings(&root, &allowed), BTreeSet::from([1, 3]));
        let now = take(&root, &allowed);
        assert_eq!(
            (now.load, now.running, now.khz),
            (Some(0.52), Some(2), Some(Range { min: 1_000_000, max: 3_000_000 }))
        );
        assert_eq!((now.cpu_pressure, now.memory_pressure.unwrap().some_total_us), (None, 7));
        put("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2445.426\n");
        assert_eq!(khz(&root, &BTreeSet::from([9])), Some(Range { min: 2_445_426, max: 2_445_426 }));
    }

    #[test]
    fn an_empty_machine_gives_an_empty_snapshot() {
        let root = Root::at("/nonexistent");
        assert_eq!(take(&root, &BTreeSet::new()), Snapshot::default());
        assert_eq!(setting(&root, None, &BTreeSet::new()), Setting::default());
    }
}
