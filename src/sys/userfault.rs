//! [userfaultfd(2)](https://man7.org/linux/man-pages/man2/userfaultfd.2.html): page faults handled in user space.

#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, OwnedFd};

use nix::errno::Errno;

/// Only faults from user mode are handled: needs no privilege (since Linux 5.11).
const USER_MODE_ONLY: i32 = 1;

/// A userfaultfd object: for faults from user mode only, or also for those the kernel takes on our behalf.
pub fn open(user_mode_only: bool) -> nix::Result<OwnedFd> {
    let flags = libc::O_CLOEXEC | if user_mode_only { USER_MODE_ONLY } else { 0 };
    // SAFETY: userfaultfd takes no pointers.
    let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, flags) };
    // SAFETY: a non-negative result is a new descriptor that nobody else owns.
    Errno::result(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
