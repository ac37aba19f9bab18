//! A program on an interface that hands its packets to AF_XDP sockets: [bpf(2)](https://man7.org/linux/man-pages/man2/bpf.2.html),
//! the kernel's [AF_XDP](https://docs.kernel.org/networking/af_xdp.html) page (program: Linux 5.3, link: 5.9).
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;

/// How a program is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By the driver of the device, before the kernel makes a packet of its own of it.
    Driver,
    /// By the kernel, for every device (XDP_FLAGS_SKB_MODE).
    Generic,
}

/// What failed: the call as bpf(2) names it, and its errno.
pub type Failed = (&'static str, Errno);

/// A program that redirects every packet to the socket of the receive queue it came by; packets of a queue without a socket
/// pass on to the host.
#[derive(Debug)]
pub struct Redirect {
    /// BPF_MAP_TYPE_XSKMAP: a socket a queue.
    sockets: OwnedFd,
    program: OwnedFd,
}

/// An attached program; closing it, also by the end of the process, detaches it.
#[derive(Debug)]
pub struct Attached {
    _link: OwnedFd,
}

/// The part of `union bpf_attr` of BPF_MAP_CREATE that is used.
#[repr(C)]
struct MapCreate {
    kind: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    flags: u32,
}

/// The same of BPF_MAP_UPDATE_ELEM.
#[repr(C)]
struct MapUpdate {
    map: u32,
    padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The same of BPF_PROG_LOAD.
#[repr(C)]
struct ProgramLoad {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// The same of BPF_LINK_CREATE.
#[repr(C)]
struct LinkCreate {
    program: u32,
    interface: u32,
    kind: u32,
    flags: u32,
}

const MAP_CREATE: i32 = 0;
const MAP_UPDATE_ELEM: i32 = 2;
const PROG_LOAD: i32 = 5;
const LINK_CREATE: i32 = 28;

/// The program takes packets in pieces (BPF_F_XDP_HAS_FRAGS, Linux 5.18).
const HAS_FRAGS: u32 = 1 << 5;

/// Makes the call; `attribute` is the argument of this command.
///
/// # Safety
/// `attribute` must be laid out as the command wants it, and what it points to must be there.
unsafe fn bpf<T>(command: i32, attribute: &T) -> nix::Result<i32> {
    // SAFETY: pointer and length are those of `attribute`, which the kernel only reads; the rest the caller promises.
    let done = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attribute), size_of::<T>()) };
    Errno::result(done).map(|fd| fd as i32)
}

fn own(fd: i32) -> OwnedFd {
    // SAFETY: the call that gave it made it anew, and nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// struct bpf_insn: opcode, registers, 16-bit offset, 32-bit immediate.
fn instruction(code: u8, (to, from): (u8, u8), offset: i16, value: i32) -> [u8; 8] {
    let registers = if cfg!(target_endian = "big") { to << 4 | from } else { from << 4 | to };
    let ([a, b], [c, d, e, f]) = (offset.to_ne_bytes(), value.to_ne_bytes());
    [code, registers, a, b, c, d, e, f]
}

/// return bpf_redirect_map(sockets, context->rx_queue_index, XDP_PASS)
fn instructions(sockets: RawFd) -> [[u8; 8]; 6] {
    [
        instruction(0x61, (2, 1), 16, 0),      // r2 = the word at 16 of struct xdp_md
        instruction(0x18, (1, 1), 0, sockets), // r1 = the map of this descriptor (BPF_PSEUDO_MAP_FD), in two
        instruction(0, (0, 0), 0, 0),
        instruction(0xb7, (3, 0), 0, 2),  // r3 = XDP_PASS
        instruction(0x85, (0, 0), 0, 51), // call bpf_redirect_map
        instruction(0x95, (0, 0), 0, 0),  // exit
    ]
}

impl Redirect {
    /// For at most `queues` receive queues.
    ///
    /// # Errors
    /// EPERM without CAP_BPF and CAP_NET_ADMIN, EINVAL where the kernel is older than Linux 5.3.
    pub fn new(queues: u32) -> Result<Self, Failed> {
        // 17: BPF_MAP_TYPE_XSKMAP.
        let map = MapCreate { kind: 17, key_size: 4, value_size: 4, max_entries: queues, flags: 0 };
        // SAFETY: it is laid out as this command wants it, and holds no pointer.
        let sockets = own(unsafe { bpf(MAP_CREATE, &map) }.map_err(|e| ("bpf(BPF_MAP_CREATE)", e))?);
        let load = |flags| {
            let instructions = instructions(sockets.as_raw_fd());
            let program = ProgramLoad {
                kind: 6, // BPF_PROG_TYPE_XDP
                count: instructions.len() as u32,
                instructions: instructions.as_ptr() as u64,
                license: c"GPL".as_ptr() as u64,
                log_level: 0,
                log_size: 0,
                log: 0,
                kernel_version: 0,
                flags,
            };
            // SAFETY: it is laid out as this command wants it; instructions and licence outlive the call.
            unsafe { bpf(PROG_LOAD, &program) }
        };
        let loaded = load(HAS_FRAGS).or_else(|_| load(0));
        let program = own(loaded.map_err(|e| ("bpf(BPF_PROG_LOAD)", e))?);
        Ok(Redirect { sockets, program })
    }

    /// Packets of this queue go to `socket` from now on.
    ///
    /// # Errors
    /// The errno of bpf(2).
    pub fn set(&self, queue: u32, socket: impl AsFd) -> Result<(), Failed> {
        let value = socket.as_fd().as_raw_fd();
        let update = MapUpdate {
            map: self.sockets.as_raw_fd() as u32,
            padding: 0,
            key: &raw const queue as u64,
            value: &raw const value as u64,
            flags: 0,
        };
        // SAFETY: it is laid out as this command wants it; key and value outlive the call.
        unsafe { bpf(MAP_UPDATE_ELEM, &update) }.map(drop).map_err(|e| ("bpf(BPF_MAP_UPDATE_ELEM)", e))
    }

    /// Attaches it to the interface with this index.
    ///
    /// # Errors
    /// EBUSY where another program is attached, EOPNOTSUPP where the driver has no such mode, EINVAL before Linux 5.9.
    pub fn attach(&self, interface: u32, mode: Mode) -> Result<Attached, Failed> {
        let flags = match mode {
            Mode::Driver => 1 << 2,
            Mode::Generic => 1 << 1,
        };
        // 37: BPF_XDP.
        let link = LinkCreate { program: self.program.as_raw_fd() as u32, interface, kind: 37, flags };
        // SAFETY: it is laid out as this command wants it, and holds no pointer.
        let link = unsafe { bpf(LINK_CREATE, &link) }.map_err(|e| ("bpf(BPF_LINK_CREATE)", e))?;
        Ok(Attached { _link: own(link) })
    }
}
