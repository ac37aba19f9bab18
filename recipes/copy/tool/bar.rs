//! The progress line of a copy that takes a while.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shorter copies show none.
const PATIENCE: Duration = Duration::from_millis(500);

/// A progress line on stderr.
pub struct Bar {
    size: Option<u64>,
    /// When it appears; never where None.
    due: Option<Instant>,
    shown: Option<ProgressBar>,
}

impl Bar {
    /// One that appears in a while if `wanted`, for a copy of `size` bytes where that is known.
    pub fn new(wanted: bool, size: Option<u64>) -> Self {
        Bar { size, due: wanted.then(|| Instant::now() + PATIENCE), shown: None }
    }

    /// Says how many bytes are copied.
    pub fn at(&mut self, position: u64) {
        if self.shown.is_none() && self.due.is_some_and(|due| Instant::now() >= due) {
            self.shown = Some(line(self.size));
        }
        if let Some(bar) = &self.shown {
            bar.set_position(position);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn line(size: Option<u64>) -> ProgressBar {
    let (bar, form) = match size {
        Some(size) => (
            ProgressBar::new(size),
            "{bar:30} {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left",
        ),
        None => (ProgressBar::no_length(), "{binary_bytes}, {binary_bytes_per_sec}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}
