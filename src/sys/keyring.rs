//! Keys that the kernel keeps, see [add_key(2)](https://man7.org/linux/man-pages/man2/add_key.2.html) and
//! [keyrings(7)](https://man7.org/linux/man-pages/man7/keyrings.7.html).
#![allow(unsafe_code)]

use std::ffi::CStr;

use nix::errno::Errno;

/// A key in this process's own keyring; it is invalidated when it is dropped, and goes with the process at the latest.
#[derive(Debug)]
pub struct Key(i32);

/// `KEY_SPEC_PROCESS_KEYRING`.
const PROCESS_KEYRING: libc::c_long = -2;
/// `KEYCTL_INVALIDATE`.
const INVALIDATE: libc::c_long = 21;

impl Key {
    /// Gives `payload` to the kernel, as a key of type "user" or "logon" (which no program can read back; its description
    /// begins with a prefix and a colon: "syskit:NAME").
    ///
    /// EDQUOT: the quota is used up (/proc/sys/kernel/keys/maxkeys, maxbytes; for root root_maxkeys, root_maxbytes).
    /// ENOSYS: a kernel without key management; EPERM: a container's seccomp filter forbids it. EINVAL: an empty payload,
    /// one above 32767 bytes, or no such description.
    pub fn add(kind: &CStr, description: &CStr, payload: &[u8]) -> nix::Result<Self> {
        // SAFETY: two strings that end in zero and `payload` with its length, all only read.
        let serial = unsafe {
            libc::syscall(
                libc::SYS_add_key,
                kind.as_ptr(),
                description.as_ptr(),
                payload.as_ptr(),
                payload.len(),
                PROCESS_KEYRING,
            )
        };
        Errno::result(serial).map(|serial| Key(serial as i32))
    }

    /// Its serial number, for ALG_SET_KEY_BY_KEY_SERIAL.
    pub fn serial(&self) -> i32 {
        self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: no pointers. A failure leaves the key to the end of the process.
        unsafe { libc::syscall(libc::SYS_keyctl, INVALIDATE, libc::c_long::from(self.0)) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_serials_of_their_own_or_the_kernel_says_why_not() {
        let key = |name| Key::add(c"user", name, b"payload");
        match (key(c"syskit:test-1"), key(c"syskit:test-2")) {
            (Ok(one), Ok(two)) => assert_ne!(one.serial(), two.serial()),
            (Err(errno), _) | (_, Err(errno)) => {
                assert!(matches!(errno, Errno::ENOSYS | Errno::EPERM | Errno::EDQUOT | Errno::EACCES), "{errno}");
            }
        }
        assert!(Key::add(c"user", c"syskit:test-3", &[]).is_err());
    }
}
