//! The why pass against processes whose system calls are known, and against strace(1) (Debian package strace).
//!
//! This binary is its own child: `why --why-child FAKE OPERATIONS` is what the pass traces.

mod why {
    pub mod fakes;
}
mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use syskit::error::Kind;
use syskit::race::why::{Why, child, explain_within, marker};
use why::fakes;

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
        ["--solo", fake, runs] => {
            let mut track = fakes::make(fake);
            return (0..runs.parse().unwrap()).for_each(|_| {
                syskit::race::Track::run(&mut track, 0).unwrap();
            });
        }
        _ => {}
    }
    let tests: [(&str, Test); 17] = [
        ("calls_and_bytes_of_one_thread", calls_and_bytes_of_one_thread),
        ("many_calls_are_counted_over_the_first_operations", many_calls_are_counted_over_the_first_operations),
        ("threads_made_on_the_way_are_followed", threads_made_on_the_way_are_followed),
        ("threads_that_were_there_before_are_followed", threads_that_were_there_before_are_followed),
        ("a_process_that_was_there_before_is_followed", a_process_that_was_there_before_is_followed),
        ("a_process_made_on_the_way_is_followed", a_process_made_on_the_way_is_followed),
        ("signals_are_delivered", signals_are_delivered),
        ("the_pin_to_one_cpu_cannot_be_seen", the_pin_to_one_cpu_cannot_be_seen),
        ("usage_is_not_distorted_by_the_trace", usage_is_not_distorted_by_the_trace),
        ("the_same_calls_as_strace_sees_between_the_markers", same_as_strace_log),
        ("the_same_counts_as_strace_sums_up", same_as_strace_summary),
        ("under_another_tracer_there_is_a_reason", under_another_tracer_there_is_a_reason),
        ("wrong_operations_are_an_error", wrong_operations_are_an_error),
        ("a_death_before_the_trace_is_an_error", a_death_before_the_trace_is_an_error),
        ("a_death_in_the_trace_is_a_reason", a_death_in_the_trace_is_a_reason),
        ("what_hangs_is_killed_and_reaped", what_hangs_is_killed_and_reaped),
        ("other_children_are_left_alone", other_children_are_left_alone),
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
    explain_within(command, Duration::from_secs(20))
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
    let why = explain("very-many", 100)?;
    assert_eq!(counts(&why), BTreeMap::from([("getppid", 20_000.0)]));
    assert!((1..100).contains(&why.operations), "{}", why.operations);
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

fn strace_is_missing() -> bool {
    let missing = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err();
    if missing {
        common::skip("strace is not installed (Debian package strace)");
    }
    missing
}

/// Plays the parent that does not trace, for a child under strace, and counts the lines between the markers.
fn strace_log(fake: &str, operations: u64) -> Result<BTreeMap<String, f64>, Failed> {
    let directory = tempfile::tempdir()?;
    let log = directory.path().join("log");
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&log).arg(std::env::current_exe()?);
    command.args(["--why-child", fake, &operations.to_string()]);
    let mut child = command.env("SYSKIT_WHY_FD", "0").stdin(OwnedFd::from(theirs)).spawn()?;
    let mut said = String::new();
    BufReader::new(&ours).read_line(&mut said)?;
    (&ours).write_all(b"T")?;
    assert!(child.wait()?.success(), "{said}");
    let text = std::fs::read_to_string(&log)?;
    let (begin, end) = (format!("close({})", marker::BEGIN), format!("close({})", marker::END));
    let next = format!("close({})", marker::NEXT);
    let within = text.lines().skip_while(|l| !l.contains(&begin)).skip(1).take_while(|l| !l.contains(&end));
    let within = within.filter(|l| !l.contains(&next));
    let name = |line: &str| {
        let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let (name, _) = call.split_once('(')?;
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then(|| name.to_owned())
    };
    let mut counts = BTreeMap::new();
    within.filter_map(name).for_each(|n| *counts.entry(n).or_default() += 1.0 / operations as f64);
    Ok(counts)
}

fn same_as_strace_log() -> Result<(), Failed> {
    if strace_is_missing() || !can_trace() {
        return Ok(());
    }
    for fake in ["files", "signals", "many"] {
        let why = explain(fake, 8)?;
        let ours: BTreeMap<String, f64> = counts(&why).into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
        let theirs = strace_log(fake, 8)?;
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs, "{fake}");
    }
    Ok(())
}

/// `strace -c -f` of a whole process: what more runs add to it is what runs cost.
fn strace_summary(fake: &str, runs: u64) -> Result<BTreeMap<String, i64>, Failed> {
    let directory = tempfile::tempdir()?;
    let summary = directory.path().join("summary");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-U", "calls,name", "-o"]).arg(&summary).arg(std::env::current_exe()?);
    assert!(command.args(["--solo", fake, &runs.to_string()]).status()?.success());
    let text = std::fs::read_to_string(&summary)?;
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse::<i64>().ok()?, words.next()?.to_owned()))
    };
    Ok(text.lines().filter_map(row).filter(|(_, n)| n != "total").map(|(count, name)| (name, count)).collect())
}

fn same_as_strace_summary() -> Result<(), Failed> {
    if strace_is_missing() || !can_trace() {
        return Ok(());
    }
    for (fake, compared) in [
        ("files", &["read", "write", "lseek", "getppid"][..]),
        // What a thread does last may fall behind the end marker.
        ("threads", &["getppid", "clone3", "clone", "rseq"]),
        ("server", &["write", "sendto"]),
        ("forks", &["execve", "openat", "wait4", "waitid"]),
    ] {
        let (few, more) = (strace_summary(fake, 5)?, strace_summary(fake, 25)?);
        let why = explain(fake, 20)?;
        let ours = counts(&why);
        for name in compared {
            let of = |counts: &BTreeMap<String, i64>| counts.get(*name).copied().unwrap_or(0);
            let theirs = (of(&more) - of(&few)) as f64 / 20.0;
            assert_eq!(ours.get(name).copied().unwrap_or(0.0), theirs, "{fake}: {name}: {ours:?}");
        }
    }
    Ok(())
}

fn under_another_tracer_there_is_a_reason() -> Result<(), Failed> {
    if strace_is_missing() {
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

fn wrong_operations_are_an_error() -> Result<(), Failed> {
    let error = explain("wrong", 5).unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (Kind::Wrong, "0 bytes, not 1"));
    if can_trace() {
        assert_eq!(explain("wrong-when-traced", 5).unwrap_err().kind, Kind::Wrong);
    }
    Ok(())
}

fn a_death_before_the_trace_is_an_error() -> Result<(), Failed> {
    let error = explain("dies", 5).unwrap_err();
    assert!(error.to_string().contains("was killed by SIGABRT"), "{error}");
    let error = explain("no-such-fake", 5).unwrap_err();
    assert!(error.to_string().contains("101"), "the last words of a panic are told: {error}");
    Ok(())
}

fn a_death_in_the_trace_is_a_reason() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("dies-when-traced", 5)?;
    assert_eq!(why.syscalls, None);
    assert!(why.no_syscalls.as_deref().unwrap().contains("was killed by SIGABRT"), "{why:?}");
    assert!(why.usage.operations >= 5);
    Ok(())
}

fn what_hangs_is_killed_and_reaped() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("pid");
    let within = |fake: &str| {
        let mut command = this();
        command.args(["--why-child", fake, "1"]).env("FAKE_PID_FILE", &file);
        explain_within(command, Duration::from_secs(3))
    };
    let error = within("hangs").unwrap_err();
    assert!(error.to_string().contains("did not end within 3 s and was killed"), "{error}");
    within("hangs-with-a-child").unwrap_err();
    // The grandchild is init's to reap, or whoever stands in for it.
    let stat = format!("/proc/{}/stat", std::fs::read_to_string(&file)?);
    assert!(std::fs::read_to_string(stat).is_ok_and(|s| s.contains(") Z ")) || !alive(&file)?);
    if can_trace() {
        let why = within("hangs-when-traced")?;
        assert!(why.no_syscalls.as_deref().unwrap().contains("did not end within 3 s"), "{why:?}");
    }
    assert_eq!(zombies(), 0);
    Ok(())
}

fn alive(file: &std::path::Path) -> Result<bool, Failed> {
    for _ in 0..100 {
        if !std::path::Path::new(&format!("/proc/{}", std::fs::read_to_string(file)?)).exists() {
            return Ok(false);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(true)
}

/// Dead children of this process that nobody has waited for. Other tests have children that live or are waited for.
fn zombies() -> usize {
    let own = std::process::id().to_string();
    let is_zombie = |stat: &str| {
        let mut fields = stat.rsplit_once(')').unwrap_or_default().1.split_whitespace();
        fields.next() == Some("Z") && fields.next() == Some(own.as_str())
    };
    let count = || {
        let stats = std::fs::read_dir("/proc").unwrap().flatten().map(|e| e.path().join("stat"));
        stats.filter_map(|p| std::fs::read_to_string(p).ok()).filter(|s| is_zombie(s)).count()
    };
    // A child of another test may have ended a moment ago and be waited for the next.
    (0..50).map(|_| (count(), std::thread::sleep(Duration::from_millis(20))).0).min().unwrap_or(0)
}

fn other_children_are_left_alone() -> Result<(), Failed> {
    let mut other = Command::new("false").spawn()?;
    std::thread::sleep(Duration::from_millis(100));
    explain("files", 5)?;
    assert_eq!(other.wait()?.code(), Some(1), "its status was not taken away");
    Ok(())
}
