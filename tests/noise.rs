//! The noise watch on a machine that is really disturbed.

mod common;

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use syskit::race::noise::{Trust, Watch};

struct Load(Child);

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This thread on the last CPU that it may use, and another process that wants the same CPU all the time.
fn crowded() -> Load {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    let last = (0..CpuSet::count()).rev().find(|c| allowed.is_set(*c).unwrap()).unwrap();
    let mut one = CpuSet::new();
    one.set(last).unwrap();
    sched_setaffinity(Pid::from_raw(0), &one).unwrap();
    Load(Command::new("sh").args(["-c", "ulimit -t 10; while :; do :; done"]).spawn().unwrap())
}

fn work(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::black_box((0..1000u64).fold(0, |a, b| a ^ b.wrapping_mul(31)));
    }
}

#[test]
fn rounds_that_share_their_cpu_with_another_process_are_disturbed() {
    if !std::path::Path::new("/proc/thread-self/schedstat").exists() {
        return common::skip("this kernel has no /proc/thread-self/schedstat (CONFIG_SCHED_INFO)");
    }
    let load = crowded();
    // The other process must be at work first: then it has the CPU for half of every round.
    work(Duration::from_millis(200));
    let mut watch = Watch::start();
    let disturbed = (0..10).filter(|_| {
        watch.round_begins();
        work(Duration::from_millis(40));
        watch.round_ends()
    });
    let disturbed = disturbed.count() as u64;
    let noise = watch.finish();
    drop(load);
    assert!(disturbed >= 5, "{disturbed} of 10 rounds, {:?}", noise.record.during);
    assert_eq!(noise.record.during.disturbed, disturbed);
    assert!(noise.record.during.waited.unwrap() > 0.1, "{:?}", noise.record.during);
    assert_eq!(noise.trust, Trust::Poor);
    assert!(noise.lines()[1].contains("rounds were disturbed: others had the CPU"), "{:?}", noise.lines());
}
