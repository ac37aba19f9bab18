//! Tracer and tracee on one CPU: a ptrace stop that crosses CPUs costs many times one that does not.

use nix::sched::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// Keeps a single-threaded tracee on the tracer's CPU until dropped, or until it could tell.
pub struct Pin {
    tracee: Pid,
    before: CpuSet,
}

impl Pin {
    /// Puts `tracee` and the calling thread on the CPU that the latter runs on. None where that cannot be (the
    /// tracee may not run there, a machine with more CPUs than a `CpuSet` holds): tracing is then merely slow.
    pub fn together(tracee: Pid) -> Option<Pin> {
        let before = sched_getaffinity(tracee).ok()?;
        let cpu = sched_getcpu().ok().filter(|cpu| before.is_set(*cpu).unwrap_or(false))?;
        let mut one = CpuSet::new();
        one.set(cpu).ok()?;
        sched_setaffinity(tracee, &one).ok()?;
        let pin = Pin { tracee, before };
        // The calling thread lives for one trace: it need not be put back.
        sched_setaffinity(Pid::from_raw(0), &one).ok().map(|()| pin)
    }

    /// Whether the tracee, entering this call, could see the pin or hand it down.
    pub fn shows_in(&self, number: u64) -> bool {
        let mut calls =
            vec![libc::SYS_sched_getaffinity, libc::SYS_sched_setaffinity, libc::SYS_clone, libc::SYS_clone3];
        #[cfg(target_arch = "x86_64")]
        calls.extend([libc::SYS_fork, libc::SYS_vfork]);
        calls.iter().any(|c| *c as u64 == number)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // A tracee that has ended needs no restoring.
        let _ = sched_setaffinity(self.tracee, &self.before);
    }
}
