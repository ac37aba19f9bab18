//! The one place where contenders are timed.

use super::clock::Clock;
use super::{Track, Work};
use crate::error::Result;

/// A sample whose time is this many clock steps is far above what the clock can tell.
const STEPS: u64 = 1000;
/// What takes this long at once needs no second look at how many operations fill a sample.
const PLENTY_NS: u64 = 20_000_000;

/// One timed and verified batch.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// What the operations took, without reset and verification.
    pub ns: u64,
    /// What they did, by their own account, which held.
    pub work: Work,
}

/// Times `operations` runs of an entrant and verifies them; only the runs are inside the clock.
pub fn sample(track: &mut dyn Track, clock: &dyn Clock, entrant: usize, operations: u64) -> Result<Sample> {
    track.reset(operations)?;
    track.ready(entrant, operations)?;
    let start = clock.now_ns();
    let work = track.run(entrant, operations)?;
    let ns = clock.now_ns() - start;
    track.verify(entrant, operations, work)?;
    Ok(Sample { ns, work })
}

/// How many operations fill a sample of `wanted_ns`, when one alone took `first_ns`: a power of two, so that contenders
/// of about the same speed work in batches of the same size, or `most`, what the fixture holds.
pub fn calibrate(
    track: &mut dyn Track,
    clock: &dyn Clock,
    entrant: usize,
    first_ns: u64,
    wanted_ns: u64,
    most: u64,
) -> Result<u64> {
    let wanted_ns = wanted_ns.max(STEPS * clock.resolution_ns());
    let (mut operations, mut ns) = (1, first_ns);
    loop {
        if ns >= wanted_ns && ns < PLENTY_NS {
            // A stall looks like a slow operation: what comes twice is none.
            ns = ns.min(sample(track, clock, entrant, operations)?.ns);
        }
        if ns >= wanted_ns || operations >= most {
            return Ok(operations);
        }
        let factor = (wanted_ns / ns.max(1)).clamp(2, 16);
        operations = (operations * (1 << factor.ilog2())).min(most);
        ns = sample(track, clock, entrant, operations)?.ns;
    }
}
