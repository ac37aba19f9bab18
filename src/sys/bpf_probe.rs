//! Whether a program can be loaded: [bpf(2)](https://man7.org/linux/man-pages/man2/bpf.2.html).

#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

/// The fields of `union bpf_attr` that BPF_PROG_LOAD has had since Linux 3.18.
#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
}

/// Loads the shortest socket filter, `return 0`; it goes away with the descriptor.
pub fn load_empty_filter() -> nix::Result<OwnedFd> {
    // struct bpf_insn: opcode, registers, 16-bit offset, 32-bit immediate.
    let program: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];
    let license = c"GPL";
    let attr = ProgLoad {
        prog_type: 1, // BPF_PROG_TYPE_SOCKET_FILTER
        insn_cnt: program.len() as u32,
        insns: program.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log_buf: 0,
        kern_version: 0,
        prog_flags: 0,
    };
    let load = 5; // BPF_PROG_LOAD
    // SAFETY: the attribute, the instructions and the licence all outlive the call, which only reads them.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, load, &raw const attr, size_of::<ProgLoad>()) };
    // SAFETY: a non-negative result is a new descriptor that nobody else owns.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
