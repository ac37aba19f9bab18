//! Noise: what else the machine did before, during and after a race, and how far the race can be trusted.
//!
//! A round is disturbed when its measuring thread stood ready and others had the CPU for more than 2 % of the round
//! (and more than 50 us; waits for the process's own threads and children, and 20 us for each wake-up, are taken off),
//! when the hypervisor gave more than 1 % of the CPU away, or when the control group's quota was used up. The share
//! of disturbed rounds, and what the machine as a whole did, make the grade ([`Trust`]); each reason says what to do.

mod gauge;
mod grade;
mod record;
mod round;
mod snapshot;
mod stat;
mod view;
mod watch;

pub use record::{During, Noise, Range, Reason, Record, Setting, Snapshot, Trust};
pub use stat::Pressure;
pub use watch::Watch;

impl Noise {
    /// The grade and its reasons, a line each.
    pub fn lines(&self) -> Vec<String> {
        view::lines(self)
    }
}
