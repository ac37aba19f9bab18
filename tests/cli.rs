//! The command line as its users and their scripts meet it: help, exit codes, JSON and its schemas, pipes.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::{command, err, out, run};
use serde_json::Value;

/// Every way to ask for help, from the root down.
fn every_command(command: &clap::Command, path: &[String], visit: &mut dyn FnMut(&clap::Command, &[String])) {
    visit(command, path);
    for sub in command.get_subcommands().filter(|s| s.get_name() != "help") {
        let path: Vec<String> = path.iter().cloned().chain([sub.get_name().to_owned()]).collect();
        every_command(sub, &path, visit);
    }
}

#[test]
fn help_is_complete_at_every_level() {
    every_command(&syskit::cli::command(), &[], &mut |command, path| {
        let name = format!("syskit {}", path.join(" "));
        assert!(command.get_about().is_some(), "{name} says nothing about itself");
        for arg in command.get_arguments() {
            assert!(arg.get_help().is_some(), "{name}: {} has no help", arg.get_id());
        }
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = run(&args);
        assert!(help.status.success(), "{name} --help gives {}", help.status);
        assert!(out(&help).contains("Usage:"), "{name} --help shows no usage");
    });
}

#[test]
fn usage_errors_exit_2_on_stderr_and_suggest_the_nearest() {
    for (args, near) in [
        (&["run", "sendfil-copy"][..], Some("'sendfile-copy'")),
        (&["show", "snif"], Some("'sniff'")),
        (&["list", "--family", "cpy"], Some("'copy'")),
        (&["bench", "copi"], Some("copy")),
        (&["generate", "schema", "lits"], Some("'list'")),
        (&["lsit"], Some("'list'")),
        (&["run"], None),
        (&["list", "--nope"], None),
        (&["bench", "copy", "--sizes", "4Q"], None),
        (&["bench", "copy", "--only", "nobody"], None),
        (&["copy", "only-one"], None),
        (&["sniff", "nothing"], None),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", err(&output));
        assert!(output.stdout.is_empty(), "{args:?} printed words on stdout");
        assert!(near.is_none_or(|n| err(&output).contains(n)), "{args:?}: {}", err(&output));
    }
}

/// A command whose JSON is held against its verb's schema; JSON Lines where a verb prints a stream.
fn sample(verb: &str, scratch: &std::path::Path) -> Option<Vec<String>> {
    let text: Vec<&str> = match verb {
        "list" => vec!["list", "--json"],
        "show" => vec!["show", "sendfile-copy", "--json"],
        "run" => vec!["run", "--all", "--json"],
        "doctor" => vec!["doctor", "--json"],
        "bench-list" => vec!["bench", "--list", "--json"],
        "bench" => vec!["bench", "copy", "--quick", "--sizes", "4KiB,64KiB", "--json", "-"],
        "copy" => {
            std::fs::write(scratch.join("a"), "some bytes").unwrap();
            vec!["copy", "a", "b", "--json"]
        }
        "crypt-keygen" => vec!["crypt", "keygen", "new.key", "--json"],
        "crypt-file" => {
            assert!(command(&["crypt", "keygen", "key"]).current_dir(scratch).status().unwrap().success());
            std::fs::write(scratch.join("plain"), "some bytes").unwrap();
            vec!["crypt", "encrypt", "plain", "--key-file", "key", "--json"]
        }
        "crypt-hash" => {
            std::fs::write(scratch.join("list"), "MD5 (a) = 0cc175b9c0f1b6a831c399e269772661\nMD5 (b) = x\n")
                .unwrap();
            std::fs::write(scratch.join("a"), "a").unwrap();
            vec!["crypt", "hash", "--check", "list", "--json"]
        }
        "crypt-random" => vec!["crypt", "random", "1KiB", "--json"],
        "crypt-algorithms" => vec!["crypt", "algorithms", "--json"],
        "sniff-interfaces" => vec!["sniff", "--list-interfaces", "--json"],
        // A live capture: its own tests hold each line against the schema.
        "sniff" => return None,
        "sniff-stats" | "sniff-follow" => {
            // A second packet would be a second line.
            let packets = &common::offline::small(&[80])[..24 + 16 + 60];
            std::fs::write(scratch.join("one.pcap"), packets).unwrap();
            let what = if verb == "sniff-stats" { "--stats" } else { "--follow=tcp:0" };
            vec!["sniff", "-r", "one.pcap", what, "--json"]
        }
        other => panic!("no sample for the JSON of `syskit {other}`: add one here"),
    };
    Some(text.into_iter().map(str::to_owned).collect())
}

#[test]
fn every_json_document_follows_its_schema() {
    let scratch = tempfile::tempdir().unwrap();
    for verb in out(&run(&["generate", "schema"])).lines() {
        let schema: Value = serde_json::from_slice(&run(&["generate", "schema", verb]).stdout).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap_or_else(|e| panic!("schema of {verb}: {e}"));
        let Some(args) = sample(verb, scratch.path()) else { continue };
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = command(&args).current_dir(&scratch).output().unwrap();
        let document: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}: {}", err(&output)));
        assert_eq!(document["schema"], 1, "{verb}");
        let wrong: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{e} at {}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{verb}: {wrong:#?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut child = command(&["show", "copy"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let status = child.wait().unwrap();
    let mut words = String::new();
    child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
    assert!(status.success(), "{status}: {words}");
    assert_eq!(words, "");
}

#[test]
fn a_full_disk_under_the_output_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&["list"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("ENOSPC"), "{}", err(&output));
}

#[test]
fn output_into_a_pipe_is_plain() {
    for args in [&["list"][..], &["show", "sendfile-copy"], &["doctor"], &["--help"]] {
        assert!(!out(&run(args)).contains('\x1b'), "{args:?} prints escapes into a pipe");
    }
}

#[test]
fn completions_and_man_pages_come_from_the_registry() {
    let script = run(&["generate", "completions", "bash"]);
    for verb in syskit::cli::verbs() {
        assert!(out(&script).contains(verb.name), "completions lack {}", verb.name);
    }
    let checked =
        std::process::Command::new("bash").args(["-n", "/dev/stdin"]).stdin(Stdio::piped()).spawn().and_then(
            |mut bash| {
                std::io::Write::write_all(&mut bash.stdin.take().expect("piped"), &script.stdout)?;
                bash.wait()
            },
        );
    assert!(checked.expect("bash starts").success(), "bash rejects the completion script");

    let pages = tempfile::tempdir().unwrap();
    assert!(run(&["generate", "man", "--dir", pages.path().to_str().unwrap()]).status.success());
    for verb in syskit::cli::verbs() {
        let page = std::fs::read_to_string(pages.path().join(format!("syskit-{}.1", verb.name))).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{}", verb.name);
    }
}

#[test]
fn what_was_named_and_cannot_run_exits_3_and_says_why() {
    let missing = syskit::recipe::all().find_map(|(_, r)| Some((r.id, syskit::need::first_missing(r.needs)?)));
    let Some((id, finding)) = missing else { return common::skip("every recipe can run on this host") };
    let output = run(&["run", id]);
    assert_eq!(output.status.code(), Some(if finding.denied { 4 } else { 3 }));
    assert!(out(&output).contains(&finding.cause), "{}", out(&output));
}
