//! `syskit sniff -r` and `-w`, and the reader of capture files, against capinfos, tcpdump and tshark.
//!
//! Debian packages: tcpdump, tshark and wireshark-common (capinfos, mergecap), gzip, zstd.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::capture_file::{self, Packet};
use common::live::{Server, can_capture, has_program, listening, sniff};
use common::mounts::Mounted;
use nix::sys::signal::Signal;

/// Link types whose first bytes Wireshark keeps apart from the packet, so that its lengths are shorter: SunATM.
const PSEUDO_HEADERS: [u16; 1] = [123];

/// Captures whose times are counted otherwise by capinfos, with the reason.
const OTHER_TIMES: &[(&str, &str)] = &[
    ("pim_header_asan-2.pcap", "the latest packet is taken for the first too: seconds beyond 2^31"),
    ("rx_serviceid_oobr.pcap", "microseconds beyond 2^31 are negative there"),
    ("timestamp_invalid_micro.pcap", "more microseconds than a second has are carried here"),
];

/// An IPv4 packet with a TCP segment of six bytes from port 41218 to `port`.
fn segment(port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 46, 0, 7, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0xa1, 2];
    packet.extend(port.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]);
    packet.extend(b"hello\n");
    packet
}

fn frame(port: u16) -> Vec<u8> {
    [&[2; 12][..], &[8, 0], &segment(port)].concat()
}

/// A pcap file in microseconds: TCP segments to these ports, and a frame of ARP behind each.
fn small(ports: &[u16]) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65535, 1]);
    for (second, port) in (1_700_000_000..).zip(ports) {
        let arp = [&[0xff; 6][..], &[2; 6], &[8, 6], &[0; 28]].concat();
        for bytes in [frame(*port), arp] {
            file.extend(words(&[second, 123_456, bytes.len() as u32, 70]));
            file.extend(bytes);
        }
    }
    file
}

/// A directory with these ports' file in it.
fn folder_with(ports: &[u16]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("in.pcap");
    std::fs::write(&path, small(ports)).expect("room");
    (dir, path)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// `syskit sniff tcp` with these arguments, to its end.
fn ran(arguments: &[&str]) -> Output {
    sniff(arguments).stderr(Stdio::piped()).output().expect("it starts")
}

/// The same, where it must end well.
fn done(arguments: &[&str]) -> Output {
    let output = ran(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", common::err(&output));
    output
}

fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = sniff(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

fn has_tools() -> bool {
    has_program("tcpdump", "tcpdump")
        && has_program("tshark", "tshark")
        && has_program("capinfos", "wireshark-common")
        && has_program("mergecap", "wireshark-common")
}

/// What the tool says on stdout; it must have nothing to complain about.
fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("TZ", "UTC").env("LC_ALL", "C").output().expect(program);
    let words = common::err(&output);
    let complaint = words.lines().find(|line| !is_chatter(line));
    assert!(output.status.success() && complaint.is_none(), "{program} {arguments:?}: {complaint:?}");
    common::out(&output)
}

fn is_chatter(line: &str) -> bool {
    line.starts_with("reading from file")
        || line.contains("interface names might be incorrect")
        || line.contains("Running as user")
        || line.is_empty()
}

/// Time, length on the wire and captured length of every packet, as tshark has them.
fn fields(path: &Path) -> Vec<String> {
    let wanted = ["frame.time_epoch", "frame.len", "frame.cap_len"];
    let flags: Vec<&str> = wanted.iter().flat_map(|w| ["-e", w]).collect();
    let start = ["-n", "-r", text(path), "-T", "fields"];
    tool("tshark", &[&start[..], &flags].concat()).lines().map(str::to_owned).collect()
}

fn as_fields(packet: &Packet) -> String {
    format!("{}.{:09}\t{}\t{}", packet.seconds, packet.nanoseconds, packet.length, packet.bytes.len())
}

fn captures() -> Vec<PathBuf> {
    let Some(folder) = capture_file::folder() else {
        common::skip("the public captures are not there: set SYSKIT_CAPTURES to their folder");
        return Vec::new();
    };
    let entries = std::fs::read_dir(folder).expect("the folder").flatten().map(|e| e.path());
    entries.filter(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng")).collect()
}

#[test]
fn every_public_capture_reads_as_capinfos_and_tcpdump_have_it() {
    let captures = captures();
    if captures.is_empty() || !has_tools() {
        return;
    }
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in &captures {
        let packets = capture_file::read(path);
        let counted = Command::new("tcpdump").args(["--count", "-nr", text(path)]).output().expect("tcpdump");
        if counted.status.success() {
            let said = common::out(&counted);
            let count = said.split_whitespace().next().and_then(|n| n.parse().ok());
            assert_eq!(count, Some(packets.len()), "{}: tcpdump: {said}", path.display());
        }
        let infos =
            Command::new("capinfos").args(["-M", "-T", "-r", "-c", "-d", "-a", "-e", "-S", text(path)]).output();
        let infos = infos.expect("capinfos");
        // It has no name for some link types of switches and Juniper's.
        if !infos.status.success() {
            continue;
        }
        let said = common::out(&infos);
        let cells: Vec<&str> = said.trim_end().split('\t').skip(1).collect();
        let times = packets.iter().map(|p| (p.seconds, p.nanoseconds));
        // In the resolution of the file; "n/a" where there is no packet.
        let same = |theirs: &str, ours: Option<(i64, u32)>| match ours {
            Some((seconds, nanoseconds)) => format!("{seconds}.{nanoseconds:09}").starts_with(theirs),
            None => theirs == "n/a",
        };
        let total: usize = packets.iter().map(|p| p.length).sum();
        let excepted = OTHER_TIMES.iter().any(|(name, _)| path.ends_with(name));
        let timely = same(cells[2], times.clone().min()) && same(cells[3], times.max());
        let lengths = cells[1] == total.to_string() || packets.iter().any(|p| PSEUDO_HEADERS.contains(&p.link));
        if cells[0] != packets.len().to_string() || !lengths || timely == excepted {
            wrong.push(format!("{} packets of {total} bytes: {said}", packets.len()));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    assert!(compared >= 150, "only {compared} of {} were compared", captures.len());
    eprintln!("{compared} captures agree with capinfos");
}

#[test]
fn packets_of_a_merged_capture_are_those_of_tshark_and_are_written_again() {
    let captures = captures();
    if captures.is_empty() || !has_tools() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let merged = dir.path().join("merged.pcapng");
    let known = |path: &&PathBuf| {
        Command::new("capinfos").args(["-c", text(path)]).output().is_ok_and(|o| o.status.success())
    };
    let parts: Vec<&str> = captures.iter().filter(known).map(|p| text(p)).collect();
    tool("mergecap", &[&["-a", "-w", text(&merged)][..], &parts].concat());
    let packets = capture_file::read(&merged);
    let theirs = fields(&merged);
    assert_eq!(packets.len(), theirs.len());
    for (ours, theirs) in packets.iter().zip(&theirs).filter(|(ours, _)| !PSEUDO_HEADERS.contains(&ours.link)) {
        assert_eq!(as_fields(ours), *theirs);
    }
    assert!(theirs.len() > 3000, "only {} packets", theirs.len());

    let again = dir.path().join("again.pcapng");
    done(&["-r", text(&merged), "-w", text(&again)]);
    let written = capture_file::read(&again);
    assert_eq!(fields(&again), written.iter().map(as_fields).collect::<Vec<_>>());
    // What is written is a part of what was read, byte for byte, in its order.
    let mut rest = packets.iter();
    let foreign = written.iter().find(|packet| !rest.any(|read| read == *packet));
    assert_eq!(foreign, None, "it was not read, or in another order");
    assert!(written.len() > 40, "only {} packets", written.len());
    tool("capinfos", &[text(&again)]);
}

#[test]
fn what_is_written_opens_in_every_tool_without_a_warning() {
    if !has_tools() {
        return;
    }
    let (dir, input) = folder_with(&[80, 81, 82]);
    let expected: Vec<Packet> = capture_file::read(&input).into_iter().step_by(2).collect();
    let mut source = input.clone();
    // Each is made of the one before.
    for (name, flags) in [
        ("a.pcap", &[][..]),
        ("b.pcapng", &["--comment", "seen on a tuesday"]),
        ("c.pcap", &["--format", "pcap-microseconds"]),
        ("d", &["--format", "pcapng"]),
        ("e.pcap", &[]),
    ] {
        let target = dir.path().join(name);
        let said = done(&[&["-r", text(&source), "-w", text(&target)][..], flags].concat());
        assert!(said.stdout.is_empty(), "nothing is shown");
        let tally = common::err(&said);
        let arp = if source == input { "3 not TCP, 6" } else { "3" };
        assert!(tally.ends_with(&format!("3 packets written, {arp} captured\n")), "{tally}");
        assert_eq!(capture_file::read(&target), expected, "{name}");
        assert_eq!(fields(&target), expected.iter().map(as_fields).collect::<Vec<_>>(), "{name}");
        tool("capinfos", &[text(&target)]);
        let lines = tool("tcpdump", &["-tt", "-n", "-r", text(&target)]);
        assert_eq!(lines.lines().count(), 3);
        assert!(lines.starts_with("1700000000.123456 IP 127.0.0.1.41218 > 127.0.0.1.80: Flags [P.]"), "{lines}");
        source = target;
    }
    let infos = tool("capinfos", &[text(&dir.path().join("b.pcapng"))]);
    let application = format!("syskit {}", env!("CARGO_PKG_VERSION"));
    assert!(infos.contains("seen on a tuesday") && infos.contains(&application), "{infos}");
    let said = common::err(&done(&["-r", text(&dir.path().join("b.pcapng"))]));
    assert!(said.contains("comment: seen on a tuesday"), "{said}");
}

#[test]
fn an_empty_capture_is_a_file_that_tools_read() {
    if !has_tools() {
        return;
    }
    let (dir, input) = folder_with(&[]);
    for name in ["none.pcap", "none.pcapng"] {
        let target = dir.path().join(name);
        done(&["-r", text(&input), "-w", text(&target)]);
        assert_eq!(tool("tcpdump", &["-n", "-r", text(&target)]), "");
        tool("capinfos", &[text(&target)]);
    }
}

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
fn snaplen_cuts_what_is_shown_and_written() {
    let (dir, input) = folder_with(&[80]);
    let shown = common::out(&done(&["-r", text(&input), "-s", "40"]));
    assert!(shown.contains("127.0.0.1.41218 > 127.0.0.1.80: [|tcp]"), "{shown}");
    let target = dir.path().join("out.pcapng");
    done(&["-r", text(&input), "-s", "40", "-w", text(&target)]);
    let packets = capture_file::read(&target);
    assert_eq!((packets.len(), packets[0].bytes.len(), packets[0].length), (1, 40, 70));
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
fn two_link_types_need_pcapng() {
    let (dir, input) = folder_with(&[80]);
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let raw = dir.path().join("raw.pcap");
    let bytes = segment(443);
    let header = [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65535, 101, 1, 2, bytes.len() as u32, 46];
    std::fs::write(&raw, [words(&header), bytes].concat()).expect("room");
    let (first, both) = (dir.path().join("first.pcapng"), dir.path().join("both.pcapng"));
    done(&["-r", text(&raw), "-w", text(&first)]);
    let second = dir.path().join("second.pcapng");
    done(&["-r", text(&input), "-w", text(&second)]);
    // Two sections, one behind the other.
    let sections = [&first, &second].map(|p| std::fs::read(p).expect("it")).concat();
    std::fs::write(&both, sections).expect("room");
    let (plain, again) = (dir.path().join("plain.pcap"), dir.path().join("again.pcapng"));
    done(&["-r", text(&both), "-w", text(&again)]);
    let links = |path: &Path| capture_file::read(path).iter().map(|p| p.link).collect::<Vec<_>>();
    assert_eq!(links(&again), [101, 1]);
    let output = ran(&["-r", text(&both), "-w", text(&plain)]);
    let said = common::err(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("link type 1 ") && said.contains("use --format pcapng"), "{said}");
    assert_eq!(links(&plain), [101], "what came before is there");
    if has_tools() {
        assert_eq!(fields(&again), capture_file::read(&again).iter().map(as_fields).collect::<Vec<_>>());
    }
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

#[test]
fn standard_output_takes_a_capture_that_tcpdump_reads() {
    if !has_tools() {
        return;
    }
    let (_dir, input) = folder_with(&[80, 81]);
    let written = done(&["-r", text(&input), "-w", "-"]).stdout;
    let mut tcpdump = Command::new("tcpdump");
    tcpdump.args(["-nr", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = tcpdump.spawn().expect("tcpdump");
    child.stdin.take().expect("a pipe").write_all(&written).expect("it reads");
    assert_eq!(common::out(&child.wait_with_output().expect("it ends")).lines().count(), 2);
    let full = File::options().write(true).open("/dev/full").expect("it");
    let mut failing = sniff(&["-r", text(&input), "-w", "-"]);
    let output = failing.stdout(full).stderr(Stdio::piped()).output().expect("it starts");
    assert!(common::err(&output).contains("cannot write the capture to standard output: write: no space left"));
}
