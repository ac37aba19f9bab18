//! Live figures: packets are sent while the contender receives, at top speed and at lower rates.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::time::TimeValLike;
use nix::time::{ClockId, clock_gettime};

use super::super::traffic::{Pace, Sender, Sent};
use super::burst::Taker;
use crate::error::{Error, Result};

/// How long packets are sent at each rate.
const TRIAL: Duration = Duration::from_millis(100);
/// When nothing comes for so long, the rest is lost: longer than any ring keeps a block.
const QUIET: Duration = Duration::from_millis(100);
/// Rates between top speed and the slowest that is tried: so many halvings of the range.
const STEPS: u32 = 5;
/// The slowest rate that is tried is top speed divided by this.
const RANGE: f64 = 64.0;

/// What stands for the number of packets while they are being sent.
const UNDER_WAY: u64 = u64::MAX;

/// What came of a trial.
struct Trial {
    sent: Sent,
    received: u64,
    /// CPU time of this process but for the sender, in nanoseconds.
    cpu_ns: i64,
}

impl Trial {
    fn lost(&self) -> f64 {
        1.0 - self.received as f64 / self.sent.frames.max(1) as f64
    }
}

/// The figures of a contender, name and value.
pub(super) fn facts(taker: &mut Taker, sender: &mut Sender) -> Vec<(String, String)> {
    measured(taker, sender).unwrap_or_else(|e| vec![("live".to_owned(), e.to_string())])
}

fn measured(taker: &mut Taker, sender: &mut Sender) -> Result<Vec<(String, String)>> {
    let top = trial(taker, sender, Pace::Top)?;
    let speed = top.sent.rate();
    let clean = match top.lost() {
        0.0 => format!("all of {}", rate(speed)),
        _ => match highest_clean(taker, sender, speed)? {
            Some(highest) => rate(highest),
            None => format!("not at {}", rate(speed / RANGE)),
        },
    };
    let cpu = top.cpu_ns as f64 / top.received.max(1) as f64;
    Ok([
        ("without loss", clean),
        ("lost at top speed", format!("{:.1} % of {}", top.lost() * 100.0, rate(speed))),
        ("CPU", format!("{cpu:.0} ns a packet")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec())
}

/// The highest rate without loss, by halving the range on a scale of ratios.
fn highest_clean(taker: &mut Taker, sender: &mut Sender, top: f64) -> Result<Option<f64>> {
    let (mut low, mut high, mut clean) = (top / RANGE, top, None);
    for _ in 0..STEPS {
        let middle = (low * high).sqrt();
        // A stall of the machine loses packets too: what goes well once can be done.
        let mut attempt = || trial(taker, sender, Pace::Rate(middle)).map(|trial| trial.lost() == 0.0);
        if attempt()? || attempt()? {
            (low, clean) = (middle, Some(middle));
        } else {
            high = middle;
        }
    }
    Ok(clean)
}

/// Sends for a while at `pace` and receives what comes.
fn trial(taker: &mut Taker, sender: &mut Sender, pace: Pace) -> Result<Trial> {
    let before = cpu_ns(ClockId::CLOCK_PROCESS_CPUTIME_ID);
    let sent = AtomicU64::new(UNDER_WAY);
    thread::scope(|scope| {
        let send = || {
            let result = sender.send_for(TRIAL, pace);
            sent.store(result.as_ref().map_or(0, |sent| sent.frames), Ordering::Release);
            (result, cpu_ns(ClockId::CLOCK_THREAD_CPUTIME_ID))
        };
        let thread = thread::Builder::new().name("sender".to_owned()).spawn_scoped(scope, send);
        let thread = thread.map_err(|e| Error::failed(format!("cannot start a sender: {e}")))?;
        let received = receive(taker, &sent)?;
        let (sent, sender_ns) = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let cpu_ns = cpu_ns(ClockId::CLOCK_PROCESS_CPUTIME_ID) - before - sender_ns;
        Ok(Trial { sent: sent?, received, cpu_ns })
    })
}

/// Counts packets until all are there, or the sender is done and nothing comes any more.
fn receive(taker: &mut Taker, sent: &AtomicU64) -> Result<u64> {
    let mut count = 0;
    loop {
        let total = sent.load(Ordering::Acquire);
        if count >= total {
            return Ok(count);
        }
        match taker.count(QUIET)? {
            0 if total != UNDER_WAY => return Ok(count),
            more => count += more,
        }
    }
}

fn cpu_ns(clock: ClockId) -> i64 {
    clock_gettime(clock).map_or(0, |time| time.num_nanoseconds())
}

fn rate(per_second: f64) -> String {
    format!("{:.2} M/s", per_second / 1e6)
}

/// Memory of this process that is resident, in bytes (statm of proc(5)).
pub(super) fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = text.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    pages * procfs::page_size()
}
