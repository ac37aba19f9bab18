//! `syskit sniff --exec`: a command and its children, beside traffic that is not theirs.
//!
//! Debian packages: bash (/dev/tcp), tcpdump, util-linux (setpriv), python3.

mod common;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::live::{Running, Server, has_program, listening};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;
use syskit::need::{BPF_CGROUP, first_missing};

const REPLY: &[u8] = b"HTTP/1.0 200 OK\r\n\r\nhello\n";

/// Where cgroup v2 is mounted; `None`, with the reason, where a command cannot be captured here.
fn groups() -> Option<PathBuf> {
    if let Some(finding) = first_missing(&[&BPF_CGROUP]) {
        common::skip(&finding.to_string());
        return None;
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let mount = mounts.lines().find(|line| line.contains(" - cgroup2 ")).and_then(|line| line.split(' ').nth(4));
    if mount.is_none() || !geteuid().is_root() {
        common::skip("needs root and cgroup v2 (mount -t cgroup2 none /sys/fs/cgroup)");
        return None;
    }
    let own = std::fs::read_to_string("/proc/self/cgroup").expect("cgroup");
    let below = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    mount.map(|mount| PathBuf::from(mount).join(below))
}

/// The groups that runs of ours, told by their number, have left there.
fn left(groups: &PathBuf, pid: u32) -> Vec<String> {
    let ours = format!("syskit-sniff-{pid}-");
    let names = std::fs::read_dir(groups).expect("the mount").flatten();
    names.map(|e| e.file_name().to_string_lossy().into_owned()).filter(|name| name.starts_with(&ours)).collect()
}

fn sniff(arguments: &[&str], command: &[&str]) -> Command {
    let mut sniff = Command::new(env!("CARGO_BIN_EXE_syskit"));
    sniff.arg("sniff").args(arguments).args(["--exec", "--"]).args(command);
    sniff.stdin(Stdio::null()).stdout(Stdio::piped());
    sniff
}

fn run(arguments: &[&str], command: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = sniff(arguments, command).output().expect("syskit");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code(), text(stdout), text(stderr))
}

/// A shell's words that ask the server for its reply and throw it away.
fn asking(server: &Server) -> String {
    format!("exec 3<>/dev/tcp/127.0.0.1/{}; echo of the command >&3; cat <&3 >/dev/null", server.port())
}

fn server() -> Server {
    Server::start(Ipv4Addr::LOCALHOST.into(), REPLY).expect("a server on loopback")
}

/// The port of each client and what it said.
type Heard = Arc<Mutex<Vec<(u16, String)>>>;

/// A server that notes who said what.
fn listener() -> (SocketAddr, Heard) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
    let (address, heard) = (listener.local_addr().expect("an address"), Arc::new(Mutex::new(Vec::new())));
    let notes = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut text, port) = ([0; 64], stream.peer_addr().map_or(0, |peer| peer.port()));
            let length = stream.read(&mut text).unwrap_or(0);
            notes.lock().expect("no panic").push((port, String::from_utf8_lossy(&text[..length]).into_owned()));
            let _ = stream.write_all(REPLY);
        }
    });
    (address, heard)
}

#[test]
fn the_command_and_its_children_alone_are_shown() {
    if groups().is_none() {
        return;
    }
    let (address, heard) = listener();
    let busy = Arc::new(AtomicBool::new(true));
    let others = std::thread::spawn({
        let busy = Arc::clone(&busy);
        move || {
            while busy.load(Ordering::Relaxed) {
                let Ok(mut stream) = TcpStream::connect(address) else { continue };
                let _ = stream.write_all(b"unrelated");
                let _ = stream.read_to_end(&mut Vec::new());
            }
        }
    });
    let ask = format!("exec 3<>/dev/tcp/127.0.0.1/{}; echo of the command >&3; cat <&3", address.port());
    let children = format!("({ask}); bash -c '({ask}) & wait'; ({ask})");
    let (code, out, words) = run(&["--json"], &["bash", "-c", &children]);
    busy.store(false, Ordering::Relaxed);
    others.join().expect("no panic");
    assert_eq!(code, Some(0), "{words}");
    let heard = heard.lock().expect("no panic");
    let of = |what: &'static str| heard.iter().filter(move |(_, said)| said.starts_with(what)).map(|(port, _)| *port);
    let expected: BTreeSet<u16> = of("of the command").collect();
    assert!(expected.len() == 3 && of("unrelated").count() > 3, "{heard:?}");
    let packets: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ports = |packet: &Value| {
        let port = |key: &str| packet["tcp"][key].as_u64().expect("TCP") as u16;
        [port("source_port"), port("destination_port")].into_iter().find(|port| *port != address.port())
    };
    assert_eq!(packets.iter().filter_map(ports).collect::<BTreeSet<_>>(), expected);
    let schema = schemars::schema_for!(syskit::recipes::sniff::print::PacketDocument);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
    assert!(packets.iter().all(|packet| validator.is_valid(packet) && packet["interface"] == "lo"));
    // What the command itself prints does not come between the packets.
    assert_eq!(words.matches("hello").count(), 3, "{words}");
}

#[test]
fn tcpdump_sees_the_same_packets() {
    if groups().is_none() || !has_program("tcpdump", "tcpdump") {
        return;
    }
    let (server, directory) = (server(), tempfile::tempdir().expect("a directory"));
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    let port = server.port();
    let mut theirs = Command::new("tcpdump");
    theirs.args(["-i", "lo", "-U", "-w", &path("theirs"), "tcp", "port", &port]).stdout(Stdio::null());
    let theirs = listening(&mut theirs);
    let commands = format!("for i in 1 2 3; do ({}); done", asking(&server));
    let (code, out, words) = run(&["-w", &path("ours"), "tcp"], &["bash", "-c", &format!("echo out; {commands}")]);
    assert_eq!((code, out.as_str()), (Some(0), "out\n"), "stdout is free with -w FILE: {words}");
    let read = |name: &str| {
        let read = Command::new("tcpdump").args(["-nSvtr", &path(name)]).output().expect("tcpdump");
        assert!(read.status.success());
        let mut lines: Vec<String> =
            String::from_utf8(read.stdout).expect("text").lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let ours = read("ours");
    assert!(ours.len() > 20, "{ours:?}");
    // It writes a packet when it has it, which may be a little later.
    let start = Instant::now();
    while read("theirs").len() < ours.len() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(50));
    }
    theirs.signal(Signal::SIGINT);
    theirs.finish();
    assert_eq!(ours, read("theirs"));
}

#[test]
fn what_passes_within_the_command_is_shown_once() {
    if groups().is_none() || !has_program("python3", "python3") {
        return;
    }
    let program = "import socket
for family, any in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
    a, b = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
    a.bind((any, 0))
    for i in range(20): b.sendto(b'the same', a.getsockname()); a.recv(64)";
    let (code, out, words) = run(&["udp", "-i", "lo"], &["python3", "-c", program]);
    assert_eq!((code, out.lines().count()), (Some(0), 40), "{words}{out}");
    assert!(out.lines().filter(|l| l.contains("IP6 ::1.")).count() == 20, "{out}");
}

#[test]
fn filters_limits_and_interfaces_go_with_it() {
    if groups().is_none() {
        return;
    }
    let (server, port) = (server(), server().port());
    let ask = asking(&server);
    let (code, out, words) = run(&[&format!("port {port}")], &["bash", "-c", &ask]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "another port: {words}");
    let (code, out, words) = run(&["tcp[tcpflags] & tcp-syn != 0"], &["bash", "-c", &ask]);
    assert_eq!((code, out.lines().count()), (Some(0), 2), "{words}{out}");
    let (code, out, words) = run(&["-c", "2"], &["bash", "-c", &format!("{ask}; sleep 60")]);
    assert_eq!((code, out.lines().count()), (Some(0), 2), "{words}{out}");
    assert!(
        words.contains("bash ended by signal SIGTERM; what was left of it was ended with the capture"),
        "{words}"
    );
    let (code, out, words) = run(&["--for", "100ms"], &["sleep", "60"]);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{words}");
    let (code, _, words) = run(&["inbound"], &["true"]);
    assert!(code == Some(2) && words.contains("is filtered as a file is"), "{words}");
}

#[test]
fn it_ends_with_the_last_child_and_tells_the_exit_status() {
    let Some(groups) = groups() else { return };
    let server = server();
    let later = format!("(sleep 0.3; {}) & exit 7", asking(&server));
    let ours = listening(&mut sniff(&[], &["bash", "-c", &later]));
    let pid = ours.child.id();
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.contains("Flags [S]") && words.contains("bash ended with exit status 7\n"), "{words}{out}");
    assert!(left(&groups, pid).is_empty());
    // One that makes groups of its own, and is in one.
    let own = format!("cd {}/syskit-sniff-$PPID-* && mkdir -p a/b && echo $$ > a/b/cgroup.procs", groups.display());
    let ours = listening(&mut sniff(&[], &["bash", "-c", &own]));
    let pid = ours.child.id();
    let (_, _, words) = ours.finish();
    assert!(words.contains("exit status 0") && left(&groups, pid).is_empty(), "{words}");
}

#[test]
fn signals_end_the_command_too_and_nothing_is_left() {
    let Some(groups) = groups() else { return };
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let mut ours = listening(&mut sniff(&[], &["bash", "-c", "sleep 61 & sleep 62"]));
        let pid = ours.child.id();
        let inside = wait_for(|| {
            let [group] = &left(&groups, pid)[..] else { return None };
            let procs = std::fs::read_to_string(groups.join(group).join("cgroup.procs")).ok()?;
            Some(procs.lines().map(|p| p.parse().expect("a number")).collect::<Vec<i32>>()).filter(|p| p.len() == 3)
        });
        ours.signal(signal);
        if signal == Signal::SIGKILL {
            ours.child.wait().expect("a child");
        } else {
            let (code, _, words) = ours.finish();
            assert_eq!(code, Some(0), "{signal}: {words}");
        }
        wait_for(|| left(&groups, pid).is_empty().then_some(()));
        for process in inside {
            let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            assert!(state.is_empty() || state.contains(") Z "), "{signal}: {state}");
        }
    }
}

#[test]
fn what_a_killed_run_and_guard_left_is_removed_by_the_next() {
    let Some(groups) = groups() else { return };
    let mut ours: Running = listening(&mut sniff(&[], &["sleep", "63"]));
    let pid = ours.child.id();
    let group = wait_for(|| left(&groups, pid).pop());
    let inside = || std::fs::read_to_string(groups.join(&group).join("cgroup.procs")).expect("the group");
    wait_for(|| (inside().lines().count() == 1).then_some(()));
    let guard = wait_for(|| {
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
        let is_guard = |child: &&str| {
            std::fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|comm| comm == "syskit-guard\n")
        };
        children.split_whitespace().find(is_guard).and_then(|child| child.parse().ok())
    });
    // The guard first, or it would do its work.
    kill(Pid::from_raw(guard), Signal::SIGKILL).expect("the guard");
    ours.signal(Signal::SIGKILL);
    ours.child.wait().expect("a child");
    assert_eq!(run(&[], &["true"]).0, Some(0));
    assert_eq!(left(&groups, pid), std::slice::from_ref(&group), "a process is in it still");
    kill(Pid::from_raw(inside().trim().parse().expect("one")), Signal::SIGKILL).expect("the sleep");
    wait_for(|| {
        assert_eq!(run(&[], &["true"]).0, Some(0));
        left(&groups, pid).is_empty().then_some(())
    });
}

#[test]
fn of_many_packets_each_is_shown_or_counted_as_lost() {
    if groups().is_none() {
        return;
    }
    static LARGE: [u8; 64 << 20] = [7; 64 << 20];
    let server = Server::start(Ipv4Addr::LOCALHOST.into(), &LARGE).expect("a server");
    let (code, out, words) = run(&["tcp"], &["bash", "-c", &asking(&server)]);
    assert_eq!(code, Some(0), "{words}");
    let from = format!("127.0.0.1.{} > ", server.port());
    let length = |line: &str| line.rsplit("length ").next()?.split(':').next()?.parse::<u64>().ok();
    let bytes: u64 = out.lines().filter(|line| line.contains(&from)).filter_map(length).sum();
    let dropped = words.rsplit(", ").next().and_then(|w| w.split(' ').next()?.parse::<u64>().ok()).expect("a count");
    assert!(if dropped == 0 { bytes >= LARGE.len() as u64 } else { bytes > 0 }, "{bytes} bytes: {words}");
}

#[test]
fn many_short_children_are_all_there() {
    if groups().is_none() {
        return;
    }
    let server = server();
    let many = format!("for i in {{1..100}}; do ({}); done", asking(&server));
    let (code, out, words) = run(&["tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn"], &["bash", "-c", &many]);
    assert_eq!((code, out.lines().count()), (Some(0), 100), "{words}");
}

#[test]
fn an_interface_of_another_namespace_is_not_named_by_one_of_ours() {
    if groups().is_none() || !has_program("unshare", "util-linux") {
        return;
    }
    let release = nix::sys::utsname::uname().expect("uname").release().to_string_lossy().into_owned();
    let mut numbers = release.split('.').map_while(|n| n.parse::<u32>().ok());
    if (numbers.next(), numbers.next()) < (Some(6), Some(18)) {
        return common::skip("this kernel (before 6.18) may not tell programs of namespaces");
    }
    let send = "ip link set lo up; bash -c 'echo hi > /dev/udp/127.0.0.1/99'";
    let (code, out, words) = run(&["--json", "udp"], &["unshare", "-n", "sh", "-c", send]);
    assert_eq!(code, Some(0), "{words}");
    let packets: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(packets.len() == 1 && packets[0]["interface"].is_null(), "{out}");
}

#[test]
fn what_cannot_be_run_is_said() {
    let Some(groups) = groups() else { return };
    for (command, code, expected) in [
        ("no-such-program", 1, "cannot run no-such-program: execve: no such file or directory (ENOENT)"),
        ("/etc/passwd", 4, "cannot run /etc/passwd: execve: permission denied (EACCES)"),
    ] {
        let ours = sniff(&[], &[command]).stderr(Stdio::piped()).spawn().expect("syskit");
        let pid = ours.id();
        let output = ours.wait_with_output().expect("its end");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(code) && words.contains(expected), "{words}");
        assert!(left(&groups, pid).is_empty());
    }
    for arguments in [&["--exec"][..], &["--exec", "--"], &["--", "true"], &["-r", "x", "--exec", "--", "true"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
        assert_eq!(
            command.arg("sniff").args(arguments).output().expect("syskit").status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
}

#[test]
fn without_the_privilege_it_says_what_is_missing() {
    if groups().is_none() || !has_program("setpriv", "util-linux") {
        return;
    }
    for (limits, expected) in [
        (&["--reuid=65534", "--clear-groups"][..], "run as root, or in a group that is yours"),
        (&["--bounding-set=-bpf,-sys_admin", "--inh-caps=-bpf,-sys_admin"], "this process lacks CAP_BPF"),
    ] {
        let mut command = Command::new("setpriv");
        command.args(limits).args([env!("CARGO_BIN_EXE_syskit"), "sniff", "--exec", "--", "true"]);
        let output = command.output().expect("setpriv");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(4) && words.contains(expected), "{words}");
    }
}

/// Tries until there is something, or fails.
fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        match look() {
            Some(found) => return found,
            None if start.elapsed() > Duration::from_secs(20) => panic!("it does not come about"),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
