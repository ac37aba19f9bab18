//! Descriptors that are known by number only, see [fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html).
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::{FromRawFd, RawFd};

use nix::errno::Errno;

/// A new descriptor for what `number` refers to, sharing its offset and flags: EBADF where that is not open.
pub fn duplicate(number: RawFd) -> nix::Result<File> {
    // SAFETY: F_DUPFD_CLOEXEC takes no pointer and checks the number itself.
    let new = Errno::result(unsafe { libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3) })?;
    // SAFETY: the descriptor was just made and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(new) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn a_duplicate_is_another_number_and_a_closed_one_is_refused() {
        let file = tempfile::tempfile().unwrap();
        assert_ne!(duplicate(file.as_raw_fd()).unwrap().as_raw_fd(), file.as_raw_fd());
        assert_eq!(duplicate(-1).unwrap_err(), Errno::EBADF);
    }
}
