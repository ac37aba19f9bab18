//! Shares of processor time between two readings of /proc/stat; pure.

use std::collections::BTreeSet;

use super::stat::{CpuTimes, Stat};

/// A part of a whole, between 0 and 1; 0 of nothing.
pub fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn ticks_per_second() -> f64 {
    procfs::ticks_per_second().max(1) as f64
}

/// The sum over some processors of how much a time of theirs grew, as a share of all their time.
fn grown(
    before: &Stat,
    after: &Stat,
    cpus: impl IntoIterator<Item = usize>,
    seconds: f64,
    of: impl Fn(&CpuTimes) -> u64,
) -> Option<f64> {
    let growth = |c| Some(of(after.cpus.get(&c)?).saturating_sub(of(before.cpus.get(&c)?)));
    let all: Vec<u64> = cpus.into_iter().filter_map(growth).collect();
    let whole = all.len() as f64 * seconds * ticks_per_second();
    (!all.is_empty()).then(|| share(all.iter().sum::<u64>() as f64, whole))
}

/// What the hypervisor gave to others of the time of some processors.
pub fn stolen(before: &Stat, after: &Stat, cpus: &BTreeSet<usize>, seconds: f64) -> Option<f64> {
    grown(before, after, cpus.iter().copied(), seconds, |t| t.stolen)
}

/// What some processors were busy of their time.
pub fn busy(before: &Stat, after: &Stat, cpus: &BTreeSet<usize>, seconds: f64) -> Option<f64> {
    grown(before, after, cpus.iter().copied(), seconds, |t| t.busy)
}

/// What was busy on all processors, less our own share.
pub fn others(before: &Stat, after: &Stat, own_seconds: f64, seconds: f64) -> Option<f64> {
    let all = grown(before, after, after.cpus.keys().copied(), seconds, |t| t.busy)?;
    Some((all - share(own_seconds, seconds * after.cpus.len() as f64)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_two_processors_over_a_second() {
        let hz = ticks_per_second() as u64;
        let at = |busy: u64, stolen: u64| CpuTimes { busy, stolen };
        let before = Stat { cpus: [(0, at(100, 5)), (1, at(100, 5))].into(), ..Stat::default() };
        let after =
            Stat { cpus: [(0, at(100 + hz, 5)), (1, at(100 + hz / 2, 5 + hz / 4))].into(), ..Stat::default() };
        let (zero, one) = (BTreeSet::from([0]), BTreeSet::from([1]));
        assert_eq!(stolen(&before, &after, &zero, 1.0), Some(0.0));
        assert_eq!(stolen(&before, &after, &one, 1.0), Some(0.25));
        assert_eq!(busy(&before, &after, &one, 1.0), Some(0.5));
        assert_eq!(busy(&before, &after, &BTreeSet::new(), 1.0), None);
        assert_eq!(busy(&before, &after, &BTreeSet::from([7]), 1.0), None, "offline");
        assert_eq!(others(&before, &after, 1.0, 1.0), Some(0.25), "1.5 of 2 busy, 1 of it ours");
        assert_eq!(stolen(&before, &after, &one, 0.0), Some(0.0));
    }
}
