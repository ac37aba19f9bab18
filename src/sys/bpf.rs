//! Maps, programs and links: [bpf(2)](https://man7.org/linux/man-pages/man2/bpf.2.html).
//!
//! Each goes away with its last descriptor. None of the calls blocks.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

/// One instruction: `struct bpf_insn`.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction {
    /// The operation.
    pub code: u8,
    /// Destination and source register, a half each.
    pub registers: u8,
    /// Of an address or a jump.
    pub offset: i16,
    /// The constant.
    pub immediate: i32,
}

const MAP_CREATE: libc::c_long = 0;
const MAP_LOOKUP_ELEM: libc::c_long = 1;
const PROG_LOAD: libc::c_long = 5;
const LINK_CREATE: libc::c_long = 28;

/// The kinds of map that are used here, by their numbers in linux/bpf.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Map {
    /// BPF_MAP_TYPE_ARRAY of one value of that many bytes, to be mapped into memory (since Linux 5.5).
    Mapped(u32),
    /// BPF_MAP_TYPE_LRU_HASH (since Linux 4.10); see [`Recent`].
    Recent {
        /// Bytes of a key.
        key: u32,
        /// Bytes of a value.
        value: u32,
        /// How many entries.
        entries: u32,
    },
    /// BPF_MAP_TYPE_RINGBUF (since Linux 5.8) of that many bytes, a power of two and of whole pages.
    Ring(u32),
}

/// The kinds of program that are used here, by their numbers in linux/bpf.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// BPF_PROG_TYPE_CGROUP_SKB.
    CgroupPacket = 8,
    /// BPF_PROG_TYPE_CGROUP_SOCK.
    CgroupSocket = 9,
}

/// Where in a cgroup a program is called, by their numbers in linux/bpf.h.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// BPF_CGROUP_INET_INGRESS.
    Ingress = 0,
    /// BPF_CGROUP_INET_EGRESS.
    Egress = 1,
    /// BPF_CGROUP_INET_SOCK_CREATE.
    SocketCreate = 2,
}

#[repr(C)]
#[derive(Default)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

#[repr(C)]
#[derive(Default)]
struct MapElement {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

#[repr(C)]
#[derive(Default)]
struct ProgLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected_place: u32,
}

#[repr(C)]
#[derive(Default)]
struct LinkCreate {
    program: u32,
    target: u32,
    place: u32,
    flags: u32,
}

/// # Safety
/// `attr` must be what `command` reads, with every address in it good for as long as the call lasts.
unsafe fn bpf<T>(command: libc::c_long, attr: &mut T) -> nix::Result<libc::c_long> {
    // SAFETY: the attribute says its own size; the rest is the caller's promise.
    Errno::result(unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut *attr, size_of::<T>()) })
}

fn owned(fd: libc::c_long) -> OwnedFd {
    // SAFETY: bpf just gave this descriptor to us alone.
    unsafe { OwnedFd::from_raw_fd(fd as i32) }
}

/// Makes a map. EPERM: CAP_BPF is missing; EINVAL: this kernel does not know the kind.
pub fn map(map: Map) -> nix::Result<OwnedFd> {
    let (kind, key_size, value_size, max_entries, flags) = match map {
        Map::Mapped(bytes) => (2, 4, bytes, 1, 1 << 10), // BPF_F_MMAPABLE
        Map::Recent { key, value, entries } => (9, key, value, entries, 0),
        Map::Ring(bytes) => (27, 0, 0, bytes, 0),
    };
    let mut attr = MapCreate { kind, key_size, value_size, max_entries, flags };
    // SAFETY: the attribute of BPF_MAP_CREATE holds no address.
    unsafe { bpf(MAP_CREATE, &mut attr) }.map(owned)
}

/// A map of recent entries, keys of `K` and values of `V` bytes.
#[derive(Debug)]
pub struct Recent<const K: usize, const V: usize>(OwnedFd);

impl<const K: usize, const V: usize> Recent<K, V> {
    /// An empty one for so many entries: BPF_MAP_TYPE_LRU_HASH, of which the oldest give way.
    pub fn new(entries: u32) -> nix::Result<Self> {
        map(Map::Recent { key: K as u32, value: V as u32, entries }).map(Recent)
    }

    /// The value under `key`, if there is one.
    pub fn get(&self, key: &[u8; K]) -> nix::Result<Option<[u8; V]>> {
        let mut value = [0; V];
        let mut attr = MapElement {
            map: self.0.as_raw_fd() as u32,
            key: key.as_ptr() as u64,
            value: value.as_mut_ptr() as u64,
            ..MapElement::default()
        };
        // SAFETY: key and value are of the sizes that the map was made with, and outlive the call.
        match unsafe { bpf(MAP_LOOKUP_ELEM, &mut attr) } {
            Ok(_) => Ok(Some(value)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }
}

impl<const K: usize, const V: usize> AsFd for Recent<K, V> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Loads a program that is to be called at `place`. EPERM: CAP_BPF or CAP_NET_ADMIN is missing; EACCES and EINVAL: the
/// verifier refuses it, and [`verdict`] tells why.
pub fn load(program: Program, place: Place, instructions: &[Instruction]) -> nix::Result<OwnedFd> {
    load_with_log(program, place, instructions, &mut [])
}

/// What the verifier says of a program that [`load`] could not load: its last lines.
pub fn verdict(program: Program, place: Place, instructions: &[Instruction]) -> String {
    let mut log = vec![0; 1 << 20];
    let _ = load_with_log(program, place, instructions, &mut log);
    let text = CStr::from_bytes_until_nul(&log).unwrap_or_default().to_string_lossy();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("processed ")).collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

fn load_with_log(
    program: Program,
    place: Place,
    instructions: &[Instruction],
    log: &mut [u8],
) -> nix::Result<OwnedFd> {
    let licence = c"GPL";
    let mut attr = ProgLoad {
        kind: program as u32,
        count: instructions.len() as u32,
        instructions: instructions.as_ptr() as u64,
        licence: licence.as_ptr() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: log.len() as u32,
        log: if log.is_empty() { 0 } else { log.as_mut_ptr() as u64 },
        expected_place: place as u32,
        ..ProgLoad::default()
    };
    attr.name[..6].copy_from_slice(b"syskit");
    // SAFETY: instructions, licence and log outlive the call and are as long as the attribute says.
    unsafe { bpf(PROG_LOAD, &mut attr) }.map(owned)
}

/// Attaches a program to a cgroup, given as its directory, until the descriptor is closed (since Linux 5.7).
pub fn attach(program: impl AsFd, cgroup: impl AsFd, place: Place) -> nix::Result<OwnedFd> {
    let mut attr = LinkCreate {
        program: program.as_fd().as_raw_fd() as u32,
        target: cgroup.as_fd().as_raw_fd() as u32,
        place: place as u32,
        flags: 0,
    };
    // SAFETY: the attribute of BPF_LINK_CREATE holds no address.
    unsafe { bpf(LINK_CREATE, &mut attr) }.map(owned)
}
