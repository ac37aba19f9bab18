//! `syskit crypt encrypt` and `decrypt` in trouble: full disks, signals, readers that go away.

mod common;

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use common::crypt::Vault;
use common::mounts::Mounted;
use common::trial::{signal, wait_for, wait_written};
use common::{Ran, noise, skip};
use nix::sys::signal::Signal;

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_new() {
    let mounted = match Mounted::tmpfs(4 << 20) {
        Ok(mounted) => mounted,
        Err(why) => return skip(&why),
    };
    let vault = Vault::new();
    vault.bench.write("text", &noise(5 << 20));
    let (old, new) = (mounted.path().join("old"), mounted.path().join("new"));
    std::fs::write(&old, b"old").unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    vault.with_key("encrypt", &["text", "-f", "-o", old]).fails(1, &["ENOSPC", "make room", "old is as it was"]);
    vault.with_key("encrypt", &["text", "-o", new]).fails(1, &["ENOSPC", "new was not made"]);
    vault.with_key("encrypt", &["text"]).ok();
    vault.with_key("decrypt", &["text.syskit", "-f", "-o", old]).fails(1, &["ENOSPC", "old is as it was"]);
    let script = "cat text.syskit | \"$0\" crypt decrypt - --key-file key";
    let mut sh = Command::new("sh");
    sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")])
        .current_dir(vault.bench.dir())
        .env("TMPDIR", mounted.path());
    let ran = Ran::of(sh.output().unwrap());
    ran.fails(1, &["cannot keep standard input", "ENOSPC", "TMPDIR"]);
    assert_eq!(ran.out, "");
    assert_eq!(
        (std::fs::read(old).unwrap(), common::names(mounted.path())),
        (b"old".to_vec(), vec!["old".to_owned()])
    );
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran =
        vault.command(["decrypt", "text.syskit", "-o", "-", "--key-file", "key"]).stdout(full).output().unwrap();
    Ran::of(ran).fails(1, &["standard output", "ENOSPC"]);
}

#[test]
fn a_signal_leaves_the_old_file_and_nothing_new() {
    let vault = Vault::new();
    let text = noise(96 << 20);
    vault.bench.write("text", &text);
    vault.with_key("encrypt", &["text"]).ok();
    vault.bench.write("old", b"old");
    let names = vault.bench.names();
    for (verb, source) in [("encrypt", "text"), ("decrypt", "text.syskit")] {
        for (sent, code) in [(Signal::SIGINT, Some(1)), (Signal::SIGTERM, Some(1)), (Signal::SIGKILL, None)] {
            let child = vault.command([verb, source, "-o", "old", "-f", "--key-file", "key"]).spawn().unwrap();
            wait_written(&child, 1 << 20);
            signal(&child, sent);
            let ran = Ran::of(child.wait_with_output().unwrap());
            assert_eq!(vault.bench.names(), names);
            if ran.code == Some(0) {
                // It was done before the signal came.
                vault.bench.write("old", b"old");
                continue;
            }
            assert_eq!((ran.code, vault.bench.read("old")), (code, b"old".to_vec()));
            assert!(code.is_none() || ran.err.contains("interrupted: old is as it was"), "{}", ran.err);
        }
    }
}

#[test]
fn ctrl_c_ends_the_wait_for_input() {
    let vault = Vault::new();
    for verb in ["encrypt", "decrypt"] {
        let mut child =
            vault.command([verb, "-", "-o", "x", "--key-file", "key"]).stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let (poll, now) = (format!("{} ", nix::libc::SYS_poll), format!("/proc/{}/syscall", child.id()));
        wait_for("poll", || std::fs::read_to_string(&now).is_ok_and(|s| s.starts_with(&poll)));
        signal(&child, Signal::SIGINT);
        Ran::of(child.wait_with_output().unwrap()).fails(1, &["interrupted: x was not made"]);
        drop(stdin);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let vault = Vault::new();
    vault.bench.write("text", &noise(4 << 20));
    vault.with_key("encrypt", &["text"]).ok();
    for args in [["encrypt", "text"], ["decrypt", "text.syskit"]] {
        let mut child = vault.command([&args[..], &["-o", "-", "--key-file", "key"]].concat()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::of(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    }
}
