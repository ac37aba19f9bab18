//! Watching: the gauges around each round, and the sums over all.

use std::collections::BTreeSet;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

use super::gauge::{Gauge, Pace};
use super::record::{During, Range, Record, Setting, Snapshot};
use super::round::Round;
use super::snapshot;
use super::stat::{Stat, stat};
use super::{Noise, grade};
use crate::host::cgroup;
use crate::host::root::Root;

/// Watches the machine during a race.
///
/// Made and used on the thread that measures, after that was pinned. Nothing here can fail: what the machine does not
/// show is absent in the record. A call around a round costs a few microseconds, outside the clock; what is dear is
/// read seldom: at most a two-hundredth of the time goes into that.
pub struct Watch {
    setting: Setting,
    before: Snapshot,
    begun: Instant,
    allowed: BTreeSet<usize>,
    siblings: BTreeSet<usize>,
    first: Stat,
    last: (Instant, Stat),
    own_before: Own,
    gauges: Gauges,
    at_begin: Option<Reading>,
    throttled_before: Option<(u64, u64)>,
    throttled_last: u64,
    sums: Sums,
}

struct Gauges {
    waits: Option<Gauge>,
    stat: Option<Gauge>,
    stat_pace: Pace,
    throttle: Option<Gauge>,
    frequencies: Vec<Gauge>,
    frequency_pace: Pace,
}

/// What is read where a round begins and ends.
struct Reading {
    at: Instant,
    waits: Option<Waits>,
    own: Own,
    cpu: Option<usize>,
}

/// /proc/thread-self/schedstat: nanoseconds on a CPU, nanoseconds runnable and not on one, times put on one.
#[derive(Clone, Copy)]
struct Waits {
    ran: u64,
    waited: u64,
    times: u64,
}

/// What this process and its children used so far.
#[derive(Clone, Copy, Default)]
struct Own {
    cpu_ns: u64,
    involuntary: u64,
}

#[derive(Default)]
struct Sums {
    rounds: u64,
    disturbed: u64,
    moved: u64,
    wall: u64,
    foreign_wait: Option<u64>,
    involuntary: u64,
    most_running: Option<u32>,
    khz: Option<Range>,
}

impl Watch {
    /// Takes the record "before" and watches from now on.
    pub fn start() -> Watch {
        let root = Root::at("/");
        let signature = crate::sys::cpuid::hypervisor_signature();
        let allowed = snapshot::allowed(&root);
        let open = |path: &str| Gauge::open(format!("/{path}"));
        let mut gauges = Gauges {
            waits: open("proc/thread-self/schedstat"),
            stat: open("proc/stat"),
            stat_pace: Pace::default(),
            throttle: cgroup::throttle_file(&root).and_then(|f| open(&f)),
            frequencies: snapshot::frequency_files(&allowed).iter().filter_map(|f| open(f)).collect(),
            frequency_pace: Pace::default(),
        };
        let first = gauges.stat();
        let throttled_before = gauges.throttled();
        Watch {
            setting: snapshot::setting(&root, signature.as_deref(), &allowed),
            before: snapshot::take(&root, &allowed),
            begun: Instant::now(),
            siblings: snapshot::siblings(&root, &allowed),
            allowed,
            last: (Instant::now(), first.clone()),
            first,
            own_before: Own::now(),
            gauges,
            at_begin: None,
            throttled_before,
            throttled_last: throttled_before.map_or(0, |t| t.0),
            sums: Sums::default(),
        }
    }

    /// A round begins.
    pub fn round_begins(&mut self) {
        self.at_begin = Some(self.gauges.read());
    }

    /// A round ended; true: something else took the CPU in it. False too where no round began.
    pub fn round_ends(&mut self) -> bool {
        let Some(begin) = self.at_begin.take() else { return false };
        let end = self.gauges.read();
        let mut round = between(&begin, &end);
        round.stolen = self.stolen_since_last(end.at);
        if let Some((throttled, _)) = self.gauges.throttled() {
            round.throttled = throttled > std::mem::replace(&mut self.throttled_last, throttled);
        }
        let khz = self.gauges.khz();
        self.sums.khz = self.sums.khz.into_iter().chain(khz).reduce(Range::with);
        self.sums.add(&round, begin.cpu.zip(end.cpu).is_some_and(|(a, b)| a != b))
    }

    /// The share stolen since /proc/stat was last read, if it is time to read it again.
    fn stolen_since_last(&mut self, now: Instant) -> Option<f64> {
        let gauges = &mut self.gauges;
        let Gauges { stat_pace, stat: gauge, .. } = gauges;
        let current = stat_pace.run(|| gauge.as_mut().and_then(|g| g.text().map(stat)))??;
        self.sums.most_running = self.sums.most_running.max(current.running);
        let (then, before) = std::mem::replace(&mut self.last, (now, current));
        stolen(&before, &self.last.1, &self.allowed, (now - then).as_secs_f64())
    }

    /// Takes the record "after" and grades.
    pub fn finish(mut self) -> Noise {
        let (seconds, own) = (self.begun.elapsed().as_secs_f64(), Own::now());
        let last = self.gauges.stat();
        let after = snapshot::take(&Root::at("/"), &self.allowed);
        let throttled = self.throttled_before.zip(self.gauges.throttled());
        let own_seconds = own.cpu_ns.saturating_sub(self.own_before.cpu_ns) as f64 / 1e9;
        let stalled = |of: fn(&Snapshot) -> Option<super::stat::Pressure>| {
            let (before, after) = (of(&self.before)?.some_total_us, of(&after)?.some_total_us);
            Some(share(after.saturating_sub(before) as f64 / 1e6, seconds))
        };
        let during = During {
            seconds,
            rounds: self.sums.rounds,
            disturbed: self.sums.disturbed,
            moved: self.sums.moved,
            waited: self.sums.foreign_wait.map(|w| share(w as f64, self.sums.wall as f64)),
            involuntary_switches: self.sums.involuntary,
            stolen: stolen(&self.first, &last, &self.allowed, seconds),
            others: others(&self.first, &last, own_seconds, seconds),
            siblings: busy(&self.first, &last, &self.siblings, seconds),
            cpu_pressure: stalled(|s| s.cpu_pressure),
            io_pressure: stalled(|s| s.io_pressure),
            memory_pressure: stalled(|s| s.memory_pressure),
            most_running: self.sums.most_running,
            khz: [self.sums.khz, self.before.khz, after.khz].into_iter().flatten().reduce(Range::with),
            throttled: throttled.map(|(a, b)| (b.0.saturating_sub(a.0), b.1.saturating_sub(a.1))),
        };
        grade::grade(Record { setting: self.setting, before: self.before, during, after })
    }
}

impl Gauges {
    fn read(&mut self) -> Reading {
        let waits = self.waits.as_mut().and_then(|g| g.text().and_then(Waits::parse));
        Reading { at: Instant::now(), waits, own: Own::now(), cpu: nix::sched::sched_getcpu().ok() }
    }

    fn stat(&mut self) -> Stat {
        self.stat.as_mut().and_then(|g| g.text().map(stat)).unwrap_or_default()
    }

    fn throttled(&mut self) -> Option<(u64, u64)> {
        self.throttle.as_mut().and_then(|g| g.text().and_then(cgroup::throttled))
    }

    fn khz(&mut self) -> Option<Range> {
        let Gauges { frequencies, frequency_pace, .. } = self;
        if frequencies.is_empty() {
            return None;
        }
        let read = |g: &mut Gauge| g.text().and_then(|t| t.trim().parse().ok());
        frequency_pace.run(|| Range::of(frequencies.iter_mut().filter_map(read)))?
    }
}

impl Waits {
    fn parse(text: &str) -> Option<Waits> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Waits { ran: next()?, waited: next()?, times: next()? })
    }
}

impl Own {
    fn now() -> Own {
        let usage = |who| {
            // getrusage fails for no argument that is used here.
            let Ok(usage) = getrusage(who) else { return Own::default() };
            let cpu_ns = usage.user_time().num_nanoseconds() + usage.system_time().num_nanoseconds();
            Own { cpu_ns: cpu_ns as u64, involuntary: usage.involuntary_context_switches() as u64 }
        };
        let (own, children) = (usage(UsageWho::RUSAGE_SELF), usage(UsageWho::RUSAGE_CHILDREN));
        Own { cpu_ns: own.cpu_ns + children.cpu_ns, involuntary: own.involuntary }
    }
}

fn between(begin: &Reading, end: &Reading) -> Round {
    let waits = begin.waits.zip(end.waits);
    let ran = waits.map_or(0, |(a, b)| b.ran.saturating_sub(a.ran));
    Round {
        wall: (end.at - begin.at).as_nanos() as u64,
        waited: waits.map(|(a, b)| (b.waited.saturating_sub(a.waited), b.times.saturating_sub(a.times))),
        own_others: end.own.cpu_ns.saturating_sub(begin.own.cpu_ns).saturating_sub(ran),
        involuntary: end.own.involuntary.saturating_sub(begin.own.involuntary),
        stolen: None,
        throttled: false,
    }
}

impl Sums {
    fn add(&mut self, round: &Round, moved: bool) -> bool {
        let disturbed = round.disturbed();
        self.rounds += 1;
        self.disturbed += u64::from(disturbed);
        self.moved += u64::from(moved);
        self.wall += round.wall;
        self.involuntary += round.involuntary;
        if let Some(wait) = round.foreign_wait() {
            *self.foreign_wait.get_or_insert(0) += wait;
        }
        disturbed
    }
}

fn share(part: f64, whole: f64) -> f64 {
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
    of: impl Fn(&super::stat::CpuTimes) -> u64,
) -> Option<f64> {
    let growth = |c| Some(of(after.cpus.get(&c)?).saturating_sub(of(before.cpus.get(&c)?)));
    let all: Vec<u64> = cpus.into_iter().filter_map(growth).collect();
    let whole = all.len() as f64 * seconds * ticks_per_second();
    (!all.is_empty()).then(|| share(all.iter().sum::<u64>() as f64, whole))
}

fn stolen(before: &Stat, after: &Stat, cpus: &BTreeSet<usize>, seconds: f64) -> Option<f64> {
    grown(before, after, cpus.iter().copied(), seconds, |t| t.stolen)
}

fn busy(before: &Stat, after: &Stat, cpus: &BTreeSet<usize>, seconds: f64) -> Option<f64> {
    grown(before, after, cpus.iter().copied(), seconds, |t| t.busy)
}

/// What was busy on all processors, less our own share.
fn others(before: &Stat, after: &Stat, own_seconds: f64, seconds: f64) -> Option<f64> {
    let all = grown(before, after, after.cpus.keys().copied(), seconds, |t| t.busy)?;
    Some((all - share(own_seconds, seconds * after.cpus.len() as f64)).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_two_processors_over_a_second() {
        let hz = ticks_per_second() as u64;
        let at = |busy: u64, stolen: u64| super::super::stat::CpuTimes { busy, stolen };
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

    #[test]
    fn waits_are_read() {
        let waits = Waits::parse("796096 76703 1\n").unwrap();
        assert_eq!((waits.ran, waits.waited, waits.times), (796_096, 76_703, 1));
        for none in ["", "1 2", "a b c", "-1 2 3"] {
            assert!(Waits::parse(none).is_none(), "{none}");
        }
    }

    #[test]
    fn this_machine_can_be_watched() {
        let mut watch = Watch::start();
        assert!(!watch.round_ends(), "no round began");
        for _ in 0..5 {
            watch.round_begins();
            std::hint::black_box((0..10_000u64).fold(0, |a, b| a ^ b.wrapping_mul(31)));
            watch.round_ends();
        }
        let noise = watch.finish();
        let during = &noise.record.during;
        assert_eq!(during.rounds, 5);
        assert!(during.seconds > 0.0 && noise.record.setting.cpus > 0);
        assert!(!noise.lines().is_empty());
    }
}
