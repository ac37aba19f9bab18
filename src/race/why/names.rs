//! Names of system calls, and which of them return a number of bytes.

/// AUDIT_ARCH_* of the numbers that the table holds; other conventions (32-bit calls) are shown by number.
const NATIVE: Option<u32> = match () {
    () if cfg!(target_arch = "x86_64") => Some(0xc000_003e),
    () if cfg!(target_arch = "aarch64") => Some(0xc000_00b7),
    () => None,
};

/// The name of a call, "syscall_999" where it has none here.
pub fn name(arch: u32, number: u64) -> String {
    let known = NATIVE.is_none_or(|native| native == arch);
    let call = usize::try_from(number).ok().filter(|_| known).and_then(syscalls::Sysno::new);
    call.map_or_else(|| format!("syscall_{number}"), |c| c.name().to_owned())
}

/// Calls whose return value is a number of bytes moved. Not among them: io_uring_enter, recvmmsg and sendmmsg return
/// numbers of requests and messages.
pub fn returns_bytes(name: &str) -> bool {
    const MOVERS: [&str; 26] = [
        "copy_file_range",
        "getrandom",
        "pread64",
        "preadv",
        "preadv2",
        "process_vm_readv",
        "process_vm_writev",
        "pwrite64",
        "pwritev",
        "pwritev2",
        "read",
        "readv",
        "recv",
        "recvfrom",
        "recvmsg",
        "send",
        "sendfile",
        "sendfile64",
        "sendmsg",
        "sendto",
        "splice",
        "tee",
        "vmsplice",
        "write",
        "writev",
        "mq_timedreceive",
    ];
    MOVERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_libc() {
        let Some(native) = NATIVE else { return assert_eq!(name(0, u64::MAX), format!("syscall_{}", u64::MAX)) };
        for (number, expected) in [
            (libc::SYS_read, "read"),
            (libc::SYS_copy_file_range, "copy_file_range"),
            (libc::SYS_io_uring_enter, "io_uring_enter"),
            (libc::SYS_exit_group, "exit_group"),
        ] {
            assert_eq!(name(native, number as u64), expected);
        }
    }

    #[test]
    fn what_is_unknown_keeps_its_number() {
        assert_eq!(name(NATIVE.unwrap_or(0), 99_999), "syscall_99999");
        assert_eq!(name(0x4000_0003, 3), "syscall_3", "an i386 call");
        assert_eq!(name(0, u64::MAX), format!("syscall_{}", u64::MAX));
    }
}
