//! FICLONE: [ioctl_ficlone(2)](https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html).

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_write_int!(ficlone, 0x94, 9);
}

/// Makes `to` share all of `from`'s blocks.
pub fn clone_file(from: impl AsFd, to: impl AsFd) -> nix::Result<()> {
    let source = from.as_fd().as_raw_fd() as libc::c_ulong;
    // SAFETY: the argument is a descriptor that outlives the call, not a pointer.
    unsafe { raw::ficlone(to.as_fd().as_raw_fd(), source) }.map(drop)
}
