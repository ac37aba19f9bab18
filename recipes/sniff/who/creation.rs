//! Who made a socket, told by two programs on the topmost control group: names also those processes that are gone before
//! anybody could look (BPF_CGROUP_INET_SOCK_CREATE and BPF_CGROUP_INET_EGRESS; bpf(2)).
//!
//! The first notes, whenever a socket is made, who makes it: it runs in that process. The second notes of a packet that is
//! sent between which ends its socket is, as those cannot be asked for any more once the socket is closed.

use std::fs::File;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::End;
use super::processes::Process;
use crate::packet::text;
use crate::recipes::sniff::ebpf::{Assembler, Helper, Register, Test, Width};
use crate::recipes::sniff::process;
use crate::sys::bpf::{self, Instruction, Place, Program, Recent};

/// As many sockets and ends are remembered: the last that were made, or sent.
const REMEMBERED: u32 = 16384;
const FRAME: Register = 10;
/// Process and thread, user and group, name: a maker.
const MAKER: usize = 32;
/// The cookie of the socket, then its maker.
const SENT: usize = 8 + MAKER;
/// Protocol, local port, remote port, family; local and remote address.
const ENDS: usize = 48;

/// The makers of the sockets that were made since it began.
pub(super) struct Creation {
    makers: Recent<8, MAKER>,
    sent: Recent<ENDS, SENT>,
    /// While they are open the programs run.
    _programs: [OwnedFd; 2],
}

impl Creation {
    /// Begins to note them; `None` where the kernel or the user cannot do it.
    pub(super) fn begin() -> Option<Creation> {
        let group = File::open(process::cgroup_mount()?).ok()?;
        let (makers, sent) = (Recent::new(REMEMBERED).ok()?, Recent::new(REMEMBERED).ok()?);
        let attach = |kind, place, instructions: &[Instruction]| {
            let program = bpf::load(kind, place, instructions).ok()?;
            bpf::attach(program, &group, place).ok()
        };
        let made = attach(Program::CgroupSocket, Place::SocketCreate, &on_creation(makers.as_fd()))?;
        let left = attach(Program::CgroupPacket, Place::Egress, &on_egress(makers.as_fd(), sent.as_fd()))?;
        Some(Creation { makers, sent, _programs: [made, left] })
    }

    /// The process that made the socket of this cookie.
    pub(super) fn maker(&self, cookie: u64) -> Option<Rc<Process>> {
        let value = self.makers.get(&cookie.to_ne_bytes()).ok()??;
        maker(&value)
    }

    /// The process that made the last socket to send from this end, be it gone or not.
    pub(super) fn sender(&self, end: End) -> Option<Rc<Process>> {
        let nowhere =
            |end: SocketAddr| SocketAddr::new(if end.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() }, 0);
        let unbound = SocketAddr::new(nowhere(end.local).ip(), end.local.port());
        let sent_to = [(end.local, end.remote), (end.local, nowhere(end.remote)), (unbound, nowhere(end.remote))];
        let keys = sent_to.into_iter().flat_map(|(local, remote)| keys(end.protocol, local, remote));
        let value = keys.flatten().find_map(|key| self.sent.get(&key).ok().flatten())?;
        maker(&value[8..])
    }
}

/// How a socket between these ends calls itself; IPv4 may be in IPv6's clothes.
fn keys(protocol: u8, local: SocketAddr, remote: SocketAddr) -> [Option<[u8; ENDS]>; 2] {
    let key = |family: i32, addresses: [&[u8]; 2]| {
        let mut key = [0; ENDS];
        let mut put = |at: usize, bytes: &[u8]| key[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &u32::from(protocol).to_ne_bytes());
        put(4, &u32::from(local.port()).to_ne_bytes());
        put(8, &u32::from(remote.port().to_be()).to_ne_bytes());
        put(12, &family.to_ne_bytes());
        put(16, addresses[0]);
        put(32, addresses[1]);
        key
    };
    match (local.ip(), remote.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mapped =
                |ip: std::net::Ipv4Addr| if ip.is_unspecified() { [0; 16] } else { ip.to_ipv6_mapped().octets() };
            let plain = key(libc::AF_INET, [&from.octets(), &to.octets()]);
            [Some(plain), Some(key(libc::AF_INET6, [&mapped(from), &mapped(to)]))]
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => [Some(key(libc::AF_INET6, [&from.octets(), &to.octets()])), None],
        _ => [None, None],
    }
}

fn maker(value: &[u8]) -> Option<Rc<Process>> {
    let process = u64::from_ne_bytes(*value.first_chunk()?) >> 32;
    let name = value.get(16..)?.split(|b| *b == 0).next().unwrap_or_default();
    Some(Rc::new(Process { pid: process as u32, command: text::to_escaped(name), others: 0 }))
}

/// Notes the maker of the socket under its cookie.
fn on_creation(makers: BorrowedFd) -> Vec<Instruction> {
    let (key, value) = (-8, -8 - MAKER as i16);
    let mut a = Assembler::default();
    a.call(Helper::SocketCookie);
    a.store(Width::Double, FRAME, key, 0);
    a.call(Helper::CurrentPid);
    a.store(Width::Double, FRAME, value, 0);
    a.call(Helper::CurrentUid);
    a.store(Width::Double, FRAME, value + 8, 0);
    at(&mut a, 1, value + 16);
    a.set(2, 16);
    a.call(Helper::CurrentComm);
    update(&mut a, makers, key, value);
    end(a)
}

/// Notes the maker of the packet's socket under its ends, unless that is noted already.
fn on_egress(makers: BorrowedFd, sent: BorrowedFd) -> Vec<Instruction> {
    const CONTEXT: Register = 6;
    const SOCKET: Register = 7;
    const COOKIE: Register = 8;
    let ends = -(ENDS as i16);
    let value = ends - SENT as i16;
    let mut a = Assembler::default();
    let (out, note) = (a.label(), a.label());
    a.copy(CONTEXT, 1);
    // `sk` of struct __sk_buff.
    a.load(Width::Double, 1, CONTEXT, 168);
    a.jump_if(1, Test::Equal, 0, out);
    a.call(Helper::FullSocket);
    a.jump_if(0, Test::Equal, 0, out);
    a.copy(SOCKET, 0);
    put_ends(&mut a, SOCKET, ends);
    a.copy(1, CONTEXT);
    a.call(Helper::SocketCookie);
    a.copy(COOKIE, 0);
    a.store(Width::Double, FRAME, value, COOKIE);
    look_up(&mut a, sent, ends);
    a.jump_if(0, Test::Equal, 0, note);
    a.load(Width::Double, 1, 0, 0);
    a.jump_if_same(1, COOKIE, out);
    a.place(note);
    look_up(&mut a, makers, value);
    a.jump_if(0, Test::Equal, 0, out);
    for word in 0..MAKER as i16 / 8 {
        a.load(Width::Double, 1, 0, 8 * word);
        a.store(Width::Double, FRAME, value + 8 + 8 * word, 1);
    }
    update(&mut a, sent, ends, value);
    a.place(out);
    end(a)
}

/// Puts the ends of a `struct bpf_sock` on the stack.
fn put_ends(a: &mut Assembler, socket: Register, to: i16) {
    let (v4, done) = (a.label(), a.label());
    for (field, width, at) in [(12, Width::Word, 0), (44, Width::Word, 4), (48, Width::Half, 8), (4, Width::Word, 12)]
    {
        a.load(width, 1, socket, field);
        a.store(Width::Word, FRAME, to + at, 1);
    }
    a.jump_if(1, Test::Equal, libc::AF_INET, v4);
    for word in 0..8 {
        // Four words of the local address from 28 on, four of the remote one from 56 on.
        let field = if word < 4 { 28 + 4 * word } else { 56 + 4 * (word - 4) };
        a.load(Width::Word, 1, socket, field);
        a.store(Width::Word, FRAME, to + 16 + 4 * word, 1);
    }
    a.jump(done);
    a.place(v4);
    for half in [20, 24, 28, 36, 40, 44] {
        a.store_constant(Width::Word, FRAME, to + half, 0);
    }
    for (field, at) in [(24, 16), (52, 32)] {
        a.load(Width::Word, 1, socket, field);
        a.store(Width::Word, FRAME, to + at, 1);
    }
    a.place(done);
}

/// The address of a place on the stack.
fn at(a: &mut Assembler, register: Register, place: i16) {
    a.copy(register, FRAME);
    a.add(register, place.into());
}

fn look_up(a: &mut Assembler, map: BorrowedFd, key: i16) {
    a.map(1, map);
    at(a, 2, key);
    a.call(Helper::MapLookup);
}

fn update(a: &mut Assembler, map: BorrowedFd, key: i16, value: i16) {
    a.map(1, map);
    at(a, 2, key);
    at(a, 3, value);
    a.set(4, 0);
    a.call(Helper::MapUpdate);
}

/// 1 lets the socket be made, the packet pass.
fn end(mut a: Assembler) -> Vec<Instruction> {
    a.set(0, 1);
    a.exit();
    a.finish()
}
