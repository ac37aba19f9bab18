//! EINTR: a call that a signal handler interrupted before it did anything, see
//! [signal(7)](https://man7.org/linux/man-pages/man7/signal.7.html).

use nix::errno::Errno;

/// Makes `call` again for as long as it gives EINTR.
///
/// For calls that end by themselves (files, pipes with data); what can wait for ever must look at
/// [`crate::interrupt::asked`] between tries instead.
pub fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => continue,
            done => return done,
        }
    }
}
