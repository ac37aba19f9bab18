//! Sniff ICMP with a raw socket: a ping of our own and its reply, and an error with the packet that it is about.
//!
//! socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) sends ICMP messages and receives a copy of each that comes in over IPv4, from
//! the IP header on: raw(7), icmp(7), RFC 792. Needs CAP_NET_RAW.
//!
//! Traps: what is sent begins with the ICMP header (the kernel puts the IP header before it), what is received with the
//! IP header; the checksum is ours to compute; replies to everyone's pings come in here, so the identifier tells
//! which is ours; an error names no port: those stand in the packet that it quotes; the kernel sends errors about a host at
//! a limited rate (net.ipv4.icmp_ratelimit), though not over loopback.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, sendto, socket};

use super::overhear;
use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need::NET_RAW;
use crate::packet::checksum::Verdict;
use crate::packet::icmp::{ECHO, ECHO_REPLY, Icmp, UNREACHABLE};
use crate::packet::{Carried, Detail, Layer, Line, Link, Protocol, walk};
use crate::recipe::Recipe;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-icmp",
    title: "Sniff ICMP with a raw socket: a ping and an error",
    sections: &[],
    needs: &[&NET_RAW],
    source: include_str!("sniff_icmp.rs"),
    run,
};

fn raw_icmp_socket() -> Result<OwnedFd> {
    socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Icmp)
        .sys("socket", || "cannot open a raw socket".to_owned())
}

/// An echo request: type, code, checksum, identifier, sequence number, data.
fn echo(identifier: u16, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut message = vec![ECHO, 0, 0, 0];
    message.extend(identifier.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend(data);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// The sum of all 16-bit words, carries added in, inverted (RFC 1071).
fn checksum(message: &[u8]) -> u16 {
    let words = message.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| low.into()));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !(sum as u16)
}

/// Hands every ICMP message to `each` until that has seen enough.
fn sniff(socket: &OwnedFd, missing: &str, mut each: impl FnMut(&Icmp, &[u8]) -> Result<bool>) -> Result<()> {
    overhear::until_enough(socket, missing, |packet| {
        let mut layers = walk(Carried::frame(Link::Ip, packet, packet.len()));
        match (layers.next(), layers.next()) {
            (Some(Layer::Ipv4(ip)), Some(Layer::Icmp(icmp))) => {
                // Behind the IP header, which says how long it is, and that of ICMP.
                let data = packet.get(20 + ip.options().len() + 8..).unwrap_or_default();
                each(&icmp, data)
            }
            _ => Ok(false),
        }
    })
}

const DATA: &[u8] = b"Python is awesome!";

fn run(demo: &mut Demo) -> Result<()> {
    let raw = raw_icmp_socket()?;
    ping(demo, &raw)?;
    provoke(demo, &raw)
}

/// Sends two echo requests to loopback, whose kernel answers them.
fn ping(demo: &mut Demo, raw: &OwnedFd) -> Result<()> {
    // Any number that nobody else pings with.
    let identifier = fastrand::u16(..);
    for sequence in [1, 2] {
        let message = echo(identifier, sequence, DATA);
        // There are no ports: the address alone says where to.
        let to = SockaddrIn::new(127, 0, 0, 1, 0);
        sendto(raw.as_raw_fd(), &message, &to, MsgFlags::empty())
            .sys("sendto", || "cannot send an echo request over loopback".to_owned())?;
    }
    let mut seen = Vec::new();
    sniff(raw, "some echo requests or replies were", |icmp, data| {
        if icmp.identifier() != Some(identifier) {
            return Ok(false);
        }
        say(demo, icmp, seen.is_empty());
        let right = matches!(icmp.checksum_status(), Verdict::Correct);
        seen.push((icmp.kind(), icmp.sequence(), data == DATA, right));
        Ok(seen.len() == 4)
    })
    .map_err(|error| match ignored() {
        true => Error::unavailable("this host answers no pings").fix("sysctl -w net.ipv4.icmp_echo_ignore_all=0"),
        false => error,
    })?;
    // Requests and replies come in as the kernel has time: each kind is in order.
    seen.sort_by_key(|&(kind, ..)| kind);
    let told = |kind| [1, 2].map(|sequence| (kind, Some(sequence), true, true));
    let expected = [told(ECHO_REPLY), told(ECHO)].concat();
    demo.check_eq("each request has its reply: type, sequence number, our data, a right checksum", expected, seen)
}

fn ignored() -> bool {
    std::fs::read_to_string("/proc/sys/net/ipv4/icmp_echo_ignore_all").is_ok_and(|text| text.trim() == "1")
}

/// Sends a datagram to a port where nobody listens, and looks for the error.
fn provoke(demo: &mut Demo, raw: &OwnedFd) -> Result<()> {
    let what = || "cannot send over loopback".to_owned();
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).sys("bind", what);
    let sender = bind()?;
    let from = sender.local_addr().sys("getsockname", what)?.port();
    let closed = bind()?.local_addr().sys("getsockname", what)?;
    sender.send_to(DATA, closed).sys("sendto", what)?;

    let mut quoted = None;
    sniff(raw, "the error was", |icmp, _| {
        let Some(quote) = icmp.quoted() else { return Ok(false) };
        let ports = walk(quote).find_map(|layer| match layer {
            Layer::Udp(udp) => Some((udp.source_port(), udp.destination_port())),
            _ => None,
        });
        if ports.is_none_or(|(source, _)| source != from) {
            return Ok(false);
        }
        say(demo, icmp, false);
        quoted = Some((icmp.kind(), icmp.code(), ports, quote.bytes.to_vec()));
        Ok(true)
    })?;
    let (kind, code, ports, quote) = quoted.ok_or_else(|| Error::failed("no error was seen"))?;
    demo.check_eq("it is port unreachable: type 3, code 3", (UNREACHABLE, 3), (kind, code))?;
    demo.check_eq("it quotes the ports of the datagram", Some((from, closed.port())), ports)?;
    // RFC 1812 lets an error quote as much as fits 576 bytes, and Linux does.
    demo.check("it quotes the data to its end", quote.ends_with(DATA), || format!("{quote:02x?}"))
}

fn say(demo: &mut Demo, icmp: &Icmp, in_full: bool) {
    let mut line = Line::of(Detail::Checked);
    match in_full {
        true => icmp.block(&mut line),
        false => icmp.line(&mut line),
    }
    demo.say(&*line);
}
