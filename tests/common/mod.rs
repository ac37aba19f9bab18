//! What integration tests share: the program under test, loud skips, console blocks.
#![allow(dead_code)] // Each test binary uses its own part

pub mod capture_file;
pub mod console;
pub mod crypt;
pub mod lab;
pub mod made;
pub mod mounts;
pub mod offline;
pub mod packets;
pub mod samples;
pub mod trial;
pub mod wire;
mod workbench;

#[allow(unused_imports)] // as above
pub use workbench::{Bench, Ran, names, noise, root, syskit};

use std::process::{Command, Output};

/// The program under test, with nothing of the terminal's or the user's taste in its environment.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.args(args).env("LC_ALL", "C").env_remove("NO_COLOR");
    command
}

/// Runs it to its end.
pub fn run(args: &[&str]) -> Output {
    command(args).output().expect("syskit starts")
}

/// Its stdout as text.
pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text output is UTF-8")
}

/// Its stderr as text.
pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Says loudly that a test cannot run here and why; with SYSKIT_MUST_RUN set that is a failure.
///
/// Use as `return skip("...")`; scripts/test lists every such line at its end.
pub fn skip(why: &str) {
    assert!(std::env::var_os("SYSKIT_MUST_RUN").is_none(), "must run, but: {why}");
    use std::io::Write;
    // Not eprintln!: the test runner would swallow it when the test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// Whether `program` is installed; `skip` names the package where it is not.
pub fn have(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]).any(|dir| dir.join(program).exists())
}

pub mod live;
