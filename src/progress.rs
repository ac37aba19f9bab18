//! The progress line of work on many bytes that takes a while.

use std::fmt::Write;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Shorter work shows none.
const PATIENCE: Duration = Duration::from_millis(500);

/// A progress line on stderr, where one is wanted.
pub struct Bar(Option<Line>);

struct Line {
    /// Knows the work from its start, so that rate and time left are right when it appears.
    bar: ProgressBar,
    /// When it appears; None once it did.
    due: Option<Instant>,
}

impl Bar {
    /// One that appears in a while if `wanted`, for `size` bytes where that is known.
    pub fn new(wanted: bool, size: Option<u64>) -> Self {
        Bar(wanted.then(|| Line { bar: hidden(size), due: Some(Instant::now() + PATIENCE) }))
    }

    /// Says how many bytes are done.
    pub fn at(&mut self, position: u64) {
        let Some(line) = &mut self.0 else { return };
        line.bar.set_position(position);
        if line.due.take_if(|due| Instant::now() >= *due).is_some() {
            line.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// Takes the line away while `work` writes on the same terminal.
    pub fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(line) => line.bar.suspend(work),
            None => work(),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(line) = &self.0 {
            line.bar.finish_and_clear();
        }
    }
}

fn hidden(size: Option<u64>) -> ProgressBar {
    let form = match size {
        Some(_) => "{bar:30} {binary_bytes} of {binary_total_bytes}, {rate}, {left} left",
        None => "{binary_bytes}, {rate}",
    };
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(form) {
        // indicatif's own estimate starts low and takes seconds to get near.
        bar.set_style(style.with_key("rate", put_rate).with_key("left", put_left));
    }
    bar
}

/// Bytes per second, of the work so far.
fn rate(position: u64, elapsed: Duration) -> f64 {
    position as f64 / elapsed.as_secs_f64().max(1e-3)
}

/// How long the rest takes at that rate; None before anything was done.
fn left(size: u64, position: u64, elapsed: Duration) -> Option<Duration> {
    let seconds = size.saturating_sub(position) as f64 / rate(position, elapsed);
    Duration::try_from_secs_f64(seconds.round()).ok()
}

fn put_rate(state: &ProgressState, to: &mut dyn Write) {
    let _ = write!(to, "{}/s", BinaryBytes(rate(state.pos(), state.elapsed()) as u64));
}

fn put_left(state: &ProgressState, to: &mut dyn Write) {
    let _ = match left(state.len().unwrap_or(0), state.pos(), state.elapsed()) {
        Some(left) => write!(to, "{:#}", HumanDuration(left)),
        None => to.write_str("?"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_of_the_work_so_far() {
        let half = Duration::from_millis(500);
        assert_eq!(rate(100 << 20, half), f64::from(200 << 20));
        assert_eq!(left(1100 << 20, 100 << 20, half), Some(Duration::from_secs(5)));
        assert_eq!(left(10, 10, half), Some(Duration::ZERO));
        assert_eq!((left(10, 0, half), left(0, 0, Duration::ZERO)), (None, None));
    }
}
