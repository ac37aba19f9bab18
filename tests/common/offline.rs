//! Capture files made here, `syskit sniff` on them, and what the real tools say of them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::capture_file::Packet;
use super::live::{has_program, sniff};

/// An IPv4 packet with a TCP segment of six bytes from port 41218 to `port`.
pub fn segment(port: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 46, 0, 7, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 0xa1, 2];
    packet.extend(port.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]);
    packet.extend(b"hello\n");
    packet
}

pub fn frame(port: u16) -> Vec<u8> {
    [&[2; 12][..], &[8, 0], &segment(port)].concat()
}

/// A pcap file in microseconds: TCP segments to these ports, and a frame of ARP behind each.
pub fn small(ports: &[u16]) -> Vec<u8> {
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
pub fn folder_with(ports: &[u16]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("in.pcap");
    std::fs::write(&path, small(ports)).expect("room");
    (dir, path)
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are UTF-8")
}

/// `syskit sniff tcp` with these arguments, to its end.
pub fn ran(arguments: &[&str]) -> Output {
    sniff(arguments).stderr(Stdio::piped()).output().expect("it starts")
}

/// The same, where it must end well.
pub fn done(arguments: &[&str]) -> Output {
    let output = ran(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", super::err(&output));
    output
}

pub fn fed(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = sniff(arguments).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

pub fn has_tools() -> bool {
    has_program("tcpdump", "tcpdump")
        && has_program("tshark", "tshark")
        && has_program("capinfos", "wireshark-common")
        && has_program("mergecap", "wireshark-common")
}

/// What the tool says on stdout; it must have nothing to complain about.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).env("TZ", "UTC").env("LC_ALL", "C").output().expect(program);
    let words = super::err(&output);
    let complaint = words.lines().find(|line| !is_chatter(line));
    assert!(output.status.success() && complaint.is_none(), "{program} {arguments:?}: {complaint:?}");
    super::out(&output)
}

fn is_chatter(line: &str) -> bool {
    line.starts_with("reading from file")
        || line.contains("interface names might be incorrect")
        || line.contains("Running as user")
        || line.is_empty()
}

/// Time, length on the wire and captured length of every packet, as tshark has them.
pub fn fields(path: &Path) -> Vec<String> {
    let wanted = ["frame.time_epoch", "frame.len", "frame.cap_len"];
    let flags: Vec<&str> = wanted.iter().flat_map(|w| ["-e", w]).collect();
    let start = ["-n", "-r", text(path), "-T", "fields"];
    tool("tshark", &[&start[..], &flags].concat()).lines().map(str::to_owned).collect()
}

pub fn as_fields(packet: &Packet) -> String {
    format!("{}.{:09}\t{}\t{}", packet.seconds, packet.nanoseconds, packet.length, packet.bytes.len())
}
