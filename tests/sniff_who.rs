//! `syskit sniff --who`: the processes named are those that ss(8) names, and those that are gone before anybody looks.
//!
//! Debian packages: bash (/dev/tcp), iproute2 (ss), python3, util-linux (setpriv, unshare).

mod common;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use common::live::{Running, Server, can_capture, has_program, listening};
use nix::sys::signal::Signal;
use serde_json::Value;
use syskit::need::{BPF_CGROUP, NET_NAMESPACE, first_missing};

const REPLY: &[u8] = b"bye\n";

fn sniff(arguments: &[&str]) -> Running {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.args(["sniff", "-i", "lo", "--who"]).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    listening(&mut command)
}

/// Ends the list of packets: a datagram to the discard port, of which the filter must let through.
const MARK: &str = "udp port 9";

/// What it printed of what was sent until now, and its words.
fn until_now(mut ours: Running) -> (String, String) {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let (seen, unseen) = std::sync::mpsc::channel::<()>();
    // Again and again: on a loopback interface that is flooded a datagram may get lost.
    let marking = std::thread::spawn(move || {
        loop {
            let _ = socket.send_to(b"mark", (Ipv4Addr::LOCALHOST, 9));
            if unseen.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    });
    let mut stdout = BufReader::new(ours.child.stdout.take().expect("a pipe"));
    let (mut out, mut line) = (String::new(), String::new());
    while !line.contains("\"destination_port\":9,") {
        out.push_str(&line);
        line.clear();
        assert!(stdout.read_line(&mut line).expect("text") > 0, "it ended before the mark came");
    }
    drop(seen);
    marking.join().expect("no panic");
    ours.signal(Signal::SIGINT);
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    (out, words)
}

fn packets(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The processes named on one side, with their names.
fn named(packets: &[Value], side: &str) -> BTreeSet<(u64, String)> {
    let processes = packets.iter().flat_map(|packet| packet["processes"].as_array().expect("an array"));
    let of_side = processes.filter(|process| process["side"] == side);
    of_side
        .map(|p| (p["pid"].as_u64().expect("a number"), p["command"].as_str().expect("a name").to_owned()))
        .collect()
}

/// A program in Python whose first line of output is a number.
fn python(program: &str) -> (Child, BufReader<std::process::ChildStdout>, u16) {
    let mut command = Command::new("python3");
    let mut child =
        command.args(["-c", program]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    (child, out, line.trim().parse().expect("a number"))
}

/// Lets it go on to its end.
fn end(mut child: Child) {
    drop(child.stdin.take());
    child.wait().expect("a child");
}

/// The tally of who was not named.
fn unnamed(words: &str) -> u64 {
    let at = words.find("who: ").expect("a tally") + 5;
    words[at..].split(' ').next().and_then(|n| n.parse().ok()).expect("a count")
}

#[test]
fn short_lived_processes_are_named() {
    if !can_capture() {
        return;
    }
    if let Some(finding) = first_missing(&[&BPF_CGROUP]) {
        return common::skip(&finding.to_string());
    }
    let server = Server::start(Ipv4Addr::LOCALHOST.into(), REPLY).expect("a server");
    let ours = sniff(&["--json", &format!("port {} or {MARK}", server.port())]);
    let ask = format!("exec 3<>/dev/tcp/127.0.0.1/{}; echo hi >&3; read -u 3 reply", server.port());
    let mut expected = BTreeSet::new();
    for _ in 0..100 {
        let mut child = Command::new("bash").args(["-c", &ask]).spawn().expect("bash");
        expected.insert((u64::from(child.id()), "bash".to_owned()));
        child.wait().expect("a child");
    }
    let (out, words) = until_now(ours);
    let packets = packets(&out);
    let schema = schemars::schema_for!(syskit::recipes::sniff::print::PacketDocument);
    let validator = jsonschema::validator_for(schema.as_value()).expect("a schema");
    assert!(packets.iter().all(|packet| validator.is_valid(packet)));
    let own = u64::from(std::process::id());
    let clients = |side| named(&packets, side).into_iter().filter(|(pid, _)| *pid != own).collect::<BTreeSet<_>>();
    assert_eq!(clients("sender"), expected, "{words}");
    assert_eq!(clients("receiver"), expected, "{words}");
    assert!(named(&packets, "receiver").iter().any(|(pid, _)| *pid == own), "the server is this test");
    assert!(packets.iter().all(|packet| packet["processes"].as_array().is_some_and(|p| p.len() == 2)), "{words}");
}

#[test]
fn the_names_are_those_of_ss() {
    if !can_capture() || !has_program("ss", "iproute2") || !has_program("python3", "python3") {
        return;
    }
    let (server, mut told, port) = python(
        "import socket, sys
s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)
c, _ = s.accept(); print('in', flush=True); c.recv(9); c.send(b'back'); sys.stdin.read()",
    );
    let mut client = Command::new("bash");
    client
        .args(["-c", &format!("exec 3<>/dev/tcp/127.0.0.1/{port}; read go; echo hi >&3; read reply <&3; read end")]);
    let mut client = client.stdin(Stdio::piped()).spawn().expect("bash");
    told.read_line(&mut String::new()).expect("a line");
    // Both were there before it began.
    let ours = sniff(&["-c", "2", "--json", "tcp", &format!("port {port}")]);
    let ss =
        Command::new("ss").args(["-Htnp", &format!("( sport = :{port} or dport = :{port} )")]).output().expect("ss");
    client.stdin.as_mut().expect("a pipe").write_all(b"go\n").expect("bash reads");
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    let ss = String::from_utf8(ss.stdout).expect("text");
    let theirs: BTreeSet<(u64, String)> = ss
        .split("((\"")
        .skip(1)
        .map(|user| {
            let (name, rest) = user.split_once("\",pid=").expect("a process");
            (rest.split(',').next().and_then(|pid| pid.parse().ok()).expect("a number"), name.to_owned())
        })
        .collect();
    assert_eq!(theirs.len(), 2, "{ss}");
    let packets = packets(&out);
    let both = named(&packets, "sender").union(&named(&packets, "receiver")).cloned().collect::<BTreeSet<_>>();
    assert_eq!(both, theirs, "{words}");
    end(server);
    end(client);
}

#[test]
fn datagrams_of_both_families_are_named() {
    if !can_capture() || !has_program("python3", "python3") {
        return;
    }
    let ours = sniff(&["--json", "udp"]);
    let (child, _, port) = python(
        "import socket, sys
a = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); a.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
a.bind(('::', 0)); port = a.getsockname()[1]
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'4', ('127.0.0.1', port))
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'6', ('::1', port))
a.sendto(b'mapped', ('::ffff:127.0.0.1', port)); [a.recv(9) for _ in range(3)]
print(port, flush=True); sys.stdin.read()",
    );
    let pid = u64::from(child.id());
    let (out, words) = until_now(ours);
    end(child);
    let at_port = |p: &Value| p["udp"]["destination_port"].as_u64() == Some(port.into());
    let packets: Vec<Value> = packets(&out).into_iter().filter(at_port).collect();
    assert_eq!(packets.len(), 3, "{words}{out}");
    for packet in packets {
        let one = [packet];
        let names = |side| named(&one, side).into_iter().map(|(pid, _)| pid).collect::<Vec<_>>();
        assert_eq!(names("receiver"), [pid], "{one:?}");
        // The sockets that sent are closed when the packets are read.
        if first_missing(&[&BPF_CGROUP]).is_none() {
            assert_eq!(names("sender"), [pid], "{one:?}");
        }
    }
}

#[test]
fn a_shared_socket_is_of_the_first_process_and_names_are_escaped() {
    if !can_capture() || !has_program("python3", "python3") {
        return;
    }
    let (child, _, port) = python(
        "import os, socket, sys
open('/proc/self/comm', 'w').write('\\x1b[31mred\\n}')
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))
end, keep = os.pipe()
for _ in range(2):
    if os.fork() == 0: os.close(keep); os.read(end, 1); os._exit(0)
print(s.getsockname()[1], flush=True); sys.stdin.read()",
    );
    let pid = child.id();
    for form in [&["-c", "1"][..], &["-c", "1", "-v"]] {
        let ours = sniff(&[form, &[&format!("udp port {port}")]].concat());
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.send_to(b"hello", (Ipv4Addr::LOCALHOST, port)).expect("sent");
        let (code, out, words) = ours.finish();
        assert_eq!(code, Some(0), "{words}");
        let expected = format!(r" {} > \x1b[31mred\n}} {pid} +2", std::process::id());
        assert!(out.contains(&expected), "{out}");
        assert!(!out.contains('\x1b'), "{out:?}");
    }
    end(child);
}

#[test]
fn echo_requests_of_ping_and_raw_sockets_are_named() {
    if !can_capture() || !has_program("python3", "python3") || !has_program("unshare", "util-linux") {
        return;
    }
    if let Some(finding) = first_missing(&[&BPF_CGROUP, &NET_NAMESPACE]) {
        return common::skip(&finding.to_string());
    }
    // In a namespace of its own, where no other raw socket is.
    let request = |kind, wait| {
        format!(
            "import socket
s = socket.socket(socket.AF_INET, socket.{kind}, socket.IPPROTO_ICMP)
s.sendto(bytes.fromhex('0800f7ff00000000'), ('127.0.0.1', 0)); s.recv(99){wait}"
        )
    };
    // Whose raw socket it was is not known any more once it is closed.
    for (kind, wait) in [("SOCK_DGRAM", ""), ("SOCK_RAW", "; import time; time.sleep(1)")] {
        let sniff = "ip link set lo up; echo 0 0 > /proc/sys/net/ipv4/ping_group_range; exec \"$@\"";
        let mut command = Command::new("unshare");
        command.args([
            "-n",
            "sh",
            "-c",
            sniff,
            "sh",
            env!("CARGO_BIN_EXE_syskit"),
            "sniff",
            "icmp",
            "--who",
            "--json",
        ]);
        command.args(["--exec", "--", "python3", "-c", &request(kind, wait)]);
        let output = command.stdin(Stdio::null()).output().expect("unshare");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}");
        let packets = packets(&String::from_utf8(output.stdout).expect("text"));
        let names: BTreeSet<String> = named(&packets, "sender").into_iter().map(|(_, name)| name).collect();
        assert!(packets.len() >= 2 && names.iter().eq(["python3"]), "{kind}: {packets:?} {words}");
    }
}

#[test]
fn a_socket_without_a_process_is_a_question_mark_and_counted() {
    if !can_capture() {
        return;
    }
    // A port at which nobody is: its answer is the kernel's own.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|l| l.local_addr()).expect("a port").port();
    let ours = sniff(&["-c", "2", "tcp", &format!("port {port}")]);
    assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.lines().nth(1).is_some_and(|l| l.contains("Flags [R.]") && l.contains("  {? > ")), "{out}");
    assert_eq!(unnamed(&words), 2, "{words}");
}

#[test]
fn without_privilege_it_says_what_is_not_seen_and_files_do_not_tell() {
    if !can_capture() || !has_program("setpriv", "util-linux") || !nix::unistd::geteuid().is_root() {
        return;
    }
    let mut command = Command::new("setpriv");
    let ambient = ["--reuid=65534", "--clear-groups", "--inh-caps=+net_raw", "--ambient-caps=+net_raw"];
    command.args(ambient).args([env!("CARGO_BIN_EXE_syskit"), "sniff", "--who", "-i", "lo", "--for", "50ms"]);
    let output = command.stdin(Stdio::null()).output().expect("setpriv");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    assert!(words.contains("the sockets of other users' processes are not to be seen: run as root"), "{words}");
    assert!(words.contains("short-lived processes may go unnamed"), "{words}");
    for arguments in [["-r", "x"], ["-w", "x"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
        let output = command.args(["sniff", "--who"]).args(arguments).output().expect("syskit");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn it_goes_with_a_command() {
    if !can_capture() || first_missing(&[&BPF_CGROUP]).is_some() || !nix::unistd::geteuid().is_root() {
        return;
    }
    let server = Server::start(Ipv4Addr::LOCALHOST.into(), REPLY).expect("a server");
    let ask = format!("exec 3<>/dev/tcp/127.0.0.1/{}; echo hi >&3; read -u 3 reply", server.port());
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.args(["sniff", "--who", "--exec", "--", "bash", "-c", &ask]).stdout(Stdio::piped());
    let mut ours = listening(&mut command);
    let mut out = String::new();
    ours.child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    assert!(out.lines().count() > 5 && out.lines().all(|line| line.contains("bash ")), "{out}");
    assert_eq!(unnamed(&words), 0, "{words}");
}
