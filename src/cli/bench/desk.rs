//! Where a race is looked on from: noise watch, progress line, Ctrl-C.

use indicatif::{ProgressBar, ProgressStyle};

use crate::interrupt;
use crate::race::engine::{Observer, Progress};
use crate::race::noise::{Noise, Watch};
use crate::race::{Axis, Race, axis_value};
use crate::units;

pub(super) struct Desk {
    bar: Option<ProgressBar>,
    watch: Watch,
    name: &'static str,
    axis: Axis,
}

impl Desk {
    pub(super) fn open(race: &dyn Race, progress: bool) -> Self {
        Desk { bar: progress.then(line), watch: Watch::start(), name: race.name(), axis: race.axis() }
    }

    /// Takes the progress line away and gives what the watch saw.
    pub(super) fn close(self) -> Noise {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.watch.finish()
    }
}

/// An empty progress line on stderr.
pub(super) fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}

impl Observer for Desk {
    fn progress(&mut self, p: &Progress) {
        let Some(bar) = &self.bar else { return };
        let within = p.precision.map(|w| format!(", intervals within +-{:.1} %", 100.0 * w)).unwrap_or_default();
        bar.set_message(format!(
            "{} {}: round {}{within}; {} of {}",
            self.name,
            axis_value(self.axis, p.size),
            p.rounds + 1,
            units::nanoseconds(p.elapsed_ns as f64),
            units::nanoseconds(p.budget_ns as f64),
        ));
        bar.tick();
    }
    fn round_begins(&mut self) {
        self.watch.round_begins();
    }
    fn round_ends(&mut self) -> bool {
        self.watch.round_ends()
    }
    fn stop_asked(&self) -> bool {
        interrupt::asked()
    }
}
