//! The clock that races are timed with; tests put a fake one in its place.

use nix::time::{ClockId, clock_gettime};

/// Something that tells time in nanoseconds from an arbitrary start and never runs backwards.
pub trait Clock {
    /// Nanoseconds since the start.
    fn now_ns(&self) -> u64;
    /// The smallest step that two readings can tell apart, in nanoseconds.
    fn resolution_ns(&self) -> u64;
}

/// `CLOCK_MONOTONIC`, see clock_gettime(2): no jumps when the time of day is set.
pub struct Monotonic {
    resolution_ns: u64,
}

impl Monotonic {
    /// Finds the resolution by reading: what clock_getres(2) tells is the unit of counting, not what a reading costs.
    pub fn new() -> Self {
        let steps = (0..64).map(|_| {
            let start = read();
            loop {
                match read() - start {
                    0 => continue,
                    step => return step,
                }
            }
        });
        Monotonic { resolution_ns: steps.min().unwrap_or(1) }
    }
}

impl Default for Monotonic {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for Monotonic {
    fn now_ns(&self) -> u64 {
        read()
    }
    fn resolution_ns(&self) -> u64 {
        self.resolution_ns
    }
}

fn read() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("every Linux has CLOCK_MONOTONIC");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_clock_advances_and_knows_its_resolution() {
        let clock = Monotonic::new();
        assert!(clock.resolution_ns() >= 1);
        let start = clock.now_ns();
        while clock.now_ns() == start {}
        assert!(clock.now_ns() > start);
    }
}
