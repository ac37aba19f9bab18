//! `syskit bench` as a user runs it, for every registered race.

#![allow(clippy::print_stderr)]

use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use syskit::race::{self, Race};
use syskit::report;

fn bench(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.arg("bench").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(args: &[&str]) -> (i32, String, String) {
    told(bench(args).output().unwrap())
}

fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

/// The smallest size of a race, as `--sizes` takes it.
fn smallest(race: &dyn Race) -> String {
    race.sizes()[0].to_string()
}

#[test]
fn a_real_report_keeps_its_schema_and_tells_why() {
    let schema = report::SCHEMAS.iter().find(|(name, _)| *name == "bench").unwrap().1;
    let validator = jsonschema::validator_for(schema().as_value()).unwrap();
    for race in race::all() {
        let name = race.name();
        let (code, out, err) = ran(&[name, "--sizes", &smallest(race), "--budget", "500ms", "--json", "-"]);
        assert_eq!((code, err.as_str()), (0, ""), "{name}");
        let document: Value = serde_json::from_str(&out).expect("only JSON on stdout");
        let errors: Vec<String> = validator.iter_errors(&document).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let lanes = document["sizes"][0]["lanes"].as_array().unwrap();
        let measured = lanes.iter().filter(|l| l["outcome"]["kind"] == "measured").count();
        assert!(measured > 1, "{name}: {lanes:?}");
        assert_eq!(document["why"].as_array().unwrap().len(), measured, "{name}: a why for everybody measured");
    }
}

#[test]
fn a_race_against_itself_is_printed_and_in_json() {
    let Some(race) = race::all().next() else { return };
    let (code, out, _) = ran(&[race.name(), "--self-test", "--sizes", &smallest(race), "--budget", "500ms"]);
    assert_eq!(code, 0);
    assert!(out.contains("smallest visible difference") && out.contains("false alarms"), "{out}");
}

#[test]
fn the_list_names_every_race_and_contender() {
    let (code, out, _) = ran(&["--list"]);
    assert_eq!(code, 0);
    let (_, json, _) = ran(&["--list", "--json"]);
    let races: Value = serde_json::from_str(&json).unwrap();
    let schema = report::SCHEMAS.iter().find(|(name, _)| *name == "bench-list").unwrap().1;
    assert!(jsonschema::validator_for(schema().as_value()).unwrap().is_valid(&races));
    assert_eq!(races["races"].as_array().unwrap().len(), race::all().count());
    for name in race::all().flat_map(|r| r.entrants()).map(|e| e.name) {
        assert!(out.contains(name), "{name} is not listed:\n{out}");
    }
}

#[test]
fn mistakes_are_told_with_what_would_be_right() {
    let Some(race) = race::all().next() else { return };
    let name = race.name();
    let typo = format!("{name}x");
    for (args, said) in [
        (vec![typo.as_str()], format!("did you mean '{name}'?")),
        (vec![name, "--only", "nobody-of-that-name"], "no contender 'nobody-of-that-name'".to_owned()),
        (vec![name, "--sizes", "many"], "'many' is not".to_owned()),
        (vec![name, "--cpu", "65000"], "CPU 65000 does not exist; online are".to_owned()),
        (vec![name, "--cpu", "3-1"], "is not a list of CPUs".to_owned()),
        (vec![name, "--precision", "0"], "is not a precision".to_owned()),
        (vec![name, "--json", "/"], "is a directory".to_owned()),
    ] {
        let (code, out, err) = ran(&args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(&said), "{args:?}: {err}");
    }
}

#[test]
fn a_file_that_cannot_be_written_does_not_lose_the_race() {
    let Some(race) = race::all().next() else { return };
    let (code, out, err) = ran(&[race.name(), "--quick", "--sizes", &smallest(race), "--json", "/dev/full"]);
    assert_eq!(code, 1);
    assert!(out.contains("the baseline") && err.contains("/dev/full"), "{out}{err}");
}

#[test]
fn a_file_that_could_never_be_written_is_told_before_the_race() {
    let Some(race) = race::all().next() else { return };
    let (code, out, err) = ran(&[race.name(), "--budget", "600s", "--json", "/absent/race.json"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("/absent/race.json") && err.contains("ENOENT"), "{err}");
}

#[test]
fn ctrl_c_shows_what_is_known_and_leaves_nothing_behind() {
    let Some(race) = race::all().next() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut command = bench(&[race.name(), "--sizes", &smallest(race), "--budget", "600s", "--precision", "0.0001%"]);
    let running: Child = command.env("TMPDIR", dir.path()).spawn().unwrap();
    sleep(Duration::from_millis(700));
    kill(Pid::from_raw(running.id() as i32), Signal::SIGINT).unwrap();
    let (code, out, err) = told(running.wait_with_output().unwrap());
    // A small size may have had all its rounds by then: the whole run is then what is known.
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("INTERRUPTED") || out.contains("the most rounds were done"), "{out}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
