//! The system calls that a sniffer still needs once everything is open, as a program for seccomp(2).
//!
//! A call that is not of them fails with EPERM and goes to the kernel's log; it does not kill. A capture must not be lost
//! because the C library of this host makes a call in some corner that another does not, and whoever got the
//! decoder to run code of his own is held either way. Calls of another architecture's table kill: nothing here makes them.

use std::os::fd::RawFd;

use libc::{c_long, sock_filter};

/// What besides taking, decoding and writing packets goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Calls {
    /// Files are opened to be read, directories too.
    pub reading: bool,
    /// Files are made, renamed, removed.
    pub creating: bool,
    /// The kernel is asked about sockets (NETLINK_SOCK_DIAG).
    pub netlink: bool,
    /// Children are waited for and signalled.
    pub children: bool,
}

/// When a call is allowed: the lower half of this argument, masked, is the value.
#[derive(Clone, Copy)]
struct Only {
    argument: u32,
    mask: u32,
    value: u32,
}

type Rule = (c_long, Option<Only>);

const fn only(argument: u32, mask: i64, value: i64) -> Option<Only> {
    Some(Only { argument, mask: mask as u32, value: value as u32 })
}

const ALL: i64 = 0xffff_ffff;

/// Taking packets and writing what becomes of them, memory, time, signals, threads, the end.
#[rustfmt::skip]
const ALWAYS: &[c_long] = &[
    libc::SYS_recvmsg, libc::SYS_recvmmsg, libc::SYS_recvfrom, libc::SYS_ppoll, libc::SYS_getsockopt,
    // Harmless without a ring, and none can be made any more; the one there is takes nothing but receives.
    libc::SYS_io_uring_enter,
    libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64,
    libc::SYS_lseek, libc::SYS_close, libc::SYS_fstat, libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_ftruncate,
    libc::SYS_munmap, libc::SYS_mremap, libc::SYS_madvise, libc::SYS_brk,
    libc::SYS_clock_gettime, libc::SYS_clock_nanosleep, libc::SYS_nanosleep, libc::SYS_gettimeofday,
    libc::SYS_rt_sigreturn, libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_sigaltstack,
    libc::SYS_restart_syscall, libc::SYS_getrandom,
    // Those that cannot fail, and whose callers believe it.
    libc::SYS_getpid, libc::SYS_getppid, libc::SYS_gettid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid,
    libc::SYS_getegid, libc::SYS_getrusage, libc::SYS_uname,
    libc::SYS_futex, libc::SYS_sched_yield, libc::SYS_sched_getaffinity, libc::SYS_set_robust_list, libc::SYS_rseq,
    libc::SYS_exit, libc::SYS_exit_group,
];

/// The same on architectures that have older forms of these calls.
#[cfg(target_arch = "x86_64")]
const ALWAYS_HERE: &[c_long] = &[libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const ALWAYS_HERE: &[c_long] = &[];

const EXECUTABLE: i64 = libc::PROT_EXEC as i64;

/// What is allowed for some arguments only.
#[rustfmt::skip]
const SOMETIMES: &[Rule] = &[
    // fstat(2) of newer C libraries: no path.
    (libc::SYS_newfstatat, only(3, libc::AT_EMPTY_PATH as i64, libc::AT_EMPTY_PATH as i64)),
    (libc::SYS_statx, only(2, libc::AT_EMPTY_PATH as i64, libc::AT_EMPTY_PATH as i64)),
    (libc::SYS_mmap, only(2, EXECUTABLE, 0)),
    (libc::SYS_mprotect, only(2, EXECUTABLE, 0)),
    (libc::SYS_fcntl, only(1, ALL, libc::F_GETFD as i64)),
    (libc::SYS_fcntl, only(1, ALL, libc::F_GETFL as i64)),
    (libc::SYS_fcntl, only(1, ALL, libc::F_SETFL as i64)),
    // Names of interfaces (netdevice(7)) and whether a file is a terminal.
    (libc::SYS_socket, only(0, ALL, libc::AF_UNIX as i64)),
    (libc::SYS_ioctl, only(1, ALL, libc::SIOCGIFNAME as i64)),
    (libc::SYS_ioctl, only(1, ALL, libc::SIOCGIFINDEX as i64)),
    (libc::SYS_ioctl, only(1, ALL, libc::TCGETS as i64)),
    (libc::SYS_ioctl, only(1, ALL, libc::TIOCGWINSZ as i64)),
    (libc::SYS_clone, only(0, libc::CLONE_THREAD as i64, libc::CLONE_THREAD as i64)),
    (libc::SYS_prctl, only(0, ALL, libc::PR_SET_NAME as i64)),
];

/// Flags of open(2) without which nothing is made or changed.
const WRITES: i64 = (libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC) as i64;

/// Opening for reading only; which of the files is then a matter of user and capabilities.
#[rustfmt::skip]
const READING: &[Rule] = &[
    (libc::SYS_openat, only(2, WRITES, libc::O_RDONLY as i64)), (libc::SYS_newfstatat, None), (libc::SYS_statx, None),
    (libc::SYS_getdents64, None), (libc::SYS_readlinkat, None), (libc::SYS_faccessat, None), (libc::SYS_faccessat2, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_open, only(1, WRITES, libc::O_RDONLY as i64)),
    #[cfg(target_arch = "x86_64")] (libc::SYS_stat, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_readlink, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_access, None),
];

#[rustfmt::skip]
const CREATING: &[Rule] = &[
    (libc::SYS_openat, None), (libc::SYS_renameat, None), (libc::SYS_renameat2, None), (libc::SYS_unlinkat, None),
    (libc::SYS_linkat, None), (libc::SYS_fchmod, None), (libc::SYS_flock, None), (libc::SYS_fallocate, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_open, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_rename, None),
    #[cfg(target_arch = "x86_64")] (libc::SYS_unlink, None),
];

#[rustfmt::skip]
const NETLINK: &[Rule] = &[
    (libc::SYS_socket, only(0, ALL, libc::AF_NETLINK as i64)), (libc::SYS_bind, None),
    (libc::SYS_sendto, None), (libc::SYS_sendmsg, None), (libc::SYS_setsockopt, only(1, ALL, libc::SOL_SOCKET as i64)),
    // Looking into maps that are open: BPF_MAP_LOOKUP_ELEM.
    (libc::SYS_bpf, only(0, ALL, 1)),
];

#[rustfmt::skip]
const CHILDREN: &[Rule] = &[
    (libc::SYS_wait4, None), (libc::SYS_waitid, None), (libc::SYS_kill, None), (libc::SYS_pidfd_send_signal, None),
    // The lock that says whose control group it is.
    (libc::SYS_flock, None),
];

/// Calls by which bytes leave.
const WRITING: &[c_long] = &[libc::SYS_write, libc::SYS_writev, libc::SYS_pwrite64];

/// struct seccomp_data: the number at 0, the architecture at 4, the arguments of 64 bits from 16 on.
const ARCHITECTURE_AT: u32 = 4;
/// Numbers from here on are those of the x32 table.
const X32: u32 = 0x4000_0000;

const fn load(at: u32) -> sock_filter {
    sock_filter { code: 0x20, jt: 0, jf: 0, k: at }
}

const fn and(mask: u32) -> sock_filter {
    sock_filter { code: 0x54, jt: 0, jf: 0, k: mask }
}

const fn equal(k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: 0x15, jt, jf, k }
}

const fn answer(k: u32) -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k }
}

const ALLOW: sock_filter = answer(libc::SECCOMP_RET_ALLOW);
const KILL: sock_filter = answer(libc::SECCOMP_RET_KILL_PROCESS);

const fn refuse(errno: i32) -> sock_filter {
    answer(libc::SECCOMP_RET_ERRNO | errno as u32)
}

/// Where the lower half of an argument is.
const fn argument_at(argument: u32) -> u32 {
    16 + 8 * argument + if cfg!(target_endian = "big") { 4 } else { 0 }
}

/// The program that lets `calls` of this `architecture` (AUDIT_ARCH_*) through, and what every sniffer needs.
///
/// What is written to `mute`, sockets that capture, would be sent as a packet: that is refused. No call that is allowed
/// gives a descriptor another number.
pub fn program(architecture: u32, calls: Calls, mute: &[RawFd]) -> Vec<sock_filter> {
    let mut out = vec![load(ARCHITECTURE_AT), equal(architecture, 1, 0), KILL, load(0)];
    // BPF_JGE: with the bit of x32.
    out.extend([sock_filter { code: 0x35, jt: 0, jf: 1, k: X32 }, KILL]);
    for (call, fd) in WRITING.iter().flat_map(|call| mute.iter().map(move |fd| (call, fd))) {
        out.extend([
            equal(*call as u32, 0, 4),
            load(argument_at(0)),
            equal(*fd as u32, 0, 1),
            refuse(libc::EPERM),
            load(0),
        ]);
    }
    for call in ALWAYS.iter().chain(ALWAYS_HERE) {
        out.extend([equal(*call as u32, 0, 1), ALLOW]);
    }
    // Its flags are in memory, where no filter sees them: the C library then takes clone(2).
    out.extend([equal(libc::SYS_clone3 as u32, 0, 1), refuse(libc::ENOSYS)]);
    // The end of this process by its own signal: a second Ctrl-C, a panic.
    let own = only(0, ALL, i64::from(std::process::id()));
    let signals = [(libc::SYS_kill, own), (libc::SYS_tgkill, own)];
    let more =
        [(calls.reading, READING), (calls.creating, CREATING), (calls.netlink, NETLINK), (calls.children, CHILDREN)];
    let more = more.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, rules)| rules);
    for rule in SOMETIMES.iter().chain(&signals).chain(more) {
        match *rule {
            (call, None) => out.extend([equal(call as u32, 0, 1), ALLOW]),
            (call, Some(Only { argument, mask, value })) => out.extend([
                equal(call as u32, 0, 5),
                load(argument_at(argument)),
                and(mask),
                equal(value, 0, 1),
                ALLOW,
                load(0),
            ]),
        }
    }
    out.push(refuse(libc::EPERM));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: u32 = 7;

    /// What the program says of a call, by the instructions that it is made of.
    fn verdict(program: &[sock_filter], architecture: u32, call: c_long, arguments: &[u64]) -> u32 {
        let mut data = [call as u32, architecture, 0, 0].to_vec();
        for argument in arguments.iter().chain(std::iter::repeat(&0)).take(6) {
            data.extend([*argument as u32, (argument >> 32) as u32]);
        }
        let (mut at, mut accumulator) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            let jump = |so: bool| usize::from(if so { jt } else { jf });
            at += 1 + match code {
                0x20 => {
                    accumulator = data[k as usize / 4];
                    0
                }
                0x54 => {
                    accumulator &= k;
                    0
                }
                0x15 => jump(accumulator == k),
                0x35 => jump(accumulator >= k),
                0x06 => return k,
                other => panic!("instruction {other:#x}"),
            };
        }
    }

    const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    const ALLOWED: u32 = libc::SECCOMP_RET_ALLOW;

    #[test]
    fn what_a_sniffer_does_is_allowed_and_all_else_refused() {
        let program = program(HERE, Calls::default(), &[5, 6]);
        let says = |call, arguments: &[u64]| verdict(&program, HERE, call, arguments);
        let empty_path = libc::AT_EMPTY_PATH as u64;
        for (call, arguments) in [
            (libc::SYS_recvmsg, &[3][..]),
            (libc::SYS_write, &[1]),
            (libc::SYS_writev, &[7]),
            (libc::SYS_read, &[5]),
            (libc::SYS_exit_group, &[]),
            (libc::SYS_ioctl, &[4, libc::SIOCGIFNAME]),
            (libc::SYS_socket, &[libc::AF_UNIX as u64]),
            (libc::SYS_newfstatat, &[4, 0, 0, empty_path]),
            (libc::SYS_mmap, &[0, 4096, 3]),
            (libc::SYS_clone, &[libc::CLONE_THREAD as u64 | libc::CLONE_VM as u64]),
            (libc::SYS_tgkill, &[u64::from(std::process::id()), 1, 6]),
        ] {
            assert_eq!(says(call, arguments), ALLOWED, "{call} {arguments:?}");
        }
        for (call, arguments) in [
            (libc::SYS_execve, &[][..]),
            (libc::SYS_write, &[5]),
            (libc::SYS_pwrite64, &[6]),
            (libc::SYS_fcntl, &[5, libc::F_DUPFD_CLOEXEC as u64]),
            (libc::SYS_dup, &[5]),
            (libc::SYS_openat, &[0, 0, libc::O_RDONLY as u64]),
            (libc::SYS_newfstatat, &[4, 0, 0, 0]),
            (libc::SYS_ioctl, &[0, libc::TIOCSTI]),
            (libc::SYS_socket, &[libc::AF_INET as u64]),
            (libc::SYS_socket, &[libc::AF_PACKET as u64]),
            (libc::SYS_mmap, &[0, 4096, 7]),
            (libc::SYS_mprotect, &[0, 4096, 4]),
            (libc::SYS_clone, &[libc::SIGCHLD as u64]),
            (libc::SYS_kill, &[1, 9]),
            (libc::SYS_sendto, &[3]),
            (libc::SYS_io_uring_setup, &[1]),
            (libc::SYS_ptrace, &[]),
            (libc::SYS_bpf, &[]),
            (libc::SYS_setsockopt, &[]),
            (999, &[]),
        ] {
            assert_eq!(says(call, arguments), EPERM, "{call} {arguments:?}");
        }
        assert_eq!(says(libc::SYS_clone3, &[]), libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32);
    }

    #[test]
    fn the_tables_of_others_kill() {
        let program = program(HERE, Calls::default(), &[5, 6]);
        assert_eq!(verdict(&program, HERE + 1, libc::SYS_read, &[]), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(verdict(&program, HERE, libc::SYS_read | X32 as c_long, &[]), libc::SECCOMP_RET_KILL_PROCESS);
    }

    #[test]
    fn what_is_asked_for_besides_is_allowed_and_no_more() {
        let says = |calls, call, arguments: &[u64]| verdict(&program(HERE, calls, &[]), HERE, call, arguments);
        let reading = Calls { reading: true, ..Calls::default() };
        let creating = Calls { creating: true, ..Calls::default() };
        let create = libc::O_WRONLY as u64 | libc::O_CREAT as u64;
        let open = |calls, flags| says(calls, libc::SYS_openat, &[0, 0, flags]);
        assert_eq!((open(reading, libc::O_CLOEXEC as u64), open(reading, create)), (ALLOWED, EPERM));
        assert_eq!((open(creating, create), says(creating, libc::SYS_execve, &[])), (ALLOWED, EPERM));
        let netlink = Calls { netlink: true, ..Calls::default() };
        let socket = |family: i32| says(netlink, libc::SYS_socket, &[family as u64]);
        assert_eq!((socket(libc::AF_NETLINK), socket(libc::AF_INET)), (ALLOWED, EPERM));
        let bpf = |command: u64| says(netlink, libc::SYS_bpf, &[command]);
        assert_eq!((bpf(1), bpf(2), bpf(5)), (ALLOWED, EPERM, EPERM), "a map is read, nothing is made or changed");
        let children = Calls { children: true, ..Calls::default() };
        assert_eq!(says(children, libc::SYS_wait4, &[]), ALLOWED);
    }
}
