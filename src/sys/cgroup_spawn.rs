//! A command that is started inside a control group: what std leaves to `pre_exec` (cgroups(7), execve(2)).
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use nix::errno::Errno;

/// Starts `command` in the group whose `cgroup.procs` is open for writing: it and all of its children are in there from
/// their first instruction on. Errors are those of the write (ENODEV: the group is gone) or of execve.
pub fn spawn(command: &mut Command, procs: impl AsFd) -> io::Result<Child> {
    let fd = procs.as_fd().as_raw_fd();
    // SAFETY: between fork and exec the closure makes one async-signal-safe call and allocates nothing; the descriptor
    // stays open, since it is borrowed until after the spawn. "0" is the process that writes.
    unsafe {
        command.pre_exec(move || {
            Errno::result(libc::write(fd, c"0".as_ptr().cast(), 1))?;
            Ok(())
        });
    }
    command.spawn()
}
