//! Every contender of every registered race, briefly, at its smallest size: what is new in the registry is here too.

#![allow(clippy::print_stderr)] // a bench says here what it leaves out

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use syskit::need;
use syskit::race::clock::Monotonic;
use syskit::race::sampling::sample;
use syskit::race::{self, Race, Workload};

fn races(c: &mut Criterion) {
    race::all().for_each(|race| contenders(race, c));
}

fn contenders(race: &'static dyn Race, c: &mut Criterion) {
    let command = race.flags(clap::Command::new(race.name()));
    let course = race.configure(&command.get_matches_from([race.name()])).expect("a race runs without flags");
    let Some(size) = race.sizes().first().copied() else { return };
    let workload = Workload { size };
    let most = course.most_operations(&workload).max(1);
    let clock = Monotonic::new();
    let mut group = c.benchmark_group(race.name());
    group.sample_size(10).warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400));
    for (i, entrant) in race.entrants().into_iter().enumerate() {
        let mut track = course.prepare(&workload).expect("a workload can be prepared");
        let missing = need::first_missing(entrant.needs).map(|f| f.to_string());
        let ready = missing.map_or_else(|| track.enter(i).map_err(|e| e.to_string()), Err);
        if let Err(finding) = ready {
            eprintln!("SKIPPED {} {}: {finding}", race.name(), entrant.name);
            continue;
        }
        // Right first, then fast.
        sample(&mut *track, &clock, i, 1).expect("the contender's result is right");
        group.bench_function(BenchmarkId::new(entrant.name, race::axis_value(race.axis(), size)), |b| {
            b.iter_custom(|operations| {
                let (mut left, mut ns) = (operations, 0);
                while left > 0 {
                    let batch = left.min(most);
                    ns += sample(&mut *track, &clock, i, batch).expect("the contender's result is right").ns;
                    left -= batch;
                }
                Duration::from_nanos(ns)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, races);
criterion_main!(benches);
