//! `syskit sniff -r` and `-w`, and the reader of capture files, against capinfos, tcpdump and tshark.
//!
//! Debian packages: tcpdump, tshark and wireshark-common (capinfos, mergecap).

mod common;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::capture_file::{self, Packet};
use common::live::sniff;
use common::offline::{as_fields, done, fields, folder_with, has_tools, ran, segment, text, tool};

/// Link types whose first bytes Wireshark keeps apart from the packet, so that its lengths are shorter: SunATM.
const PSEUDO_HEADERS: [u16; 1] = [123];

/// Captures whose times are counted otherwise by capinfos, with the reason.
const OTHER_TIMES: &[(&str, &str)] = &[
    ("pim_header_asan-2.pcap", "the latest packet is taken for the first too: seconds beyond 2^31"),
    ("rx_serviceid_oobr.pcap", "microseconds beyond 2^31 are negative there"),
    ("timestamp_invalid_micro.pcap", "more microseconds than a second has are carried here"),
];

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
