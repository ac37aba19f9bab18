//! `syskit sniff tcp` on frames that contradict themselves, sent over the loopback interface of a network namespace.
//!
//! Debian packages: util-linux (unshare), iproute2.

mod common;

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};

use common::live::{Running, can_capture, has_program, listening};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socket};
use syskit::sys::packet_socket;

/// IPv4 in Ethernet: six bytes of data from port 41218 to port 8000, every checksum right.
const FRAME: [u8; 60] = [
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x45, 0, 0, 46, 0, 7, 0x40, 0, 64, 6, 0x3c, 0xc1, 127, 0, 0, 1, 127, 0,
    0, 1, 0xa1, 0x02, 0x1f, 0x40, 0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0xad, 0xc3, 0, 0, b'h', b'e', b'l',
    b'l', b'o', b'\n',
];

fn with(at: usize, byte: u8) -> Vec<u8> {
    let mut frame = FRAME.to_vec();
    frame[at] = byte;
    frame
}

/// A namespace with nothing but its loopback interface, and a sniff on that.
fn sniff(arguments: &str) -> Option<Running> {
    let there = can_capture() && has_program("unshare", "util-linux") && has_program("ip", "iproute2");
    let up = "ip link set lo up";
    let probe = Command::new("unshare").args(["--net", "sh", "-c", up]).stderr(Stdio::null()).status();
    if !there || !probe.is_ok_and(|status| status.success()) {
        common::skip("no network namespace can be made");
        return None;
    }
    let script = format!("{up} && exec {} sniff tcp -vS -i lo {arguments}", env!("CARGO_BIN_EXE_syskit"));
    Some(listening(Command::new("unshare").args(["--net", "sh", "-c", &script]).stdout(Stdio::piped())))
}

/// A packet socket on the loopback interface of that namespace.
fn wire(running: &Running) -> OwnedFd {
    let namespace = File::open(format!("/proc/{}/ns/net", running.child.id())).expect("the namespace");
    let opened = std::thread::spawn(move || {
        // Of this thread alone, which ends here.
        setns(namespace, CloneFlags::CLONE_NEWNET).expect("setns");
        let wire = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        packet_socket::bind(&wire, 1).expect("the loopback interface is the first");
        wire
    });
    opened.join().expect("the thread")
}

/// The fields of [`FRAME`]'s IP header as -v says them, but of this total length, and what is wrong with the checksum.
fn fields(length: usize, wrong: &str) -> String {
    format!("(tos 0x0, ttl 64, id 7, offset 0, flags [DF], proto TCP (6), length {length}{wrong})")
}

/// What a sniff says of these frames, a whole one last: its lines without the time, and its tally.
fn said(arguments: &str, frames: &[Vec<u8>]) -> Option<(Vec<String>, String)> {
    let mut running = sniff(arguments)?;
    let wire = wire(&running);
    let last = FRAME.to_vec();
    for frame in frames.iter().chain([&last]) {
        assert_eq!(send(wire.as_raw_fd(), frame, MsgFlags::empty()), Ok(frame.len()));
    }
    let mut out = std::io::BufReader::new(running.child.stdout.take().expect("a pipe"));
    let mut lines: Vec<String> = Vec::new();
    let end = format!("IP {} 127", fields(46, ""));
    while !lines.last().is_some_and(|line| line.starts_with(&end) && line.contains("(correct), seq 1:7")) {
        let mut line = String::new();
        let length = std::io::BufRead::read_line(&mut out, &mut line).expect("a line");
        assert!(length > 0, "it ended early: {lines:?}");
        lines.push(line.trim_end().split_once(' ').expect("a time").1.to_owned());
    }
    running.signal(Signal::SIGINT);
    let (code, _, words) = running.finish();
    assert_eq!(code, Some(0), "{words}");
    lines.pop();
    Some((lines, words.lines().last().unwrap_or_default().to_owned()))
}

/// An ARP request behind a VLAN tag that stays in the frame: the inner of two.
fn tagged() -> Vec<u8> {
    [&FRAME[..12], &[0x81, 0, 0, 5, 0x81, 0, 0, 6, 8, 6], &[0; 28]].concat()
}

#[test]
fn what_may_be_tcp_is_shown_and_the_rest_is_counted() {
    let frames = [with(14, 0x40), with(14, 0x44), with(17, 19), with(14, 0x65), tagged()];
    let Some((lines, tally)) = said("", &frames) else { return };
    let expected = [
        "ipv4 [malformed: the header length is 0, below 20]",
        "ipv4 [malformed: the header length is 16, below 20]",
        "ipv4 [malformed: the total length is below the header length]",
        "ipv4 [malformed: the version is not 4]",
    ];
    assert_eq!(lines, expected);
    // The interface counts the frame of a VLAN that nobody is in.
    assert!(tally.starts_with("5 packets shown, 1 not TCP, 6 captured, 0 dropped by the kernel"), "{tally}");
}

#[test]
fn with_a_port_what_is_malformed_is_shown_too() {
    let frames = [with(14, 0x40), with(17, 30)[..44].to_vec(), FRAME[..44].to_vec(), with(36, 1)];
    let Some((lines, tally)) = said("--port 8000", &frames) else { return };
    let ends = "127.0.0.1.41218 > 127.0.0.1.8000: ";
    let expected = [
        "ipv4 [malformed: the header length is 0, below 20]".to_owned(),
        format!(
            "IP {} {ends}tcp [malformed: the packet ends inside its header]",
            fields(30, ", bad cksum 0x3cc1 -> 0x3cd1")
        ),
        format!("IP [truncated-ip - 16 bytes missing] {} {ends}[|tcp]", fields(46, "")),
    ];
    assert_eq!(lines, expected, "port 320 is another's");
    assert_eq!(tally, "4 packets shown, 4 captured, 0 dropped by the kernel");
}

#[test]
fn what_is_wrong_with_a_whole_header_is_named() {
    let Some((lines, _)) = said("", &[FRAME[..59].to_vec(), with(24, 0)]) else { return };
    let ends = "127.0.0.1.41218 > 127.0.0.1.8000: Flags [P.], cksum 0xadc3";
    let rest = "seq 1:7, ack 9, win 65495, length 6";
    let expected = [
        format!("IP [truncated-ip - 1 bytes missing] {} {ends} (unverified: truncated), {rest}", fields(46, "")),
        format!("IP {} {ends} (correct), {rest}", fields(46, ", bad cksum 0x00c1 -> 0x3cc1")),
    ];
    assert_eq!(lines, expected);
}
