//! `syskit sniff -r` and `-w` where things go wrong: pipes that pause, cut files, misuse, a full disk, kill -9.
//!
//! Debian packages: gzip, zstd; tcpdump, tshark and wireshark-common (capinfos) look at what is left.

mod common;

use std::io::{Read, Write};
use std::process::Stdio;

use common::capture_file;
use common::live::{Server, can_capture, has_program, listening, sniff};
use common::mounts::Mounted;
use common::offline::{as_fields, done, fed, fields, folder_with, has_tools, ran, small, text, tool};
use nix::sys::signal::Signal;

#[test]
fn compressed_files_and_pipes_show_the_same() {
    let (dir, input) = folder_with(&[80, 81]);
    let expected = done(&["-r", text(&input)]).stdout;
    assert_eq!(String::from_utf8_lossy(&expected).lines().count(), 2);
    assert_eq!(fed(&["-r", "-"], &small(&[80, 81])).stdout, expected);
    for (program, package, flag) in [("gzip", "gzip", "-kf"), ("zstd", "zstd", "-qkf")] {
        if !has_program(program, package) {
            continue;
        }
        tool(program, &[flag, text(&input)]);
        let packed = dir.path().join(if program == "gzip" { "in.pcap.gz" } else { "in.pcap.zst" });
        assert_eq!(done(&["-r", text(&packed)]).stdout, expected, "{program}");
        let bytes = std::fs::read(&packed).expect("the file");
        assert_eq!(fed(&["-r", "-"], &bytes).stdout, expected, "{program} by a pipe");
    }
}

#[test]
fn a_pipe_that_pauses_is_shown_as_it_comes() {
    let file = small(&[80, 81]);
    // The first packet, its ARP, and a piece of the second.
    let (first, rest) = file.split_at(24 + 16 + 60 + 16 + 42 + 20);
    let mut child = sniff(&["-r", "-"]).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    stdin.write_all(first).expect("it reads");
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        stdout.read_exact(&mut byte).expect("the first packet, though the pipe goes on");
        line.extend(byte);
    }
    assert!(String::from_utf8_lossy(&line).contains("127.0.0.1.80: Flags"));
    stdin.write_all(rest).expect("it reads");
    drop(stdin);
    let mut last = String::new();
    stdout.read_to_string(&mut last).expect("text");
    assert!(last.contains("127.0.0.1.81: Flags") && child.wait().expect("a child").success(), "{last}");
}

#[test]
fn a_cut_file_shows_what_is_whole_and_says_where_it_was_cut() {
    let (dir, input) = folder_with(&[80, 81]);
    let file = small(&[80, 81]);
    std::fs::write(&input, &file[..file.len() - 50]).expect("room");
    for flags in [&[][..], &["-w", text(&dir.path().join("out.pcap"))]] {
        let output = ran(&[&["-r", text(&input)], flags].concat());
        let said = common::err(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains("any further: it is cut: of 16 bytes at byte 234 only 8 are there"), "{said}");
        assert!(said.contains("1 not TCP, 3 captured"), "the tally is there: {said}");
    }
    assert_eq!(capture_file::read(&dir.path().join("out.pcap")).len(), 2);
}

#[test]
fn misuse_is_refused_before_anything_is_overwritten() {
    let (dir, input) = folder_with(&[80]);
    let (before, input) = (std::fs::read(&input).expect("it"), text(&input));
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(input, &link).expect("a link");
    let other = text(&dir.path().join("other.pcap")).to_owned();
    std::fs::write(&other, "precious").expect("room");
    for (arguments, code, words) in [
        (&["-r", input, "-w", input][..], 1, "are the same file"),
        (&["-r", input, "-w", text(&link)], 1, "are the same file"),
        (&["-r", text(&link), "-w", input], 1, "are the same file"),
        (&["-r", input, "-i", "lo"], 2, "cannot be used with"),
        (&["-r", input, "--via", "raw"], 2, "cannot be used with"),
        (&["-r", input, "-w", &other, "--json"], 2, "cannot be used with"),
        (&["-r", input, "-w", &other, "--comment", "x"], 2, "pcap has no place for a comment"),
        (&["-r", input, "--comment", "x"], 2, "--write"),
        (&["-r", "/dev/null", "-w", &other], 1, "it is empty"),
        (&["-r", "/etc/hostname", "-w", &other], 1, "no capture file"),
        (&["-r", "/nonexistent/x", "-w", &other], 1, "(ENOENT)"),
        (&["-r", "/tmp", "-w", &other], 1, "it is a directory"),
        (&["-r", input, "-w", "/nonexistent/x"], 1, "(ENOENT)"),
        (&["-r", input, "-s", "262145"], 2, "262145"),
    ] {
        let output = ran(arguments);
        let said = common::err(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    assert_eq!(std::fs::read(input).expect("it"), before);
    assert_eq!(std::fs::read(&other).expect("it"), b"precious");
}

#[test]
fn a_full_disk_leaves_whole_records() {
    let mounted = match Mounted::tmpfs(256 << 10) {
        Ok(mounted) => mounted,
        Err(why) => return common::skip(&why),
    };
    let (_dir, input) = folder_with(&[80; 6000]);
    for name in ["out.pcap", "out.pcapng"] {
        let target = mounted.path().join(name);
        let output = ran(&["-r", text(&input), "-w", text(&target)]);
        let said = common::err(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("write: no space left on device (ENOSPC); what was written before is whole"), "{said}");
        let packets = capture_file::read(&target).len();
        assert!(packets > 2000, "{packets} packets");
        let whole = ran(&["-r", text(&target)]);
        assert!(whole.status.success(), "{}", common::err(&whole));
        if has_tools() {
            tool("capinfos", &[text(&target)]);
        }
        std::fs::remove_file(&target).expect("it is there");
    }
}

#[test]
fn a_capture_that_is_killed_leaves_a_file_up_to_its_last_flush() {
    if !can_capture() {
        return;
    }
    let Ok(server) = Server::start([127, 0, 0, 1].into(), b"answer") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["live.pcap", "live.pcapng"] {
        let target = dir.path().join(name);
        let port = server.port();
        let running = listening(&mut sniff(&["-i", "lo", "--port", &port, "-w", text(&target)]));
        assert_eq!(server.ask(b"question"), b"answer");
        // Three segments to open, two of data, and what closes: it is idle then, and they are flushed.
        let mut waits = 0;
        while capture_file::read(&target).len() < 8 && waits < 1000 {
            std::thread::sleep(std::time::Duration::from_millis(10));
            waits += 1;
        }
        let seen = capture_file::read(&target).len();
        running.signal(Signal::SIGKILL);
        assert_eq!(running.finish().0, None, "a signal ended it");
        let packets = capture_file::read(&target);
        assert!(seen >= 8 && packets.len() >= seen, "{seen} seen, {} there", packets.len());
        assert!(packets.iter().all(|p| p.link == 1));
        if has_tools() {
            assert_eq!(fields(&target), packets.iter().map(as_fields).collect::<Vec<_>>());
        }
        let shown = common::out(&done(&["-r", text(&target), "--json"]));
        let named = shown.lines().filter(|l| l.contains(r#""interface":"lo","direction":"in""#)).count();
        assert_eq!(named, if name == "live.pcap" { 0 } else { packets.len() }, "{shown}");
    }
}
