//! Packets made for tests, and what tcpdump and tshark say of them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A packet of raw IPv4 that carries `payload`, to or from `port`.
pub fn packet(protocol: u8, number: u16, port: u16, payload: &[u8]) -> Vec<u8> {
    let mut transport = [(1000 + number).to_be_bytes(), port.to_be_bytes()].concat();
    match protocol {
        6 => transport.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]),
        _ => transport.extend([&(8 + payload.len() as u16).to_be_bytes()[..], &[0, 0]].concat()),
    }
    transport.extend(payload);
    let length = (20 + transport.len() as u16).to_be_bytes();
    let header = [&[0x45, 0][..], &length, &[0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]].concat();
    [header, transport].concat()
}

/// A capture file of raw IP packets.
pub fn capture(folder: &Path, packets: &[Vec<u8>]) -> PathBuf {
    let mut file: Vec<u8> = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65535, 101].map(u32::to_be_bytes).concat();
    for packet in packets {
        let length = packet.len() as u32;
        file.extend([0, 0, length, length].map(u32::to_be_bytes).concat());
        file.extend(packet);
    }
    let path = folder.join("made.pcap");
    std::fs::write(&path, file).expect("a file");
    path
}

/// tshark's values of `fields`, a row for each of the packets; `None` where it is missing.
pub fn tshark(packets: &[Vec<u8>], fields: &[&str]) -> Option<Vec<Vec<String>>> {
    if !super::have("tshark") {
        super::skip("tshark is missing (Debian package tshark)");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=|", "-E", "separator=/t", "-r"]);
    command.arg(capture(folder.path(), packets)).args(fields.iter().flat_map(|field| ["-e", field]));
    let output = command.output().expect("tshark");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let row = |line: &str| line.split('\t').map(str::to_owned).collect();
    Some(String::from_utf8_lossy(&output.stdout).lines().map(row).collect())
}
