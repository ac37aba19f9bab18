//! The parent's side: starts the process, hears its measurements, traces it, ends it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

use super::message::{self, Answer, Line, Measured, Message, VARIABLE};
use super::record::{Syscall, Why};
use super::trace::{Phase, Tracer};
use super::watchdog::{Fired, Watchdog};
use crate::error::{Context, Error, Result};
use crate::host::root::Root;
use crate::sys::inherit;
use crate::sys::ptrace::Change;

/// Runs the whole pass on the calling thread, which should have no other children: the trace waits for any.
pub fn gather(mut command: Command, limit: Duration) -> Result<Why> {
    let what = || "cannot start the why pass".to_owned();
    let (ours, theirs) = UnixStream::pair().sys("socketpair", what)?;
    let errors = File::from(memfd_create(c"syskit-why-errors", MFdFlags::MFD_CLOEXEC).sys("memfd_create", what)?);
    let to_errors = errors.try_clone().sys("dup", what)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(to_errors).process_group(0);
    let process = inherit::spawn(&mut command, &theirs, VARIABLE).sys("execve", what)?;
    drop((theirs, command));
    let pid = Pid::from_raw(process.id() as i32);
    let dog = match Watchdog::watch(pid, limit) {
        Ok(dog) => dog,
        Err(e) => {
            let _ = nix::sys::signal::kill(pid, Signal::SIGKILL);
            let _ = waitpid(pid, None);
            return Err(e).sys("clone", what);
        }
    };
    // A little more than the watchdog's: then even a stray process that holds the socket open cannot block us.
    ours.set_read_timeout(Some(limit + Duration::from_secs(1))).sys("setsockopt", what)?;
    Pass { pid, line: Line::over(ours), errors, dog, limit }.run()
}

struct Pass {
    pid: Pid,
    line: Line,
    errors: File,
    dog: Watchdog,
    limit: Duration,
}

/// How the process ended.
struct End {
    status: String,
    fired: Option<Fired>,
}

impl Pass {
    fn run(mut self) -> Result<Why> {
        let measured = match self.line.hear() {
            Some(Message::Measured(measured)) => measured,
            Some(Message::Failed { code, text }) => {
                self.reap(None)?;
                return Err(message::error(code, text));
            }
            Some(Message::Done) | None => {
                let end = self.reap(None)?;
                return Err(Error::failed(format!("the why pass: {}", self.fate(&end, "it"))));
            }
        };
        match Tracer::seize(self.pid) {
            Ok(tracer) => self.traced(measured, tracer),
            Err(errno) => {
                let reason = refusal(self.pid, errno, &Root::at("/"));
                self.untraced(measured, reason)
            }
        }
    }

    fn untraced(mut self, measured: Measured, reason: String) -> Result<Why> {
        // A child that is gone cannot be answered; its end is of no interest, the measurement is in hand.
        let _ = self.line.answer(Answer::Untraced);
        self.reap(None)?;
        Ok(why(measured, Err(reason)))
    }

    fn traced(mut self, measured: Measured, mut tracer: Tracer) -> Result<Why> {
        let _ = self.line.answer(Answer::Traced);
        tracer.run();
        let last = self.line.hear();
        let end = self.reap(tracer.reaped)?;
        let counted = match (last, tracer.broken, tracer.phase) {
            (Some(Message::Failed { code, text }), ..) => return Err(message::error(code, text)),
            _ if end.fired == Some(Fired::Asked) => return Err(Error::failed(self.fate(&end, "the traced run"))),
            (_, Some(errno), _) => Err(format!(
                "system calls are not counted: ptrace(PTRACE_GET_SYSCALL_INFO) gives {errno:?} (Linux 5.3 has it)"
            )),
            (Some(Message::Done), None, Phase::Past) if tracer.operations > 0 => {
                Ok((tracer.operations, tracer.tally().per_operation(tracer.operations)))
            }
            _ => Err(format!("system calls are not counted: {}", self.fate(&end, "the traced run"))),
        };
        Ok(why(measured, counted))
    }

    /// Waits for the end of the process, of its group, and reaps it; `already` is its end where tracing met it.
    fn reap(&mut self, already: Option<Change>) -> Result<End> {
        let status = match already {
            Some(change) => {
                self.dog.gone();
                match change {
                    Change::Exited(code) => format!("ended with status {code}"),
                    Change::Killed(signal) => killed(Signal::try_from(signal).ok()),
                    _ => "ended".to_owned(),
                }
            }
            None => {
                let what = || "cannot wait for the why pass".to_owned();
                retried(|| waitid(Id::Pid(self.pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT))
                    .sys("waitid", what)?;
                match self.dog.reap().sys("waitpid", what)? {
                    WaitStatus::Exited(_, code) => format!("ended with status {code}"),
                    WaitStatus::Signaled(_, signal, _) => killed(Some(signal)),
                    _ => "ended".to_owned(),
                }
            }
        };
        Ok(End { status, fired: self.dog.fired() })
    }

    /// What became of the process, in words, with the last it said.
    fn fate(&mut self, end: &End, who: &str) -> String {
        match end.fired {
            Some(Fired::Late) => {
                return format!("{who} did not end within {} s and was killed", self.limit.as_secs_f32());
            }
            Some(Fired::Asked) => return format!("{who} was interrupted"),
            None => {}
        }
        match self.last_words() {
            Some(words) => format!("{who} {}: {words}", end.status),
            None => format!("{who} {}", end.status),
        }
    }

    /// The last line on the process's standard error.
    fn last_words(&mut self) -> Option<String> {
        const ENOUGH: u64 = 4096;
        let length = self.errors.seek(SeekFrom::End(0)).ok()?;
        self.errors.seek(SeekFrom::Start(length.saturating_sub(ENOUGH))).ok()?;
        let mut bytes = Vec::new();
        (&self.errors).take(ENOUGH).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        text.lines().rev().map(str::trim).find(|l| !l.is_empty()).map(str::to_owned)
    }
}

fn killed(signal: Option<Signal>) -> String {
    signal.map_or_else(|| "was killed by a real-time signal".to_owned(), |s| format!("was killed by {s}"))
}

fn retried<T>(call: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

fn why(measured: Measured, counted: std::result::Result<(u64, Vec<Syscall>), String>) -> Why {
    let Measured { usage, pmu, no_pmu } = measured;
    let (operations, syscalls, no_syscalls) = match counted {
        Ok((operations, syscalls)) => (operations, Some(syscalls), None),
        Err(reason) => (0, None, Some(reason)),
    };
    Why { syscalls, operations, no_syscalls, usage, pmu, no_pmu }
}

/// Why a process of our own may not be traced.
fn refusal(pid: Pid, errno: Errno, root: &Root) -> String {
    let status = root.text(format!("proc/{pid}/status")).unwrap_or_default();
    let tracer = crate::host::cpu::fields(&status, "TracerPid").next().filter(|t| *t != "0");
    let scope = root.line("proc/sys/kernel/yama/ptrace_scope");
    let cause = match (errno, tracer, scope.as_deref()) {
        (Errno::EPERM, Some(tracer), _) => format!("process {tracer} (a debugger, strace) traces it already"),
        (Errno::EPERM, _, Some("3")) => "kernel.yama.ptrace_scope is 3: no tracing until the next boot".to_owned(),
        (Errno::EPERM, _, Some("2")) => {
            "kernel.yama.ptrace_scope is 2: only with CAP_SYS_PTRACE; run as root, or set it to 1".to_owned()
        }
        (Errno::EPERM, ..) => {
            "a container's seccomp filter, a security module, or file capabilities on the program forbid it"
                .to_owned()
        }
        (Errno::ESRCH, ..) => "the process ended too early".to_owned(),
        (Errno::ENOSYS, ..) => "this kernel, or its emulation, has no ptrace".to_owned(),
        (other, ..) => crate::error::describe(other),
    };
    format!("system calls are not counted: ptrace(PTRACE_SEIZE) gives {errno:?}: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_call_the_errno_and_the_cause() {
        let dir = tempfile::tempdir().unwrap();
        let (pid, put) = (Pid::from_raw(7), |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        });
        let said = |errno| refusal(pid, errno, &Root::at(dir.path()));
        assert!(said(Errno::EPERM).contains("ptrace(PTRACE_SEIZE) gives EPERM: a container's seccomp filter"));
        put("proc/sys/kernel/yama/ptrace_scope", "2\n");
        assert!(said(Errno::EPERM).contains("CAP_SYS_PTRACE"));
        put("proc/7/status", "Name:\tx\nTracerPid:\t0\n");
        assert!(said(Errno::EPERM).contains("CAP_SYS_PTRACE"));
        put("proc/7/status", "Name:\tx\nTracerPid:\t42\n");
        assert!(said(Errno::EPERM).contains("process 42"));
        assert!(said(Errno::ENOSYS).contains("ENOSYS"));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_that_says_so() {
        let error = gather(Command::new("/no/such/program"), Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.errno, Some(Errno::ENOENT));
    }
}
