//! How packets are printed, against tcpdump: dumps, link-level headers, times, quick lines; and what no form lets through.
//!
//! Debian package: tcpdump.

mod common;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;

use common::capture_file::{self, Packet, frame, numbered};
use common::live::has_program;
use common::offline::{folder_with, text};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use syskit::capture_file::Options;
use syskit::packet::{Code, Detail, Link, Text};
use syskit::recipes::sniff::capture::{Captured, Direction, Recorded};
use syskit::recipes::sniff::print::dump::Bytes;
use syskit::recipes::sniff::print::fields::Fields;
use syskit::recipes::sniff::print::{Form, Manner, Printer, link};
use syskit::recipes::sniff::selection::Selection;
use syskit::ui::Ui;

/// Captures of which tcpdump shows other bytes, with the reason.
const OTHER_BYTES: &[(&str, &str)] = &[];

/// Captures of which tcpdump's link-level header is another, with the reason.
const OTHER_LINKS: &[(&str, &str)] = &[];

/// The captures of whose links there are decoders.
fn captures() -> Vec<PathBuf> {
    let Some(folder) = capture_file::captures() else { return Vec::new() };
    let is_known = |path: &PathBuf| {
        let packets = capture_file::read(path);
        !packets.is_empty() && packets.iter().all(|p| !matches!(frame(p).code, Code::Link(Link::Other(_))))
    };
    let paths = std::fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng")).filter(is_known).collect();
    paths.sort();
    paths
}

fn excepted(list: &[(&str, &str)], path: &Path) -> bool {
    list.iter().any(|(name, _)| path.ends_with(name))
}

fn run(program: &str, zone: &str, arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(program);
    if program != "tcpdump" {
        command.arg("sniff");
    }
    command.args(arguments).arg("-r").arg(file).env("TZ", zone).stdin(Stdio::null()).output().expect(program)
}

/// What syskit prints of the packets of a file, broken as it may be.
fn ours(arguments: &[&str], file: &Path) -> String {
    common::out(&run(env!("CARGO_BIN_EXE_syskit"), "UTC", arguments, file))
}

fn theirs(arguments: &[&str], file: &Path) -> String {
    String::from_utf8_lossy(&run("tcpdump", "UTC", arguments, file).stdout).into_owned()
}

/// Both texts of each packet, by its number.
fn both(flags: &[&str], file: &Path) -> (BTreeMap<u32, String>, BTreeMap<u32, String>) {
    let arguments = [&["-#", "-n", "-t"], flags].concat();
    (numbered(&ours(&arguments, file)), numbered(&theirs(&arguments, file)))
}

/// The last dump in a text.
fn dump(text: &str) -> &str {
    text.rfind("\n\t0x0000:").map_or("", |at| &text[at..])
}

/// Ours, from the link-level header on.
fn whole_frames(flag: &str, file: &Path) -> String {
    let doubled = format!("-{0}{0}", &flag[1..2]);
    ours(&["-#", "-n", "-t", &doubled], file)
}

fn compare_dumps(flag: &str, same: impl Fn(&str, &str) -> bool) {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let (mut agreed, mut wrong) = (0, Vec::new());
    for path in captures() {
        let (ours, theirs) = both(&[flag], &path);
        let gives_up = theirs.values().any(|text| text.contains("[|"));
        let from_link = if gives_up { numbered(&whole_frames(flag, &path)) } else { BTreeMap::new() };
        // Where a printer of tcpdump gives up it has not told yet how long the link-level header is.
        let is_same =
            |n: &u32, theirs: &str| same(&ours[n], theirs) || (theirs.contains("[|") && same(&from_link[n], theirs));
        // Of a record without bytes, or with more than the packet had, tcpdump shows nothing.
        let is_shown = |theirs: &&String| !theirs.contains("[Invalid header");
        let of_tcpdump = |n: &u32| theirs.get(n).filter(is_shown);
        let differ: Vec<&u32> = ours.keys().filter(|n| of_tcpdump(n).is_some_and(|t| !is_same(n, t))).collect();
        match excepted(OTHER_BYTES, &path) {
            true => assert!(!differ.is_empty(), "{} agrees: no exception any more", path.display()),
            false => {
                agreed += ours.len() - differ.len();
                let shown = |n: &&u32| format!("{} packet {n}\n{}\n{}", path.display(), ours[n], theirs[n]);
                wrong.extend(differ.first().map(shown));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed > 1000 || capture_file::folder().is_none(), "only {agreed} dumps were compared");
}

#[test]
fn hexadecimal_is_tcpdumps_byte_for_byte() {
    compare_dumps("-x", |ours, theirs| dump(ours) == dump(theirs));
}

#[test]
fn hexadecimal_and_ascii_is_tcpdumps_byte_for_byte() {
    compare_dumps("-X", |ours, theirs| dump(ours) == dump(theirs));
    compare_dumps("-XX", |ours, theirs| dump(ours) == dump(theirs));
}

#[test]
fn text_is_tcpdumps_byte_for_byte() {
    // tcpdump's words may be many lines; ours are one.
    let same = |ours: &str, theirs: &str| theirs.ends_with(ours.find('\n').map_or("", |at| &ours[at..]));
    compare_dumps("-A", same);
    compare_dumps("-AA", same);
}

#[test]
fn link_level_headers_are_tcpdumps() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let (mut agreed, mut wrong) = (0, Vec::new());
    for (path, quick) in captures().into_iter().flat_map(|path| [(path.clone(), false), (path, true)]) {
        let flags: &[&str] = if quick { &["-e", "-q"] } else { &["-e"] };
        let (ours, theirs) = both(flags, &path);
        for (number, packet) in (1..).zip(capture_file::read(&path)) {
            let mut header = Text::new();
            link::header(&mut header, frame(&packet), quick);
            // tcpdump names the interface first, out of those of this machine.
            let header = match frame(&packet).code {
                Code::Link(Link::Cooked2) => header.as_str().split_once(' ').map_or("", |(_, rest)| rest),
                _ => header.as_str(),
            };
            let (Some(ours), Some(theirs)) = (ours.get(&number), theirs.get(&number)) else { continue };
            assert!(ours.contains(header), "{header} / {ours}");
            match (theirs.contains(header), excepted(OTHER_LINKS, &path)) {
                (true, _) => agreed += 1,
                (false, true) => {}
                (false, false) => wrong.push(format!("{} packet {number}\n{ours}\n{theirs}", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agreed > 2000 || capture_file::folder().is_none(), "only {agreed} headers were compared");
    eprintln!("{agreed} link-level headers are tcpdump's");
}

/// A classic capture; times in seconds and units of its precision.
fn made(folder: &Path, nano: bool, packets: &[(u32, u32, Vec<u8>)]) -> PathBuf {
    let magic: u32 = if nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file: Vec<u8> = [magic, 2 | 4 << 16, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
    for (seconds, units, bytes) in packets {
        let length = bytes.len() as u32;
        file.extend([*seconds, *units, length, length].map(u32::to_le_bytes).concat());
        file.extend(bytes);
    }
    let path = folder.join("made.pcap");
    std::fs::write(&path, file).expect("a file");
    path
}

fn arp() -> Vec<u8> {
    [&[0xff; 6][..], &[2; 6], &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &[2; 6], &[10, 0, 0, 1], &[0; 6], &[10, 0, 0, 2]]
        .concat()
}

#[test]
fn every_ethertype_has_tcpdumps_name() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let types: Vec<u16> = (0x600..=0xffff).collect();
    let of = |kind: &u16| (1, 0, [&[2; 12][..], &kind.to_be_bytes(), &[0; 46]].concat());
    let packets: Vec<(u32, u32, Vec<u8>)> = types.iter().map(of).collect();
    let theirs = theirs(&["-e", "-n", "-t", "-q"], &made(folder.path(), false, &packets));
    let start = "02:02:02:02:02:02 > 02:02:02:02:02:02, ";
    let theirs: Vec<&str> = theirs.lines().filter_map(|line| line.strip_prefix(start)).collect();
    assert_eq!(theirs.len(), types.len());
    for ((_, _, bytes), theirs) in packets.iter().zip(theirs) {
        let mut header = Text::new();
        link::header(&mut header, syskit::packet::Carried::frame(Link::Ethernet, bytes, bytes.len()), true);
        let ours = header.as_str().strip_prefix(start).expect("addresses").trim_end_matches(", ");
        // Of jumbo frames tcpdump tells what is inside, not the type; what it takes for a VLAN tag alone (0x9200) goes on.
        assert!(theirs.starts_with(ours) || bytes[12..14] == [0x88, 0x70], "{ours} / {theirs}");
    }
}

/// Around the changes of these zones, and between.
fn moments() -> Vec<(u32, u32)> {
    // Berlin 2024 and 2023, Lord Howe (half an hour) 2024, Apia (a day left out) 2011, New York 2007, Monrovia 1972.
    let changes = [1_711_846_800, 1_698_541_200, 1_712_415_600, 1_325_239_200, 1_173_596_400, 63_593_070];
    let around = |change: u32| [change - 1, change, change + 1, change + 1800, change + 86_400];
    let mut rng = fastrand::Rng::with_seed(1970);
    let mut seconds: Vec<u32> = changes.into_iter().flat_map(around).collect();
    seconds.extend((0..200).map(|_| rng.u32(1..1 << 31)));
    seconds.sort_unstable();
    seconds.into_iter().map(|second| (second, rng.u32(..1_000_000))).collect()
}

/// What both print as the time of these packets.
fn times(zone: &str, flags: &[&str], nano: bool, moments: &[(u32, u32)]) -> [Vec<String>; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let scale = if nano { 1000 } else { 1 };
    let packets: Vec<_> = moments.iter().map(|(s, u)| (*s, u * scale + scale / 2, arp())).collect();
    let file = made(folder.path(), nano, &packets);
    [env!("CARGO_BIN_EXE_syskit"), "tcpdump"].map(|program| {
        let output = run(program, zone, &[&["-n"], flags].concat(), &file);
        let text = common::out(&output);
        text.lines().map(|line| line.split_once("ARP,").expect("ARP").0.to_owned()).collect()
    })
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Africa/Monrovia",
    "XYZ-5:45:30",
];

#[test]
fn times_are_tcpdumps_in_every_zone() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let moments = moments();
    for zone in ZONES {
        for flags in [&[][..], &["-t"], &["-tt"], &["-tttt"]] {
            for (nano, precision) in [(false, "micro"), (true, "micro"), (false, "nano"), (true, "nano")] {
                let precision = format!("--time-stamp-precision={precision}");
                let [ours, theirs] = times(zone, &[flags, &[&precision]].concat(), nano, &moments);
                assert_eq!(ours.len(), moments.len());
                assert_eq!(ours, theirs, "{zone} {flags:?} {precision}");
            }
        }
    }
    let [ours, theirs] = times("UTC", &["-tt", "--nano"], true, &moments);
    assert_eq!(ours, theirs);
}

#[test]
fn times_since_another_packet_are_tcpdumps() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let mut rng = fastrand::Rng::with_seed(5);
    // Beyond a day tcpdump begins anew; packets out of order have a sign.
    let moments: Vec<(u32, u32)> =
        (0..300).map(|_| (1_700_000_000 + rng.u32(..80_000), rng.u32(..1_000_000))).collect();
    for flags in [["-ttt", "-n"], ["-ttttt", "-n"], ["-ttt", "--nano"], ["-ttttt", "--nano"]] {
        for nano in [false, true] {
            let [ours, theirs] = times("Europe/Berlin", &flags, nano, &moments);
            assert!(ours.iter().any(|time| time.starts_with('-')) && ours.len() == moments.len());
            assert_eq!(ours, theirs, "{flags:?}");
        }
    }
}

/// The number behind the first of these words.
fn number_behind(words: &[&str], line: &str) -> Option<u64> {
    let (_, rest) = words.iter().find_map(|word| line.split_once(word))?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

#[test]
fn quick_lines_have_the_addresses_and_lengths_of_tcpdump() {
    if !has_program("tcpdump", "tcpdump") {
        return;
    }
    let (mut ends, mut lengths) = (0, 0);
    for path in captures() {
        let (ours, theirs) = both(&["-q"], &path);
        for (number, theirs) in &theirs {
            let line = theirs.lines().next().unwrap_or_default();
            let Some((between, rest)) = line.split_once(": ") else { continue };
            let Some(ours) = ours.get(number) else { continue };
            let is_tcp = rest.starts_with("tcp ");
            let is_ip =
                between.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']).starts_with("IP");
            if !is_ip || !is_tcp && !rest.starts_with("UDP, length ") {
                continue;
            }
            let between = between.rsplit(['!', ']']).next().unwrap_or_default();
            let between = between.split_once("IP").map_or(between, |(_, rest)| rest.trim_start_matches('6')).trim();
            assert!(ours.contains(between), "{} packet {number}\n{ours}\n{theirs}", path.display());
            ends += 1;
            let words: &[&str] = if is_tcp { &[": tcp ", ", length "] } else { &[": UDP, length "] };
            if let Some(length) = number_behind(words, ours) {
                assert_eq!(Some(length), number_behind(words, line), "{} packet {number}\n{ours}", path.display());
                lengths += 1;
            }
        }
    }
    assert!((ends > 300 && lengths > 200) || capture_file::folder().is_none(), "{ends} and {lengths}");
    eprintln!("{ends} pairs of addresses and {lengths} lengths are tcpdump's");
}

/// What a printer wrote.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn captured(packet: &Packet) -> Captured<'_> {
    Captured {
        seconds: packet.seconds,
        nanoseconds: packet.nanoseconds,
        direction: Direction::Unknown,
        interface: 0,
        link: Link::of_linktype(packet.link),
        bytes: &packet.bytes,
        length: packet.length,
        offloaded: false,
        recorded: Some(Recorded {
            linktype: packet.link,
            interface: Some("\x1b[31m\n\u{9b}eth"),
            options: Options::default(),
        }),
        fragments: 0,
    }
}

/// Every form with every dump.
fn manners() -> Vec<Manner> {
    let details = [Detail::Quick, Detail::Usual, Detail::Checked].map(Form::Line);
    let fields = Form::Fields(Fields::of("time,interface,ipv4,tcp,udp,dns,http,tls,dhcp,icmp6").expect("names"));
    let dumps = [None, Some(Bytes::Hex), Some(Bytes::HexAndAscii), Some(Bytes::Ascii), None];
    let form = |(i, form): (usize, Form)| Manner {
        dump: dumps[i % dumps.len()].map(|bytes| (bytes, i % 2 == 0)),
        link: i % 2 == 1,
        name_interface: true,
        ..Manner::of(form)
    };
    let more = [Form::Full, Form::Full, Form::Json, fields, Form::Full, Form::Line(Detail::Checked)];
    details.into_iter().chain(more).enumerate().map(form).collect()
}

#[test]
fn no_form_lets_hostile_bytes_through() {
    let Some(folder) = capture_file::captures() else { return };
    let paths = std::fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path());
    let (written, mut total) = (Written::default(), 0);
    let mut ui = Ui::plain(written.clone(), std::io::sink());
    let mut printers: Vec<Printer> = manners().into_iter().map(Printer::new).collect();
    for path in paths.filter(|p| p.extension().is_some_and(|e| e == "pcap" || e == "pcapng")) {
        for packet in capture_file::read(&path) {
            for (i, printer) in printers.iter_mut().enumerate() {
                printer.show(&captured(&packet), &Selection::default(), &mut ui).expect("room");
                printer.flush(&mut ui).expect("room");
                let out = written.0.take();
                let stray = out.iter().find(|b| !matches!(b, b'\n' | b'\t' | b' '..=b'~'));
                assert!(stray.is_none(), "{} form {i}: {stray:?}", path.display());
                total += out.len();
            }
        }
    }
    assert!(total > 5_000_000, "only {total} bytes");
}

#[test]
fn dumps_stand_below_lines_and_blocks() {
    let (_folder, path) = folder_with(&[8000]);
    let line = ours(&["-t", "-A", "tcp"], &path);
    let dump = "\nE.....@.@..............@.......\tP.......hello\n\n";
    assert!(line.starts_with("IP ") && line.ends_with(dump) && line.lines().count() == 3, "{line:?}");
    let block = ours(&["-t", "-vv", "-A", "tcp"], &path);
    assert!(block.contains("\nData            : 6 bytes\nE.....@.@") && block.ends_with("hello\n\n\n"), "{block:?}");
    let bare = ours(&["-vv", "tcp"], &path);
    assert!(
        bare.ends_with("\nData            : 6 bytes\n\n") && bare.starts_with("Time            : 20"),
        "{bare:?}"
    );
    // A capture that was cut shows what is there.
    let cut = ours(&["-t", "-x", "-s", "17"], &path);
    assert!(cut.contains("\n\t0x0000:  4500 00\n") && cut.ends_with("\n\t0x0000:  0000 00\n"), "{cut:?}");
    let none = ours(&["-t", "-x", "-s", "14"], &path);
    assert!(!none.contains('\t') && none.lines().count() == 2, "{none:?}");
}

#[test]
fn numbers_are_relative_unless_asked_for_as_they_are() {
    let (_folder, path) = folder_with(&[8000, 8000]);
    for flag in ["-S", "--absolute-tcp-sequence-numbers"] {
        let absolute = ours(&["-t", flag, "tcp"], &path);
        assert!(absolute.lines().all(|line| line.contains(", seq 1:7, ack 9,")), "{absolute}");
    }
    let numbered = ours(&["-t", "--number", "-nnn", "-n"], &path);
    let starts: Vec<&str> = numbered.lines().map(|line| &line[..7]).collect();
    assert_eq!(starts, ["    1  ", "    2  ", "    3  ", "    4  "]);
}

#[test]
fn each_line_is_written_at_once_where_that_is_asked_for() {
    let (_folder, path) = folder_with(&[1, 2, 3]);
    for (flags, expected) in [(&["-l"][..], 6), (&[], 1)] {
        let (here, there) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).expect("sockets");
        let output: OwnedFd = there;
        let mut child = Command::new(env!("CARGO_BIN_EXE_syskit"))
            .args(["sniff", "-r", text(&path)])
            .args(flags)
            .stdout(output)
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut here = UnixStream::from(here);
        let mut writes = Vec::new();
        let mut buffer = [0; 65_536];
        // A read takes no more than what one write has sent.
        while let Ok(length @ 1..) = here.read(&mut buffer) {
            writes.push(buffer[..length].to_vec());
        }
        assert!(child.wait().expect("a child").success());
        assert_eq!(writes.len(), expected, "{flags:?}");
        assert!(writes.iter().all(|write| write.ends_with(b"\n")));
    }
}

#[test]
fn flags_that_contradict_each_other_say_why() {
    let (_folder, path) = folder_with(&[1]);
    for (flags, why) in [
        (&["-q", "-v"][..], "-q cannot be used with -v: one says less, the other more"),
        (&["-X", "-A"], "-A cannot be used with -X: both show the same bytes"),
        (&["-x", "-XX"], "-x cannot be used with -X: both show the same bytes"),
        (&["--json", "-e"], "-e cannot be used with --json: the object has every field, and its own form"),
        (&["--fields", "time", "-tt"], "-t cannot be used with --fields"),
        (&["-w", "/dev/null", "-A"], "-A cannot be used with -w: packets that go to a file are not printed"),
        (&["-w", "/dev/null", "--json"], "--json cannot be used with -w"),
        (&["-tttttt"], "there are -t, -tt, -ttt, -tttt and -ttttt"),
        (&["--time-stamp-precision", "pico"], "[possible values: micro, nano]"),
        (&["--json", "--fields", "time"], "cannot be used with"),
        (&["--fields", "tcp.prot"], "--fields list tells them all"),
    ] {
        let output = run(env!("CARGO_BIN_EXE_syskit"), "UTC", flags, &path);
        let words = common::err(&output);
        assert!(
            output.status.code() == Some(2) && words.contains(why) && output.stdout.is_empty(),
            "{flags:?}: {words}"
        );
    }
}
