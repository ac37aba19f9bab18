//! Sniff TCP segments with a raw socket, and decode them.
//!
//! socket(AF_INET, SOCK_RAW, IPPROTO_TCP) receives a copy of every TCP segment that comes in over IPv4, from the IP
//! header on: raw(7), ip(7), tcp(7), RFC 791, RFC 9293. Needs CAP_NET_RAW.
//!
//! Traps: it sees incoming segments only (on loopback both sides come in); no IPv6, no Ethernet header; both header
//! lengths are counted in 32-bit words, and the TCP header begins where the IP header ends, not at byte 20;
//! loopback checksums are never finished ("partial"), since no network device is there to do it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket, sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::need::NET_RAW;
use crate::packet::checksum::Verdict;
use crate::packet::tcp::{Flags, Tcp};
use crate::packet::{Carried, Detail, Layer, Line, Link, Protocol, walk};
use crate::recipe::Recipe;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-tcp",
    title: "Sniff TCP segments with a raw socket",
    sections: &["3.2.34"],
    needs: &[&NET_RAW],
    source: include_str!("sniff_tcp.rs"),
    run,
};

fn raw_tcp_socket() -> Result<OwnedFd> {
    let what = || "cannot open a raw socket".to_owned();
    let socket =
        socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Tcp).sys("socket", what)?;
    // So that the wait for a segment that never comes has an end.
    setsockopt(&socket, ReceiveTimeout, &TimeVal::milliseconds(100)).sys("setsockopt(SO_RCVTIMEO)", what)?;
    Ok(socket)
}

/// Hands every TCP segment to `each` until that has seen enough.
fn sniff(socket: &OwnedFd, patience: Duration, mut each: impl FnMut(&Tcp) -> Result<bool>) -> Result<()> {
    // The largest IPv4 packet; a shorter buffer would cut segments without a word.
    let mut buffer = [0; 65_535];
    let end = Instant::now() + patience;
    while Instant::now() < end && !interrupt::asked() {
        let length = match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            Ok(length) => length,
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            Err(errno) => return Err(Error::sys("cannot receive from the raw socket", "recv", errno)),
        };
        let packet = Carried::frame(Link::Ip, &buffer[..length], length);
        for layer in walk(packet) {
            if let Layer::Tcp(segment) = layer
                && each(&segment)?
            {
                return Ok(());
            }
        }
    }
    Err(Error::failed("some segments of the connection were never seen").fix("is loopback traffic filtered here?"))
}

const REQUEST: &[u8] = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const REPLY: [&[u8]; 2] = [b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n", b"Python is awesome!\n"];

/// One side of the connection, as its segments tell.
#[derive(Default)]
struct Side {
    first: Option<u32>,
    next: u32,
    data: Vec<u8>,
    finished: bool,
}

impl Side {
    /// Takes the next segment of this side; a repeated one is passed over, a gap is an error.
    fn take(&mut self, segment: &Tcp) -> Result<()> {
        if self.first.is_none() {
            (self.first, self.next) = (Some(segment.sequence()), segment.sequence());
        }
        match segment.sequence().wrapping_sub(self.next) as i32 {
            ..0 => return Ok(()),
            0 => {}
            gap => return Err(Error::wrong(format!("{gap} bytes were lost before {}", segment.sequence()))),
        }
        self.data.extend(segment.payload());
        self.finished |= segment.flags().has(Flags::FIN);
        self.next = segment.next_sequence();
        Ok(())
    }
}

fn run(demo: &mut Demo) -> Result<()> {
    let socket = raw_tcp_socket()?;
    let what = || "cannot listen on loopback".to_owned();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).sys("bind", what)?;
    let port = listener.local_addr().sys("getsockname", what)?.port();
    let talk = thread::spawn(move || talk(&listener, port));

    let (mut client, mut server) = (Side::default(), Side::default());
    let mut seen: Vec<(Flags, Verdict)> = Vec::new();
    sniff(&socket, Duration::from_secs(5), |segment| {
        let side = match (segment.source_port() == port, segment.destination_port() == port) {
            (true, _) => &mut server,
            (_, true) => &mut client,
            _ => return Ok(false),
        };
        side.take(segment)?;
        let mut line = Line::of(Detail::Checked);
        match seen.len() {
            0 => segment.block(&mut line),
            _ => segment.line(&mut line),
        }
        demo.say(&*line);
        seen.push((segment.flags(), segment.checksum_status()));
        Ok(client.finished && server.finished)
    })?;
    talk.join().map_err(|_| Error::failed("the talk over loopback panicked"))?.sys("connect", what)?;
    verify(demo, &client, &server, &seen)
}

/// A small exchange over the loopback interface, both sides.
fn talk(listener: &TcpListener, port: u16) -> std::io::Result<()> {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    let (mut server, _) = listener.accept()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    }
    client.write_all(REQUEST)?;
    server.read_exact(&mut [0; REQUEST.len()])?;
    for part in REPLY {
        server.write_all(part)?;
    }
    server.shutdown(Shutdown::Write)?;
    client.read_to_end(&mut Vec::new())?;
    Ok(())
}

fn verify(demo: &mut Demo, client: &Side, server: &Side, seen: &[(Flags, Verdict)]) -> Result<()> {
    let handshake: Vec<u16> = seen.iter().take(3).map(|(flags, _)| flags.0 & (Flags::SYN | Flags::ACK)).collect();
    demo.check_eq(
        "the handshake is SYN, SYN ACK, ACK",
        vec![Flags::SYN, Flags::SYN | Flags::ACK, Flags::ACK],
        handshake,
    )?;
    demo.check_eq("the request is what was sent", REQUEST, &client.data)?;
    demo.check_eq("the reply is what was sent", &REPLY.concat()[..], &server.data)?;
    for (name, side, sent) in [("client", client, REQUEST.len()), ("server", server, REPLY.concat().len())] {
        let advance = side.next.wrapping_sub(side.first.unwrap_or_default()) as usize;
        let what = format!("sequence numbers of the {name} advance by the payload, SYN and FIN");
        demo.check_eq(&what, sent + 2, advance)?;
    }
    let wrong = seen.iter().find(|(_, verdict)| !matches!(verdict, Verdict::Correct | Verdict::Partial));
    demo.check("every checksum is right, or left to offload", wrong.is_none(), || format!("{wrong:?}"))
}
