//! Sniff DNS with a raw socket: a question and its answer, made by hand, decoded from the wire.
//!
//! DNS is carried by UDP: socket(AF_INET, SOCK_RAW, IPPROTO_UDP) receives a copy of it, from the IP header on: raw(7),
//! udp(7), RFC 1035. Needs CAP_NET_RAW. The server here listens on a port of its own, so no port 53 and no resolver
//! is touched.
//!
//! Traps: nothing in a datagram says that it is DNS: only the port does; a name may end in a pointer to an earlier one,
//! which a decoder must neither take for a label nor follow in a circle; what answers may be anybody: a client holds the
//! response's id, question and address to what it asked.

use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};

use super::overhear;
use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need::NET_RAW;
use crate::packet::dns::Document;
use crate::packet::{Application, Carried, Code, Detail, Layer, Line, Link, Protocol, walk};
use crate::recipe::Recipe;

/// The recipe.
pub static RECIPE: Recipe = Recipe {
    id: "sniff-dns",
    title: "Sniff a DNS question and its answer with a raw socket",
    sections: &[],
    needs: &[&NET_RAW],
    source: include_str!("sniff_dns.rs"),
    run,
};

fn raw_udp_socket() -> Result<OwnedFd> {
    socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::Udp)
        .sys("socket", || "cannot open a raw socket".to_owned())
}

/// Names of RFC 2606 and addresses of RFC 5737 and RFC 3849, which are nobody's.
const NAME: &str = "www.example.com";
const ALIAS_OF: &str = "web.example.com";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 80);
const ADDRESS6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x80);
const TTL: u32 = 300;

/// Types of records.
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// The class of the internet.
const IN: u16 = 1;

/// A header: id, flags, and how many questions, answers, authority and additional records follow.
fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes).collect()
}

/// A name: labels, each behind its length; then an empty one.
fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat());
    labels.chain([0]).collect()
}

/// A query for the address of [`NAME`]; recursion desired.
fn query(id: u16) -> Vec<u8> {
    [header(id, 0x0100, [1, 0, 0, 0]), name(NAME), [A, IN].map(u16::to_be_bytes).concat()].concat()
}

/// The response to `query`: an alias, its address, and one more as an additional record. Names are pointers to where
/// they stood before: 0xc000 and the offset from the start of the message.
fn response(query: &[u8]) -> Vec<u8> {
    let record = |owner: u16, kind: u16, data: &[u8]| {
        let fixed = [owner, kind, IN].map(u16::to_be_bytes).concat();
        [&fixed[..], &TTL.to_be_bytes(), &(data.len() as u16).to_be_bytes(), data].concat()
    };
    let id = u16::from_be_bytes([query[0], query[1]]);
    // The question's name stands behind the header; `example.com` behind its first label.
    let (question, parent) = (0xc000 + HEADER as u16, 0xc000 + (HEADER + 4) as u16);
    let mut message = header(id, 0x8580, [1, 2, 0, 1]);
    message.extend(&query[HEADER..]);
    let alias = 0xc000 + (message.len() + 12) as u16;
    message.extend(record(question, CNAME, &[b"\x03web", &parent.to_be_bytes()[..]].concat()));
    message.extend(record(alias, A, &ADDRESS.octets()));
    message.extend(record(alias, AAAA, &ADDRESS6.octets()));
    message
}

/// Length of the header in bytes.
const HEADER: usize = 12;

/// Answers one query; gives it back, with the response.
fn serve(server: &UdpSocket) -> std::io::Result<[Vec<u8>; 2]> {
    let mut buffer = [0; 512];
    let (length, client) = server.recv_from(&mut buffer)?;
    let query = buffer[..length].to_vec();
    let response = response(&query);
    server.send_to(&response, client)?;
    Ok([query, response])
}

fn run(demo: &mut Demo) -> Result<()> {
    let raw = raw_udp_socket()?;
    let what = || "cannot talk over loopback".to_owned();
    let bind = || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).sys("bind", what)?;
        socket.set_read_timeout(Some(Duration::from_secs(5))).sys("setsockopt(SO_RCVTIMEO)", what)?;
        Ok::<_, Error>(socket)
    };
    let (server, client) = (bind()?, bind()?);
    let port = server.local_addr().sys("getsockname", what)?.port();
    // Who guesses it can answer in the server's place.
    let id = fastrand::u16(..);
    let serving = thread::spawn(move || serve(&server));
    // Connected: the kernel lets in what comes from there alone.
    client.connect((Ipv4Addr::LOCALHOST, port)).sys("connect", what)?;
    client.send(&query(id)).sys("send", what)?;

    let mut seen: Vec<(Vec<u8>, Document)> = Vec::new();
    overhear::until_enough(&raw, "the question or its answer was", |packet| {
        let datagram = walk(Carried::frame(Link::Ip, packet, packet.len())).find_map(|layer| match layer {
            Layer::Udp(udp) => [udp.source_port(), udp.destination_port()].contains(&port).then(|| udp.payload()),
            _ => None,
        });
        // Not port 53: we say ourselves what it is.
        let Some(bytes) = datagram else { return Ok(false) };
        let dns =
            Carried { code: Code::Application(Application::Dns), ..Carried::frame(Link::Ip, bytes, bytes.len()) };
        for layer in walk(dns) {
            let mut line = Line::of(Detail::Checked);
            layer.block(&mut line);
            demo.say(&*line);
            if let Layer::Dns(dns) = layer {
                seen.push((bytes.to_vec(), dns.document()));
            }
        }
        Ok(seen.len() == 2)
    })?;
    let mut answer = [0; 512];
    let length = client.recv(&mut answer).sys("recv", what)?;
    let served = serving.join().map_err(|_| Error::failed("the server panicked"))?.sys("recvfrom", what)?;
    verify(demo, id, &seen, &served, &answer[..length])
}

fn verify(demo: &mut Demo, id: u16, seen: &[(Vec<u8>, Document)], served: &[Vec<u8>; 2], got: &[u8]) -> Result<()> {
    let (asked, answered) = (&seen[0], &seen[1]);
    demo.check_eq("the question on the wire is the one that the server got", &served[0], &asked.0)?;
    demo.check_eq("the answer on the wire is the one that the client got", got, &answered.0[..])?;
    let heads = [&asked.1, &answered.1].map(|dns| (dns.id, dns.response, dns.counts));
    demo.check_eq(
        "one id, a query and a response, and as many records as were put in",
        [(id, false, [1, 0, 0, 0]), (id, true, [1, 2, 0, 1])],
        heads,
    )?;
    for (_, dns) in seen {
        let questions: Vec<_> = dns.questions.iter().map(|q| (q.name.as_str(), q.r#type.as_str())).collect();
        demo.check_eq("the question is that of the query", vec![(&*format!("{NAME}."), "A")], questions)?;
    }
    let records = answered.1.answers.iter().chain(&answered.1.additionals);
    let told: Vec<_> = records.map(|r| format!("{} {} {} {}", r.name, r.ttl, r.r#type, r.data)).collect();
    let put_in = vec![
        format!("{NAME}. {TTL} CNAME {ALIAS_OF}."),
        format!("{ALIAS_OF}. {TTL} A {ADDRESS}"),
        format!("{ALIAS_OF}. {TTL} AAAA {ADDRESS6}"),
    ];
    demo.check_eq("the records, their names joined from pointers, are those that were put in", put_in, told)
}
