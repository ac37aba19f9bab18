//! A self-test as text.

use super::Report;
use super::race_text::{noise, percent, units_of};
use crate::error::Result;
use crate::race::axis_value;
use crate::race::self_test::{SelfTest, SelfTestSize};
use crate::ui::Ui;

/// Prints what a contender's races against itself showed.
pub fn show(test: &SelfTest, report: &Report, ui: &mut Ui) -> Result<()> {
    ui.line("")?;
    ui.line(format_args!("self-test: {} against itself", test.contender))?;
    for size in &test.sizes {
        ui.line(format_args!("  {:>8}  {}", axis_value(report.axis, size.size), line(size)))?;
    }
    let (alarms, races) = test.sizes.iter().fold((0, 0), |(a, r), s| (a + s.false_alarms, r + s.races));
    if races > 0 {
        ui.line(format_args!(
            "false alarms: {alarms} of {} ({}; a method that keeps its word gives 5 % or less in the long run)",
            units_of(races, "race"),
            percent(alarms as f64 / races as f64),
        ))?;
    }
    for line in noise(report) {
        ui.line(line)?;
    }
    if report.interrupted {
        ui.line("INTERRUPTED: this is what was known by then")?;
    }
    Ok(())
}

fn line(size: &SelfTestSize) -> String {
    match (size.smallest_visible_difference, &size.trouble) {
        (Some(visible), _) => format!(
            "smallest visible difference {} in races of {}; false alarms {} of {}",
            percent(visible),
            units_of(size.rounds_per_race, "round"),
            size.false_alarms,
            size.races
        ),
        (None, trouble) => format!("not measured: {}", trouble.as_deref().unwrap_or("too few rounds")),
    }
}
