//! `syskit sniff -w` with -G, -C and -W, against tcpdump's files of the same packets.
//!
//! Debian package: tcpdump.

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use common::capture_file::{self, Packet};
use common::live::has_program;
use common::offline::{done, frame, ran, text};

/// A capture of frames of TCP, `count` a second, each padded to `length` bytes.
fn capture(folder: &Path, count: u32, length: usize, per_second: u32) -> std::path::PathBuf {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65535, 1]);
    for n in 0..count {
        let mut bytes = frame(80);
        bytes.resize(length, n as u8);
        file.extend(words(&[1_700_000_000 + n / per_second, n, length as u32, length as u32]));
        file.extend(bytes);
    }
    let path = folder.join("in.pcap");
    std::fs::write(&path, file).expect("room");
    path
}

/// The packets of every file of the folder, by its name.
fn files(folder: &Path) -> BTreeMap<String, Vec<Packet>> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|e| (e.file_name().into_string().expect("a name"), capture_file::read(&e.path()))).collect()
}

#[test]
fn files_by_size_are_those_of_tcpdump() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let input = capture(dir.path(), 9000, 500, 1000);
    for (name, flags) in [
        ("all", &["-C", "1"][..]),
        ("ring.pcap", &["-C", "1", "-W", "3"]),
        ("ring-of-ten", &["-C", "1", "-W", "11"]),
        ("one", &["-C", "2", "-W", "1"]),
        ("100%", &["-C", "2"]),
    ] {
        let (ours, theirs) = (dir.path().join("ours"), dir.path().join("theirs"));
        for folder in [&ours, &theirs] {
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir(folder).expect("a folder");
        }
        done(&[&["-r", text(&input), "-w", text(&ours.join(name))][..], flags].concat());
        let mut tcpdump = Command::new("tcpdump");
        tcpdump.args(["-Z", "root", "-r", text(&input), "-w", text(&theirs.join(name))]).args(flags);
        let output = tcpdump.output().expect("tcpdump");
        assert!(output.status.success(), "{}", common::err(&output));
        let (ours, theirs) = (files(&ours), files(&theirs));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{flags:?}");
        assert!(ours == theirs, "{flags:?}: other packets in the files");
        assert!(ours.values().all(|packets| !packets.is_empty()), "{flags:?}");
    }
}

#[test]
fn files_by_time_go_by_the_packets_and_hold_all_of_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = capture(dir.path(), 100, 100, 10);
    for (flags, count, packets, form) in [
        (&["-G", "3"][..], 4, 100, "%s.pcap"),
        (&["-G", "3"], 4, 100, "%s.pcapng"),
        (&["-G", "3", "-W", "2"], 2, 60, "%s"),
        (&["-G", "5", "-C", "1k"], 12, 100, "%s-"),
    ] {
        let out = dir.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir(&out).expect("a folder");
        let said = done(&[&["-r", text(&input), "-w", text(&out.join(form))][..], flags].concat());
        let files = files(&out);
        assert_eq!(files.len(), count, "{flags:?}: {:?}", files.keys());
        assert_eq!(files.values().map(Vec::len).sum::<usize>(), packets);
        assert!(common::err(&said).contains(&format!("{packets} packets written")), "{}", common::err(&said));
        let all: Vec<Packet> = files.values().flatten().cloned().collect();
        assert!(
            all.iter().eq(capture_file::read(&input)[..packets].iter()),
            "{flags:?}: others, or in another order"
        );
        for (name, packets) in files {
            let time = packets[0].seconds.to_string();
            assert!(name.starts_with(&time) || flags.contains(&"-C"), "{name} begins at {time}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = capture(dir.path(), 100, 100, 10);
    let out = dir.path().join("out.pcap");
    for (name, flags, code, words) in [
        (text(&out), &["-W", "3"][..], 2, "-W counts files of -C or -G"),
        (text(&out), &["-G", "3"], 2, "put a time into the name"),
        (text(&out), &["-C", "x"], 2, "is not a size"),
        ("-", &["-C", "1"], 2, "no regular file"),
        ("/dev/null", &["-C", "1"], 2, "no regular file"),
        ("/nosuch/x", &["-C", "1"], 1, "cannot write to /nosuch/x"),
        (text(&input), &["-C", "1"], 1, "same file"),
    ] {
        let output = ran(&[&["-r", text(&input), "-w", name][..], flags].concat());
        let said = common::err(&output);
        assert_eq!(output.status.code(), Some(code), "{flags:?}: {said}");
        assert!(said.contains(words), "{flags:?}: {said}");
    }
    assert!(capture_file::read(&input).len() == 100, "the file that is read is as it was");
}

#[test]
fn a_next_file_that_cannot_be_leaves_those_before_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = capture(dir.path(), 100, 100, 10);
    let out = dir.path().join("out");
    std::fs::create_dir(dir.path().join("out2")).expect("in the way");
    let output = ran(&["-r", text(&input), "-w", text(&out), "-C", "1k"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(common::err(&output).contains("out2: open: "), "{}", common::err(&output));
    let files = files(dir.path());
    // 24 bytes, and 116 a packet.
    assert_eq!((files["out"].len(), files["out1"].len(), files.contains_key("out3")), (9, 9, false));
}

#[test]
fn the_next_file_may_be_the_one_that_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let input = capture(dir.path(), 100, 100, 10);
    let trap = dir.path().join("x1");
    std::fs::rename(&input, &trap).expect("a name");
    let output = ran(&["-r", text(&trap), "-w", text(&dir.path().join("x")), "-C", "1k"]);
    assert!(common::err(&output).contains("x1 is the file that is read"), "{}", common::err(&output));
    assert_eq!(capture_file::read(&trap).len(), 100);
}

#[test]
fn comments_of_packets_survive() {
    let dir = tempfile::tempdir().expect("a directory");
    let (first, second) = (dir.path().join("a.pcapng"), dir.path().join("b.pcapng"));
    let block = |kind: u32, body: &[u8]| {
        let length = (12 + body.len() as u32).to_le_bytes();
        [&kind.to_le_bytes()[..], &length, body, &length].concat()
    };
    let bytes = frame(80);
    let mut packet = [0_u32, 0, 7, bytes.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
    packet.extend(&bytes);
    packet.resize(packet.len().next_multiple_of(4), 0);
    // Two comments, a hash that is not kept, the flags of an outgoing packet.
    packet.extend([1, 0, 5, 0]);
    packet.extend(b"first\0\0\0");
    packet.extend([3, 0, 2, 0, 9, 9, 0, 0, 1, 0, 6, 0]);
    packet.extend(b"second\0\0");
    packet.extend([2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    let section = [0x1a2b_3c4d_u32, 1, u32::MAX, u32::MAX].map(u32::to_le_bytes).concat();
    let interface = [&[1, 0, 0, 0, 0, 0, 4, 0, 2, 0, 4, 0][..], b"eth7", &[0; 4]].concat();
    let file = [block(0x0a0d_0d0a, &section), block(1, &interface), block(6, &packet)].concat();
    std::fs::write(&first, file).expect("room");
    done(&["-r", text(&first), "-w", text(&second)]);
    let written = std::fs::read(&second).expect("it");
    for kept in [&b"first"[..], b"second", b"eth7"] {
        assert!(written.windows(kept.len()).any(|w| w == kept), "{} is lost", String::from_utf8_lossy(kept));
    }
    if has_program("tshark", "tshark") {
        let fields =
            ["-T", "fields", "-e", "frame.comment", "-e", "frame.interface_name", "-e", "frame.packet_flags"];
        let of = |path: &Path| common::offline::tool("tshark", &[&["-n", "-r", text(path)][..], &fields].concat());
        assert_eq!(of(&second), of(&first));
        assert!(of(&second).contains("first,second\teth7\t0x00000002"), "{}", of(&second));
    }
}
