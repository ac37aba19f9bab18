//! The wire on which sniffers are raced: two network namespaces and a veth pair, which leave nothing behind.

mod common;

use std::collections::BTreeSet;
use std::net::{IpAddr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::live::{has_program, listening};
use syskit::recipes::sniff::traffic::{Pace, Sender};
use syskit::recipes::sniff::wire::{End, Plan, Wire};

fn wire(plan: &Plan) -> Option<Wire> {
    match Wire::with(plan) {
        Ok(wire) => Some(wire),
        Err(e) if matches!(e.exit_code(), 3 | 4) => {
            common::skip(&e.to_string());
            None
        }
        Err(e) => panic!("{e}"),
    }
}

fn bound(end: &End, address: IpAddr) -> UdpSocket {
    let socket = end.enter(|| UdpSocket::bind((address, 0))).expect("the namespace").expect("an address");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    socket
}

#[test]
fn both_ends_hear_each_other_at_once() {
    let Some(wire) = wire(&Plan::default()) else { return };
    let address = |end: &End, six: bool| -> IpAddr {
        if six { end.ipv6.expect("IPv6").into() } else { end.ipv4.expect("IPv4").into() }
    };
    for six in [false, true] {
        let near = bound(&wire.near, address(&wire.near, six));
        let far = bound(&wire.far, address(&wire.far, six));
        for (from, to) in [(&near, &far), (&far, &near)] {
            from.send_to(b"hello", to.local_addr().expect("an address")).expect("sent");
            let mut buffer = [0; 16];
            let (length, source) = to.recv_from(&mut buffer).expect("heard");
            assert_eq!((&buffer[..length], source), (&b"hello"[..], from.local_addr().expect("an address")));
        }
    }
}

#[test]
fn ip_shows_the_wire_as_it_was_planned() {
    if !has_program("ip", "iproute2") {
        return;
    }
    let plan = Plan { ipv6: false, mtu: 9000, ..Plan::default() };
    let Some(wire) = wire(&plan) else { return };
    for end in [&wire.near, &wire.far] {
        let output = end.enter(|| Command::new("ip").args(["-o", "address"]).output()).expect("the namespace");
        let text = String::from_utf8_lossy(&output.expect("ip").stdout).into_owned();
        assert!(text.contains(&format!("inet {}/24", end.ipv4.expect("IPv4"))), "{text}");
        assert!(!text.contains("inet6 fe80") && !text.contains("2001:db8"), "{text}");
        let output = end.enter(|| Command::new("ip").args(["-o", "link", "show", end.name]).output());
        let text = String::from_utf8_lossy(&output.expect("the namespace").expect("ip").stdout).into_owned();
        let mac = end.mac.map(|b| format!("{b:02x}")).join(":");
        for word in ["mtu 9000", "state UP", mac.as_str(), &format!("{}: {}@", end.index, end.name)] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}

/// The network namespaces that a process, or any process, has open or lives in, by their numbers.
fn namespaces(process: Option<u32>) -> BTreeSet<String> {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten().map(|e| e.path());
    let wanted = |path: &std::path::Path| {
        let id = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u32>().ok());
        id.is_some_and(|id| process.is_none_or(|process| id == process))
    };
    let links = processes.filter(|p| wanted(p)).flat_map(|p| {
        let tasks =
            std::fs::read_dir(p.join("task")).into_iter().flatten().flatten().map(|e| e.path().join("ns/net"));
        let open = std::fs::read_dir(p.join("fd")).into_iter().flatten().flatten().map(|e| e.path());
        open.chain(tasks).filter_map(|link| std::fs::read_link(link).ok()).collect::<Vec<_>>()
    });
    links.filter_map(|l| l.to_str().filter(|l| l.starts_with("net:[")).map(str::to_owned)).collect()
}

/// That nobody has them any more. A process that another test is just starting holds copies of our descriptors until it
/// runs its program: it is waited for.
fn assert_gone(made: &BTreeSet<String>) {
    let held = || namespaces(None).intersection(made).cloned().collect::<Vec<_>>();
    let end = Instant::now() + Duration::from_secs(20);
    while !held().is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(held(), Vec::<String>::new());
}

fn interfaces() -> String {
    let list = nix::net::if_::if_nameindex().expect("interfaces");
    list.iter().map(|i| i.name().to_string_lossy().into_owned() + " ").collect()
}

#[test]
fn a_wire_goes_with_its_last_holder() {
    let (before, own) = (interfaces(), namespaces(Some(std::process::id())));
    let Some(wire) = wire(&Plan::default()) else { return };
    let mine = namespaces(None);
    let inode = |end: &End| std::fs::read_link(end.path()).expect("a descriptor").to_string_lossy().into_owned();
    let both = [inode(&wire.near), inode(&wire.far)];
    assert!(both.iter().all(|n| mine.contains(n) && !own.contains(n)), "{both:?}");
    // A socket at one end holds its namespace too.
    let socket = bound(&wire.near, wire.near.ipv4.expect("IPv4").into());
    drop(wire);
    drop(socket);
    assert_gone(&both.into());
    assert_eq!(interfaces(), before);
}

/// A race that was started, once it has made its wires: the child and its namespaces.
fn race_under_way() -> Option<(Child, BTreeSet<String>)> {
    let own = namespaces(Some(std::process::id()));
    let mut command = common::command(&["bench", "sniff", "--budget", "60s", "--sizes", "64"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("syskit");
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        let made: BTreeSet<String> = namespaces(Some(child.id())).difference(&own).cloned().collect();
        if made.len() >= 4 {
            return Some((child, made));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!("the race made no wires");
}

#[test]
fn nothing_is_left_of_a_race_that_was_killed() {
    if !has_program("lsns", "util-linux") || wire(&Plan::default()).is_none() {
        return;
    }
    let before = interfaces();
    let Some((mut child, made)) = race_under_way() else { return };
    // SIGKILL: nothing of it can clean up.
    child.kill().expect("a kill");
    child.wait().expect("a child");
    assert_gone(&made);
    let listed =
        Command::new("lsns").args(["--noheadings", "--output", "NS", "--type", "net"]).output().expect("lsns");
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let numbers = made.iter().map(|n| n.trim_matches(|c: char| !c.is_ascii_digit()));
    assert!(!listed.trim().is_empty() && numbers.into_iter().all(|n| !listed.contains(n)), "{made:?}: {listed}");
    assert_eq!(interfaces(), before);
}

/// The frames of a classic capture file of this host's byte order.
fn frames(file: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut frames) = (&file[24..], Vec::new());
    while let Some(header) = rest.get(..16) {
        let length = u32::from_ne_bytes(header[8..12].try_into().expect("four bytes")) as usize;
        frames.push(&rest[16..16 + length]);
        rest = &rest[16 + length..];
    }
    frames
}

#[test]
fn tcpdump_sees_every_frame_as_it_was_sent() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let Some(wire) = wire(&Plan::default()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    for size in [64, 333, 1400] {
        let file = folder.path().join(format!("{size}.pcap"));
        let path = file.to_str().expect("text");
        let count = 3000;
        // Larger queue, no change of user: the file is in a folder of ours.
        let arguments = ["-i", "near0", "-Z", "root", "-B", "65536", "-c", "3000", "-w", path, "tcp"];
        let tcpdump = wire.near.enter(|| listening(Command::new("tcpdump").args(arguments))).expect("the namespace");
        let mut sender = Sender::new(&wire, size).expect("a sender");
        sender.send(count / 2).expect("sent");
        let sent = sender.send_for(Duration::from_millis(50), Pace::Rate(20_000.0)).expect("sent");
        assert!(sent.frames > 0 && sent.rate() < 2e6, "{sent:?}");
        if sender.sent() < count {
            sender.send(count - sender.sent()).expect("sent");
        }
        let (code, _, words) = tcpdump.finish();
        assert_eq!(code, Some(0), "{words}");
        let bytes = std::fs::read(&file).expect("the capture");
        let frames = frames(&bytes);
        assert_eq!(frames.len() as u64, count, "{words}");
        for (number, frame) in (0..).zip(frames) {
            assert_eq!(frame, sender.frame(number), "{size} bytes, frame {number}");
        }
        let shown = Command::new("tcpdump").args(["-nnvvr", path]).output().expect("tcpdump");
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert_eq!(shown.matches("(correct)").count() as u64, count, "checksums of {size} bytes");
        assert!(!shown.contains("bad cksum") && !shown.contains("incorrect"), "{shown}");
    }
}

#[test]
fn the_stack_answers_no_frame() {
    let Some(wire) = wire(&Plan { ipv6: false, ..Plan::default() }) else { return };
    let counter = |end: &End, name: &str| -> u64 {
        let read = || {
            let table = std::fs::read_to_string("/proc/thread-self/net/dev").expect("counters");
            let line = table.lines().find(|l| l.contains(end.name)).expect("the interface").to_owned();
            let at = if name == "received" { 2 } else { 10 };
            line.replace(':', " ").split_whitespace().nth(at).expect("a column").parse().expect("a number")
        };
        end.enter(read).expect("the namespace")
    };
    let mut sender = Sender::new(&wire, 64).expect("a sender");
    sender.send(1000).expect("sent");
    assert_eq!(counter(&wire.near, "received"), 1000);
    // ARP of an answer would be one too.
    assert_eq!(counter(&wire.near, "sent"), 0);
}
