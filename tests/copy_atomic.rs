//! `syskit copy`: DST is the old file or the whole new one, whatever happens, and nothing else is left behind.
//! Tools: strace (strace) makes calls slow or fail, setpriv (util-linux) drops privilege.

mod common;

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::mounts::Mounted;
use common::{Bench, Ran, names, noise, root, skip, syskit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const BIG: usize = 64 << 20;

/// Source and destination directories of their own, and an old file at the destination.
struct Trial {
    from: Bench,
    to: Bench,
    new: Vec<u8>,
}

impl Trial {
    fn new(len: usize) -> Self {
        let (from, to, new) = (Bench::new(), Bench::new(), noise(len));
        from.write("source", &new);
        to.write("old", b"old");
        Trial { from, to, new }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = syskit(self.to.dir());
        command.arg("copy").arg(self.from.path("source")).arg(self.to.path("old")).args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Whether the new content is there; the old or nothing else may be, and no other name.
    fn is_new(&self) -> bool {
        let there = self.to.read("old");
        assert!(there == b"old" || there == self.new, "{} bytes, neither old nor new", there.len());
        assert_eq!(self.to.names(), ["old"]);
        there != b"old"
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited for {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Waits until a process has written so many bytes.
fn wait_written(child: &Child, bytes: u64) {
    let io = format!("/proc/{}/io", child.id());
    wait_for("the first bytes", || {
        let text = std::fs::read_to_string(&io).unwrap_or_default();
        let written = text.lines().find_map(|l| l.strip_prefix("wchar: ")?.parse::<u64>().ok());
        written.is_none_or(|n| n >= bytes)
    });
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}

fn kill_trials(trial: &Trial, args: &[&str], longest: Duration, times: u32) -> u32 {
    let mut new = 0;
    for round in 0..times {
        trial.to.write("old", b"old");
        let mut child = trial.start(args);
        std::thread::sleep(longest * round / times);
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        // The child that does the last step may outlive its parent for a moment.
        wait_for("the last step", || trial.to.names() == ["old"]);
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
    let mut tracer = command.spawn().unwrap();
    let traced = child_of(&tracer);
    wait_for("the passing name", || trial.to.names().len() == 2);
    assert_eq!(trial.to.names(), [".old.syskit-0", "old"]);
    kill(traced, Signal::SIGKILL).unwrap();
    wait_for("the last step", || trial.to.names() == ["old"]);
    assert!(trial.is_new(), "the step was not finished");
    let _ = tracer.wait();
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
fn a_full_disk_leaves_the_old_file() {
    let mounted = match Mounted::tmpfs(8 << 20) {
        Ok(mounted) => mounted,
        Err(why) => return skip(&why),
    };
    let bench = Bench::new();
    let old = mounted.path().join("old");
    std::fs::write(&old, b"old").unwrap();
    // Little more than there is room for, and so much that room is asked for beforehand; known length and a pipe.
    for (len, call) in [(9 << 20, ""), (70 << 20, "fallocate")] {
        bench.write("source", &noise(len));
        for via in ["auto", "read_write", "mmap", "sendfile", "splice", "copy_file_range", "io_uring"] {
            let ran = bench.copy(["source".as_ref(), old.as_os_str(), "--via".as_ref(), via.as_ref()]);
            if ran.code == Some(3) && via == "copy_file_range" {
                continue;
            }
            ran.fails(1, &["source", "old", "ENOSPC", "make room", "as it was", call]);
        }
        let script = "cat source | \"$0\" copy - \"$1\"";
        let mut sh = Command::new("sh");
        sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")]).arg(&old).current_dir(bench.dir());
        Ran::of(sh.output().unwrap()).fails(1, &["ENOSPC"]);
    }
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
    assert_eq!(names(mounted.path()), ["old"]);
}

#[test]
fn another_file_system_is_reached_by_auto() {
    let mounted = match Mounted::tmpfs(8 << 20) {
        Ok(mounted) => mounted,
        Err(why) => return skip(&why),
    };
    let bench = Bench::new();
    let content = noise((1 << 20) + 3);
    bench.write("source", &content);
    let ran = bench.copy(["source".as_ref(), mounted.path().as_os_str(), "--json".as_ref()]);
    let document: serde_json::Value = serde_json::from_str(&ran.ok().out).unwrap();
    assert_eq!(document["passed_over"][0]["method"], "reflink");
    assert!(std::fs::read(mounted.path().join("source")).unwrap() == content);
}

#[test]
fn blocks_are_shared_where_they_can_be() {
    for kind in ["xfs", "btrfs"] {
        let mounted = match Mounted::on_loop(kind) {
            Ok(mounted) => mounted,
            Err(why) => {
                skip(&format!("{kind}: {why}"));
                continue;
            }
        };
        std::fs::write(mounted.path().join("source"), noise((5 << 20) + 5)).unwrap();
        for via in ["auto", "reflink"] {
            let ran =
                syskit(mounted.path()).args(["copy", "source", "copy", "--json", "--via", via]).output().unwrap();
            let document: serde_json::Value = serde_json::from_str(&Ran::of(ran).ok().out).unwrap();
            assert_eq!((&document["via"], document["data_bytes"].as_u64()), (&"reflink".into(), Some(0)), "{kind}");
            let cmp = Command::new("cmp").args(["source", "copy"]).current_dir(mounted.path()).status().unwrap();
            assert!(cmp.success());
        }
        for via in ["direct", "copy_file_range", "io_uring"] {
            let ran = syskit(mounted.path()).args(["copy", "source", "copy", "--verify", "--via", via]).output();
            Ran::of(ran.unwrap()).ok();
        }
    }
}

#[test]
fn a_file_size_limit_is_an_error_not_a_signal() {
    let trial = Trial::new(1 << 20);
    let script = "ulimit -f 128; exec \"$0\" copy \"$1\" \"$2\" --via \"$3\"";
    for via in ["read_write_256k", "mmap", "sendfile", "splice", "copy_file_range", "io_uring"] {
        let mut sh = Command::new("bash");
        sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")])
            .arg(trial.from.path("source"))
            .arg(trial.to.path("old"));
        Ran::of(sh.arg(via).output().unwrap()).fails(1, &["EFBIG"]);
        assert!(!trial.is_new());
    }
}

#[test]
fn a_source_that_shrinks_under_way_is_an_error_without_sigbus() {
    for via in ["mmap", "read_write", "sendfile_4k", "io_uring"] {
        let trial = Trial::new(4 * BIG);
        let child = trial.start(&["--via", via]);
        if via == "io_uring" {
            std::thread::sleep(Duration::from_millis(30));
        } else {
            wait_written(&child, 1 << 20);
        }
        let source = OpenOptions::new().write(true).open(trial.from.path("source")).unwrap();
        source.set_len(100).unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        if ran.code == Some(0) {
            eprint(&format!("{via} was done before the source shrank"));
            continue;
        }
        ran.fails(1, &["source", "shrank", "old is as it was"]);
        assert!(!trial.is_new());
    }
}

#[test]
fn a_source_that_grows_under_way_is_copied_up_to_its_first_size() {
    for via in ["read_write", "mmap"] {
        let trial = Trial::new(2 * BIG);
        let child = trial.start(&["--via", via, "--json"]);
        wait_written(&child, 1 << 20);
        let mut source = OpenOptions::new().append(true).open(trial.from.path("source")).unwrap();
        source.write_all(b"more").unwrap();
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert!(trial.is_new(), "{}", ran.ok().err);
        let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
        if document["source_changed"]["kind"] == "grew" {
            assert_eq!(document["source_changed"]["bytes"], 4);
            assert!(ran.err.contains("grew by 4 bytes"), "{}", ran.err);
        } else {
            eprint(&format!("{via} was done before the source grew"));
        }
    }
}

#[allow(clippy::print_stderr)]
fn eprint(text: &str) {
    eprintln!("{text}");
}

/// `syskit copy` as nobody, from a program that nobody may run.
fn as_nobody(bench: &Bench, args: &[&str]) -> Ran {
    let program = bench.path("syskit");
    std::fs::copy(env!("CARGO_BIN_EXE_syskit"), &program).unwrap();
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program).arg("copy").args(args);
    let ran = Ran::of(setpriv.current_dir(bench.dir()).output().unwrap());
    std::fs::remove_file(program).unwrap();
    ran
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_not_permitted_is_named_and_changes_nothing() {
    if !root() {
        return skip("dropping privilege needs root");
    }
    let bench = Bench::new();
    chmod(bench.dir(), 0o755);
    chmod(&bench.write("source", b"new"), 0o644);
    chmod(&bench.write("secret", b"new"), 0o600);
    chmod(&bench.write("old", b"old"), 0o666);
    as_nobody(&bench, &["secret", "x"]).fails(4, &["secret", "open", "EACCES"]);
    as_nobody(&bench, &["source", "x"]).fails(4, &["EACCES", "write permission for its directory"]);
    as_nobody(&bench, &["source", "old"]).fails(4, &["EACCES", "replaced as a whole"]);
    assert_eq!((bench.read("old"), bench.names().len()), (b"old".to_vec(), 3));
    // In a directory with the sticky bit a file of others cannot be replaced, only made beside it.
    chmod(bench.dir(), 0o1777);
    as_nobody(&bench, &["source", "old"]).fails(4, &["renameat", "EPERM"]);
    assert_eq!((bench.read("old"), bench.names().len()), (b"old".to_vec(), 3));
}

#[test]
fn set_user_id_is_kept_only_for_the_same_owner() {
    if !root() {
        return skip("dropping privilege needs root");
    }
    let bench = Bench::new();
    chmod(bench.dir(), 0o777);
    chmod(&bench.write("source", b"#!"), 0o6755);
    as_nobody(&bench, &["source", "theirs"]).ok();
    bench.copy(["source", "ours"]).ok();
    let mode = |name: &str| bench.path(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("theirs"), mode("ours")), (0o755, 0o6755));
}
