//! `syskit bench --list`.

use anstyle::{AnsiColor, Style};

use crate::error::Result;
use crate::race::{Race, axis_value, listing};
use crate::ui::Ui;

/// Shows `races` and who can run in them.
pub(super) fn show(races: impl Iterator<Item = &'static dyn Race>, json: bool, ui: &mut Ui) -> Result<()> {
    let races = listing::take(races);
    if json {
        return ui.json(&races);
    }
    for race in &races.races {
        let name = ui.paint(Style::new().bold(), race.name);
        let sizes: Vec<String> = race.sizes.iter().map(|s| axis_value(race.axis, *s)).collect();
        ui.line(format_args!("{name}  {}", race.title))?;
        ui.line(format_args!("  at {}; against {}", sizes.join(", "), race.baseline))?;
        let width = race.contenders.iter().map(|c| c.name.len()).max().unwrap_or(0);
        for c in &race.contenders {
            let state = match &c.finding {
                None if c.limit => ui.paint(Style::new().dimmed(), "limit  "),
                None => ui.paint(AnsiColor::Green.on_default(), "ready  "),
                Some(_) => ui.paint(AnsiColor::Yellow.on_default(), "missing"),
            };
            ui.line(format_args!("  {:width$}  {state}  {}", c.name, c.title))?;
            if let Some(finding) = &c.finding {
                ui.line(format_args!("  {:width$}           {finding}", ""))?;
            }
        }
    }
    Ok(())
}
