//! A classic BPF program for "tcp" or "tcp port N", so that the kernel copies little else.
//!
//! It may let more through than is asked for, never less: extension headers and VLAN tags are left to the decoder.

use libc::sock_filter;

const DROP: sock_filter = instruction(0x06, 0);
const ACCEPT: sock_filter = instruction(0x06, u32::MAX);

/// Words that describe the packet rather than stand in it (SKF_AD_OFF of linux/filter.h).
const PACKET_TYPE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_PKTTYPE) as u32;
const HARDWARE_TYPE: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_HATYPE) as u32;

const TCP: u32 = 6;
const FRAGMENT_OFFSET: u32 = 0x1fff;
/// Hop-by-hop options, routing, fragment, authentication, destination options.
const EXTENSIONS: [u32; 5] = [0, 43, 44, 51, 60];
const VLAN_TAGS: [u32; 3] = [0x8100, 0x88a8, 0x9100];
const ETHERNET_HEADER: u32 = 14;

type Program = Vec<sock_filter>;

const fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

fn load_word(at: u32) -> sock_filter {
    instruction(0x20, at)
}

fn load_half(at: u32) -> sock_filter {
    instruction(0x28, at)
}

fn load_byte(at: u32) -> sock_filter {
    instruction(0x30, at)
}

/// Loads the 16-bit word at `at` behind the index register.
fn load_half_behind(at: u32) -> sock_filter {
    instruction(0x48, at)
}

/// Sets the index register to four times the low half of the byte at `at`: an IPv4 header length.
fn index_header_length(at: u32) -> sock_filter {
    instruction(0xb1, at)
}

/// Goes through `block`, which ends in a verdict, where the loaded value is `k`; skips it otherwise.
fn where_equal(k: u32, block: Program) -> Program {
    let skip = u8::try_from(block.len()).expect("blocks are short");
    let mut program = vec![sock_filter { code: 0x15, jt: 0, jf: skip, k }];
    program.extend(block);
    program
}

fn accept_where_equal(k: u32) -> Program {
    where_equal(k, vec![ACCEPT])
}

fn drop_unless_equal(k: u32) -> Program {
    vec![sock_filter { code: 0x15, jt: 1, jf: 0, k }, DROP]
}

fn drop_where_any_bit(mask: u32) -> Program {
    vec![sock_filter { code: 0x45, jt: 0, jf: 1, k: mask }, DROP]
}

/// Accepts an IPv4 header at `at` whose length is below its 20 bytes: where its ports are nobody knows.
fn accept_where_header_too_short(at: u32) -> Program {
    vec![load_byte(at), instruction(0x54, 0x0f), sock_filter { code: 0x35, jt: 1, jf: 0, k: 5 }, ACCEPT]
}

/// An IPv4 packet at `at`; a fragment without the ports is not of any port.
fn ipv4(at: u32, port: Option<u16>) -> Program {
    let mut program = vec![load_byte(at + 9)];
    program.extend(drop_unless_equal(TCP));
    let Some(port) = port.map(u32::from) else {
        program.push(ACCEPT);
        return program;
    };
    program.push(load_half(at + 6));
    program.extend(drop_where_any_bit(FRAGMENT_OFFSET));
    program.extend(accept_where_header_too_short(at));
    program.push(index_header_length(at));
    for field in [0, 2] {
        program.push(load_half_behind(at + field));
        program.extend(accept_where_equal(port));
    }
    program.push(DROP);
    program
}

/// An IPv6 packet at `at`; what is behind extension headers is left to the decoder.
fn ipv6(at: u32, port: Option<u16>) -> Program {
    let mut program = vec![load_byte(at + 6)];
    program.extend(EXTENSIONS.into_iter().flat_map(accept_where_equal));
    program.extend(drop_unless_equal(TCP));
    let Some(port) = port.map(u32::from) else {
        program.push(ACCEPT);
        return program;
    };
    for field in [40, 42] {
        program.push(load_half(at + field));
        program.extend(accept_where_equal(port));
    }
    program.push(DROP);
    program
}

fn ethernet(port: Option<u16>) -> Program {
    let mut program = vec![load_half(12)];
    program.extend(where_equal(0x0800, ipv4(ETHERNET_HEADER, port)));
    program.extend(where_equal(0x86dd, ipv6(ETHERNET_HEADER, port)));
    program.extend(VLAN_TAGS.into_iter().flat_map(accept_where_equal));
    program.push(DROP);
    program
}

fn ip(port: Option<u16>) -> Program {
    let mut program = vec![load_byte(0), instruction(0x54, 0xf0)];
    program.extend(where_equal(0x40, ipv4(0, port)));
    program.extend(where_equal(0x60, ipv6(0, port)));
    program.push(DROP);
    program
}

/// For a packet socket (SOCK_RAW) on any interface: TCP, with this port if one is given.
///
/// What the loopback interface sends is dropped: it comes in again, and once is enough.
pub fn packet_socket(port: Option<u16>) -> Program {
    let loopback = u32::from(libc::ARPHRD_LOOPBACK);
    let mut program = vec![load_word(PACKET_TYPE)];
    let mut outgoing = vec![load_word(HARDWARE_TYPE)];
    outgoing.extend(where_equal(loopback, vec![DROP]));
    // Not a verdict for the others: they go on below.
    program.push(sock_filter { code: 0x15, jt: 0, jf: outgoing.len() as u8, k: libc::PACKET_OUTGOING.into() });
    program.extend(outgoing);
    program.push(load_word(HARDWARE_TYPE));
    program.extend(where_equal(libc::ARPHRD_ETHER.into(), ethernet(port)));
    program.extend(where_equal(loopback, ethernet(port)));
    for kind in super::packet::IP_LINKS {
        program.extend(where_equal(kind.into(), ip(port)));
    }
    program.push(DROP);
    program
}

/// For a raw IPv4 socket of protocol TCP: this port if one is given.
pub fn raw_socket(port: Option<u16>) -> Program {
    ipv4(0, port)
}
