//! Random bytes from the kernel's generator, see
//! [getrandom(2)](https://man7.org/linux/man-pages/man2/getrandom.2.html) (Linux 3.17).
#![allow(unsafe_code)]

use nix::errno::Errno;

/// Random bytes into `out`, as many as are returned: all of up to 256, and of more what came before a signal.
///
/// Waits until the generator is seeded, once after boot. EINTR is returned.
pub fn getrandom(out: &mut [u8]) -> nix::Result<usize> {
    // SAFETY: the kernel writes at most `len` bytes into `out`, which is as long.
    let got = unsafe { libc::getrandom(out.as_mut_ptr().cast(), out.len(), 0) };
    Errno::result(got).map(|n| n as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_calls_differ() {
        let (mut a, mut b) = ([0; 32], [0; 32]);
        assert_eq!((getrandom(&mut a), getrandom(&mut b)), (Ok(32), Ok(32)));
        assert_ne!(a, b);
    }
}
