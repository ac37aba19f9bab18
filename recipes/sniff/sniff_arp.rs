//! Sniff ARP with a packet socket: one host asks who has an address, the other answers.
//!
//! socket(AF_PACKET, SOCK_RAW) receives whole frames, Ethernet header first: packet(7), arp(7), RFC 826. The two hosts
//! are network namespaces joined by a veth pair (veth(4)), since loopback has no ARP. Needs CAP_NET_RAW, CAP_NET_ADMIN and
//! CAP_SYS_ADMIN.
//!
//! Traps: ETH_P_ALL goes into socket() and bind() in network byte order; from socket() on, until bind, a socket with a
//! protocol receives from every interface, so the protocol is given to bind alone; a kernel that knows the neighbour
//! asks nothing.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::overhear;
use super::wire::{End, Plan, Wire};
use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need::{PACKET_SOCKET, VETH};
use crate::packet::text::to_hex;
use crate::packet::{Carried, Layer, Link, walk};
use crate::recipe::Recipe;
use crate::sys::packet_socket;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-arp",
    title: "Sniff ARP with a packet socket",
    sections: &["3.2.35"],
    needs: &[&PACKET_SOCKET, &VETH],
    source: include_str!("sniff_arp.rs"),
    run,
};

fn packet_socket(end: &End) -> Result<OwnedFd> {
    let what = || format!("cannot open a packet socket on {}", end.name);
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).sys("socket", what)?;
    packet_socket::bind(&socket, end.index).sys("bind", what)?;
    Ok(socket)
}

/// An Ethernet header and the ARP packet behind it.
#[derive(Debug, PartialEq, Eq)]
struct ArpFrame {
    destination: [u8; 6],
    source: [u8; 6],
    ethertype: u16,
    hardware_type: u16,
    protocol_type: u16,
    hardware_size: u8,
    protocol_size: u8,
    opcode: u16,
    source_mac: [u8; 6],
    source_ip: Ipv4Addr,
    target_mac: [u8; 6],
    target_ip: Ipv4Addr,
}

impl ArpFrame {
    /// What struct.unpack gives of a frame; `None` if it is not ARP, or does not hold 42 bytes.
    fn of(frame: &[u8]) -> Option<Self> {
        let f: &[u8; 42] = frame.first_chunk()?;
        let word = |at: usize| u16::from_be_bytes([f[at], f[at + 1]]);
        let mac = |at: usize| [f[at], f[at + 1], f[at + 2], f[at + 3], f[at + 4], f[at + 5]];
        let ip = |at: usize| Ipv4Addr::new(f[at], f[at + 1], f[at + 2], f[at + 3]);
        (word(12) == ARP).then(|| ArpFrame {
            destination: mac(0),
            source: mac(6),
            ethertype: word(12),
            hardware_type: word(14),
            protocol_type: word(16),
            hardware_size: f[18],
            protocol_size: f[19],
            opcode: word(20),
            source_mac: mac(22),
            source_ip: ip(28),
            target_mac: mac(32),
            target_ip: ip(38),
        })
    }
}

const ARP: u16 = libc::ETH_P_ARP as u16;
const BROADCAST: [u8; 6] = [0xff; 6];

fn run(demo: &mut Demo) -> Result<()> {
    let wire = Wire::with(&Plan { ipv6: false, ..Plan::default() })?;
    let (near, far) = (&wire.near, &wire.far);
    let (Some(near_ip), Some(far_ip)) = (near.ipv4, far.ipv4) else {
        return Err(Error::failed("the wire has no IPv4 addresses"));
    };
    let socket = near.enter(|| packet_socket(near))??;
    // To send anything at all, the far host must ask for the near one's hardware address first.
    far.enter(|| send(near_ip))??;

    let mut seen: Vec<(ArpFrame, Vec<u8>)> = Vec::new();
    overhear::until_enough(&socket, "the request or its reply was", |frame| {
        let Some(arp) = ArpFrame::of(frame) else { return Ok(false) };
        // A request that has no reply for a second is repeated.
        if seen.iter().any(|(before, _)| *before == arp) {
            return Ok(false);
        }
        show(demo, &arp);
        seen.push((arp, frame.to_vec()));
        Ok(seen.len() == 2)
    })?;
    let request = ArpFrame {
        destination: BROADCAST,
        source: far.mac,
        ethertype: ARP,
        hardware_type: libc::ARPHRD_ETHER,
        protocol_type: libc::ETH_P_IP as u16,
        hardware_size: 6,
        protocol_size: 4,
        opcode: libc::ARPOP_REQUEST,
        source_mac: far.mac,
        source_ip: far_ip,
        target_mac: [0; 6],
        target_ip: near_ip,
    };
    let reply = ArpFrame {
        destination: far.mac,
        source: near.mac,
        opcode: libc::ARPOP_REPLY,
        source_mac: near.mac,
        source_ip: near_ip,
        target_mac: far.mac,
        target_ip: far_ip,
        ..request
    };
    verify(demo, far, &[request, reply], &seen)
}

fn send(to: Ipv4Addr) -> Result<()> {
    let what = || format!("cannot send to {to}");
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).sys("bind", what)?;
    // Port 9 is that of discard (RFC 863).
    udp.send_to(b"who are you?", (to, 9)).sys("sendto", what)?;
    Ok(())
}

fn show(demo: &mut Demo, frame: &ArpFrame) {
    demo.say("---------------- ETHERNET_FRAME ----------------");
    demo.say(format_args!("Dest MAC:         {}", to_hex(&frame.destination)));
    demo.say(format_args!("Source MAC:       {}", to_hex(&frame.source)));
    demo.say(format_args!("Type:             {:04x}", frame.ethertype));
    demo.say("----------------- ARP_HEADER -------------------");
    demo.say(format_args!("Hardware type:    {:04x}", frame.hardware_type));
    demo.say(format_args!("Protocol type:    {:04x}", frame.protocol_type));
    demo.say(format_args!("Hardware size:    {:02x}", frame.hardware_size));
    demo.say(format_args!("Protocol size:    {:02x}", frame.protocol_size));
    demo.say(format_args!("Opcode:           {:04x}", frame.opcode));
    demo.say(format_args!("Source MAC:       {}", to_hex(&frame.source_mac)));
    demo.say(format_args!("Source IP:        {}", frame.source_ip));
    demo.say(format_args!("Dest MAC:         {}", to_hex(&frame.target_mac)));
    demo.say(format_args!("Dest IP:          {}", frame.target_ip));
    demo.say("------------------------------------------------");
}

fn verify(demo: &mut Demo, asker: &End, expected: &[ArpFrame; 2], seen: &[(ArpFrame, Vec<u8>)]) -> Result<()> {
    for ((what, expected), (frame, bytes)) in ["request", "reply"].into_iter().zip(expected).zip(seen) {
        demo.check_eq(&format!("the {what} is between the two hosts, with their addresses"), expected, frame)?;
        let arp = walk(Carried::frame(Link::Ethernet, bytes, bytes.len())).find_map(|layer| match layer {
            Layer::Arp(arp) => Some((arp.operation(), arp.sender().0.to_vec(), arp.target().1.to_vec())),
            _ => None,
        });
        let by_hand = (frame.opcode, frame.source_mac.to_vec(), frame.target_ip.octets().to_vec());
        demo.check_eq(&format!("the decoder of `syskit sniff` reads the {what} alike"), arp, Some(by_hand))?;
    }
    // What the kernel of the host that asked has learnt; /proc/net would be that of the whole process.
    let table = asker.enter(|| std::fs::read_to_string("/proc/thread-self/net/arp"))?;
    let table = table.sys("open", || "cannot read the neighbours of the host that asked".to_owned())?;
    let learnt: Vec<&str> = table.lines().skip(1).flat_map(str::split_whitespace).collect();
    let reply = &expected[1];
    let mac = reply.source_mac.map(|byte| format!("{byte:02x}")).join(":");
    let known = learnt.contains(&reply.source_ip.to_string().as_str()) && learnt.contains(&mac.as_str());
    demo.check("the host that asked has learnt what the reply says", known, || table)
}
