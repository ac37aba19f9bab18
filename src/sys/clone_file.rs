//! FICLONE and FICLONERANGE: [ioctl_ficlone(2)](https://man7.org/linux/man-pages/man2/ioctl_ficlone.2.html)
//! (Linux 4.5).

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_write_int!(ficlone, 0x94, 9);
    nix::ioctl_write_ptr!(ficlonerange, 0x94, 13, libc::file_clone_range);
}

/// Makes `to` share all of `from`'s blocks: EOPNOTSUPP where the file system cannot, EXDEV across file systems.
pub fn clone_file(from: impl AsFd, to: impl AsFd) -> nix::Result<()> {
    let source = from.as_fd().as_raw_fd() as libc::c_ulong;
    // SAFETY: the argument is a descriptor that outlives the call, not a pointer.
    unsafe { raw::ficlone(to.as_fd().as_raw_fd(), source) }.map(drop)
}

/// Makes `len` bytes of `to` at `there` share the blocks of `from` at `here`; all three are multiples of the block
/// size (EINVAL), except a `len` that ends where `from` does.
pub fn clone_range(from: impl AsFd, here: u64, len: u64, to: impl AsFd, there: u64) -> nix::Result<()> {
    let src_fd = i64::from(from.as_fd().as_raw_fd());
    let range = libc::file_clone_range { src_fd, src_offset: here, src_length: len, dest_offset: there };
    // SAFETY: the kernel reads one file_clone_range, which lives across the call.
    unsafe { raw::ficlonerange(to.as_fd().as_raw_fd(), &range) }.map(drop)
}
