//! System call filters: [seccomp(2)](https://man7.org/linux/man-pages/man2/seccomp.2.html).
#![allow(unsafe_code)]

use libc::{sock_filter, sock_fprog};
use nix::errno::Errno;

/// The AUDIT_ARCH_* value of this program's system calls; `None` where it is not known here.
pub const ARCHITECTURE: Option<u32> = if cfg!(target_arch = "x86_64") {
    Some(0xc000_003e)
} else if cfg!(target_arch = "aarch64") {
    Some(0xc000_00b7)
} else if cfg!(target_arch = "riscv64") {
    Some(0xc000_00f3)
} else {
    None
};

/// From now on every system call of every thread of this process must pass `program`, which reads struct
/// seccomp_data; there is no way back. What it refuses is told to the kernel's log (Linux 4.14).
///
/// # Errors
/// EACCES without no_new_privs (prctl(2)), EINVAL where the kernel does not take the program or knows no filters,
/// E2BIG above 65535 instructions, EBUSY where another thread has a filter of its own.
pub fn install(program: &[sock_filter]) -> nix::Result<()> {
    let len = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let program = sock_fprog { len, filter: program.as_ptr().cast_mut() };
    let flags = libc::SECCOMP_FILTER_FLAG_TSYNC | libc::SECCOMP_FILTER_FLAG_LOG;
    // SAFETY: the kernel copies `len` instructions from the slice behind `filter` and writes to neither.
    let done = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) };
    match Errno::result(done)? {
        0 => Ok(()),
        // The id of a thread that could not follow.
        _ => Err(Errno::EBUSY),
    }
}
