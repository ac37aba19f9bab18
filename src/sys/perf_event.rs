//! [perf_event_open(2)](https://man7.org/linux/man-pages/man2/perf_event_open.2.html): counters on threads, and probes
//! that are only opened. No sampling, no ring buffer.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::unistd::Pid;

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
const INHERIT: u64 = flag(1);
const EXCLUDE_KERNEL: u64 = flag(5);
const EXCLUDE_HYPERVISOR: u64 = flag(6);
const TIMES_ENABLED_AND_RUNNING: u64 = 1 | 2;
const FLAG_CLOEXEC: libc::c_ulong = 8;
const ENABLE: libc::c_ulong = 0x2400;
const DISABLE: libc::c_ulong = 0x2401;

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// PERF_COUNT_HW_CPU_CYCLES.
    Cycles,
    /// PERF_COUNT_HW_INSTRUCTIONS.
    Instructions,
    /// PERF_COUNT_HW_BRANCH_MISSES.
    BranchMisses,
    /// PERF_COUNT_HW_CACHE_MISSES.
    CacheMisses,
    /// PERF_COUNT_SW_CPU_MIGRATIONS: needs no hardware.
    CpuMigrations,
    /// PERF_COUNT_SW_PAGE_FAULTS: needs no hardware.
    PageFaults,
}

impl Event {
    fn kind_and_config(self) -> (u32, u64) {
        match self {
            Event::Cycles => (0, 0),
            Event::Instructions => (0, 1),
            Event::CacheMisses => (0, 3),
            Event::BranchMisses => (0, 5),
            Event::PageFaults => (1, 2),
            Event::CpuMigrations => (1, 4),
        }
    }
}

/// Opens a probe of the dynamic PMU `kind` (the number in `/sys/bus/event_source/devices/{kprobe,uprobe}/type`) on this
/// thread, stopped: `target` is a function (kprobe) or a file (uprobe), `offset` is in bytes from its start.
pub fn probe(kind: u32, target: &CStr, offset: u64) -> nix::Result<OwnedFd> {
    let attr = Attr { kind, config1: target.as_ptr() as u64, config2: offset, flags: DISABLED, ..Attr::default() };
    open(&attr, Pid::from_raw(0))
}

fn open(attr: &Attr, thread: Pid) -> nix::Result<OwnedFd> {
    let sized = Attr { size: size_of::<Attr>() as u32, ..*attr };
    let (any_cpu, no_group) = (-1, -1);
    // SAFETY: `sized` says its own size and outlives the call, as does the CStr behind a pointer in config1.
    let fd = unsafe {
        libc::syscall(libc::SYS_perf_event_open, &raw const sized, thread.as_raw(), any_cpu, no_group, FLAG_CLOEXEC)
    };
    // SAFETY: a non-negative result is a new descriptor that nobody else owns.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// One event counted on one thread, and on the threads and processes which that makes from now on.
#[derive(Debug)]
pub struct Counter(File);

impl Counter {
    /// Opens a counter on `thread`, not yet counting. ENOENT: there is no such counter on this machine; EACCES:
    /// perf_event_paranoid forbids it.
    pub fn open(event: Event, thread: Pid, user_only: bool) -> nix::Result<Counter> {
        let (kind, config) = event.kind_and_config();
        let exclude = if user_only { EXCLUDE_KERNEL | EXCLUDE_HYPERVISOR } else { 0 };
        let attr = Attr {
            kind,
            config,
            read_format: TIMES_ENABLED_AND_RUNNING,
            flags: DISABLED | INHERIT | exclude,
            ..Attr::default()
        };
        open(&attr, thread).map(|fd| Counter(fd.into()))
    }

    /// Counts from now on.
    pub fn enable(&self) -> nix::Result<()> {
        self.control(ENABLE)
    }

    /// Counts no further; what was counted stays.
    pub fn disable(&self) -> nix::Result<()> {
        self.control(DISABLE)
    }

    fn control(&self, request: libc::c_ulong) -> nix::Result<()> {
        // SAFETY: these requests take no pointer.
        Errno::result(unsafe { libc::ioctl(self.0.as_raw_fd(), request as _, 0) }).map(drop)
    }

    /// The count so far, scaled up where the event shared its hardware with others; None where it never got any.
    pub fn count(&self) -> io::Result<Option<f64>> {
        let mut bytes = [0; 24];
        (&self.0).read_exact(&mut bytes)?;
        let word = |i: usize| u64::from_ne_bytes(std::array::from_fn(|b| bytes[8 * i + b])) as f64;
        let (value, enabled, running) = (word(0), word(1), word(2));
        Ok(match (enabled > 0.0, running > 0.0) {
            (true, true) => Some(value * enabled / running),
            (true, false) => None,
            (false, _) => Some(0.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_faults_of_fresh_memory_are_counted_only_while_enabled() {
        let counter = match Counter::open(Event::PageFaults, Pid::from_raw(0), true) {
            Ok(counter) => counter,
            // Containers and old kernels refuse; the errno is then one of these, and nothing else.
            Err(e) => {
                return assert!(matches!(e, Errno::EACCES | Errno::EPERM | Errno::ENOSYS | Errno::ENOENT), "{e}");
            }
        };
        let touch = || drop(std::hint::black_box(vec![1u8; 8 << 20]));
        touch();
        assert_eq!(counter.count().unwrap(), Some(0.0), "not enabled yet");
        counter.enable().unwrap();
        touch();
        counter.disable().unwrap();
        let counted = counter.count().unwrap().unwrap();
        assert!(counted >= 4.0, "8 MiB are 2048 small or 4 huge pages: {counted}");
        touch();
        assert_eq!(counter.count().unwrap(), Some(counted), "disabled again");
    }
}
