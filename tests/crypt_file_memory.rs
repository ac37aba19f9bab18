//! `syskit crypt encrypt` and `decrypt` take little memory whatever the size. SYSKIT_BIG=1 tries 3 GiB.
//!
//! A test binary of its own: what a child has at most is never less than what its parent had when it was started.

mod common;

use std::fs::File;
use std::process::Command;

use common::Ran;
use common::crypt::{Vault, typed};
use nix::sys::resource::{UsageWho, getrusage};

/// What a file may take besides what the program itself has, in MiB: Argon2id has 46 of them.
const MOST: i64 = 50;

/// The most memory that any process which this one has waited for had, in MiB.
fn peak() -> i64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() >> 10
}

#[test]
fn a_large_file_takes_little_memory() {
    let vault = Vault::new();
    // The program's own pages are more in a build for tests.
    Ran::of(Command::new(env!("CARGO_BIN_EXE_syskit")).args(["crypt", "hash", "/dev/null"]).output().unwrap()).ok();
    let most = peak() + MOST;
    let big = if std::env::var_os("SYSKIT_BIG").is_some() { (3 << 30) + 7 } else { (256 << 20) + 7 };
    File::create(vault.bench.path("text")).unwrap().set_len(big).unwrap();
    vault.with_key("encrypt", &["text"]).ok();
    vault.with_key("decrypt", &["text.syskit", "-o", "back"]).ok();
    vault.bench.cmp("text", "back");
    vault.with_key("decrypt", &["text.syskit", "-o", "/dev/null"]).ok();
    std::fs::remove_file(vault.bench.path("back")).unwrap();
    let script =
        "cat text | \"$0\" crypt encrypt - --key-file key | \"$0\" crypt decrypt - --key-file key | cmp - text";
    let mut sh = Command::new("sh");
    sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")]).current_dir(vault.bench.dir());
    Ran::of(sh.output().unwrap()).ok();
    assert!(peak() < most, "{} MiB with a key file", peak());
    // Argon2id has most of its memory before the chunks are begun.
    typed(&vault, &["correct horse", "correct horse"], &["encrypt", "text", "-f"]).ok();
    typed(&vault, &["correct horse"], &["decrypt", "text.syskit", "-o", "back"]).ok();
    assert!(peak() < most, "{} MiB with a passphrase", peak());
}
