//! Classic BPF filters on sockets: SO_ATTACH_FILTER of socket(7), see also bpf(4) and the kernel's filter.rst.
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use libc::{sock_filter, sock_fprog};
use nix::errno::Errno;

/// Attaches `program` in place of any other; packets queued before stay queued.
///
/// # Errors
/// EINVAL where the kernel refuses the program, E2BIG where it has more than 65535 instructions.
pub fn attach(socket: impl AsFd, program: &[sock_filter]) -> nix::Result<()> {
    let count = u16::try_from(program.len()).map_err(|_| Errno::E2BIG)?;
    let program = sock_fprog { len: count, filter: program.as_ptr().cast_mut() };
    let length = mem::size_of_val(&program) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the kernel copies `count` instructions from the slice behind `filter` and writes to neither.
    let done = unsafe {
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const program).cast(), length)
    };
    Errno::result(done).map(drop)
}
