//! The wire on which sniffers are raced: two network namespaces and a veth pair, which leave nothing behind.

mod common;

use std::net::{IpAddr, UdpSocket};
use std::process::Command;
use std::time::Duration;

use syskit::recipes::sniff::wire::{End, Plan, Wire};

fn wire(plan: &Plan) -> Option<Wire> {
    match Wire::with(plan) {
        Ok(wire) => Some(wire),
        Err(e) if matches!(e.exit_code(), 3 | 4) => {
            common::skip(&e.to_string());
            None
        }
        Err(e) => panic!("{e}"),
    }
}

fn bound(end: &End, address: IpAddr) -> UdpSocket {
    let socket = end.enter(|| UdpSocket::bind((address, 0))).expect("the namespace").expect("an address");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    socket
}

#[test]
fn both_ends_hear_each_other_at_once() {
    let Some(wire) = wire(&Plan::default()) else { return };
    let address = |end: &End, six: bool| -> IpAddr {
        if six { end.ipv6.expect("IPv6").into() } else { end.ipv4.expect("IPv4").into() }
    };
    for six in [false, true] {
        let near = bound(&wire.near, address(&wire.near, six));
        let far = bound(&wire.far, address(&wire.far, six));
        for (from, to) in [(&near, &far), (&far, &near)] {
            from.send_to(b"hello", to.local_addr().expect("an address")).expect("sent");
            let mut buffer = [0; 16];
            let (length, source) = to.recv_from(&mut buffer).expect("heard");
            assert_eq!((&buffer[..length], source), (&b"hello"[..], from.local_addr().expect("an address")));
        }
    }
}

#[test]
fn ip_shows_the_wire_as_it_was_planned() {
    if !common::live::has_program("ip", "iproute2") {
        return;
    }
    let plan = Plan { ipv6: false, mtu: 9000, ..Plan::default() };
    let Some(wire) = wire(&plan) else { return };
    for end in [&wire.near, &wire.far] {
        let output = end.enter(|| Command::new("ip").args(["-o", "address"]).output()).expect("the namespace");
        let text = String::from_utf8_lossy(&output.expect("ip").stdout).into_owned();
        assert!(text.contains(&format!("{} ", end.ipv4.expect("IPv4"))) || text.contains("192.0.2."), "{text}");
        assert!(!text.contains("inet6 fe80") && !text.contains("2001:db8"), "{text}");
        let output = end.enter(|| Command::new("ip").args(["-o", "link", "show", end.name]).output());
        let text = String::from_utf8_lossy(&output.expect("the namespace").expect("ip").stdout).into_owned();
        let mac = end.mac.map(|b| format!("{b:02x}")).join(":");
        for word in ["mtu 9000", "state UP", mac.as_str(), &format!("{}: {}@", end.index, end.name)] {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}
