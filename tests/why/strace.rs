//! strace(1) as the oracle of the counts.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use syskit::race::why::marker;

use crate::{can_trace, common, counts, explain};

/// Whether there is no strace here; says so.
pub fn is_missing() -> bool {
    let missing = Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err();
    if missing {
        common::skip("strace is not installed (Debian package strace)");
    }
    missing
}

/// Plays the parent that does not trace, for a child under strace, and counts the lines between the markers.
fn log(fake: &str, operations: u64) -> Result<BTreeMap<String, f64>, Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("log");
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new("strace");
    command.args(["-f", "-o"]).arg(&file).arg(std::env::current_exe()?);
    command.args(["--why-child", fake, &operations.to_string()]);
    let mut child = command.env("SYSKIT_WHY_FD", "0").stdin(OwnedFd::from(theirs)).spawn()?;
    let mut said = String::new();
    BufReader::new(&ours).read_line(&mut said)?;
    (&ours).write_all(b"T")?;
    assert!(child.wait()?.success(), "{said}");
    let text = std::fs::read_to_string(&file)?;
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

/// Ours between the markers against the lines of a log between the markers.
pub fn same_as_log() -> Result<(), Failed> {
    if is_missing() || !can_trace() {
        return Ok(());
    }
    for fake in ["files", "signals", "many"] {
        let why = explain(fake, 8)?;
        let ours: BTreeMap<String, f64> = counts(&why).into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
        let theirs = log(fake, 8)?;
        assert!(!theirs.is_empty());
        assert_eq!(ours, theirs, "{fake}");
    }
    Ok(())
}

/// `strace -c -f` of a whole process: what more runs add to it is what runs cost.
fn summary(fake: &str, runs: u64) -> Result<BTreeMap<String, i64>, Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("summary");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-U", "calls,name", "-o"]).arg(&file).arg(std::env::current_exe()?);
    assert!(command.args(["--solo", fake, &runs.to_string()]).status()?.success());
    let text = std::fs::read_to_string(&file)?;
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.parse::<i64>().ok()?, words.next()?.to_owned()))
    };
    Ok(text.lines().filter_map(row).filter(|(_, n)| n != "total").map(|(count, name)| (name, count)).collect())
}

/// Ours against what `strace -c -f` adds up.
pub fn same_as_summary() -> Result<(), Failed> {
    if is_missing() || !can_trace() {
        return Ok(());
    }
    for (fake, compared) in [
        ("files", &["read", "write", "lseek", "getppid"][..]),
        // What a thread does last may fall behind the end marker.
        ("threads", &["getppid", "clone3", "clone", "rseq"]),
        ("server", &["write", "sendto"]),
        ("forks", &["execve", "openat", "wait4", "waitid"]),
    ] {
        let (few, more) = (summary(fake, 5)?, summary(fake, 25)?);
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
