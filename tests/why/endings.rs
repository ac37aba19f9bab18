//! Passes that end badly: wrong results, deaths, hangs, interrupts; nothing may be left behind.
#![allow(missing_docs)]

use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use syskit::error::Kind;
use syskit::race::why::explain_within;

use crate::{can_trace, explain, this};

pub fn wrong_operations_are_an_error() -> Result<(), Failed> {
    let error = explain("wrong", 5).unwrap_err();
    assert_eq!((error.kind, error.to_string().as_str()), (Kind::Wrong, "0 bytes, not 1"));
    if can_trace() {
        assert_eq!(explain("wrong-when-traced", 5).unwrap_err().kind, Kind::Wrong);
    }
    Ok(())
}

pub fn a_death_before_the_trace_is_an_error() -> Result<(), Failed> {
    let error = explain("dies", 5).unwrap_err();
    assert!(error.to_string().contains("was killed by SIGABRT"), "{error}");
    let error = explain("no-such-fake", 5).unwrap_err();
    assert!(error.to_string().contains("101"), "the last words of a panic are told: {error}");
    Ok(())
}

pub fn a_death_in_the_trace_is_a_reason() -> Result<(), Failed> {
    if !can_trace() {
        return Ok(());
    }
    let why = explain("dies-when-traced", 5)?;
    assert_eq!(why.syscalls, None);
    assert!(why.no_syscalls.as_deref().unwrap().contains("was killed by SIGABRT"), "{why:?}");
    assert!(why.usage.operations >= 5);
    Ok(())
}

pub fn what_hangs_is_killed_and_reaped() -> Result<(), Failed> {
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

/// Starts a parent whose pass hangs with a child; the pid of that child, once it is there.
fn hanging(file: &std::path::Path, mode: &str) -> Result<(std::process::Child, String), Failed> {
    let mut command = this();
    command
        .args([mode, "hangs-with-a-child"])
        .env("FAKE_PID_FILE", file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let parent = command.spawn()?;
    for _ in 0..500 {
        match std::fs::read_to_string(file) {
            Ok(pid) if !pid.is_empty() => return Ok((parent, pid)),
            _ => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    Err("the pass did not get to its child".into())
}

pub fn the_user_can_ask_for_the_end() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("pid");
    let (parent, _) = hanging(&file, "--why-until-asked")?;
    kill(Pid::from_raw(parent.id() as i32), Signal::SIGINT)?;
    let output = parent.wait_with_output()?;
    assert_eq!(String::from_utf8(output.stdout)?.trim(), "the why pass: it was interrupted");
    assert!(!alive(&file)?, "the operation's own child");
    Ok(())
}

pub fn nothing_outlives_a_killed_parent() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("pid");
    let (mut parent, pid) = hanging(&file, "--why-parent")?;
    // The pass's process is the parent of the operation's child.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let pass = status.lines().find_map(|l| l.strip_prefix("PPid:")).unwrap_or_default().trim();
    std::fs::write(&file, pass)?;
    parent.kill()?;
    parent.wait()?;
    let left = alive(&file)?;
    // A program that an operation started is its own affair once its parent is gone; ours ends here.
    let _ = kill(Pid::from_raw(pid.parse()?), Signal::SIGKILL);
    assert!(!left, "process {pass} is still there");
    Ok(())
}

pub fn other_children_are_left_alone() -> Result<(), Failed> {
    let mut other = Command::new("false").spawn()?;
    std::thread::sleep(Duration::from_millis(100));
    explain("files", 5)?;
    assert_eq!(other.wait()?.code(), Some(1), "its status was not taken away");
    Ok(())
}
