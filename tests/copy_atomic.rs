//! `syskit copy`: DST is the old file or the whole new one, whatever happens, and nothing else is left behind.
//! Tool: strace (strace) makes calls slow or fail.

mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::trial::{Trial, signal, wait_for, wait_written};
use common::{Bench, Ran, skip, syskit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const BIG: usize = 64 << 20;

fn kill_trials(trial: &Trial, args: &[&str], longest: Duration, times: u32) -> u32 {
    let mut new = 0;
    for round in 0..times {
        trial.to.write("old", b"old");
        let child = trial.start(args);
        std::thread::sleep(longest * round / times);
        signal(&child, Signal::SIGKILL);
        // The child that does the last step may outlive its parent: it holds the pipes open until then.
        child.wait_with_output().unwrap();
        new += u32::from(trial.is_new());
    }
    new
}

#[test]
fn a_kill_at_any_moment_leaves_the_old_or_the_new_file_and_no_litter() {
    let big = Trial::new(BIG);
    let whole = Instant::now();
    Ran::of(big.start(&[]).wait_with_output().unwrap()).ok();
    let whole = whole.elapsed();
    kill_trials(&big, &[], whole * 5 / 4, 30);
    // A small copy is mostly start and last step.
    let small = Trial::new(1000);
    kill_trials(&small, &[], Duration::from_millis(6), 40);
}

/// strace with `args` on a copy, or None where there is no strace (or no permission to trace).
fn strace(trial: &Trial, args: &[&str]) -> Option<Command> {
    if !Command::new("strace").args(["-f", "true"]).output().is_ok_and(|o| o.status.success()) {
        skip("strace does not work here");
        return None;
    }
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-P"]).arg(trial.to.dir()).args(args).arg(env!("CARGO_BIN_EXE_syskit"));
    strace.arg("copy").arg(trial.from.path("source")).arg(trial.to.path("old"));
    strace.stdout(Stdio::piped()).stderr(Stdio::piped());
    Some(strace)
}

/// The process that `parent` started, once there is one of that name.
fn child_of(parent: &Child) -> Pid {
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let mut found = None;
    wait_for("the traced process", || {
        let text = std::fs::read_to_string(&children).unwrap_or_default();
        let is_ours = |pid: &&str| {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == "syskit")
        };
        found = text.split_whitespace().find(is_ours).map(|pid| Pid::from_raw(pid.parse().unwrap()));
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_kill_between_link_and_rename_still_ends_with_the_new_file() {
    let trial = Trial::new(1000);
    let slow = ["-e", "trace=renameat", "-e", "inject=renameat:delay_enter=500000"];
    let Some(mut command) = strace(&trial, &slow) else { return };
    let tracer = command.spawn().unwrap();
    let traced = child_of(&tracer);
    wait_for("the passing name", || trial.to.names().len() == 2);
    assert_eq!(trial.to.names(), [".old.syskit-0", "old"]);
    kill(traced, Signal::SIGKILL).unwrap();
    wait_for("the last step", || trial.to.names() == ["old"]);
    assert!(trial.is_new(), "the step was not finished");
    let _ = tracer.wait_with_output();
}

/// Makes O_TMPFILE fail as a file system does that has none.
const NO_TMPFILE: [&str; 4] = ["-e", "trace=openat", "-e", "inject=openat:error=EOPNOTSUPP:when=2"];

#[test]
fn without_unnamed_files_a_passing_name_serves_and_vanishes() {
    let trial = Trial::new(BIG / 4);
    let Some(mut command) = strace(&trial, &NO_TMPFILE) else { return };
    let ran = Ran::of(command.output().unwrap());
    assert!(ran.ok().err.contains(".old.syskit-0"), "the fallback was not taken: {}", ran.err);
    assert!(trial.is_new());

    // Interrupted, the name is taken away again.
    trial.to.write("old", b"old");
    let mut tracer = strace(&trial, &NO_TMPFILE).unwrap().args(["--via", "read_write"]).spawn().unwrap();
    wait_for("the passing name", || trial.to.names().len() == 2);
    kill(child_of(&tracer), Signal::SIGINT).unwrap();
    assert_eq!(tracer.wait().unwrap().code(), Some(1));
    assert!(!trial.is_new());

    // Killed, it stays, until the next copy to that name finds that its owner is gone.
    let mut tracer = strace(&trial, &NO_TMPFILE).unwrap().args(["--via", "read_write"]).spawn().unwrap();
    wait_for("the passing name", || trial.to.names().len() == 2);
    kill(child_of(&tracer), Signal::SIGKILL).unwrap();
    tracer.wait().unwrap();
    assert_eq!(trial.to.names(), [".old.syskit-0", "old"]);
    Ran::of(trial.start(&[]).wait_with_output().unwrap()).ok();
    assert!(trial.is_new());
}

#[test]
fn many_copies_to_one_name_at_a_time_leave_one_whole_file() {
    let trial = Trial::new(300_000);
    for _ in 0..5 {
        let running: Vec<Child> = (0..8).map(|_| trial.start(&[])).collect();
        for child in running {
            Ran::of(child.wait_with_output().unwrap()).ok();
        }
        assert!(trial.is_new());
    }
}

#[test]
fn ctrl_c_leaves_the_old_file_and_says_so() {
    let trial = Trial::new(BIG);
    for via in ["read_write", "mmap"] {
        let child = trial.start(&["--via", via]);
        wait_written(&child, 1 << 20);
        signal(&child, Signal::SIGINT);
        let ran = Ran::of(child.wait_with_output().unwrap());
        if ran.code == Some(0) {
            // It was done before the signal came.
            assert!(trial.is_new());
            trial.to.write("old", b"old");
            continue;
        }
        ran.fails(1, &["interrupted", "old is as it was"]);
        assert!(!trial.is_new());
    }
}

#[test]
fn ctrl_c_ends_the_wait_for_a_pipe() {
    let bench = Bench::new();
    bench.write("old", b"old");
    nix::unistd::mkfifo(&bench.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for source in ["-", "fifo"] {
        let mut command = syskit(bench.dir());
        let child =
            command.args(["copy", source, "old"]).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let stdin = child.stdin.take();
        let wchan = format!("/proc/{}/syscall", child.id());
        let poll = format!("{} ", nix::libc::SYS_poll);
        wait_for("poll", || std::fs::read_to_string(&wchan).is_ok_and(|s| s.starts_with(&poll)));
        signal(&child, Signal::SIGINT);
        Ran::of(child.wait_with_output().unwrap()).fails(1, &["interrupted", "old is as it was"]);
        drop(stdin);
    }
    assert_eq!((bench.read("old"), bench.names()), (b"old".to_vec(), vec!["fifo".to_owned(), "old".to_owned()]));
}

#[test]
fn ctrl_c_ends_the_wait_for_a_reader() {
    let bench = Bench::new();
    bench.write("source", b"x");
    nix::unistd::mkfifo(&bench.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut command = syskit(bench.dir());
    let child =
        command.args(["copy", "source", "fifo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let now = format!("/proc/{}/syscall", child.id());
    let sleeping = format!("{} ", nix::libc::SYS_clock_nanosleep);
    wait_for("the sleep", || std::fs::read_to_string(&now).is_ok_and(|s| s.starts_with(&sleeping)));
    signal(&child, Signal::SIGINT);
    Ran::of(child.wait_with_output().unwrap()).fails(1, &["interrupted", "nobody reads fifo"]);
}
