//! Jobs on several threads, with their results in the order of the jobs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::error::Result;

/// Does every job of `jobs` by `work` and hands each result to `sink`, in order, as soon as those before it are there.
///
/// This thread works too, with `own`; up to `helpers` others with what `make` gives them (one that gets none leaves the
/// work to the rest). No thread waits for another before all jobs are taken, so that small jobs cost no wake-ups. When
/// `sink` fails the jobs under way are finished and the others left.
pub fn in_order<J: Sync, W, R: Send>(
    jobs: &[J],
    helpers: usize,
    own: &mut W,
    make: impl Fn() -> Result<W> + Sync,
    work: impl Fn(&mut W, &J) -> R + Sync,
    mut sink: impl FnMut(&J, R) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<R>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    let came = Condvar::new();
    let lock = || done.lock().unwrap_or_else(PoisonError::into_inner);
    let step = |worker: &mut W| {
        let at = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(at) else { return false };
        let result = work(worker, job);
        lock()[at] = Some(result);
        came.notify_one();
        true
    };
    std::thread::scope(|scope| {
        for _ in 0..helpers.min(jobs.len().saturating_sub(1)) {
            scope.spawn(|| {
                if let Ok(mut worker) = make() {
                    while step(&mut worker) {}
                }
            });
        }
        let mut given = 0;
        let mut give = |wait: bool| -> Result<bool> {
            while given < jobs.len() {
                let mut slots = lock();
                while wait && slots[given].is_none() {
                    slots = came.wait(slots).unwrap_or_else(PoisonError::into_inner);
                }
                let Some(result) = slots[given].take() else { return Ok(false) };
                drop(slots);
                sink(&jobs[given], result)?;
                given += 1;
            }
            Ok(true)
        };
        let done = (|| {
            while step(own) {
                give(false)?;
            }
            give(true).map(drop)
        })();
        // Where it failed the helpers are to take no more.
        next.fetch_max(jobs.len(), Ordering::Relaxed);
        done
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn results_come_in_order_whoever_is_slow() {
        for helpers in [0, 1, 5] {
            let jobs: Vec<u64> = (0..200).collect();
            let mut seen = Vec::new();
            let work = |_: &mut (), job: &u64| {
                std::thread::sleep(std::time::Duration::from_micros((job * 7919) % 50));
                job * 2
            };
            in_order(
                &jobs,
                helpers,
                &mut (),
                || Ok(()),
                work,
                |job, r| {
                    seen.push((*job, r));
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, jobs.iter().map(|j| (*j, j * 2)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_sink_that_fails_ends_it_and_helpers_that_cannot_start_are_done_without() {
        let jobs: Vec<u64> = (0..1000).collect();
        let taken = AtomicUsize::new(0);
        let work = |_: &mut (), _: &u64| taken.fetch_add(1, Ordering::Relaxed);
        let none = || Err(Error::failed("no helper"));
        let ended = in_order(&jobs, 3, &mut (), none, work, |job, _| match job {
            5 => Err(Error::failed("full")),
            _ => Ok(()),
        });
        assert!(ended.is_err() && taken.load(Ordering::Relaxed) == 6);
        in_order(&[] as &[u64], 3, &mut (), none, work, |_, _| panic!("no job, no result")).unwrap();
    }
}
