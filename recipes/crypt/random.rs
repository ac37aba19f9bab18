//! Random bytes: from the kernel's rng type (AF_ALG), getrandom(2), /dev/urandom, OpenSSL. A way a file, a line each in
//! [`RACE`], which `syskit crypt random --via` reads as well.

mod chacha20;
mod getrandom;
mod openssl_rand;
mod rng;
pub mod task;
mod urandom;

use crate::error::Result;
use crate::race::{Axis, TaskRace};
use task::RandomTask;

/// A way to random bytes, with what it needs once (an open file, a seeded generator).
pub trait Random {
    /// Fills `out` whole: short reads and EINTR are the way's own business.
    fn fill(&mut self, out: &mut [u8]) -> Result<()>;
}

impl<F: FnMut(&mut [u8]) -> Result<()>> Random for F {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        self(out)
    }
}

/// Readies a way.
pub type Start = fn() -> Result<Box<dyn Random>>;

/// `syskit bench random`.
pub static RACE: TaskRace<RandomTask> = TaskRace {
    name: "random",
    title: "fill a buffer with random bytes",
    axis: Axis::Bytes,
    sizes: &[16, 64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10],
    contenders: &[&getrandom::GETRANDOM, &urandom::URANDOM, &rng::RNG, &openssl_rand::OPENSSL_RAND],
    limits: &[&chacha20::CHACHA20],
};
