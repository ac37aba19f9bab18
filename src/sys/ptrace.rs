//! ptrace(2) stops and restarts of seized tracees, where nix has no call for them: nix drops the thread id of a stop
//! by a real-time signal, cannot restart with one, and has neither PTRACE_LISTEN nor a safe view of
//! PTRACE_GET_SYSCALL_INFO. Seizing and interrupting are nix's ([`nix::sys::ptrace::seize`]).
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::unistd::Pid;

/// What happened to a tracee or child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It ended with this exit status and is reaped.
    Exited(i32),
    /// It was ended by this signal and is reaped.
    Killed(i32),
    /// It entered or left a system call (PTRACE_O_TRACESYSGOOD must be set).
    Syscall,
    /// This signal is about to be delivered; it is lost unless the restart passes it on.
    Signal(i32),
    /// It takes part in a group-stop, and must stay stopped ([`listen`]).
    GroupStop,
    /// It made a new thread or process, which is a tracee too and will show up with a stop of its own.
    Bore(Pid),
    /// Another ptrace event (exec, interrupt, a new tracee's first stop).
    Event,
}

/// A system-call stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyscallStop {
    /// Before the call.
    Entry {
        /// AUDIT_ARCH_* of the call's convention.
        arch: u32,
        /// Its number in that convention.
        number: u64,
        /// Its first argument.
        first: u64,
    },
    /// After it.
    Exit {
        /// The returned value, or the negative errno.
        value: i64,
        /// Whether that is an errno.
        failed: bool,
    },
    /// Not a system-call stop.
    Other,
}

/// How a stopped tracee goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// To its next system-call stop (PTRACE_SYSCALL).
    ToSyscall,
    /// As a free process (PTRACE_DETACH).
    Detached,
}

/// Waits until one of the calling thread's own children or tracees changes; children of other threads are left
/// alone (`__WNOTHREAD`). EINTR is waited through; ECHILD says that there are none.
pub fn wait_any() -> nix::Result<(Pid, Change)> {
    let mut status = 0;
    loop {
        // SAFETY: `status` is a valid place for the status; the call has no other memory effect.
        let tid = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
        match Errno::result(tid) {
            Ok(tid) => return Ok(with_newborn(Pid::from_raw(tid), status)),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn with_newborn(tid: Pid, status: i32) -> (Pid, Change) {
    let births = [libc::PTRACE_EVENT_CLONE, libc::PTRACE_EVENT_FORK, libc::PTRACE_EVENT_VFORK];
    let change = decode(status);
    let born = (change == Change::Event && births.contains(&(status >> 16)))
        .then(|| nix::sys::ptrace::getevent(tid).ok())
        .flatten();
    (tid, born.map_or(change, |child| Change::Bore(Pid::from_raw(child as i32))))
}

fn decode(status: i32) -> Change {
    if libc::WIFEXITED(status) {
        return Change::Exited(libc::WEXITSTATUS(status));
    }
    if libc::WIFSIGNALED(status) {
        return Change::Killed(libc::WTERMSIG(status));
    }
    let (signal, event) = (libc::WSTOPSIG(status), status >> 16);
    let stops = [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    match event {
        0 if signal == libc::SIGTRAP | 0x80 => Change::Syscall,
        0 => Change::Signal(signal),
        libc::PTRACE_EVENT_STOP if stops.contains(&signal) => Change::GroupStop,
        _ => Change::Event,
    }
}

/// Restarts a stopped tracee, delivering `signal` if not 0. ESRCH: it was killed meanwhile.
pub fn resume(tid: Pid, how: Resume, signal: i32) -> nix::Result<()> {
    let request = match how {
        Resume::ToSyscall => libc::PTRACE_SYSCALL,
        Resume::Detached => libc::PTRACE_DETACH,
    };
    request_with(request, tid, signal)
}

/// Leaves a tracee in its group-stop while still hearing of it (PTRACE_LISTEN).
pub fn listen(tid: Pid) -> nix::Result<()> {
    request_with(libc::PTRACE_LISTEN, tid, 0)
}

fn request_with(request: libc::c_uint, tid: Pid, data: i32) -> nix::Result<()> {
    let none = std::ptr::null_mut::<libc::c_void>();
    // SAFETY: these requests read no memory of ours; `data` is a signal number passed by value.
    let done = unsafe { libc::ptrace(request, tid.as_raw(), none, libc::c_long::from(data)) };
    Errno::result(done).map(drop)
}

/// What the system-call stop that `tid` is in is about (PTRACE_GET_SYSCALL_INFO, Linux 5.3).
pub fn syscall_stop(tid: Pid) -> nix::Result<SyscallStop> {
    let info = nix::sys::ptrace::syscall_info(tid)?;
    Ok(match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: `op` says that the kernel filled the union's `entry`.
            let entry = unsafe { info.u.entry };
            SyscallStop::Entry { arch: info.arch, number: entry.nr, first: entry.args[0] }
        }
        libc::PTRACE_SYSCALL_INFO_EXIT => {
            // SAFETY: `op` says that the kernel filled the union's `exit`.
            let exit = unsafe { info.u.exit };
            SyscallStop::Exit { value: exit.sval, failed: exit.is_error != 0 }
        }
        _ => SyscallStop::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_are_told_apart() {
        let stopped = |signal: i32, event: i32| (event << 16) | (signal << 8) | 0x7f;
        let cases = [
            (0x0300, Change::Exited(3)),
            (libc::SIGKILL, Change::Killed(libc::SIGKILL)),
            (libc::SIGSEGV | 0x80, Change::Killed(libc::SIGSEGV)),
            (stopped(libc::SIGTRAP | 0x80, 0), Change::Syscall),
            (stopped(libc::SIGTRAP, 0), Change::Signal(libc::SIGTRAP)),
            (stopped(40, 0), Change::Signal(40)),
            (stopped(libc::SIGTRAP, libc::PTRACE_EVENT_CLONE), Change::Event),
            (stopped(libc::SIGTRAP, libc::PTRACE_EVENT_STOP), Change::Event),
            (stopped(libc::SIGSTOP, libc::PTRACE_EVENT_STOP), Change::GroupStop),
        ];
        for (status, change) in cases {
            assert_eq!(decode(status), change, "{status:#x}");
        }
    }

    #[test]
    fn what_is_no_tracee_is_refused() {
        assert_eq!(resume(Pid::this(), Resume::ToSyscall, 0), Err(Errno::ESRCH));
        assert_eq!(listen(Pid::this()), Err(Errno::ESRCH));
    }
}
