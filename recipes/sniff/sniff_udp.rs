//! Sniff UDP datagrams with a raw socket, and decode them.
//!
//! socket(AF_INET, SOCK_RAW, IPPROTO_UDP) receives a copy of every UDP datagram that comes in over IPv4, from the IP
//! header on: raw(7), ip(7), udp(7), RFC 768. Needs CAP_NET_RAW.
//!
//! Traps: the UDP length counts the header, and the payload ends where it says; an empty datagram is one; a checksum of 0
//! means that there is none; on loopback sums are not finished ("partial"), since no network device is there to do
//! it; a raw socket sees a datagram before UDP does: also one to a closed port, and one that UDP will reject.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use super::overhear;
use crate::demo::Demo;
use crate::error::{Context, Result};
use crate::need::NET_RAW;
use crate::packet::checksum::Verdict;
use crate::packet::udp::Udp;
use crate::packet::{Carried, Detail, Layer, Line, Link, Protocol, text, walk};
use crate::recipe::Recipe;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-udp",
    title: "Sniff UDP datagrams with a raw socket",
    sections: &[],
    needs: &[&NET_RAW],
    source: include_str!("sniff_udp.rs"),
    run,
};

fn raw_udp_socket() -> Result<OwnedFd> {
    socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Udp)
        .sys("socket", || "cannot open a raw socket".to_owned())
}

/// Hands every UDP datagram to `each` until that has seen enough.
fn sniff(socket: &OwnedFd, mut each: impl FnMut(&Udp) -> Result<bool>) -> Result<()> {
    overhear::until_enough(socket, "some datagrams were", |packet| {
        for layer in walk(Carried::frame(Link::Ip, packet, packet.len())) {
            if let Layer::Udp(datagram) = layer {
                return each(&datagram);
            }
        }
        Ok(false)
    })
}

/// What is sent: text, nothing at all, and a datagram of many packets' size.
fn messages() -> [Vec<u8>; 3] {
    [b"Python is awesome!\n".to_vec(), Vec::new(), (0..20_000_u32).map(|n| (n % 251) as u8).collect()]
}

fn run(demo: &mut Demo) -> Result<()> {
    let raw = raw_udp_socket()?;
    let what = || "cannot send over loopback".to_owned();
    let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).sys("bind", what);
    let (sender, receiver) = (bind()?, bind()?);
    let port = |socket: &UdpSocket| socket.local_addr().sys("getsockname", what).map(|address| address.port());
    let (from, to) = (port(&sender)?, port(&receiver)?);
    for message in messages() {
        sender.send_to(&message, (Ipv4Addr::LOCALHOST, to)).sys("sendto", what)?;
    }

    let mut seen: Vec<Seen> = Vec::new();
    sniff(&raw, |datagram| {
        // A copy of every UDP datagram of this host comes here.
        if (datagram.source_port(), datagram.destination_port()) != (from, to) {
            return Ok(false);
        }
        let mut line = Line::of(Detail::Checked);
        match seen.len() {
            0 => {
                datagram.block(&mut line);
                text::field(&mut line, "Text", text::to_escaped(datagram.payload()));
            }
            _ => datagram.line(&mut line),
        }
        demo.say(&*line);
        seen.push(Seen {
            length: datagram.length(),
            payload: datagram.payload().to_vec(),
            checksum: datagram.checksum_status(),
        });
        Ok(seen.len() == messages().len())
    })?;
    verify(demo, &seen)
}

/// What is kept of a datagram.
struct Seen {
    length: u16,
    payload: Vec<u8>,
    checksum: Verdict,
}

fn verify(demo: &mut Demo, seen: &[Seen]) -> Result<()> {
    for (sent, seen) in messages().iter().zip(seen) {
        let what = format!("the payload of {} bytes is what was sent", sent.len());
        demo.check(&what, *sent == seen.payload, || format!("{} bytes that differ", seen.payload.len()))?;
        demo.check_eq("the length counts the header's 8 bytes too", sent.len() + 8, seen.length.into())?;
    }
    let wrong = seen.iter().map(|seen| seen.checksum).find(|v| !matches!(v, Verdict::Correct | Verdict::Partial));
    demo.check("every checksum is right, or left to offload", wrong.is_none(), || format!("{wrong:?}"))
}
