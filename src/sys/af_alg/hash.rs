//! Digests and message authentication codes (type "hash").

use nix::errno::Errno;

use super::{Operation, Transform};
use crate::sys::eintr::retry;

/// A digest, or with a key a MAC, of one message after the other.
///
/// The kernel digests what it is sent before the send returns, whatever its length: nothing waits in the socket.
#[derive(Debug)]
pub struct Hash {
    transform: Transform,
    operation: Operation,
}

/// The kernel moves at most 2 GiB less a page at a time, rw_verify_area(9).
const AT_ONCE: usize = 1 << 30;

impl Hash {
    /// Of `algorithm` ("sha256", "hmac(sha256)"), keyed where there is a key. Errors: [`Transform::open`] and
    /// [`Transform::set_key`]; ENOSYS: it takes no key.
    pub fn open(algorithm: &str, key: Option<&[u8]>) -> nix::Result<Self> {
        let transform = Transform::open("hash", algorithm)?;
        if let Some(key) = key {
            transform.set_key(key)?;
        }
        Hash::of(transform)
    }

    /// With a transform that has its key.
    pub fn of(transform: Transform) -> nix::Result<Self> {
        Ok(Hash { operation: transform.accept()?, transform })
    }

    /// Goes on with the message (MSG_MORE). ENOKEY: a MAC without a key.
    pub fn update(&mut self, data: &[u8]) -> nix::Result<()> {
        let mut rest = data;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(AT_ONCE)];
            match retry(|| self.operation.send_data(part, true, true))? {
                0 => return Err(Errno::EIO),
                taken => rest = &rest[taken..],
            }
        }
        Ok(())
    }

    /// Ends the message, and begins another. `out` is as long as the digest: a shorter one gets its first bytes. EIO: it
    /// is longer.
    pub fn finish(&mut self, out: &mut [u8]) -> nix::Result<()> {
        // Reading ends a message; before any was sent it gives the digest of an empty one.
        match retry(|| self.operation.read(out))? {
            n if n == out.len() => Ok(()),
            _ => Err(Errno::EIO),
        }
    }

    /// The digest of `data`, in two system calls (while no message is under way).
    #[inline]
    pub fn once(&mut self, data: &[u8], out: &mut [u8]) -> nix::Result<()> {
        if data.is_empty() || data.len() > AT_ONCE {
            self.update(data)?;
            return self.finish(out);
        }
        let taken = retry(|| self.operation.send_data(data, false, true))?;
        if taken != data.len() {
            self.reset()?;
            return Err(Errno::EIO);
        }
        self.finish(out)
    }

    /// The digest of the message so far, which goes on as if nobody had asked.
    pub fn partial(&self, out: &mut [u8]) -> nix::Result<()> {
        let operation = self.operation.fork()?;
        match retry(|| operation.read(out))? {
            n if n == out.len() => Ok(()),
            _ => Err(Errno::EIO),
        }
    }

    /// Forgets the message so far.
    pub fn reset(&mut self) -> nix::Result<()> {
        self.operation = self.transform.accept()?;
        Ok(())
    }

    /// The socket, for the other ways in ([`super::input`]): then [`Hash::finish`].
    pub fn operation(&self) -> &Operation {
        &self.operation
    }
}
