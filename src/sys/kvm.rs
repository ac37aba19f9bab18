//! /dev/kvm: the kernel's
//! [KVM API](https://docs.kernel.org/virt/kvm/api.html).

#![allow(unsafe_code)]

use std::os::fd::{AsFd, AsRawFd};

mod raw {
    nix::ioctl_none!(get_api_version, 0xAE, 0x00);
}

/// The version of the API behind an open /dev/kvm (12 since Linux 2.6.22).
pub fn api_version(kvm: impl AsFd) -> nix::Result<i32> {
    // SAFETY: the request takes no argument.
    unsafe { raw::get_api_version(kvm.as_fd().as_raw_fd()) }
}
