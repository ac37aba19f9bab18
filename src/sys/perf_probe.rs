//! Whether an event can be opened: [perf_event_open(2)](https://man7.org/linux/man-pages/man2/perf_event_open.2.html).

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

/// `struct perf_event_attr` as of PERF_ATTR_SIZE_VER1, which every kernel since 2.6.33 takes.
#[repr(C)]
#[derive(Default)]
struct Attr {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup_events: u32,
    bp_type: u32,
    config1: u64,
    config2: u64,
}

/// The bits of the flags word are C bit-fields: they are counted from the other end on a big-endian machine.
const fn flag(bit: u32) -> u64 {
    if cfg!(target_endian = "big") { 1 << (63 - bit) } else { 1 << bit }
}

const DISABLED: u64 = flag(0);
const EXCLUDE_KERNEL: u64 = flag(5);
const EXCLUDE_HV: u64 = flag(6);

/// Opens a counter of retired user-space instructions of this thread, stopped.
pub fn instructions() -> nix::Result<OwnedFd> {
    let instructions = 1; // PERF_COUNT_HW_INSTRUCTIONS of PERF_TYPE_HARDWARE, 0.
    open(&Attr { config: instructions, flags: DISABLED | EXCLUDE_KERNEL | EXCLUDE_HV, ..Attr::default() })
}

/// Opens a probe of the dynamic PMU `kind` (the number in `/sys/bus/event_source/devices/{kprobe,uprobe}/type`), stopped:
/// `target` is a function (kprobe) or a file (uprobe), `offset` is in bytes from its start.
pub fn probe(kind: u32, target: &CStr, offset: u64) -> nix::Result<OwnedFd> {
    open(&Attr { kind, config1: target.as_ptr() as u64, config2: offset, flags: DISABLED, ..Attr::default() })
}

fn open(attr: &Attr) -> nix::Result<OwnedFd> {
    let sized = Attr { size: size_of::<Attr>() as u32, ..*attr };
    let (this_thread, any_cpu, no_group, close_on_exec) = (0, -1, -1, 8 as libc::c_ulong);
    // SAFETY: `sized` says its own size, and a pointer in config1 comes from a CStr that outlives the call.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const sized, this_thread, any_cpu, no_group, close_on_exec)
    };
    // SAFETY: a non-negative result is a new descriptor that nobody else owns.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
