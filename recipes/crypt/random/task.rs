//! The race of random bytes, and what can be said of their rightness: that they are all there, that no two outputs are
//! alike, and that their ones and zeros are as many as chance would have it.

use clap::ArgMatches;

use super::{Random, Start};
use crate::error::{Error, Result};
use crate::race::{Task, Work, Workload};
use crate::recipes::copy::method::page_aligned;
use crate::sys::mmap::Pages;

/// The job: fill a buffer.
pub struct RandomTask;

/// Two buffers, filled in turn, so that what came last can be held against what came before.
pub struct Buffers {
    pages: Pages,
    len: usize,
    turn: usize,
}

impl Task for RandomTask {
    type Contender = Start;
    type Fixture = Buffers;
    type Session = Box<dyn Random>;

    fn configure(_: &ArgMatches) -> Result<Self> {
        Ok(RandomTask)
    }

    fn prepare(&self, workload: &Workload) -> Result<Buffers> {
        let too_large = || Error::usage(format!("{} bytes at once are more than memory holds", workload.size));
        let len = usize::try_from(workload.size).map_err(|_| too_large())?;
        let both = len.checked_next_multiple_of(4096).and_then(|n| n.checked_mul(2)).ok_or_else(too_large)?;
        Ok(Buffers { pages: page_aligned(both.max(1))?, len, turn: 0 })
    }

    fn enter(contender: &'static Start, buffers: &mut Buffers) -> Result<Self::Session> {
        let mut random = contender()?;
        // The first bytes of a generator cost its seeding.
        random.fill(buffers.next())?;
        Ok(random)
    }

    fn reset(buffers: &mut Buffers, _: u64) -> Result<()> {
        buffers.pages.fill(0);
        Ok(())
    }

    fn run(_: &'static Start, random: &mut Self::Session, buffers: &mut Buffers) -> Result<Work> {
        let out = buffers.next();
        random.fill(out)?;
        Ok(Work { bytes: out.len() as u64 })
    }

    fn verify(random: &mut Self::Session, buffers: &mut Buffers, operations: u64, done: Work) -> Result<()> {
        let expected = buffers.len as u64 * operations;
        if done.bytes != expected {
            return Err(Error::wrong(format!("{expected} bytes were to be filled, {} were claimed", done.bytes)));
        }
        if operations == 1 {
            random.fill(buffers.next())?;
        }
        let (one, other) = buffers.both();
        credible(one).and_then(|()| credible(other)).and_then(|()| match one == other && one.len() >= 8 {
            true => Err(Error::wrong(format!("two outputs of {} bytes are the same", one.len()))),
            false => Ok(()),
        })
    }
}

impl Buffers {
    fn half(&self) -> usize {
        self.pages.len() / 2
    }

    fn next(&mut self) -> &mut [u8] {
        self.turn ^= 1;
        let start = self.turn * self.half();
        &mut self.pages[start..start + self.len]
    }

    fn both(&self) -> (&[u8], &[u8]) {
        let (one, other) = self.pages.split_at(self.half());
        (&one[..self.len], &other[..self.len])
    }
}

/// Whether random bytes can look like that: the number of ones within eight standard deviations of one half (a random
/// output fails that once in 10^15), and no part of 16 bytes left untouched (all zero: once in 10^38).
pub fn credible(bytes: &[u8]) -> Result<()> {
    let bits = 8.0 * bytes.len() as f64;
    let ones = bytes.iter().map(|b| f64::from(b.count_ones())).sum::<f64>();
    if (ones - bits / 2.0).abs() > 8.0 * bits.sqrt() / 2.0 {
        return Err(Error::wrong(format!("{ones} of {bits} bits are ones: that is not random")));
    }
    match bytes.chunks_exact(16).position(|part| part == [0; 16]) {
        Some(at) => Err(Error::wrong(format!("the 16 bytes from {} on are zero: they were not filled", 16 * at))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_random_is_seen() {
        let mut bytes = vec![0; 64 << 10];
        fastrand::Rng::with_seed(1).fill(&mut bytes);
        credible(&bytes).unwrap();
        credible(&[]).unwrap();
        credible(&[0]).unwrap();
        bytes[4096..4112].fill(0);
        assert!(credible(&bytes).is_err());
        for constant in [0, 0xff, 0x5b] {
            assert!(credible(&[constant; 4096]).is_err(), "{constant}");
        }
        assert!(credible(&[0; 16]).is_err());
    }
}
