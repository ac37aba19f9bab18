//! Whether a round was disturbed; pure.

/// What one round's gauges showed. Times in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Round {
    /// How long it took.
    pub wall: u64,
    /// How long the measuring thread was runnable and not running, and how many times it was put on a CPU.
    pub waited: Option<(u64, u64)>,
    /// CPU time of this process's other threads, and of its children that were waited for.
    pub own_others: u64,
    /// Involuntary context switches of this process.
    pub involuntary: u64,
    /// Share of the allowed processors' time stolen by the hypervisor, where that was read in this round.
    pub stolen: Option<f64>,
    /// Whether the control group's quota was used up.
    pub throttled: bool,
}

/// Being put on a CPU after a sleep takes about this long without anybody's fault.
const WAKE_UP: u64 = 20_000;
/// Shorter waits than this are the kernel's own work (timers, kworkers) on any machine.
const HOUSEKEEPING: u64 = 50_000;
/// Waits below this share of a round do not count.
const SMALL: f64 = 0.02;
/// Nor does stolen time below this share: its clock ticks 100 times a second.
const SMALL_STEAL: f64 = 0.01;
/// Where waits cannot be read: more involuntary switches than these, and these per second, are too many.
const SWITCHES: (f64, f64) = (2.0, 50.0);

impl Round {
    /// How long the measuring thread waited for a CPU that other processes had: what it waited, less what its own
    /// siblings and children may have had the CPU for, less what waking up takes.
    pub fn foreign_wait(&self) -> Option<u64> {
        let (waited, times) = self.waited?;
        Some(waited.saturating_sub(self.own_others).saturating_sub(times.saturating_mul(WAKE_UP)))
    }

    /// Whether something else took the CPU.
    pub fn disturbed(&self) -> bool {
        let preempted = match self.foreign_wait() {
            Some(wait) => wait > HOUSEKEEPING && wait as f64 > SMALL * self.wall as f64,
            None => self.involuntary as f64 > SWITCHES.0 + SWITCHES.1 * self.wall as f64 / 1e9,
        };
        preempted || self.throttled || self.stolen.is_some_and(|s| s > SMALL_STEAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn round() -> Round {
        Round { wall: 20 * MS, waited: Some((30_000, 2)), ..Round::default() }
    }

    #[test]
    fn a_quiet_round_is_quiet() {
        assert!(!round().disturbed());
        assert!(!Round::default().disturbed(), "nothing known, nothing said");
    }

    #[test]
    fn a_wait_for_others_disturbs() {
        assert!(Round { waited: Some((3 * MS, 2)), ..round() }.disturbed());
        assert!(!Round { waited: Some((3 * MS, 2)), wall: 1000 * MS, ..round() }.disturbed(), "3 ms of a second");
    }

    #[test]
    fn a_wait_for_our_own_threads_does_not() {
        assert!(!Round { waited: Some((9 * MS, 5)), own_others: 10 * MS, ..round() }.disturbed());
        assert!(Round { waited: Some((9 * MS, 5)), own_others: MS, ..round() }.disturbed());
    }

    #[test]
    fn waking_up_many_times_does_not() {
        assert!(!Round { waited: Some((2 * MS, 400)), ..round() }.disturbed(), "5 us each, 400 times");
    }

    #[test]
    fn steal_and_throttling_disturb() {
        assert!(Round { stolen: Some(0.25), ..round() }.disturbed());
        assert!(!Round { stolen: Some(0.0), ..round() }.disturbed());
        assert!(Round { throttled: true, ..round() }.disturbed());
    }

    #[test]
    fn without_waits_involuntary_switches_tell() {
        let blind = Round { waited: None, ..round() };
        assert!(!Round { involuntary: 3, ..blind }.disturbed());
        assert!(Round { involuntary: 4, ..blind }.disturbed());
        assert!(!Round { involuntary: 40, wall: 1000 * MS, ..blind }.disturbed());
    }
}
