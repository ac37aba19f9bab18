//! The capability sets of the calling thread: [capget(2)](https://man7.org/linux/man-pages/man2/capget.2.html),
//! [capabilities(7)](https://man7.org/linux/man-pages/man7/capabilities.7.html).
//!
//! Sets are masks, a bit a capability, as in /proc/PID/status. They are a thread's own: other threads of the process
//! keep theirs.
#![allow(unsafe_code)]

use nix::errno::Errno;

/// _LINUX_CAPABILITY_VERSION_3: sets of 64 bits, in two halves.
const VERSION: u32 = 0x2008_0522;

#[repr(C)]
struct Header {
    version: u32,
    /// 0: the calling thread.
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// The permitted set.
///
/// # Errors
/// The errno of capget(2).
pub fn permitted() -> nix::Result<u64> {
    let mut header = Header { version: VERSION, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: version 3 has two halves, and both pointers are to live values that the kernel may write.
    let done = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    Errno::result(done).map(|_| u64::from(halves[0].permitted) | u64::from(halves[1].permitted) << 32)
}

/// Makes `mask` the permitted and the effective set, and empties the inheritable one.
///
/// # Errors
/// EPERM where `mask` holds what is not permitted now.
pub fn set(mask: u64) -> nix::Result<()> {
    let header = Header { version: VERSION, pid: 0 };
    let half = |mask: u32| Half { effective: mask, permitted: mask, inheritable: 0 };
    let halves = [half(mask as u32), half((mask >> 32) as u32)];
    // SAFETY: version 3 has two halves; the kernel only reads both.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, halves.as_ptr()) };
    Errno::result(done).map(drop)
}

/// Empties the ambient set. A kernel without one (before Linux 4.3) has none to empty.
pub fn clear_ambient() {
    // SAFETY: this operation takes no pointers.
    unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
}

/// Empties the bounding set: nothing that is executed from now on gains a capability of its file.
///
/// # Errors
/// EPERM without CAP_SETPCAP.
pub fn clear_bounding() -> nix::Result<()> {
    for capability in 0..64 {
        // SAFETY: this operation takes no pointers.
        match Errno::result(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) }) {
            Ok(_) => {}
            // Beyond the last that this kernel knows.
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_permitted_is_as_the_status_file_has_it_and_can_be_given_up() {
        // Sets are a thread's own: the test's other threads keep theirs.
        let of_status = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = status.lines().find_map(|l| l.strip_prefix("CapPrm:")).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        std::thread::spawn(move || {
            let before = permitted().unwrap();
            assert_eq!(before, of_status());
            set(before & 1 << 13).unwrap();
            assert_eq!((permitted().unwrap(), of_status()), (before & 1 << 13, before & 1 << 13));
            set(0).unwrap();
            assert_eq!(of_status(), 0);
            assert_eq!(set(1), Err(Errno::EPERM));
        })
        .join()
        .unwrap();
    }
}
