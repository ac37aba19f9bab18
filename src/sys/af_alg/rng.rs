//! Random numbers of the kernel's crypto API (type "rng", Linux 4.0).

use nix::errno::Errno;

use super::{Operation, Transform};
use crate::sys::eintr::retry;

/// A generator.
#[derive(Debug)]
pub struct Rng {
    // Read from, and then closed before the transform.
    operation: Operation,
}

/// A read gives no more than so many bytes (MAXSIZE in crypto/algif_rng.c).
pub const AT_ONCE: usize = 128;

impl Rng {
    /// Of `algorithm` ("stdrng", "jitterentropy_rng"), seeded with `seed` where there is one.
    ///
    /// A DRBG (stdrng) must be seeded, be it with nothing: it adds entropy of its own, so that the same seed does not give
    /// the same numbers. Others take a key and a counter (ansi_cprng: 32 bytes, the same seed gives the same numbers), or
    /// none at all. Errors: [`Transform::open`], [`Transform::set_key`].
    pub fn open(algorithm: &str, seed: Option<&[u8]>) -> nix::Result<Self> {
        let transform = Transform::open("rng", algorithm)?;
        if let Some(seed) = seed {
            transform.set_key(seed)?;
        }
        Rng::of(&transform)
    }

    /// With a transform that has its seed, or its entropy and seed.
    pub fn of(transform: &Transform) -> nix::Result<Self> {
        Ok(Rng { operation: transform.accept()? })
    }

    /// Additional input for the next read, at most 128 bytes: only of a transform that was given its entropy
    /// ([`Transform::set_entropy`]); EOPNOTSUPP elsewhere.
    pub fn add_input(&self, data: &[u8]) -> nix::Result<()> {
        match retry(|| self.operation.send_data(data, false, true))? {
            taken if taken == data.len() => Ok(()),
            _ => Err(Errno::EMSGSIZE),
        }
    }

    /// Fills `out`, in reads of 128 bytes. EINVAL: not seeded.
    pub fn fill(&self, out: &mut [u8]) -> nix::Result<()> {
        for part in out.chunks_mut(AT_ONCE) {
            let mut done = 0;
            while done < part.len() {
                match retry(|| self.operation.read(&mut part[done..]))? {
                    0 => return Err(Errno::EIO),
                    got => done += got,
                }
            }
        }
        Ok(())
    }
}
