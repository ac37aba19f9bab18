//! The why pass against processes whose system calls are known, and against strace(1) (Debian package strace).
//!
//! This binary is its own child: `why --why-child FAKE OPERATIONS` is what the pass traces.

mod why {
    pub mod endings;
    pub mod fakes;
    pub mod strace;
}
mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use syskit::race::why::{Why, child, explain_within};
use why::{endings, fakes, strace};

type Test = fn() -> Result<(), Failed>;

#[allow(clippy::print_stdout, clippy::exit)] // It is a program as well as a test.
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--why-child", fake, operations] => {
            let done = child(&mut fakes::make(fake), 0, operations.parse().unwrap());
            std::process::exit(done.map_or_else(|e| i32::from(e.exit_code()), |()| 0));
        }
        ["--why-parent", fake] => return println!("{}", serde_json::to_string(&explain(fake, 10).unwrap()).unwrap()),
        ["--why-until-asked", fake] => {
            syskit::interrupt::listen();
            return println!("{}", explain(fake, 1).unwrap_err());
        }
        ["--solo", fake, runs] => {
            let mut track = fakes::make(fake);
            syskit::race::Track::run(&mut track, 0, runs.parse().unwrap()).unwrap();
            return;
        }
        _ => {}
    }
    let tests: [(&str, Test); 19] = [
        ("calls_and_bytes_of_one_thread", calls_and_bytes_of_one_thread),
        ("many_calls_are_counted_over_the_first_operations", many_calls_are_counted_over_the_first_operations),
        ("threads_made_on_the_way_are_followed", threads_made_on_the_way_are_followed),
        ("threads_that_were_there_before_are_followed", threads_that_were_there_before_are_followed),
        ("a_process_that_was_there_before_is_followed", a_process_that_was_there_before_is_followed),
        ("a_process_made_on_the_way_is_followed", a_process_made_on_the_way_is_followed),
        ("signals_are_delivered", signals_are_delivered),
        ("the_pin_to_one_cpu_cannot_be_seen", the_pin_to_one_cpu_cannot_be_seen),
        ("usage_is_not_distorted_by_the_trace", usage_is_not_distorted_by_the_trace),
        ("the_same_calls_as_strace_sees_between_the_markers", strace::same_as_log),
        ("the_same_counts_as_strace_sums_up", strace::same_as_summary),
        ("under_another_tracer_there_is_a_reason", under_another_tracer_there_is_a_reason),
        ("wrong_operations_are_an_error", endings::wrong_operations_are_an_error),
        ("a_death_before_the_trace_is_an_error", endings::a_death_before_the_trace_is_an_error),
        ("a_death_in_the_trace_is_a_reason", endings::a_death_in_the_trace_is_a_reason),
        ("what_hangs_is_killed_and_reaped", endings::what_hangs_is_killed_and_reaped),
        ("the_user_can_ask_for_the_end", endings::the_user_can_ask_for_the_end),
        ("nothing_outlives_a_killed_parent", endings::nothing_outlives_a_killed_parent),
        ("other_children_are_left_alone", endings::other_children_are_left_alone),
    ];
    let trials = tests.map(|(name, test)| Trial::test(name, test));
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn this() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

fn explain(fake: &str, operations: u64) -> syskit::Result<Why> {
    let mut command = this();
    command.args(["--why-child", fake, &operations.to_string()]);
    explain_within(command, Duration::from_secs(120))
}

/// The counts by name; panics with the reason where there are none.
fn counts(why: &Why) -> BTreeMap<&str, f64> {
    let calls = why.syscalls.as_ref().unwrap_or_else(|| panic!("{:?}", why.no_syscalls));
    calls.iter().map(|c| (c.name.as_str(), c.per_operation)).collect()
}

/// Whether this host lets a process trace its child at all; if not, says so.
fn can_trace() -> bool {
    let why = explain("files", 1).unwrap();
    why.syscalls.is_some() || {
        common::skip(&why.no_syscalls.unwrap());
        false
    }
}

fn calls_and_bytes_of_one_thread() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("files", 50)?;
    assert_eq!(counts(&why), BTreeMap::from([("read", 2.0), ("write", 1.0), ("lseek", 1.0)]));
    let calls = why.syscalls.unwrap();
    let of = |name: &str| calls.iter().find(|c| c.name == name).unwrap();
    assert_eq!((of("read").mean_bytes, of("read").even), (Some(2048.0), false), "half of the reads meet the end");
    assert_eq!((of("write").mean_bytes, of("write").even), (Some(4096.0), true));
    assert_eq!(of("lseek").mean_bytes, None);
    assert_eq!(why.operations, 50);
    Ok(())
}

fn many_calls_are_counted_over_the_first_operations() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("very-many", 40)?;
    assert_eq!(counts(&why), BTreeMap::from([("getppid", 20_000.0)]));
    assert!((1..40).contains(&why.operations), "{}", why.operations);
    Ok(())
}

fn threads_made_on_the_way_are_followed() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("threads", 20)?;
    let counts = counts(&why);
    assert_eq!(counts["getppid"], 6.0, "{counts:?}");
    assert_eq!(counts.get("clone3").or(counts.get("clone")), Some(&2.0), "{counts:?}");
    Ok(())
}

fn threads_that_were_there_before_are_followed() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("server", 50)?;
    let counts = counts(&why);
    let sent = counts.get("write").unwrap_or(&0.0) + counts.get("sendto").unwrap_or(&0.0);
    let received = counts.get("read").unwrap_or(&0.0) + counts.get("recvfrom").unwrap_or(&0.0);
    assert_eq!(sent, 2.0, "{counts:?}");
    // The server's first wait was entered before counting began, or not.
    assert!((1.98..=2.02).contains(&received), "{counts:?}");
    Ok(())
}

fn a_process_that_was_there_before_is_followed() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("helper", 50)?;
    let counts = counts(&why);
    assert_eq!(counts["write"], 2.0, "{counts:?}");
    assert!((1.98..=2.02).contains(&counts["read"]), "{counts:?}");
    Ok(())
}

fn a_process_made_on_the_way_is_followed() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("forks", 5)?;
    let counts = counts(&why);
    assert_eq!((counts["execve"] >= 1.0, counts["exit_group"]), (true, 1.0), "{counts:?}");
    assert!(why.usage.minor_faults > 10.0, "the child's faults belong to the operation: {:?}", why.usage);
    Ok(())
}

fn signals_are_delivered() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("signals", 10)?;
    let counts = counts(&why);
    assert_eq!((counts["tgkill"], counts["rt_sigreturn"]), (1.0, 1.0), "{counts:?}");
    Ok(())
}

fn the_pin_to_one_cpu_cannot_be_seen() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    assert!(counts(&explain("parallelism", 3)?)["sched_getaffinity"] >= 1.0);
    Ok(())
}

fn usage_is_not_distorted_by_the_trace() -> Result<(), Failed> {
    let why = explain("many", 5)?;
    // Every traced call switches to the tracer and back: 2000 calls would be thousands of switches.
    assert!(why.usage.voluntary_switches < 100.0, "{:?}", why.usage);
    assert!(why.usage.user_ns + why.usage.system_ns > 0.0, "{:?}", why.usage);
    assert!(why.pmu.is_some() || why.no_pmu.as_deref().is_some_and(|r| r.starts_with("no PMU: ")), "{why:?}");
    assert!(!why.line().is_empty());
    Ok(())
}

fn under_another_tracer_there_is_a_reason() -> Result<(), Failed> {
    if strace::is_missing() {
        return Ok(());
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null"]).arg(std::env::current_exe()?).args(["--why-parent", "files"]);
    let output = command.output()?;
    let why: Why = serde_json::from_slice(&output.stdout)?;
    assert_eq!(why.syscalls, None);
    let reason = why.no_syscalls.unwrap();
    assert!(reason.contains("EPERM") && reason.contains("traces it already"), "{reason}");
    assert!(why.usage.operations >= 10);
    Ok(())
}
