//! The programs of classic BPF that keep out what was not asked for: the kernel copies little else.
//!
//! Of the protocol and port they may let more through than was asked for, never less: extension headers, VLAN tags and
//! headers that contradict themselves are left to the decoder. The filter expression is exact.

use std::os::fd::AsFd;

use nix::errno::Errno;

use super::capture::{Captured, Setup};
use super::selection::{Selection, WITH_PORTS};
use crate::error::{Context, Result};
use crate::filter::condition::{ancillary, byte, half, half_behind, masked};
use crate::filter::{Condition, Fault, Layout, Program, VLAN_TAGS, View, program, run};
use crate::packet::Link;
use crate::sys::socket_filter;

/// Hop-by-hop options, routing, fragment, authentication, destination options.
const EXTENSIONS: [u32; 5] = [0, 43, 44, 51, 60];
const VLAN_TYPE_AT: u32 = 12;

/// The transport header at `at` is between the ports that are wanted.
fn ports(selection: &Selection, load: impl Fn(u32) -> Vec<libc::sock_filter>) -> Condition {
    let known = selection.protocol.shape().ports;
    let asked = selection.port.as_slice();
    let either = |ports: &[u16]| {
        let one = |at| Condition::one_of(&load(at), ports.iter().map(|p| u32::from(*p)));
        Condition::Any(vec![one(0), one(2)])
    };
    Condition::All([known, asked].into_iter().filter(|ports| !ports.is_empty()).map(either).collect())
}

fn wants_ports(selection: &Selection) -> bool {
    selection.port.is_some() || !selection.protocol.shape().ports.is_empty()
}

/// One of the IP protocols, any where none is listed; of those with ports where a port is wanted.
fn numbers(load: &[libc::sock_filter], numbers: &[u8], with_ports: bool) -> Condition {
    match (numbers, with_ports) {
        ([], false) => Condition::Known(true),
        ([], true) => Condition::one_of(load, WITH_PORTS.iter().map(|n| u32::from(*n))),
        _ => Condition::one_of(load, numbers.iter().map(|n| u32::from(*n))),
    }
}

/// An IPv4 packet at `at`; a fragment without the ports is not of any port.
fn ipv4(at: u32, protocols: &[u8], selection: &Selection) -> Condition {
    let with_ports = wants_ports(selection);
    let protocol = numbers(&byte(at + 9), protocols, with_ports);
    if !with_ports {
        return protocol;
    }
    let first = Condition::any_bit(half(at + 6), crate::filter::FRAGMENT_OFFSET).negated();
    // Of a header length below 20 bytes nobody knows where the ports are.
    let too_short = Condition::at_least(masked(byte(at), 0x0f), 5).negated();
    let ports = ports(selection, |offset| half_behind(at, offset));
    Condition::All(vec![protocol, first, Condition::Any(vec![too_short, ports])])
}

/// An IPv6 packet at `at`; what is behind extension headers is left to the decoder.
fn ipv6(at: u32, protocols: &[u8], selection: &Selection) -> Condition {
    let with_ports = wants_ports(selection);
    let next = byte(at + 6);
    let protocol = numbers(&next, protocols, with_ports);
    let extended = Condition::one_of(&next, EXTENSIONS);
    let ports = ports(selection, |offset| half(at + 40 + offset));
    Condition::Any(vec![extended, Condition::All(vec![protocol, ports])])
}

/// What may be of the protocol and port on this link.
fn may_be(selection: &Selection, link: Link) -> Result<Condition, Fault> {
    if selection.takes_any() {
        return Ok(Condition::Known(true));
    }
    let layout = Layout::of(link, View::File)?;
    let shape = selection.protocol.shape();
    let mut any = Vec::new();
    if let Some(protocols) = shape.v4 {
        any.push(Condition::All(vec![layout.carries(0x0800), ipv4(layout.network, protocols, selection)]));
    }
    if let Some(protocols) = shape.v6 {
        any.push(Condition::All(vec![layout.carries(0x86dd), ipv6(layout.network, protocols, selection)]));
    }
    if shape.arp && selection.port.is_none() {
        any.push(layout.carries(0x0806));
    }
    if link == Link::Ethernet {
        any.push(Condition::one_of(&half(VLAN_TYPE_AT), VLAN_TAGS));
    }
    Ok(Condition::Any(any))
}

fn wanted(selection: &Selection, link: Link, view: View) -> Result<Condition, Fault> {
    Ok(Condition::All(vec![may_be(selection, link)?, selection.filter.condition(link, view)?]))
}

/// For a packet socket (SOCK_RAW) on any interface.
///
/// What the loopback interface sends is dropped: it comes in again, and once is enough.
///
/// # Errors
/// Where the program would be longer than the kernel takes (usage).
pub fn packet_socket(selection: &Selection) -> Result<Program> {
    let hardware = || ancillary(libc::SKF_AD_HATYPE);
    let loopback = u32::from(libc::ARPHRD_LOOPBACK);
    let sent = Condition::All(vec![
        Condition::equal(ancillary(libc::SKF_AD_PKTTYPE), libc::PACKET_OUTGOING.into()),
        Condition::equal(hardware(), loopback),
    ]);
    let ethernet = Condition::one_of(&hardware(), [libc::ARPHRD_ETHER.into(), loopback]);
    let ip = Condition::one_of(&hardware(), super::af_packet::IP_LINKS.map(u32::from));
    // There are no VLAN tags and hardware addresses on these links: nothing of them is wanted where those are asked for.
    let on_ip = wanted(selection, Link::Ip, View::Socket).unwrap_or(Condition::Known(false));
    let links = Condition::Any(vec![
        Condition::All(vec![ethernet.clone(), wanted(selection, Link::Ethernet, View::Socket)?]),
        Condition::All(vec![ip.clone(), on_ip]),
        Condition::All(vec![
            Condition::Known(selection.is_everything()),
            Condition::Any(vec![ethernet, ip]).negated(),
        ]),
    ]);
    Ok(program(&Condition::All(vec![sent.negated(), links]))?)
}

/// The same, letting through no more bytes of each packet than are wanted.
///
/// # Errors
/// As [`packet_socket`].
pub(super) fn cutting(setup: &Setup) -> Result<Program> {
    let whole = packet_socket(&setup.selection)?;
    Ok(setup.snaplen.map_or_else(|| whole.clone(), |bytes| whole.cut(bytes)))
}

/// For a raw IPv4 socket of protocol TCP.
///
/// # Errors
/// Where the filter asks for what such a socket does not see (usage).
pub fn raw_socket(selection: &Selection) -> Result<Program> {
    let shape = selection.protocol.shape();
    let carried = ipv4(0, shape.v4.unwrap_or_default(), selection);
    Ok(program(&Condition::All(vec![carried, selection.filter.condition(Link::Ip, View::Socket)?]))?)
}

/// Attaches a program to a socket that `what` is about.
///
/// # Errors
/// Where the kernel does not take it.
pub(super) fn attach(socket: &impl AsFd, program: &Program, what: impl FnOnce() -> String) -> Result<()> {
    let attached = socket_filter::attach(socket, program.instructions()).sys("setsockopt(SO_ATTACH_FILTER)", what);
    attached.map_err(|e| match e.errno {
        Some(Errno::ENOMEM) => e.fix(format!(
            "its {} instructions are more than a socket may hold: shorten the filter, or as root raise net.core.optmem_max",
            program.instructions().len()
        )),
        _ => e,
    })
}

/// Applies a selection to packets that no kernel filtered, by the same programs.
pub struct Sieve {
    selection: Selection,
    /// A program for each link that was met; `None` where nothing of that link can be wanted.
    programs: Vec<(Link, Option<Program>)>,
}

impl Sieve {
    /// One that lets through what may be of `selection`.
    ///
    /// # Errors
    /// Where the filter asks for what a file cannot tell, or its program is too long (usage).
    pub fn new(selection: &Selection) -> Result<Self> {
        program(&wanted(selection, Link::Ethernet, View::File)?)?;
        Ok(Sieve { selection: selection.clone(), programs: Vec::new() })
    }

    /// Whether the packet passes.
    pub fn passes(&mut self, packet: &Captured) -> bool {
        if self.selection.is_everything() {
            return true;
        }
        let known = self.programs.iter().position(|(link, _)| *link == packet.link);
        let at = known.unwrap_or_else(|| {
            let made = wanted(&self.selection, packet.link, View::File).and_then(|c| program(&c));
            self.programs.push((packet.link, made.ok()));
            self.programs.len() - 1
        });
        let program = self.programs.get(at).and_then(|(_, program)| program.as_ref());
        program.is_some_and(|program| run(program, packet.bytes, packet.length) > 0)
    }
}
