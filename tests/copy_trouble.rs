//! `syskit copy` in trouble: full disks, limits, sources that change, other file systems, other users.
//! Tools: setpriv (util-linux) drops privilege; mkfs.xfs (xfsprogs), mkfs.btrfs (btrfs-progs).

mod common;

use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::mounts::Mounted;
use common::trial::{Trial, wait_written};
use common::{Bench, Ran, names, noise, root, skip, syskit};

const BIG: usize = 64 << 20;

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
    let new = mounted.path().join("new");
    bench.copy(["source".as_ref(), new.as_os_str()]).fails(1, &["ENOSPC", "new was not made"]);
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
        let trial = Trial::new(2 * BIG);
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

#[test]
fn a_place_that_takes_no_new_files_is_told_from_one_that_may_not_be_written() {
    let bench = Bench::new();
    let source = bench.write("source", b"new");
    std::fs::create_dir(bench.path("gone")).unwrap();
    let script = "cd gone; rmdir ../gone; exec \"$0\" copy \"$1\" y";
    let mut sh = Command::new("sh");
    sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")]).arg(&source).current_dir(bench.dir());
    Ran::of(sh.output().unwrap()).fails(1, &["cannot write a new file", "the directory was removed"]);
    bench.copy(["source", "/proc/x"]).fails(1, &["/proc", "takes no new files"]);
    assert_eq!(bench.names(), ["source"]);
}

/// `syskit copy` as nobody, from a program that nobody may run.
fn as_nobody(bench: &Bench, args: &[&str]) -> Ran {
    let program = bench.path("syskit");
    // Not std::fs::copy: a process that another test starts meanwhile would hold the program open to be written (ETXTBSY).
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_syskit")).arg(&program).status().unwrap().success());
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
    as_nobody(&bench, &["source", "old"]).fails(4, &["renameat", "EPERM", "sticky bit", "another name"]);
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
