//! CPU times and run queue of /proc/stat (proc_stat(5)), and pressure of /proc/pressure (PSI); pure parsers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// /proc/stat at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stat {
    /// Times since boot by processor number.
    pub cpus: BTreeMap<usize, CpuTimes>,
    /// Runnable threads, ourselves among them.
    pub running: Option<u32>,
    /// Threads that wait for a disk.
    pub blocked: Option<u32>,
}

/// Times of one processor since boot, in ticks of USER_HZ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// Spent on something: user, nice, system, interrupts.
    pub busy: u64,
    /// Wanted by this machine, and given to another by the hypervisor.
    pub stolen: u64,
}

/// Reads /proc/stat; what does not parse is left out.
pub fn stat(text: &str) -> Stat {
    let mut stat = Stat::default();
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let key = words.next().unwrap_or_default();
        match key.strip_prefix("cpu").map(str::parse::<usize>) {
            Some(Ok(number)) => {
                let ticks: Vec<u64> = words.map_while(|w| w.parse().ok()).collect();
                let at = |i: usize| ticks.get(i).copied().unwrap_or(0);
                let busy = [0, 1, 2, 5, 6].into_iter().fold(0u64, |sum, i| sum.saturating_add(at(i)));
                stat.cpus.insert(number, CpuTimes { busy, stolen: at(7) });
            }
            _ if key == "procs_running" => stat.running = words.next().and_then(|w| w.parse().ok()),
            _ if key == "procs_blocked" => stat.blocked = words.next().and_then(|w| w.parse().ok()),
            _ => {}
        }
    }
    stat
}

/// How long tasks were stalled for want of one resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pressure {
    /// Percentage of the last ten seconds in which at least one task was stalled.
    pub some_avg10: f32,
    /// The same since boot, in microseconds.
    pub some_total_us: u64,
}

/// Reads a file of /proc/pressure; its "full" line is absent in some kernels and is not read.
pub fn pressure(text: &str) -> Option<Pressure> {
    let some = text.lines().find_map(|l| l.strip_prefix("some "))?;
    let value = |key: &str| some.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    Some(Pressure { some_avg10: value("avg10")?.parse().ok()?, some_total_us: value("total")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_may_be_missing_in_the_row() {
        let text = "cpu  30 1 30 500 9 1 1 8 0 0\ncpu0 10 1 20 300 5 1 1 7 99 0\ncpu2 20 0 10 200 4 0 0 1 0 0\n\
                    intr 5 0 0\nctxt 9\nprocs_running 3\nprocs_blocked 1\n";
        let stat = stat(text);
        assert_eq!(stat.cpus.keys().copied().collect::<Vec<_>>(), [0, 2], "the sum of all is not a processor");
        assert_eq!(stat.cpus[&0], CpuTimes { busy: 33, stolen: 7 });
        assert_eq!((stat.running, stat.blocked), (Some(3), Some(1)));
    }

    #[test]
    fn old_and_broken_forms() {
        assert_eq!(stat("cpu0 1 2 3 4\n").cpus[&0], CpuTimes { busy: 6, stolen: 0 }, "before Linux 2.6.11");
        for text in
            ["", "cpu", "cpu99999999999999999999 1", "procs_running x", "cpu0 x", "cpu1 18446744073709551615 9"]
        {
            stat(text);
        }
    }

    #[test]
    fn pressure_with_and_without_full() {
        let both =
            "some avg10=1.25 avg60=0.70 avg300=1.12 total=15241035\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        let expected = Pressure { some_avg10: 1.25, some_total_us: 15_241_035 };
        assert_eq!(pressure(both), Some(expected));
        assert_eq!(pressure(both.lines().next().unwrap()), Some(expected));
        for none in ["", "some", "full avg10=x", "some avg10=1 total", "some avg10=x total=1"] {
            assert_eq!(pressure(none), None, "{none}");
        }
    }
}
