//! A socket handed down to a child process that dies with us: what std and nix leave to `pre_exec`
//! (execve(2), PR_SET_PDEATHSIG in prctl(2)).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;

/// Starts `command` with `socket` open in it under the number that the environment variable `variable` tells, and
/// with SIGKILL sent to it when the calling THREAD ends.
pub fn spawn(command: &mut Command, socket: &UnixStream, variable: &str) -> io::Result<Child> {
    let fd = socket.as_raw_fd();
    let parent = nix::unistd::getpid().as_raw();
    command.env(variable, fd.to_string());
    // SAFETY: between fork and exec the closure makes only async-signal-safe calls (fcntl, prctl, getppid) and
    // allocates nothing; `fd` stays open, since `socket` is borrowed until after the spawn.
    unsafe {
        command.pre_exec(move || {
            Errno::result(libc::fcntl(fd, libc::F_SETFD, 0))?;
            Errno::result(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
            // The parent may have died before prctl took effect.
            if libc::getppid() == parent { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
        });
    }
    command.spawn()
}

/// The socket that [`spawn`] handed down to this process; can be taken once. It is not handed down further.
pub fn inherited(variable: &str) -> io::Result<UnixStream> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let refused = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{variable} {why}"));
    let text = std::env::var(variable).map_err(|_| refused("is not set"))?;
    let fd: i32 = text.parse().ok().filter(|fd| *fd >= 0).ok_or_else(|| refused("is not a descriptor"))?;
    let kind = socket_type(fd)?;
    if kind != libc::SOCK_STREAM || TAKEN.swap(true, Ordering::SeqCst) {
        return Err(refused("is not a stream socket, or is taken already"));
    }
    // SAFETY: `fd` is open (a getsockopt on it succeeded), came from outside and so has no owner in this process;
    // TAKEN lets it be owned once.
    let socket = unsafe { OwnedFd::from_raw_fd(fd) };
    nix::fcntl::fcntl(&socket, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC))?;
    Ok(UnixStream::from(socket))
}

fn socket_type(fd: i32) -> io::Result<i32> {
    let (mut kind, mut length) = (0i32, size_of::<i32>() as libc::socklen_t);
    let (value, length) = ((&raw mut kind).cast(), &raw mut length);
    // SAFETY: value and length describe an i32 that outlives the call.
    Errno::result(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_TYPE, value, length) })?;
    Ok(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_child_finds_the_socket_under_the_number_it_is_told() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "eval \"printf hello >&$TEST_FD\""]);
        let mut child = spawn(&mut command, &theirs, "TEST_FD").unwrap();
        drop(theirs);
        let mut text = String::new();
        ours.read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(text, "hello");
    }

    #[test]
    fn what_was_not_handed_down_is_refused() {
        assert!(inherited("SYSKIT_NO_SUCH_VARIABLE").is_err());
        assert!(socket_type(1_000_000).is_err(), "not open");
    }
}
