//! The statistics of the race engine: they run between rounds, so they must not take long.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use syskit::race::comparison::Comparison;
use syskit::race::{modes, statistics};

/// As many as the most rounds of a race.
const ROUNDS: usize = 200;

fn times(seed: u64) -> Vec<f64> {
    let mut rng = fastrand::Rng::with_seed(seed);
    (0..ROUNDS).map(|_| 1000.0 + 100.0 * rng.f64()).collect()
}

fn statistics(c: &mut Criterion) {
    let (one, other) = (times(1), times(2));
    let heats: Vec<usize> = (0..ROUNDS).step_by(10).collect();
    let sorted = statistics::sorted(&one);
    c.bench_function("bootstrap_median", |b| b.iter(|| statistics::bootstrap_median(black_box(&sorted), 1.0, 0.95)));
    c.bench_function("sign_test", |b| b.iter(|| statistics::sign_test(black_box(&one), 1.0)));
    c.bench_function("two_modes", |b| b.iter(|| modes::two_modes(black_box(&one))));
    c.bench_function("comparison", |b| {
        b.iter(|| Comparison::new("other", black_box(&one), black_box(&other), &heats))
    });
    c.bench_function("sorted", |b| b.iter_batched(|| one.clone(), |v| statistics::sorted(&v), BatchSize::SmallInput));
}

criterion_group!(benches, statistics);
criterion_main!(benches);
