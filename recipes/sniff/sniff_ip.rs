//! Sniff IP packets with a raw socket, and take their header apart.
//!
//! socket(AF_INET, SOCK_RAW, IPPROTO_UDP) receives a copy of every UDP packet that comes in over IPv4, from the IP
//! header on: raw(7), ip(7), RFC 791. Needs CAP_NET_RAW.
//!
//! Traps: a raw socket of Linux is of one protocol, and IPPROTO_IP (0) sniffs nothing (EPROTONOSUPPORT); version and
//! header length share one byte, and the length counts 32-bit words; numbers are big-endian; IP_HDRINCL and bind, as the
//! cheat sheet has them, change nothing about what is received.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::OwnedFd;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockProtocol, SockType, setsockopt, socket, sockopt::Ipv4Tos, sockopt::Ipv4Ttl,
};

use super::overhear;
use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need::NET_RAW;
use crate::packet::{Carried, Layer, Link, walk};
use crate::recipe::Recipe;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-ip",
    title: "Sniff IP packets with a raw socket",
    sections: &["3.2.33"],
    needs: &[&NET_RAW],
    source: include_str!("sniff_ip.rs"),
    run,
};

fn raw_udp_socket() -> Result<OwnedFd> {
    socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Udp)
        .sys("socket", || "cannot open a raw socket".to_owned())
}

/// The fixed part of an IPv4 header: what struct.unpack("!BBHHHBBH4s4s", `packet[:20]`) gives.
#[derive(Debug)]
struct IpHeader {
    version: u8,
    /// In 32-bit words: data begins at four times as many bytes.
    header_length: u8,
    tos: u8,
    total_length: u16,
    ttl: u8,
    protocol: u8,
    source: Ipv4Addr,
    destination: Ipv4Addr,
}

impl IpHeader {
    fn of(packet: &[u8]) -> Option<Self> {
        let h: &[u8; 20] = packet.first_chunk()?;
        Some(IpHeader {
            version: h[0] >> 4,
            header_length: h[0] & 15,
            tos: h[1],
            total_length: u16::from_be_bytes([h[2], h[3]]),
            ttl: h[8],
            protocol: h[9],
            source: Ipv4Addr::new(h[12], h[13], h[14], h[15]),
            destination: Ipv4Addr::new(h[16], h[17], h[18], h[19]),
        })
    }

    fn data<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        packet.get(usize::from(self.header_length) * 4..)
    }

    /// The protocol's name, where the cheat sheet's table has it.
    fn name(&self) -> &'static str {
        match self.protocol {
            1 => "ICMP",
            2 => "IGMP",
            6 => "TCP",
            17 => "UDP",
            27 => "RDP",
            _ => "another protocol",
        }
    }
}

const TTL: u8 = 42;
/// DSCP 8 (low priority), no ECN.
const TOS: u8 = 0x20;
const MESSAGE: &[u8] = b"Python is awesome!\n";

fn run(demo: &mut Demo) -> Result<()> {
    let raw = raw_udp_socket()?;
    let port = send()?;

    let mut seen = None;
    overhear::until_enough(&raw, "the datagram was", |packet| {
        let Some(header) = IpHeader::of(packet) else { return Ok(false) };
        let data = header.data(packet).unwrap_or_default();
        // A copy of every UDP packet of this host comes here: ours is the one from our port.
        if data.get(..2) != Some(&port.to_be_bytes()) {
            return Ok(false);
        }
        seen = Some((header, packet.to_vec()));
        Ok(true)
    })?;
    let (header, packet) = seen.ok_or_else(|| Error::failed("nothing was seen"))?;
    show(demo, &header);
    verify(demo, &header, &packet)
}

/// Sends a datagram over loopback to itself; gives its port.
fn send() -> Result<u16> {
    let what = || "cannot send over loopback".to_owned();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).sys("bind", what)?;
    let address = udp.local_addr().sys("getsockname", what)?;
    setsockopt(&udp, Ipv4Ttl, &TTL.into()).sys("setsockopt(IP_TTL)", what)?;
    setsockopt(&udp, Ipv4Tos, &TOS.into()).sys("setsockopt(IP_TOS)", what)?;
    udp.send_to(MESSAGE, address).sys("sendto", what)?;
    Ok(address.port())
}

fn show(demo: &mut Demo, header: &IpHeader) {
    demo.say(format_args!("{}: {} -> {}", header.name(), header.source, header.destination));
    demo.say(format_args!("  Version       : {}", header.version));
    demo.say(format_args!(
        "  Header Length : {} ({} bytes)",
        header.header_length,
        u32::from(header.header_length) * 4
    ));
    demo.say(format_args!("  TOS           : 0x{:02x}", header.tos));
    demo.say(format_args!("  Total Length  : {}", header.total_length));
    demo.say(format_args!("  TTL           : {}", header.ttl));
    demo.say(format_args!("  Protocol      : {}", header.protocol));
    demo.say(format_args!("  Source        : {}", header.source));
    demo.say(format_args!("  Destination   : {}", header.destination));
}

fn verify(demo: &mut Demo, header: &IpHeader, packet: &[u8]) -> Result<()> {
    demo.check_eq("version and header length, from one byte", (4, 5), (header.version, header.header_length))?;
    demo.check_eq("TTL and TOS are those that were set", (TTL, TOS), (header.ttl, header.tos))?;
    demo.check_eq("the protocol is UDP", 17, header.protocol)?;
    let loopback = [Ipv4Addr::LOCALHOST; 2];
    demo.check_eq("both addresses are loopback's", loopback, [header.source, header.destination])?;
    demo.check_eq("the total length is what was received", packet.len(), usize::from(header.total_length))?;
    let data = header.data(packet).and_then(|udp| udp.get(8..));
    demo.check_eq("behind the UDP header is what was sent", Some(MESSAGE), data)?;

    let layer = walk(Carried::frame(Link::Ip, packet, packet.len())).next();
    let Some(Layer::Ipv4(ip)) = layer else { return Err(Error::wrong(format!("no IPv4 header, but {layer:?}"))) };
    let decoded = (ip.tos(), ip.total_length(), ip.ttl(), ip.protocol());
    let by_hand = (header.tos, header.total_length, header.ttl, header.protocol);
    demo.check_eq("the decoder of `syskit sniff` reads the same", decoded, by_hand)
}
