//! The why record as one line of text.

use super::record::{Pmu, Syscall, Usage, Why};
use crate::units::{bytes, nanoseconds};

/// How many system calls are named; the rest is summed.
const NAMED: usize = 4;
/// Below this many clock ticks the split of user and system time is coarse.
const FINE: f64 = 20.0;

/// "4.0 syscalls/op: read 2.0 (mean 2 KiB), ...; 0.0 voluntary and 0.1 involuntary switches, 1.0 faults; user ...".
pub fn line(why: &Why) -> String {
    let mut parts = vec![match (&why.syscalls, &why.no_syscalls) {
        (Some(all), _) => syscalls(all),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "system calls are not counted".to_owned(),
    }];
    parts.push(switches_and_faults(&why.usage));
    parts.push(times(&why.usage));
    parts.extend(why.pmu.as_ref().map(counters));
    parts.extend(why.no_pmu.clone());
    parts.join("; ")
}

fn syscalls(all: &[Syscall]) -> String {
    let sum = |calls: &[Syscall]| calls.iter().map(|c| c.per_operation).sum::<f64>();
    if all.is_empty() {
        return "no syscalls".to_owned();
    }
    // Calls that move bytes are what the operation is about: they are named before those that only prepare.
    let mut calls = all.to_vec();
    calls.sort_by_key(|c| c.mean_bytes.is_none());
    // A single one left over takes no more room by its name.
    let many = if calls.len() == NAMED + 1 { calls.len() } else { calls.len().min(NAMED) };
    let (named, rest) = calls.split_at(many);
    let mut words: Vec<String> = named.iter().map(syscall).collect();
    words.extend((!rest.is_empty()).then(|| format!("{} others {}", rest.len(), amount(sum(rest)))));
    format!("{} syscalls/op: {}", amount(sum(all)), words.join(", "))
}

fn syscall(call: &Syscall) -> String {
    let moved = call.mean_bytes.map(|mean| match (call.even, bytes(mean.round() as u64)) {
        (true, size) if call.per_operation <= 1.0 => size,
        (true, size) => format!("{size} each"),
        (false, size) => format!("mean {size}"),
    });
    let failed = (call.errors_per_operation > 0.0).then(|| format!("{} failed", amount(call.errors_per_operation)));
    let notes: Vec<String> = moved.into_iter().chain(failed).collect();
    let count = format!("{} {}", call.name, amount(call.per_operation));
    if notes.is_empty() { count } else { format!("{count} ({})", notes.join(", ")) }
}

fn switches_and_faults(usage: &Usage) -> String {
    let faults = usage.minor_faults + usage.major_faults;
    let major =
        if usage.major_faults > 0.0 { format!(" ({} with I/O)", amount(usage.major_faults)) } else { String::new() };
    let (waits, losses) = (amount(usage.voluntary_switches), amount(usage.involuntary_switches));
    format!("{waits} voluntary and {losses} involuntary switches, {} faults{major}", amount(faults))
}

fn times(usage: &Usage) -> String {
    let (user, system) = (nanoseconds(usage.user_ns), nanoseconds(usage.system_ns));
    match usage.ticks {
        ticks if ticks < 1.0 => format!("user + system {}", nanoseconds(usage.user_ns + usage.system_ns)),
        ticks if ticks < FINE => format!("user about {user} + system about {system}"),
        _ => format!("user {user} + system {system}"),
    }
}

fn counters(pmu: &Pmu) -> String {
    let ipc =
        pmu.instructions.zip(pmu.cycles).filter(|(_, c)| *c > 0.0).map(|(i, c)| format!("{:.2} per cycle", i / c));
    let named = [
        (pmu.cycles, "cycles"),
        (pmu.instructions, "instructions"),
        (pmu.branch_misses, "branch misses"),
        (pmu.cache_misses, "cache misses"),
    ];
    let counts = named.into_iter().filter_map(|(n, name)| n.map(|n| format!("{} {name}", amount(n))));
    let all: Vec<String> = counts.chain(ipc).collect();
    format!("{}{}", all.join(", "), if pmu.user_only { " (user space only)" } else { "" })
}

/// "0.0", "4.0", "0.003", "1234": a count per operation, never rounded to nothing.
fn amount(n: f64) -> String {
    match n {
        n if n == 0.0 || (0.05..1000.0).contains(&n) => format!("{n:.1}"),
        n if n >= 1000.0 => format!("{n:.0}"),
        n if n < 0.0005 => "<0.001".to_owned(),
        n => format!("{n:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, per_operation: f64, mean_bytes: Option<f64>, even: bool) -> Syscall {
        Syscall { name: name.into(), per_operation, errors_per_operation: 0.0, mean_bytes, even }
    }

    fn sample() -> Why {
        Why {
            syscalls: Some(vec![
                call("read", 2.0, Some(4096.0), true),
                call("lseek", 1.0, None, false),
                call("write", 1.0, Some(4096.0), true),
            ]),
            operations: 100,
            usage: Usage {
                operations: 100,
                user_ns: 400.0,
                system_ns: 1200.0,
                ticks: 30.0,
                involuntary_switches: 0.1,
                minor_faults: 1.0,
                ..Usage::default()
            },
            no_pmu: Some("no PMU: because".into()),
            ..Why::default()
        }
    }

    #[test]
    fn a_whole_line() {
        assert_eq!(
            sample().line(),
            "4.0 syscalls/op: read 2.0 (4 KiB each), write 1.0 (4 KiB), lseek 1.0; 0.0 voluntary and 0.1 involuntary \
             switches, 1.0 faults; user 400 ns + system 1.20 us; no PMU: because"
        );
    }

    #[test]
    fn the_rest_is_summed_and_failures_are_told() {
        let mut why = sample();
        let mut all: Vec<Syscall> = (0..6).map(|i| call(&format!("c{i}"), 1.0, None, false)).collect();
        all[0].errors_per_operation = 0.5;
        all[1] = call("read", 1.0, Some(1000.0), false);
        why.syscalls = Some(all);
        let line = why.line();
        assert!(
            line.starts_with(
                "6.0 syscalls/op: read 1.0 (mean 1000 B), c0 1.0 (0.5 failed), c2 1.0, c3 1.0, 2 others 2.0;"
            ),
            "{line}"
        );
    }

    #[test]
    fn absence_is_told() {
        let mut why = sample();
        (why.syscalls, why.no_syscalls) = (None, Some("system calls are not counted: EPERM".into()));
        why.usage.ticks = 0.5;
        why.pmu = Some(Pmu { user_only: true, cycles: Some(200.0), instructions: Some(500.0), ..Pmu::default() });
        why.no_pmu = None;
        assert_eq!(
            why.line(),
            "system calls are not counted: EPERM; 0.0 voluntary and 0.1 involuntary switches, 1.0 faults; \
             user + system 1.60 us; 200.0 cycles, 500.0 instructions, 2.50 per cycle (user space only)"
        );
        why.syscalls = Some(Vec::new());
        assert!(why.line().starts_with("no syscalls;"));
    }

    #[test]
    fn amounts_are_never_rounded_to_nothing() {
        assert_eq!(
            [0.0, 0.0001, 0.003, 0.25, 4.0, 12345.6].map(amount),
            ["0.0", "<0.001", "0.003", "0.2", "4.0", "12346"]
        );
    }
}
