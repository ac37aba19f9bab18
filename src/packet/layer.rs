//! What decoders are given and what they give back.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::{Line, Text};

/// What a captured frame begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// An Ethernet header (also on the loopback and veth interfaces).
    Ethernet,
    /// An IPv4 or IPv6 header, told apart by its version (raw sockets, tun, tunnels).
    Ip,
    /// Linux's cooked header, version 1 (LINKTYPE_LINUX_SLL), as libpcap gives it for "any" device.
    Cooked,
    /// Version 2 of it (LINKTYPE_LINUX_SLL2), which names the interface.
    Cooked2,
    /// BSD's loopback header: an address family in the byte order of the host that captured (LINKTYPE_NULL) or of the
    /// network (LINKTYPE_LOOP).
    Null,
    /// Something without a decoder: the hardware type of packet(7) or the link type of a capture file.
    Other(u16),
}

impl Link {
    /// The link type of a capture file ([LINKTYPE_ values](https://www.tcpdump.org/linktypes.html)).
    pub fn of_linktype(number: u16) -> Self {
        match number {
            1 => Link::Ethernet,
            // Raw IP: DLT_RAW of two systems, and LINKTYPE_RAW, _IPV4, _IPV6.
            12 | 14 | 101 | 228 | 229 => Link::Ip,
            113 => Link::Cooked,
            276 => Link::Cooked2,
            0 | 108 => Link::Null,
            other => Link::Other(other),
        }
    }

    /// The link type that packets of it have in a capture file; that of [`Link::Other`] is the number as it is.
    pub fn linktype(self) -> u16 {
        match self {
            Link::Ethernet => 1,
            Link::Ip => 101,
            Link::Cooked => 113,
            Link::Cooked2 => 276,
            Link::Null => 0,
            Link::Other(number) => number,
        }
    }
}

/// How a layer names the protocol that it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// By the link itself.
    Link(Link),
    /// By an EtherType (RFC 9542), from 0x0600 on.
    EtherType(u16),
    /// By IEEE 802.2 logical link control: the Ethernet type field held a length.
    Llc,
    /// By an IP protocol number (IPv4 protocol, IPv6 next header).
    Ip(u8),
    /// By what the transport header's ports and the first bytes tell.
    Application(Application),
}

/// A protocol over UDP or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Application {
    /// DNS (RFC 1035) in a datagram.
    Dns,
    /// Multicast DNS (RFC 6762): port 5353.
    MulticastDns,
    /// DNS in a stream, behind a length of two bytes.
    DnsStream,
    /// DHCP and BOOTP (RFC 2131).
    Dhcp,
    /// DHCPv6 (RFC 9915).
    Dhcp6,
    /// NTP (RFC 5905).
    Ntp,
    /// HTTP/1 (RFC 9112).
    Http,
    /// A TLS record (RFC 8446).
    Tls,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
}

/// The IP addresses between which a layer travels, as transport checksums cover them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses<'a> {
    /// IPv4: source, and final destination (behind source routes).
    V4(&'a [u8; 4], &'a [u8; 4]),
    /// IPv6: source, and final destination (behind routing headers).
    V6(&'a [u8; 16], &'a [u8; 16]),
}

impl Addresses<'_> {
    /// Where it comes from.
    pub fn source(&self) -> IpAddr {
        match *self {
            Addresses::V4(source, _) => Ipv4Addr::from(*source).into(),
            Addresses::V6(source, _) => Ipv6Addr::from(*source).into(),
        }
    }

    /// Where it goes to.
    pub fn destination(&self) -> IpAddr {
        match *self {
            Addresses::V4(_, destination) => Ipv4Addr::from(*destination).into(),
            Addresses::V6(_, destination) => Ipv6Addr::from(*destination).into(),
        }
    }
}

/// Which part of a datagram the carried bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// The first fragment: headers are here, the end is not.
    First,
    /// A later fragment, at this offset in bytes: no header to decode.
    Later(u32),
}

/// What one layer carries for the next.
#[derive(Debug, Clone, Copy)]
pub struct Carried<'a> {
    /// Which protocol it is.
    pub code: Code,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// What it measured on the wire, in bytes (within IP: what the IP header says); more than `bytes` holds where the
    /// capture or the packet itself was cut.
    pub length: usize,
    /// The IP addresses around it, once there are any.
    pub addresses: Option<Addresses<'a>>,
    /// Which part of a datagram it is.
    pub part: Part,
    /// True where the kernel said that a checksum was left to the network device.
    pub offloaded: bool,
    /// True inside the packet that an ICMP error quotes: no error is sent about an error (RFC 1122 section 3.2.2), so
    /// nothing is quoted in there.
    pub quoted: bool,
}

impl<'a> Carried<'a> {
    /// A whole frame: `bytes` captured of `length` on the wire.
    pub fn frame(link: Link, bytes: &'a [u8], length: usize) -> Self {
        let code = match (link, bytes.first()) {
            (Link::Ip, Some(first)) if first >> 4 == 6 => Code::EtherType(crate::packet::ipv6::ETHERTYPE),
            (Link::Ip, _) => Code::EtherType(crate::packet::ipv4::ETHERTYPE),
            (link, _) => Code::Link(link),
        };
        let length = length.max(bytes.len());
        Carried { code, bytes, length, addresses: None, part: Part::Whole, offloaded: false, quoted: false }
    }

    /// Notes that a checksum was left to the network device (TP_STATUS_CSUMNOTREADY of packet(7)).
    #[must_use]
    pub fn offloaded(mut self, offloaded: bool) -> Self {
        self.offloaded = offloaded;
        self
    }

    /// What follows a header of `header` bytes, named by `code`: what was captured and what was on the wire.
    #[inline(always)]
    pub fn after(&self, header: usize, code: Code) -> Self {
        Carried {
            code,
            bytes: self.bytes.get(header..).unwrap_or_default(),
            length: self.length.saturating_sub(header),
            ..*self
        }
    }

    /// What a tunnel's header of `header` bytes carries: a packet of its own, with none of what is known from outside.
    pub fn inside(&self, header: usize, code: Code) -> Self {
        Carried { addresses: None, part: Part::Whole, offloaded: false, ..self.after(header, code) }
    }

    /// The same, ended after `length` bytes on the wire (padding cut off).
    #[must_use]
    #[inline(always)]
    pub fn ending(self, length: usize) -> Self {
        let length = length.min(self.length);
        Carried { bytes: &self.bytes[..self.bytes.len().min(length)], length, ..self }
    }

    /// The same, `length` bytes long as its header says: padding is cut off, and what is missing was not captured.
    #[must_use]
    #[inline(always)]
    pub fn declared(self, length: usize) -> Self {
        Carried { bytes: &self.bytes[..self.bytes.len().min(length)], length, ..self }
    }

    /// The first `N` bytes, or the trouble that they are not there.
    pub fn header<const N: usize>(&self) -> Result<&'a [u8; N], Trouble> {
        self.bytes.first_chunk::<N>().ok_or_else(|| self.short(N))
    }

    /// The `N` bytes from `at` on, where all of them were captured.
    pub fn array<const N: usize>(&self, at: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(at..)?.first_chunk()
    }

    /// The 16-bit number at `at`.
    pub fn word(&self, at: usize) -> Option<u16> {
        self.array(at).copied().map(u16::from_be_bytes)
    }

    /// The 32-bit number at `at`.
    pub fn long(&self, at: usize) -> Option<u32> {
        self.array(at).copied().map(u32::from_be_bytes)
    }

    /// Why `needed` bytes are not there: cut by the capture, or never sent.
    pub fn short(&self, needed: usize) -> Trouble {
        if self.length >= needed {
            Trouble::Truncated
        } else {
            Trouble::Malformed("the packet ends inside its header")
        }
    }
}

/// Why a header could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "text")]
pub enum Trouble {
    /// The capture ends inside the header.
    Truncated,
    /// The header contradicts itself or the bytes around it.
    Malformed(&'static str),
}

impl Trouble {
    /// What is wrong, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Trouble::Truncated => "truncated",
            Trouble::Malformed(why) => why,
        }
    }

    /// The one word for it.
    pub fn word(self) -> &'static str {
        match self {
            Trouble::Truncated => "truncated",
            Trouble::Malformed(_) => "malformed",
        }
    }
}

/// A decoded header, and what it carries where that is for another decoder.
pub type Decoded<'a, T> = Result<(T, Option<Carried<'a>>), Trouble>;

/// What one protocol's file provides.
pub trait Protocol<'a>: Sized {
    /// Its form in JSON.
    type Document: Serialize + JsonSchema;

    /// Decodes the header at the start of `carried`.
    ///
    /// # Errors
    /// A [`Trouble`] where not even the fixed header is there or makes sense; lesser faults stand in the value.
    fn decode(carried: Carried<'a>) -> Decoded<'a, Self>;
    /// Appends its part of the one-line form, in tcpdump's words.
    fn line(&self, out: &mut Line);
    /// Appends its part of the full form: a field a line.
    fn block(&self, out: &mut Text);
    /// Its form in JSON.
    fn document(&self) -> Self::Document;
}
