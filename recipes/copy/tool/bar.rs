//! The progress line of a copy that takes a while.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter copies show none.
const PATIENCE: Duration = Duration::from_millis(500);

/// A progress line on stderr, where one is wanted.
pub struct Bar(Option<Line>);

struct Line {
    /// Knows the copy from its start, so that rate and time left are right when it appears.
    bar: ProgressBar,
    /// When it appears; None once it did.
    due: Option<Instant>,
}

impl Bar {
    /// One that appears in a while if `wanted`, for a copy of `size` bytes where that is known.
    pub fn new(wanted: bool, size: Option<u64>) -> Self {
        Bar(wanted.then(|| Line { bar: hidden(size), due: Some(Instant::now() + PATIENCE) }))
    }

    /// Says how many bytes are copied.
    pub fn at(&mut self, position: u64) {
        let Some(line) = &mut self.0 else { return };
        line.bar.set_position(position);
        if line.due.take_if(|due| Instant::now() >= *due).is_some() {
            line.bar.set_draw_target(ProgressDrawTarget::stderr());
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
        Some(_) => "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
        None => "{binary_bytes}, {binary_bytes_per_sec}",
    };
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}
