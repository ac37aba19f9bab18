//! Filters on the command line: `sniff -d`, and live on loopback.

use std::net::UdpSocket;
use std::process::Command;

use crate::common;
use crate::common::live::{can_capture, listening};
use crate::has_tcpdump;

#[test]
fn dump_prints_what_tcpdump_prints() {
    for (arguments, expected) in [
        (&["-d", "arp"][..], &["-d", "-y", "EN10MB", "arp"][..]),
        (&["-d", "ip6", "--link", "LINUX_SLL"], &["-d", "-y", "LINUX_SLL", "ip6"]),
        (&["-d", "tcp[13] & 2 = 2", "--link", "raw"], &["-d", "-y", "RAW", "tcp[13] & 2 = 2"]),
        (&["-d", "ip[2:2] > 60"], &["-d", "-y", "EN10MB", "ip[2:2] > 60"]),
        (&["-d", "outbound"], &["-d", "-y", "EN10MB", "outbound"]),
        (&["-d"], &["-d", "-y", "EN10MB", ""]),
    ] {
        let ours = common::run(&[&["sniff"], arguments].concat());
        assert_eq!(ours.status.code(), Some(0), "{}", common::err(&ours));
        if !has_tcpdump() {
            return;
        }
        let theirs = Command::new("tcpdump").args(expected).output().expect("tcpdump");
        let normal = |text: &str| text.lines().map(|l| format!("{}\n", l.trim_end())).collect::<String>();
        let theirs = normal(&String::from_utf8_lossy(&theirs.stdout));
        // tcpdump joins an AND with the jump after it.
        if !arguments.concat().contains('&') {
            assert_eq!(normal(&common::out(&ours)), theirs, "{arguments:?}");
        }
    }
    let refused = common::run(&["sniff", "-d", "vlan", "5", "--link", "raw"]);
    assert_eq!(refused.status.code(), Some(2), "{}", common::err(&refused));
}

/// What a sniff on loopback with these arguments shows of some traffic: a line a packet.
fn shown(arguments: &[&str], traffic: impl Fn()) -> (Vec<String>, String) {
    let mut command = common::command(&[&["sniff", "-i", "lo", "-c", "3", "--for", "20s"], arguments].concat());
    let ours = listening(command.stdout(std::process::Stdio::piped()));
    traffic();
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
    (out.lines().map(str::to_owned).collect(), words)
}

#[test]
fn live_a_port_of_udp_shows_its_datagrams_and_nothing_else() {
    if !can_capture() {
        return;
    }
    let receiver = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let other = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let address = receiver.local_addr().expect("an address");
    let talk = || {
        for _ in 0..3 {
            sender.send_to(b"not of interest", other.local_addr().expect("an address")).expect("sent");
            // TCP from and to the same port: refused.
            let _ = std::net::TcpStream::connect(address);
            sender.send_to(b"of interest", address).expect("sent");
        }
    };
    let port = address.port().to_string();
    for arguments in [
        &["udp", "port", &port][..],
        &["udp", "--port", &port],
        &[&format!("udp and dst port {port}")],
        &["ip", "udp[2:2]", "=", &port],
        &["all", &format!("(udp or icmp) and dst portrange {port}-{port} and len = 53")],
    ] {
        let (lines, words) = shown(arguments, talk);
        assert_eq!(lines.len(), 3, "{arguments:?}: {lines:?}");
        assert!(lines.iter().all(|l| l.contains("127.0.0.1")), "{arguments:?}: {lines:?}");
        assert!(words.contains("3 packets shown, 3 captured"), "{arguments:?}: {words}");
        // With the header of UDP, or without where that is decoded.
        assert!(lines.iter().all(|l| l.contains("length 19") || l.contains("length 11")), "{arguments:?}: {lines:?}");
    }
}
