//! The pass without tracing: what getrusage(2) and the performance counters say around the runs.

use std::time::{Duration, Instant};

use nix::sys::resource::{Usage as Counted, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_getres};

use super::message::Measured;
use super::pmu::Counters;
use super::record::Usage;
use crate::error::{Context, Result};
use crate::race::Track;

/// Enough clock ticks for a split of user and system time good to some percent.
const ENOUGH_TICKS: f64 = 25.0;
/// No pass is repeated beyond this.
const LONGEST: Duration = Duration::from_millis(200);

/// Runs `operations` operations again and again until there are enough ticks, or time is up.
pub fn measure(track: &mut dyn Track, entrant: usize, operations: u64) -> Result<Measured> {
    let mut counters = Counters::open();
    let (tick_ns, begun) = (tick_ns(), Instant::now());
    let mut total = Totals::default();
    loop {
        track.reset(operations)?;
        track.ready(entrant, operations)?;
        let before = Totals::now()?;
        counters.enable();
        let done = track.run(entrant, operations);
        counters.disable();
        total.add_difference(&before, &Totals::now()?, operations);
        track.verify(entrant, operations, done?)?;
        if total.ticks(tick_ns) >= ENOUGH_TICKS || begun.elapsed() >= LONGEST {
            break;
        }
    }
    let (pmu, migrations, no_pmu) = counters.finish(total.operations);
    let usage = Usage { cpu_migrations: migrations, ..total.per_operation(tick_ns) };
    Ok(Measured { usage, pmu, no_pmu })
}

/// The kernel's tick (1/HZ), in nanoseconds: the resolution of the coarse clock.
fn tick_ns() -> f64 {
    let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE).map_or(0, |t| t.num_nanoseconds());
    if tick > 0 { tick as f64 } else { 4e6 }
}

/// Counts of getrusage(2), of this process and of its children that were waited for.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    operations: u64,
    user_ns: i64,
    system_ns: i64,
    voluntary: i64,
    involuntary: i64,
    minor: i64,
    major: i64,
}

impl Totals {
    fn now() -> Result<Totals> {
        let mut sum = Totals::default();
        for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
            sum.add(&getrusage(who).sys("getrusage", || "cannot read the usage of this process".to_owned())?);
        }
        Ok(sum)
    }

    fn add(&mut self, counted: &Counted) {
        self.user_ns += counted.user_time().num_nanoseconds();
        self.system_ns += counted.system_time().num_nanoseconds();
        self.voluntary += counted.voluntary_context_switches();
        self.involuntary += counted.involuntary_context_switches();
        self.minor += counted.minor_page_faults();
        self.major += counted.major_page_faults();
    }

    fn add_difference(&mut self, before: &Totals, after: &Totals, operations: u64) {
        self.operations += operations;
        self.user_ns += after.user_ns - before.user_ns;
        self.system_ns += after.system_ns - before.system_ns;
        self.voluntary += after.voluntary - before.voluntary;
        self.involuntary += after.involuntary - before.involuntary;
        self.minor += after.minor - before.minor;
        self.major += after.major - before.major;
    }

    fn ticks(&self, tick_ns: f64) -> f64 {
        (self.user_ns + self.system_ns) as f64 / tick_ns
    }

    fn per_operation(&self, tick_ns: f64) -> Usage {
        let each = |n: i64| n as f64 / self.operations.max(1) as f64;
        Usage {
            operations: self.operations,
            user_ns: each(self.user_ns),
            system_ns: each(self.system_ns),
            ticks: self.ticks(tick_ns),
            voluntary_switches: each(self.voluntary),
            involuntary_switches: each(self.involuntary),
            minor_faults: each(self.minor),
            major_faults: each(self.major),
            cpu_migrations: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_summed_over_passes_and_divided_by_operations() {
        let before = Totals { user_ns: 1_000, system_ns: 500, minor: 7, ..Totals::default() };
        let after = Totals { user_ns: 5_000, system_ns: 8_500, minor: 9, voluntary: 4, ..Totals::default() };
        let mut total = Totals::default();
        total.add_difference(&before, &after, 10);
        total.add_difference(&before, &after, 10);
        let usage = total.per_operation(1_000.0);
        assert_eq!((usage.operations, usage.user_ns, usage.system_ns), (20, 400.0, 800.0));
        assert_eq!((usage.minor_faults, usage.voluntary_switches, usage.ticks), (0.2, 0.4, 24.0));
    }

    #[test]
    fn a_tick_lies_between_a_ten_thousandth_and_a_fiftieth_of_a_second() {
        assert!((1e5..=2e7).contains(&tick_ns()), "{}", tick_ns());
    }
}
