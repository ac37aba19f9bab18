//! `syskit sniff`'s interfaces and the choice of its method: -D, -i, and what falls back to what.
//!
//! Debian packages: iproute2, python3.

mod common;

use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};

use common::live::{Server, can_capture, has_program, listening, sniff};
use nix::sys::signal::Signal;
use serde_json::Value;

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn interfaces_are_listed_as_ip_lists_them_and_found_by_number() {
    if !has_program("ip", "iproute2") {
        return;
    }
    let list = run(Command::new(env!("CARGO_BIN_EXE_syskit")).args(["sniff", "-D", "--json"]));
    let document: Value = serde_json::from_slice(&list.stdout).expect("JSON");
    let schema = schemars::schema_for!(syskit::recipes::sniff::interfaces::InterfacesDocument);
    assert!(jsonschema::validator_for(schema.as_value()).expect("a schema").is_valid(&document), "{document}");
    let text = run(Command::new(env!("CARGO_BIN_EXE_syskit")).args(["sniff", "--list-interfaces"]));
    let text = String::from_utf8(text.stdout).expect("text");
    let ip: Value = serde_json::from_slice(&run(Command::new("ip").args(["-j", "address"])).stdout).expect("JSON");
    let (ours, theirs) = (document["interfaces"].as_array().expect("a list"), ip.as_array().expect("a list"));
    assert_eq!((ours.len(), ours[0]["name"].as_str()), (theirs.len() + 1, Some("any")));
    for theirs in theirs {
        let ours = ours.iter().find(|o| o["number"] == theirs["ifindex"]).expect("it is listed");
        assert_eq!(ours["name"], theirs["ifname"]);
        let flag = |name: &str| theirs["flags"].as_array().is_some_and(|flags| flags.iter().any(|f| f == name));
        assert_eq!((ours["up"] == true, ours["loopback"] == true), (flag("UP"), flag("LOOPBACK")), "{ours}");
        for address in theirs["addr_info"].as_array().into_iter().flatten() {
            let address = format!("{}/{}", address["local"].as_str().unwrap_or_default(), address["prefixlen"]);
            assert!(
                ours["addresses"].as_array().is_some_and(|a| a.iter().any(|a| *a == *address)),
                "{address}: {ours}"
            );
        }
        let line = format!("{}.{} [", ours["number"], theirs["ifname"].as_str().unwrap_or_default());
        assert!(text.lines().any(|l| l.starts_with(&line)), "{line}: {text}");
    }
    if can_capture() {
        let number = theirs.iter().find(|i| i["ifname"] == "lo").expect("lo")["ifindex"].to_string();
        for (asked, more, said) in [
            (number.as_str(), &[][..], "listening on lo via ring;"),
            ("0", &[], "listening on any via ring;"),
            ("lo", &["--immediate-mode"], "listening on lo via packet;"),
            ("lo", &["--immediate-mode", "--via", "ring"], "listening on lo via ring;"),
        ] {
            let words = words(&run(sniff(&["-i", asked, "--for", "1ms"]).args(more)));
            assert!(words.starts_with(said), "{asked}: {words}");
        }
    }
}

#[test]
fn what_the_kernel_lacks_falls_back_with_a_word() {
    if !can_capture() || !has_program("python3", "python3") {
        return;
    }
    let deny = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/deny.py");
    let refused = |errno: i32, more: &[&str]| {
        let call = [libc::SYS_setsockopt.to_string(), "any".to_owned(), errno.to_string()];
        let mut command = Command::new("python3");
        command.arg(deny).args(call).args([env!("CARGO_BIN_EXE_syskit"), "sniff", "tcp", "-i", "lo", "--for", "1ms"]);
        let output = run(command.args(more));
        assert_eq!(output.status.code(), Some(1), "{}", words(&output));
        words(&output)
    };
    // Without any of its options no method can be had; each says so in its turn.
    let words = refused(libc::ENOPROTOOPT, &[]);
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines.len(), 3, "{words}");
    assert!(
        lines[0].contains("PACKET_RX_RING") && lines[0].contains(": falling back to packet, AF_PACKET"),
        "{words}"
    );
    assert!(lines[1].contains(": falling back to raw, AF_INET"), "{words}");
    assert!(lines[2].starts_with("syskit: sniff: cannot open a raw socket on lo: "), "{words}");
    // What was asked for by name or size is not replaced.
    for more in [&["--via", "ring"][..], &["-B", "8M"]] {
        let words = refused(libc::ENOMEM, more);
        assert!(!words.contains("falling back") && words.contains("out of memory (ENOMEM)"), "{more:?}: {words}");
    }
}

#[test]
fn a_fanout_has_a_thread_for_each_ring_and_ends_with_packets_at_hand() {
    if !can_capture() {
        return;
    }
    let server = Server::start(Ipv4Addr::LOCALHOST.into(), b"reply").expect("a server on loopback");
    let port = server.port();
    let ours = listening(&mut sniff(&["-i", "lo", "--via", "fanout", "--port", &port]));
    for _ in 0..40 {
        server.ask(b"hello");
    }
    let tasks = std::fs::read_dir(format!("/proc/{}/task", ours.child.id())).expect("/proc").flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let rings = names.filter(|name| name.starts_with("syskit-ring-")).count();
    assert!((2..=4).contains(&rings), "{rings} threads");
    ours.signal(Signal::SIGINT);
    // A thread that does not end would keep it until the watchdog.
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
}
