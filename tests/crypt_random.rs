//! `syskit crypt random` as its users meet it.

mod common;

use std::process::{Command, Stdio};

use common::{command, err, out, run};
use syskit::need;
use syskit::recipes::crypt::random::{RACE, task::credible};

fn raw(count: &str, via: &str) -> Vec<u8> {
    let output = run(&["crypt", "random", count, "--via", via]);
    assert!(output.status.success(), "{}", err(&output));
    output.stdout
}

#[test]
fn every_source_gives_as_many_bytes_as_asked_and_never_the_same() {
    for source in RACE.contenders {
        if let Some(finding) = need::first_missing(source.needs) {
            let output = run(&["crypt", "random", "--hex", "--via", source.name]);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{}", source.name);
            assert!(err(&output).contains(&finding.cause), "{}", err(&output));
            common::skip(&finding.to_string());
            continue;
        }
        for (text, len) in [("0", 0), ("1", 1), ("48KiB", 49_152), ("49153", 49_153), ("1MiB", 1 << 20)] {
            let bytes = raw(text, source.name);
            assert_eq!(bytes.len(), len, "{text} by {}", source.name);
            credible(&bytes).unwrap_or_else(|e| panic!("{text} by {}: {e}", source.name));
        }
        assert_ne!(raw("32", source.name), raw("32", source.name), "{}", source.name);
    }
}

#[test]
fn text_forms_hold_the_bytes() {
    let hex = out(&run(&["crypt", "random", "100KiB", "--hex"]));
    assert_eq!(hex.len(), 2 * (100 << 10) + 1);
    assert!(hex.trim_end().bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    // 100,000 is no multiple of three, and more than one piece.
    let base64 = run(&["crypt", "random", "100000", "--base64"]).stdout;
    let mut child = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &base64));
    let decoded = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(decoded.status.success() && decoded.stdout.len() == 100_000);
}

#[test]
fn what_makes_no_sense_is_refused_and_a_reader_may_go_away() {
    for args in [
        &["crypt", "random", "x"][..],
        &["crypt", "random", "-1"],
        &["crypt", "random", "2MiB", "--json"],
        &["crypt", "random", "--via", "dice"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    let mut child =
        command(&["crypt", "random", "1TiB"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut some = [0; 100];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut some).unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command(&["crypt", "random"]).stdout(full).stderr(Stdio::null()).status().unwrap().code(), Some(1));
}

#[test]
fn a_terminal_gets_no_raw_bytes() {
    if !common::have("script") {
        return common::skip("script (util-linux, bsdutils) is not installed");
    }
    let line = concat!(env!("CARGO_BIN_EXE_syskit"), " crypt random");
    let ran = Command::new("script").args(["-qec", line, "/dev/null"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(out(&ran).contains("--hex"), "{}", out(&ran));
}
