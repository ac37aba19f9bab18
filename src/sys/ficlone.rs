//! Sharing the blocks of a file with another, see
//! [ioctl_ficlone(2)](https://man7.org/linux/man-pages/man2/ioctl_ficlonerange.2.html) (Linux 4.5).
#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

mod ioctl {
    nix::ioctl_write_int_bad!(ficlone, libc::FICLONE as libc::c_int as libc::Ioctl);
    nix::ioctl_write_ptr_bad!(ficlonerange, libc::FICLONERANGE as libc::Ioctl, libc::file_clone_range);
}

/// Makes `dst` share all blocks of `src`: EOPNOTSUPP where the file system cannot, EXDEV across file systems.
pub fn clone(src: impl AsFd, dst: impl AsFd) -> nix::Result<()> {
    // SAFETY: FICLONE takes a descriptor by value.
    unsafe { ioctl::ficlone(dst.as_fd().as_raw_fd(), src.as_fd().as_raw_fd()) }.map(drop)
}

/// Makes `len` bytes of `dst` at `to` share the blocks of `src` at `from`; all are multiples of the block size,
/// except a `len` that ends where `src` does. EINVAL otherwise.
pub fn clone_range(src: impl AsFd, from: u64, len: u64, dst: impl AsFd, to: u64) -> nix::Result<()> {
    let src_fd = i64::from(src.as_fd().as_raw_fd());
    let range = libc::file_clone_range { src_fd, src_offset: from, src_length: len, dest_offset: to };
    // SAFETY: the kernel reads one file_clone_range, which lives across the call.
    unsafe { ioctl::ficlonerange(dst.as_fd().as_raw_fd(), &range) }.map(drop)
}
