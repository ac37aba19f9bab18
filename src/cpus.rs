//! Lists of CPUs as taskset(1) and the kernel write them: "0,2-5,8-15:2".

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::error::{Context, Error, Result};

/// Where the kernel says which CPUs are online.
const ONLINE: &str = "/sys/devices/system/cpu/online";
/// No kernel knows more; a list may not make us count to a lie.
const MOST: usize = 65_536;

/// Reads "3", "0,2", "0-3", "0-14:2" and mixtures: the CPUs in ascending order, each once.
pub fn parse(text: &str) -> Result<Vec<usize>> {
    let bad = || Error::usage(format!("'{text}' is not a list of CPUs")).fix("write 0, 0,2 or 0-3 or 0-14:2");
    let mut cpus = Vec::new();
    for part in text.trim().split(',') {
        let (range, step) = part.split_once(':').unwrap_or((part, "1"));
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let number = |t: &str| match t.bytes().all(|b| b.is_ascii_digit()) {
            true => t.parse::<usize>().ok().filter(|n| *n < MOST),
            false => None,
        };
        let [Some(first), Some(last), Some(step)] = [first, last, step].map(number) else { return Err(bad()) };
        if step == 0 || first > last || (step != 1 && !range.contains('-')) {
            return Err(bad());
        }
        cpus.extend((first..=last).step_by(step));
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// The CPUs that are online.
pub fn online() -> Result<Vec<usize>> {
    let text = std::fs::read_to_string(ONLINE).sys("open", || format!("cannot read {ONLINE}"))?;
    parse(&text)
}

/// "0-1,4": the shortest list.
pub fn list(cpus: &[usize]) -> String {
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for cpu in cpus {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *cpu => *last = *cpu,
            _ => ranges.push((*cpu, *cpu)),
        }
    }
    let write = |(first, last): &(usize, usize)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    };
    ranges.iter().map(write).collect::<Vec<_>>().join(",")
}

/// Keeps this process and what it starts on `cpus`, see sched_setaffinity(2).
pub fn pin(cpus: &[usize]) -> Result<()> {
    let online = online()?;
    if let Some(missing) = cpus.iter().find(|c| !online.contains(c)) {
        let fix = format!("online are {}", list(&online));
        return Err(Error::usage(format!("CPU {missing} does not exist")).fix(fix));
    }
    let what = || format!("cannot pin to CPUs {}", list(cpus));
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu).sys("CPU_SET", what)?;
    }
    let pinned = sched_setaffinity(Pid::from_raw(0), &set).sys("sched_setaffinity", what);
    pinned.map_err(|e| e.fix("the cpuset of this container or cgroup may leave them out: see /proc/self/status"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_taskset_reads_them() {
        for (text, cpus) in [
            ("0", vec![0]),
            ("0,2-5,8-15:2", vec![0, 2, 3, 4, 5, 8, 10, 12, 14]),
            ("3,1,1-2", vec![1, 2, 3]),
            ("0-1\n", vec![0, 1]),
        ] {
            assert_eq!(parse(text).unwrap(), cpus, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in ["", ",", "a", "1-", "-1", "5-2", "1:2", "0-4:0", "0-4:", "1,,2", "+1", "0-99999999999", "0x1"] {
            assert_eq!(parse(text).expect_err(text).exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn lists_are_written_short() {
        assert_eq!(list(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(list(&[]), "");
    }

    #[test]
    fn a_cpu_that_is_not_there_is_named() {
        let e = pin(&[60_000]).unwrap_err();
        assert!(e.to_string().starts_with("CPU 60000 does not exist; online are 0"), "{e}");
    }
}
