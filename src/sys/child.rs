//! A forked child that tries something which must not touch this process:
//! [fork(2)](https://man7.org/linux/man-pages/man2/fork.2.html).

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::ptrace;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};

/// What a forked child can try: system calls alone, nothing that allocates or takes a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trial {
    /// `unshare(flags)`.
    Unshare(CloneFlags),
    /// `ptrace(PTRACE_TRACEME)`: to be traced by this process.
    TraceMe,
}

/// Makes the call in a child that ends at once, and gives its result. A child that a signal ended (a seccomp filter
/// that kills sends SIGSYS) counts as EPERM. Waits again after EINTR.
pub fn attempt(trial: Trial) -> nix::Result<()> {
    // SAFETY: the child only makes the system call of the trial and _exit, both async-signal-safe.
    match unsafe { fork() }? {
        ForkResult::Child => {
            let done = match trial {
                Trial::Unshare(flags) => unshare(flags),
                Trial::TraceMe => ptrace::traceme(),
            };
            let code = done.err().map_or(0, |errno| errno as i32);
            // SAFETY: _exit never returns and runs no handlers.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => loop {
            match waitpid(child, None) {
                Ok(WaitStatus::Exited(_, 0)) => return Ok(()),
                Ok(WaitStatus::Exited(_, code)) => return Err(Errno::from_raw(code)),
                Ok(WaitStatus::Signaled(..)) => return Err(Errno::EPERM),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        },
    }
}
