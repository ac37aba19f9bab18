//! `syskit bench af_alg` as a user runs it, on hosts with AF_ALG and without.

#![allow(clippy::print_stderr)]

mod common;

use common::{err, out, run};
use serde_json::Value;
use syskit::need;
use syskit::race;
use syskit::recipes::crypt::algorithm::ALGORITHMS;

const LIBRARIES: [&str; 3] = ["openssl", "aws_lc", "rustcrypto"];
const KERNEL: [&str; 5] = ["send_read", "sendmsg", "sendfile", "splice", "in_flight"];

fn here() -> bool {
    need::first_missing(&[&need::AF_ALG]).is_none()
}

/// The report of a short race.
fn report(args: &[&str]) -> Value {
    let fixed = ["bench", "af_alg", "--no-why", "--budget", "300ms", "--json", "-"];
    let done = run(&[&fixed[..], args].concat());
    assert_eq!(done.status.code(), Some(0), "{args:?}: {}", err(&done));
    serde_json::from_str(&out(&done)).expect("a document")
}

fn lanes(report: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let sizes = report["sizes"].as_array().expect("sizes");
    let lanes = sizes.iter().flat_map(|s| s["lanes"].as_array().expect("lanes"));
    lanes.map(|l| (l["contender"].as_str().expect("a name"), l))
}

#[test]
fn the_family_s_name_is_the_race_s() {
    let race = race::find("crypt").expect("the family has a race");
    assert_eq!(race.name(), "af_alg");
    let names: Vec<&str> = race.entrants().iter().map(|e| e.name).collect();
    assert_eq!(names, [&LIBRARIES[..], &KERNEL, &["in_register", "null_round_trip"]].concat());
}

#[test]
fn every_algorithm_is_raced_both_ways_or_says_why_not() {
    for algorithm in ALGORITHMS {
        let directions: &[&str] = if algorithm.digest_len() > 0 { &["encrypt"] } else { &["encrypt", "decrypt"] };
        for direction in directions {
            let only = if here() { "openssl,aws_lc,rustcrypto,sendmsg" } else { "openssl,aws_lc,rustcrypto" };
            let args = ["bench", "af_alg", "--no-why", "--budget", "1ms", "--sizes", "16,1024", "--json", "-"];
            let done = run(&[&args[..], &["-a", algorithm.name, "--direction", direction, "--only", only]].concat());
            let report: Value = serde_json::from_str(&out(&done)).expect("a document");
            // Exit 3: somebody who was named has no such algorithm.
            assert!(matches!(done.status.code(), Some(0 | 3)), "{} {direction}: {}", algorithm.name, err(&done));
            for (name, lane) in lanes(&report) {
                let kind = lane["outcome"]["kind"].as_str();
                assert!(matches!(kind, Some("measured" | "unavailable")), "{} {name}: {lane}", algorithm.name);
            }
            let measured = lanes(&report).filter(|(_, l)| l["outcome"]["kind"] == "measured").count();
            assert!(measured >= 2, "{}: {report}", algorithm.name);
        }
    }
}

#[test]
fn the_default_is_the_cheat_sheet_s_and_rows_tell_how() {
    let report = report(&["--sizes", "4KiB"]);
    assert_eq!(report["settings"][0]["value"], "aes-128-gcm (the kernel's gcm(aes))");
    assert_eq!(report["method"]["limits"], serde_json::json!(["in_register", "null_round_trip"]));
    assert_eq!(report["method"]["limit"], "in_register");
    for (name, lane) in lanes(&report) {
        let facts = lane["facts"].as_array().expect("facts");
        match lane["outcome"]["kind"].as_str() {
            Some("measured") => assert!(!facts.is_empty(), "{name} says how it works"),
            Some("unavailable") => {
                let finding = lane["outcome"]["finding"].as_str().unwrap_or_default();
                assert!(!here() && finding.contains("AF_ALG"), "{name}: {finding}");
                assert_eq!(lane["group"], "AF_ALG", "{name}");
            }
            _ => panic!("{lane}"),
        }
        assert_eq!(lane["limit"], ["in_register", "null_round_trip"].contains(&name));
    }
    assert_eq!(report["sides"]["first"], "user space");
    assert_eq!(report["sides"]["second"], "AF_ALG");
}

#[test]
fn a_contender_of_the_kernel_that_is_named_must_be_there() {
    for name in KERNEL {
        let args = ["bench", "crypt", "--only", name, "--sizes", "16", "--budget", "1ms", "--no-why"];
        let done = run(&args);
        let expected = if here() { 0 } else { 3 };
        assert_eq!(done.status.code(), Some(expected), "{name}: {}", err(&done));
        assert!(here() || err(&done).contains("EAFNOSUPPORT"), "{}", err(&done));
    }
}

#[test]
fn without_af_alg_the_text_says_so_once_and_gives_no_verdict_on_it() {
    if here() {
        return common::skip("this host has AF_ALG");
    }
    let done = run(&["bench", "af_alg", "--sizes", "16,4096", "--budget", "300ms", "--no-why"]);
    let text = out(&done);
    assert_eq!(done.status.code(), Some(0), "{}", err(&done));
    let everybody = format!("[1] {}, null_round_trip: af-alg: ", KERNEL.join(", "));
    assert_eq!(text.matches(&everybody).count(), 1, "{text}");
    assert_eq!(text.matches("EAFNOSUPPORT").count(), 1, "{text}");
    assert!(text.contains("no verdict, since AF_ALG could not be measured here"), "{text}");
}

#[test]
fn settings_hold_for_files_and_for_a_set_up_each() {
    for extra in [["--input", "file"], ["--setup", "each"]] {
        for algorithm in ["sha256", "aes-256-cbc", "aes-128-gcm"] {
            let report = report(&[&["-a", algorithm, "--sizes", "64KiB"][..], &extra].concat());
            for name in LIBRARIES {
                let lane = lanes(&report).find(|(n, _)| *n == name).expect("a row").1;
                assert_eq!(lane["outcome"]["kind"], "measured", "{algorithm} {extra:?} {lane}");
            }
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    for (args, code, words) in [
        (&["-a", "aes-128-gcn"][..], 2, "did you mean 'aes-128-gcm'?"),
        (&["-a", "nonsense-that-is-far-from-all"], 2, "there are: md5"),
        (&["-a", "sha256", "--direction", "decrypt"], 2, "sha256 has no way back"),
        (&["-a", "aes-256-cbc", "--sizes", "100"], 3, "whole blocks of 16 bytes, not 100 B"),
        (&["-a", "aes-256-xts", "--sizes", "15"], 3, "at least 16 bytes"),
        (&["--sizes", "0"], 3, "no bytes"),
        (&["--sizes", "1TiB"], 3, "at most 256 MiB"),
        (&["--setup", "twice"], 2, "once"),
    ] {
        let done = run(&[&["bench", "af_alg", "--budget", "1ms"], args].concat());
        assert_eq!(done.status.code(), Some(code), "{args:?}: {}", err(&done));
        assert!(err(&done).contains(words), "{args:?}: {}", err(&done));
    }
}
