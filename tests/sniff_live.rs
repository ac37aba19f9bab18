//! `syskit sniff tcp` on live loopback traffic: its forms, limits, ends and errors.
//!
//! Debian packages: util-linux (setpriv, unshare, nsenter), iproute2.

mod common;

use std::io::{BufRead, BufReader, Read};
use std::net::Ipv4Addr;
use std::process::{Command, Output, Stdio};

use common::live::{Running, Server, can_capture, has_program, listening, sniff};
use nix::sys::signal::Signal;
use serde_json::Value;

/// The methods that every kernel with packet sockets has.
const METHODS: [&str; 6] = ["ring", "fanout", "packet", "recvmmsg", "raw", "io_uring"];

const REPLY: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nred \x1b[31m alert\x07\n";

fn server() -> Option<Server> {
    can_capture().then(|| Server::start(Ipv4Addr::LOCALHOST.into(), REPLY).expect("a server on loopback"))
}

/// What a sniff with these arguments on the server's port says of one request.
fn one_request(server: &Server, arguments: &[&str]) -> (Option<i32>, String, String) {
    let port = server.port();
    let ours = listening(&mut sniff(&[&["-i", "lo", "--port", &port], arguments].concat()));
    server.ask(b"GET / HTTP/1.0\r\n\r\n");
    ours.finish()
}

fn run(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("the program")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_ends_after_count_packets_and_tells_its_tally() {
    let Some(server) = server() else { return };
    let (code, out, words) = one_request(&server, &["-c", "3"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.ends_with("3 packets shown, 3 captured, 0 dropped by the kernel\n"), "{words}");
    let lines: Vec<&str> = out.lines().collect();
    let flags: Vec<&str> =
        lines.iter().map(|l| l.split_once("Flags [").expect("flags").1.split_once(']').expect("]").0).collect();
    assert_eq!(flags, ["S", "S.", "."]);
    let to_server = format!("> 127.0.0.1.{}: Flags [S], seq ", server.port());
    assert!(lines[0].contains(" IP 127.0.0.1.") && lines[0].contains(&to_server), "{}", lines[0]);
}

#[test]
fn any_interface_is_named_in_each_line_and_hears_loopback_once() {
    let Some(server) = server() else { return };
    let port = server.port();
    let ours = listening(&mut sniff(&["--port", &port, "-c", "3"]));
    server.ask(b"hello");
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.lines().all(|l| l.contains(" lo In IP 127.0.0.1.")), "{out}");
    assert!(out.lines().nth(1).expect("three lines").contains("Flags [S.]"), "{out}");
}

#[test]
fn the_full_form_has_the_cheat_sheets_facts_and_no_terminal_escapes() {
    let Some(server) = server() else { return };
    let (code, out, words) = one_request(&server, &["-vv", "-A", "-c", "7"]);
    assert_eq!(code, Some(0), "{words}");
    for fact in [
        "Time",
        "IP Header",
        "TOS",
        "Total Length",
        "Identification",
        "Fragment",
        "TTL",
        "IP Checksum",
        "Source",
        "Destination",
        "Source Port",
        "Dest Port",
        "Sequence Number",
        "Acknowledgement",
        "Data Offset",
        "Flags",
        "Window",
        "Checksum",
        "Urgent Pointer",
        "Option",
        "Data",
    ] {
        assert!(
            out.lines().any(|l| l.starts_with(&format!("{fact:<16}: ")) || l.starts_with(&format!("{fact:<16}:"))),
            "{fact}: {out}"
        );
    }
    assert!(out.contains("Flags           : FIN 0 SYN 1 RST 0 PSH 0 ACK 0 URG 0 ECE "), "{out}");
    assert!(out.contains("red .[31m alert.\n"), "{out}");
    assert!(out.bytes().all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~')), "{out:?}");
}

#[test]
fn json_is_an_object_a_line_by_its_schema() {
    let Some(server) = server() else { return };
    let schema = schemars::schema_for!(syskit::recipes::sniff::print::PacketDocument);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
    for via in METHODS {
        let (code, out, words) = one_request(&server, &["--json", "-c", "6", "--via", via]);
        assert_eq!(code, Some(0), "{words}");
        let packets: Vec<Value> = out.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
        assert_eq!(packets.len(), 6);
        for packet in &packets {
            assert!(validator.is_valid(packet), "{packet}: {:?}", validator.iter_errors(packet).next());
            assert_eq!((packet["schema"].as_u64(), packet["interface"].as_str()), (Some(1), Some("lo")));
        }
        let texts: Vec<&str> = packets.iter().filter_map(|p| p["tcp"]["payload_text"].as_str()).collect();
        assert!(texts.contains(&r"GET / HTTP/1.0\r\n\r\n"), "{texts:?}");
    }
}

#[test]
fn other_ports_are_kept_out_by_the_kernel() {
    let Some(server) = server() else { return };
    let other = Server::start(Ipv4Addr::LOCALHOST.into(), REPLY).expect("another server");
    for via in METHODS {
        let port = server.port();
        let ours = listening(&mut sniff(&["-i", "lo", "--via", via, "--port", &port, "-c", "3"]));
        other.ask(b"not of interest");
        server.ask(b"of interest");
        let (code, out, words) = ours.finish();
        assert_eq!(code, Some(0), "{words}");
        assert!(out.lines().all(|l| l.contains(&port)), "{via}: {out}");
        assert!(words.contains("3 packets shown, 3 captured"), "{via}: {words}");
    }
}

#[test]
fn time_and_signals_end_it_cleanly() {
    let Some(server) = server() else { return };
    let port = server.port();
    let (code, out, words) = listening(&mut sniff(&["--for", "150ms", "--port", &port])).finish();
    assert_eq!((code, out.as_str()), (Some(0), ""), "{words}");
    assert!(words.contains("0 packets shown, 0 captured, 0 dropped"), "{words}");
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let ours = listening(&mut sniff(&["-i", "lo", "--port", &port]));
        ours.signal(signal);
        let (code, _, words) = ours.finish();
        assert_eq!(code, Some(0), "{signal}: {words}");
        assert!(words.contains("packets shown"), "{signal}: {words}");
    }
}

#[test]
fn a_line_is_there_as_soon_as_the_packet_is() {
    let Some(server) = server() else { return };
    let port = server.port();
    let mut ours = listening(&mut sniff(&["-i", "lo", "--port", &port]));
    server.ask(b"hello");
    // Nothing more comes: without a flush this would wait for ever.
    let mut line = String::new();
    BufReader::new(ours.child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
    assert!(line.contains("Flags [S]"), "{line}");
    ours.signal(Signal::SIGINT);
    ours.finish();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let Some(server) = server() else { return };
    let port = server.port();
    // With a packet to tell it, and without: on a quiet line the end must not wait for the next one.
    for quiet in [false, true] {
        let mut ours = listening(&mut sniff(&["-i", "lo", "--port", &port]));
        drop(ours.child.stdout.take());
        if !quiet {
            server.ask(b"hello");
        }
        let (code, _, words) = ours.finish();
        assert_eq!(code, Some(0), "{words}");
        assert_eq!(words.lines().count(), 1, "nothing but the greeting: {words}");
    }
}

#[test]
fn a_filter_that_the_kernel_cannot_hold_says_so() {
    if !can_capture() {
        return;
    }
    let hosts = |n: u32| (0..n).map(|i| format!("host 10.0.{}.{}", i >> 8, i & 255)).collect::<Vec<_>>().join(" or ");
    // The second is refused by syskit, the first by the kernel, if at all: net.core.optmem_max differs.
    for (n, expected) in [(150, "net.core.optmem_max"), (3000, "of which the kernel takes 4096")] {
        let run = run(sniff(&["-i", "lo", "--for", "50ms"]).arg(hosts(n)));
        let words = words(&run);
        assert!(run.status.success() && n == 150 || words.contains(expected), "{n} hosts: {words}");
    }
}

#[test]
fn a_full_disk_is_a_failure() {
    let Some(server) = server() else { return };
    let port = server.port();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let ours = listening(sniff(&["-i", "lo", "--port", &port]).stdout(full));
    server.ask(b"hello");
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("no space left on device (ENOSPC)") && words.contains("packets shown"), "{words}");
}

#[test]
fn what_a_slow_reader_loses_is_counted() {
    let Some(_) = server() else { return };
    static LARGE: [u8; 64 << 20] = [7; 64 << 20];
    let server = Server::start(Ipv4Addr::LOCALHOST.into(), &LARGE).expect("a server");
    for via in METHODS {
        let port = server.port();
        let ours = listening(sniff(&["-i", "lo", "--via", via, "--port", &port]).stdout(Stdio::null()));
        ours.signal(Signal::SIGSTOP);
        assert_eq!(server.ask(b"all of it").len(), LARGE.len());
        ours.signal(Signal::SIGCONT);
        ours.signal(Signal::SIGINT);
        let (code, _, words) = ours.finish();
        assert_eq!(code, Some(0), "{words}");
        let dropped = words.split(", ").last().and_then(|w| w.split(' ').next()).and_then(|n| n.parse::<u64>().ok());
        assert!(dropped.is_some_and(|n| n > 0), "{via}: {words}");
    }
}

#[test]
fn without_the_privilege_it_says_what_to_do() {
    if !has_program("setpriv", "util-linux") {
        return;
    }
    for via in METHODS {
        let what = if via == "raw" { "a raw socket" } else { "a packet socket" };
        let mut command = Command::new("setpriv");
        if nix::unistd::geteuid().is_root() {
            command.args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"]);
        }
        command.args(["--no-new-privs", env!("CARGO_BIN_EXE_syskit"), "sniff", "tcp", "-i", "lo", "--via", via]);
        let output = run(&mut command);
        let said = words(&output);
        assert_eq!(output.status.code(), Some(4), "{said}");
        let expected = format!(
            "sniff: cannot open {what} on lo: socket: operation not permitted (EPERM); needs CAP_NET_RAW: run as root or \
             setcap cap_net_raw+ep /"
        );
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn wrong_arguments_are_usage_errors_that_help() {
    for (arguments, help) in [
        (&["tcp", "-i", "nosuch0"][..], "there are: any, "),
        (&["tcp", "-i", "l0"], "no interface 'l0'"),
        (&["tcp", "-i", "\x1b[31m"], r"\u{1b}[31m"),
        (&["tcp", "-c", "0"], "0 is not in 1.."),
        (&["tcp", "-c", "-1"], "-1"),
        (&["tcp", "--port", "0"], "0 is not in 1.."),
        (&["tcp", "--port", "65536"], "65536 is not in"),
        (&["tcp", "--for", "soon"], "'soon' is not a duration"),
        (&["tcp", "--via", "magic"], "[possible values: ring, fanout, packet, recvmmsg, io_uring, raw, pcap"),
        (&["tcpx"], "filter: unknown word 'tcpx' at 1 (did you mean 'tcp'?)"),
        (&["not", "tpc"], "sniff: filter: unknown word 'tpc' at 5 (did you mean 'tcp'?)"),
        (&["host", "localhost"], "names are not looked up"),
        (&["arp", "--port", "80"], "has no ports"),
        (&["udp", "--via", "raw"], "TCP over IPv4 alone, not 'udp'; use --via packet"),
        (&["--via", "raw"], "use --via packet"),
        (&["tcp", "vlan", "5", "--via", "raw"], "Ethernet alone"),
        (&["--link", "raw"], "--dump"),
        (&["tcp", "-v", "--json"], "cannot be used with"),
        (&["-B", "4096"], "'4096' has no unit; write 4096K for as many KiB"),
        (&["-B", "1K"], "a buffer has from 512 KiB to 4 GiB, not 1 KiB"),
        (&["-B", "5G"], "not 5 GiB"),
        (&["-i", "4294967295"], "no interface '4294967295'"),
        (&["-r", "x", "-p"], "cannot be used with"),
        (&["-r", "x", "-B", "8M"], "cannot be used with"),
        (&["-D", "-w", "x"], "cannot be used with"),
    ] {
        let output = run(Command::new(env!("CARGO_BIN_EXE_syskit")).arg("sniff").args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", words(&output));
        assert!(words(&output).contains(help), "{arguments:?}: {}", words(&output));
    }
}

#[cfg(not(feature = "libpcap"))]
#[test]
fn without_libpcap_its_method_is_not_available() {
    let output = run(Command::new(env!("CARGO_BIN_EXE_syskit")).args(["sniff", "tcp", "-i", "lo", "--via", "pcap"]));
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    assert!(words(&output).contains("--features libpcap"), "{}", words(&output));
}

/// A sniff on d0, one end of a veth pair in a network namespace of its own.
fn in_a_namespace(arguments: &str) -> Option<Running> {
    let there = can_capture() && has_program("unshare", "util-linux") && has_program("ip", "iproute2");
    let probe = "ip link add d0 type veth peer name d1";
    if !there || !run(Command::new("unshare").args(["--net", "sh", "-c", probe])).status.success() {
        common::skip("no network namespace with a veth pair can be made");
        return None;
    }
    let script = format!(
        "{probe} && ip link set lo up && ip link set d1 up && ip link set d0 up && exec {} sniff tcp {arguments}",
        env!("CARGO_BIN_EXE_syskit")
    );
    Some(listening(Command::new("unshare").args(["--net", "sh", "-c", &script]).stdout(Stdio::piped())))
}

fn ip(running: &Running, arguments: &[&str]) {
    let namespace = format!("--net=/proc/{}/ns/net", running.child.id());
    let output = run(Command::new("nsenter").arg(namespace).arg("ip").args(arguments));
    assert!(output.status.success(), "{arguments:?}: {}", words(&output));
}

#[test]
fn an_interface_that_goes_away_ends_it_with_its_name() {
    for via in METHODS {
        let Some(ours) = in_a_namespace(&format!("-i d0 --via {via}")) else { return };
        ip(&ours, &["link", "delete", "d0"]);
        let (code, _, words) = ours.finish();
        assert_eq!(code, Some(1), "{via}: {words}");
        assert!(words.contains("cannot capture on d0 any more") && words.contains("went away"), "{via}: {words}");
        assert!(words.contains("0 packets shown"), "{via}: {words}");
    }
}

#[test]
fn an_interface_that_goes_down_is_waited_for() {
    for via in ["ring", "fanout", "packet", "recvmmsg", "io_uring"] {
        let Some(ours) = in_a_namespace(&format!("-i d0 --for 20s --via {via}")) else { return };
        goes_down(via, ours);
    }
}

fn goes_down(via: &str, mut ours: Running) {
    ip(&ours, &["link", "set", "d0", "down"]);
    ip(&ours, &["link", "set", "d0", "up"]);
    // A connection attempt into the void, through d0, is heard again.
    ip(&ours, &["address", "add", "192.0.2.1/24", "dev", "d0"]);
    ip(&ours, &["neighbour", "add", "192.0.2.2", "lladdr", "02:00:00:00:00:01", "dev", "d0"]);
    let namespace = format!("--net=/proc/{}/ns/net", ours.child.id());
    let connect = "timeout 5 bash -c 'echo > /dev/tcp/192.0.2.2/80'";
    let mut attempt = Command::new("nsenter")
        .arg(namespace)
        .args(["sh", "-c", connect])
        .stderr(Stdio::null())
        .spawn()
        .expect("nsenter");
    let mut line = String::new();
    BufReader::new(ours.child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
    ours.signal(Signal::SIGINT);
    let _ = attempt.kill();
    let _ = attempt.wait();
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{via}: {words}");
    assert!(line.contains("IP 192.0.2.1.") && line.contains("> 192.0.2.2.80: Flags [S], seq "), "{line}");
    assert_eq!(words.matches("the interface is down").count(), 1, "{via}: {words}");
}

#[test]
fn the_recipe_passes_beside_other_traffic() {
    let Some(server) = server() else { return };
    let (_, recipe) = syskit::recipe::find("sniff-tcp").expect("the recipe");
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let noise = std::thread::spawn(move || {
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            server.ask(b"noise");
        }
    });
    for _ in 0..5 {
        let mut demo = syskit::demo::Demo::new();
        (recipe.run)(&mut demo).expect("the recipe");
        assert!(demo.checks.len() >= 6 && demo.checks.iter().all(|c| c.passed));
        let names: std::collections::HashSet<_> = demo.checks.iter().map(|c| &c.what).collect();
        assert_eq!(names.len(), demo.checks.len(), "each check has a name of its own: {names:?}");
        assert!(demo.output.iter().any(|l| l.starts_with("Sequence Number : ")), "{:?}", demo.output);
    }
    drop(stop);
    noise.join().expect("the noise");
}

#[test]
fn help_tells_of_every_option() {
    let output = run(Command::new(env!("CARGO_BIN_EXE_syskit")).args(["sniff", "--help"]));
    let mut text = String::new();
    output.stdout.as_slice().read_to_string(&mut text).expect("text");
    for word in [
        "--interface",
        "--count",
        "--for",
        "--port",
        "--list-interfaces",
        "--no-promiscuous",
        "--buffer-size",
        "--immediate-mode",
        "--verbose",
        "--json",
        "--via",
        "[default: ring]",
        "CAP_NET_RAW",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
