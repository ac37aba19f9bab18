//! The same trials for every capture method: nothing is lost or changed, and what is lost is counted.
//!
//! Debian packages: iproute2, tcpdump.

mod common;

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::capture_file;
use common::live::{has_program, listening};
use common::wire::{frame, ip, number_of, put, sender, with_wire};
use nix::sys::signal::Signal;
use nix::sys::socket::{MsgFlags, send};
use syskit::need::first_missing;
use syskit::packet::Link;
use syskit::race::Contender;
use syskit::recipes::sniff::capture::{Capture, Captured, Direction, Event, METHODS, Method, Setup};
use syskit::recipes::sniff::selection::Selection;
use syskit::recipes::sniff::{filter, interface, receive};
use syskit::sys::packet_ring::{Block, Geometry, Ring};
use syskit::sys::{packet_socket, socket, socket_filter};

type Approach = &'static Contender<dyn Method>;

/// A wait for what must come: tests fail by it, they never pass by it.
const LONG: Duration = Duration::from_secs(30);

/// The methods that this host has.
fn methods() -> Vec<Approach> {
    let missing = |m: &&Contender<dyn Method>| first_missing(m.needs);
    // What af_xdp takes does not reach the others beside it: it has tests of its own.
    let apart = |name: &str| name == "af_xdp" || name == "pcap" && !cfg!(feature = "libpcap");
    let built = METHODS.iter().filter(|m| !apart(m.name));
    let (here, not): (Vec<_>, Vec<_>) = built.partition(|m| missing(m).is_none());
    for method in not {
        common::skip(&format!("{}: {}", method.name, missing(&method).expect("missing")));
    }
    here
}

/// Those that have these names: what only some can is tested on them.
fn of_names(names: &[&str]) -> Vec<Approach> {
    methods().into_iter().filter(|m| names.contains(&m.name)).collect()
}

const ON_PACKET_SOCKETS: [&str; 5] = ["ring", "fanout", "packet", "recvmmsg", "io_uring"];

/// TCP that was sent by [`sender`] on d1, captured on this interface.
fn setup(name: &str) -> Setup {
    let words = ["tcp", "src host 192.0.2.2"].map(str::to_owned);
    let selection = Selection::of_words(&words, None).expect("an expression");
    Setup { interface: interface::find(name).expect("the interface"), selection, ..Setup::default() }
}

fn open(method: Approach, setup: &Setup) -> Box<dyn Capture> {
    method.approach.open(setup).unwrap_or_else(|e| panic!("{}: {e}", method.name))
}

/// Hands over `count` packets.
fn take(name: &str, capture: &mut dyn Capture, count: u32, mut each: impl FnMut(&Captured)) {
    let mut taken = 0;
    let mut silence = Duration::ZERO;
    while taken < count {
        let wait = Duration::from_millis(100);
        match capture.next(wait).unwrap_or_else(|e| panic!("{name}: {e}")) {
            Event::Packet(packet) => {
                each(&packet);
                (taken, silence) = (taken + 1, Duration::ZERO);
            }
            Event::Nothing => silence += wait,
            other => panic!("{name}: {other:?}"),
        }
        assert!(silence < LONG, "{name}: only {taken} of {count} came");
    }
}

/// Reads until nothing comes any more: how many packets that was.
fn drain(name: &str, capture: &mut dyn Capture) -> u64 {
    let (mut count, mut silence) = (0, 0);
    while silence < 5 {
        match capture.next(Duration::from_millis(100)).unwrap_or_else(|e| panic!("{name}: {e}")) {
            Event::Packet(_) => (count, silence) = (count + 1, 0),
            _ => silence += 1,
        }
    }
    count
}

#[test]
fn every_packet_comes_once_whole_and_in_order() {
    const COUNT: u32 = 20_000;
    // Fewer are on their way at a time than the smallest queue in between has places for.
    const WINDOW: u32 = 256;
    let lengths = |number: u32| [60, 61, 590, 1514][number as usize % 4];
    for method in methods() {
        let name = method.name;
        let made = with_wire(|| {
            let taken = AtomicU32::new(0);
            let mut capture = open(method, &setup("d0"));
            let index = interface::find("d0").expect("d0").expect("d0").index;
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let wire = sender("d1");
                    for number in 0..COUNT {
                        while number - taken.load(Ordering::Relaxed) >= WINDOW {
                            std::thread::yield_now();
                        }
                        put(&wire, &frame(number as u8 % 64, number, lengths(number)));
                    }
                });
                let mut last: HashMap<u8, u32> = HashMap::new();
                take(name, &mut *capture, COUNT, |packet| {
                    let (flow, number) = number_of(packet.bytes).unwrap_or_else(|| panic!("{name}: {packet:?}"));
                    let before = last.insert(flow, number);
                    assert_eq!(before.map_or(u32::from(flow), |n| n + 64), number, "{name}: order of flow {flow}");
                    let header = if packet.link == Link::Ip { 14 } else { 0 };
                    assert_eq!(packet.length, lengths(number) - header, "{name}: {packet:?}");
                    assert!([index, 0].contains(&packet.interface), "{name}: {packet:?}");
                    assert!(matches!(packet.direction, Direction::In | Direction::Unknown), "{name}: {packet:?}");
                    assert!(
                        packet.seconds > 1_500_000_000 && packet.nanoseconds < 1_000_000_000,
                        "{name}: {packet:?}"
                    );
                    taken.fetch_add(1, Ordering::Relaxed);
                });
            });
            let losses = capture.dropped().expect("a count");
            assert_eq!((losses.kernel, losses.own), (0, 0), "{name}");
            assert_eq!(drain(name, &mut *capture), 0, "{name}: more came than were sent");
        });
        if !made {
            return;
        }
    }
}

#[test]
fn a_burst_fits_into_the_buffer_while_nobody_reads() {
    const COUNT: u32 = 30_000;
    for method in of_names(&ON_PACKET_SOCKETS) {
        let name = method.name;
        // Where they are sent, so that no other queue is in between.
        let made = with_wire(|| {
            let mut capture = open(method, &Setup { buffer: Some(128 << 20), ..setup("d1") });
            let wire = sender("d1");
            (0..COUNT).for_each(|number| put(&wire, &frame(number as u8, number, 1000)));
            let mut seen = vec![false; COUNT as usize];
            take(name, &mut *capture, COUNT, |packet| {
                let (_, number) = number_of(packet.bytes).unwrap_or_else(|| panic!("{name}: {packet:?}"));
                assert_eq!(packet.direction, Direction::Out, "{name}");
                assert!(!std::mem::replace(&mut seen[number as usize], true), "{name}: {number} came twice");
            });
            assert_eq!(capture.dropped().expect("a count").kernel, 0, "{name}");
        });
        if !made {
            return;
        }
    }
}

#[test]
fn what_nobody_reads_in_time_is_counted() {
    const COUNT: u64 = 20_000;
    for method in methods() {
        let name = method.name;
        let made = with_wire(|| {
            let mut capture = open(method, &Setup { buffer: Some(512 << 10), ..setup("d0") });
            let wire = sender("d1");
            (0..COUNT as u32).for_each(|number| put(&wire, &frame(number as u8, number, 1000)));
            let read = drain(name, &mut *capture);
            let losses = capture.dropped().expect("a count");
            assert!(losses.kernel > 0 && read > 0, "{name}: {losses:?}, {read} read");
            // What the queue between the interfaces dropped is the interface's loss.
            let all = read + losses.kernel..=read + losses.kernel + losses.interface;
            assert!(all.contains(&COUNT), "{name}: {read} read, {losses:?}");
            assert_eq!(losses.own, 0, "{name}");
            // Asking again takes nothing away, and capturing goes on.
            assert_eq!(capture.dropped().expect("a count"), losses, "{name}");
            put(&wire, &frame(1, 7, 100));
            take(name, &mut *capture, 1, |packet| assert_eq!(number_of(packet.bytes), Some((1, 7)), "{name}"));
        });
        if !made {
            return;
        }
    }
}

#[test]
fn what_the_interface_drops_is_told_apart() {
    for method in of_names(&["ring", "fanout", "packet", "recvmmsg", "raw"]) {
        let name = method.name;
        let made = with_wire(|| {
            let mut capture = open(method, &setup("d0"));
            // A veth end drops what is longer than its MTU, which the other end does not know.
            ip("link set d0 mtu 600");
            let wire = sender("d1");
            // The sender may be told (ENOBUFS), or not.
            for number in 0..9 {
                let _ = send(wire.as_raw_fd(), &frame(1, number, 1000), MsgFlags::empty());
            }
            put(&wire, &frame(1, 9, 100));
            take(name, &mut *capture, 1, |packet| assert_eq!(number_of(packet.bytes), Some((1, 9)), "{name}"));
            let losses = capture.dropped().expect("a count");
            assert_eq!((losses.kernel, losses.interface), (0, 9), "{name}");
        });
        if !made {
            return;
        }
    }
}

#[test]
fn vlan_tags_stand_where_they_stood_on_the_wire() {
    for method in of_names(&ON_PACKET_SOCKETS) {
        let name = method.name;
        let made = with_wire(|| {
            let everything = Setup { selection: Selection::default(), ..setup("d0") };
            let wire = sender("d1");
            // The kernel takes the outer tag out of the frame on the way in, as network devices do.
            for tags in [&[][..], &[0x81, 0, 0xc0, 5], &[0x88, 0xa8, 0, 7], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 9]] {
                for snaplen in [None, Some(15), Some(64)] {
                    let mut capture = open(method, &Setup { snaplen, ..everything.clone() });
                    let plain = frame(3, 4, 200);
                    let sent = [&plain[..12], tags, &plain[12..]].concat();
                    let cut = &sent[..snaplen.map_or(sent.len(), |n| sent.len().min(n as usize))];
                    put(&wire, &sent);
                    let mut found = false;
                    while !found {
                        take(name, &mut *capture, 1, |packet| {
                            // The kernel's own chatter passes as well.
                            found = packet.bytes == cut && packet.length == sent.len();
                        });
                    }
                }
            }
        });
        if !made {
            return;
        }
    }
}

#[test]
fn what_is_beyond_the_snap_length_is_left_out() {
    for method in methods() {
        let name = method.name;
        let made = with_wire(|| {
            let mut capture = open(method, &Setup { snaplen: Some(64), ..setup("d0") });
            let sent = frame(1, 2, 900);
            put(&sender("d1"), &sent);
            let is_cut = capture.is_cut();
            take(name, &mut *capture, 1, |packet| {
                let header = if packet.link == Link::Ip { 14 } else { 0 };
                assert_eq!(packet.length, 900 - header, "{name}");
                assert!(packet.bytes.len() == if is_cut { 64 } else { packet.length }, "{name}: {packet:?}");
                assert!(sent[header..].starts_with(packet.bytes), "{name}: {packet:?}");
            });
        });
        if !made {
            return;
        }
    }
}

#[test]
fn the_kernel_cuts_and_tells_the_length() {
    with_wire(|| {
        let whole = filter::packet_socket(&setup("d0").selection).expect("a program");
        for (program, captured) in [(whole.clone(), 900), (whole.cut(64), 64), (whole.cut(4000), 900)] {
            let socket = socket::open(libc::AF_PACKET, libc::SOCK_RAW, 0).expect("a packet socket");
            let mut ring = Ring::new(&socket, Geometry { block: 1 << 17, blocks: 4, retire: 5 }).expect("a ring");
            socket_filter::attach(&socket, program.instructions()).expect("a filter");
            packet_socket::bind(&socket, 0).expect("all interfaces");
            let sent = frame(1, 2, 900);
            put(&sender("d1"), &sent);
            receive::ready(socket.as_fd(), LONG).expect("poll");
            let mut block = ring.take().expect("a block");
            // It is ours: the kernel's word that it is filled is not taken for another.
            assert!(ring.take().is_none());
            // The ends of the wire see it one after the other.
            for kind in [libc::PACKET_OUTGOING, libc::PACKET_HOST] {
                let arrival = block.advance().expect("a packet");
                assert_eq!((arrival.kind, arrival.length), (kind, 900));
                assert_eq!(block.frame()[Block::ROOM..], sent[..captured]);
            }
            assert_eq!((block.advance(), block.left()), (None, 0));
        }
    });
}

#[test]
fn each_packet_is_the_one_that_tcpdump_captured_beside() {
    const COUNT: u32 = 2000;
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let filter = "ether src 02:00:00:00:00:02 and not ip6";
    let words = [filter.to_owned()];
    let selection = Selection::of_words(&words, None).expect("an expression");
    for method in of_names(&ON_PACKET_SOCKETS) {
        let name = method.name;
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("theirs.pcap");
        let made = with_wire(|| {
            let file = std::fs::File::create(&path).expect("a file");
            let theirs = ["-i", "d0", "-B", "65536", "-s", "1000", "-U", "-w", "-", filter];
            let theirs = listening(Command::new("tcpdump").args(theirs).stdout(file));
            let mut capture =
                open(method, &Setup { selection: selection.clone(), snaplen: Some(1000), ..setup("d0") });
            let wire = sender("d1");
            for number in 0..COUNT {
                let plain = frame(number as u8, number, 60 + number as usize % 1400);
                let tag: &[u8] = if number % 3 == 0 { &[0x81, 0, 0, 9] } else { &[] };
                put(&wire, &[&plain[..12], tag, &plain[12..]].concat());
            }
            let mut ours = Vec::new();
            take(name, &mut *capture, COUNT, |packet| ours.push((packet.bytes.to_vec(), packet.length)));
            for _ in 0..300 {
                if capture_file::read(&path).len() == COUNT as usize {
                    break;
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            theirs.signal(Signal::SIGINT);
            let (code, _, words) = theirs.finish();
            assert_eq!(code, Some(0), "{words}");
            let mut theirs: Vec<_> =
                capture_file::read(&path).into_iter().map(|packet| (packet.bytes, packet.length)).collect();
            if name == "fanout" {
                // Those of one instant may stand in another order.
                ours.sort();
                theirs.sort();
            }
            assert_eq!(ours.len(), theirs.len(), "{name}: {words}");
            for (number, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
                assert_eq!(ours, theirs, "{name}: packet {number}");
            }
        });
        if !made {
            return;
        }
    }
}

#[test]
fn promiscuous_mode_lasts_as_long_as_the_capture() {
    let is_on = || !ip("-d link show d0").contains("promiscuity 0 ");
    for method in of_names(&ON_PACKET_SOCKETS) {
        for promiscuous in [true, false] {
            let made = with_wire(|| {
                let capture = open(method, &Setup { promiscuous, ..setup("d0") });
                assert_eq!(is_on(), promiscuous, "{}", method.name);
                drop(capture);
                assert!(!is_on(), "{}", method.name);
                drop(open(method, &Setup { promiscuous, interface: None, ..setup("d0") }));
            });
            if !made {
                return;
            }
        }
    }
}
