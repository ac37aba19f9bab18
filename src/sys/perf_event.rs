//! Counters of perf_event_open(2) on threads of this process. No sampling, no ring buffer.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd};

use nix::errno::Errno;
use nix::unistd::Pid;

/// `struct perf_event_attr` in its first published size, which every kernel takes.
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
}

const DISABLED: u64 = 1;
const INHERIT: u64 = 1 << 1;
const EXCLUDE_KERNEL: u64 = 1 << 5;
const EXCLUDE_HYPERVISOR: u64 = 1 << 6;
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
            size: size_of::<Attr>() as u32,
            read_format: TIMES_ENABLED_AND_RUNNING,
            flags: DISABLED | INHERIT | exclude,
            ..Attr::default()
        };
        let (any_cpu, no_group) = (-1, -1);
        // SAFETY: `attr` is a perf_event_attr of the size it states and outlives the call.
        let fd = unsafe {
            libc::syscall(
                libc::SYS_perf_event_open,
                &raw const attr,
                thread.as_raw(),
                any_cpu,
                no_group,
                FLAG_CLOEXEC,
            )
        };
        let fd = Errno::result(fd)? as i32;
        // SAFETY: the kernel just gave us this descriptor.
        Ok(Counter(unsafe { File::from_raw_fd(fd) }))
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
