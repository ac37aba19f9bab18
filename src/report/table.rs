//! A report as text: a table for each size, verdicts in words, what follows from them below.

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::Report;
use super::race_text::{Notes, head, percent, rate, tail, title};
use super::self_test_text;
use crate::error::Result;
use crate::race::comparison::VERDICT_ROUNDS;
use crate::race::result::{LaneResult, Measured, Outcome, SizeResult};
use crate::ui::Ui;
use crate::units;

const FAINT: Style = Style::new().dimmed();
const TITLE: Style = Style::new().bold();
const BEST: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// How a row stands out.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Leader,
    Other,
    Limit,
    Bad,
}

/// Prints the report for people.
pub fn show(report: &Report, ui: &mut Ui) -> Result<()> {
    for (i, line) in head(report).into_iter().enumerate() {
        let style = if i == 0 { TITLE } else { FAINT };
        let line = ui.paint(style, line);
        ui.line(line)?;
    }
    if let Some(test) = &report.self_test {
        return self_test_text::show(test, report, ui);
    }
    let mut notes = Notes::default();
    for result in &report.sizes {
        ui.line("")?;
        let line = ui.paint(TITLE, title(result, report));
        ui.line(line)?;
        table(result, report, &mut notes, ui)?;
    }
    ui.line("")?;
    let legend = legend(report);
    let lines = [notes.lines(report), vec![legend], vec![String::new()], tail(report)].concat();
    lines.into_iter().try_for_each(|line| ui.line(line))
}

fn table(result: &SizeResult, report: &Report, notes: &mut Notes, ui: &mut Ui) -> Result<()> {
    let against = result.baseline.as_deref().unwrap_or("baseline");
    let mut header = vec!["".to_owned(), "contender".to_owned()];
    header.extend(["p50", "p90", "p99", "rate"].map(str::to_owned));
    header.push(format!("against {against}"));
    header.extend(match report.method.limits.as_slice() {
        [_] => vec!["of limit".to_owned()],
        limits => limits.iter().map(|limit| format!("of {limit}")).collect(),
    });
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    notes.remark(result);
    let mut kinds = Vec::new();
    for lane in ordered(result) {
        let (kind, cells) = row(lane, result, report, notes);
        kinds.push(kind);
        table.add_row(cells);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if i == 0 { 1 } else { 2 }));
        if (2..=5).contains(&i) || i >= 7 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        let style = match i.checked_sub(1).and_then(|i| kinds.get(i)) {
            None | Some(Kind::Limit) => FAINT,
            Some(Kind::Leader) => BEST,
            Some(Kind::Bad) => BAD,
            Some(Kind::Other) => Style::new(),
        };
        let line = ui.paint(style, line.trim_end());
        ui.line(line)?;
    }
    Ok(())
}

/// The fastest first, then what has no number, the limit last.
fn ordered(result: &SizeResult) -> Vec<&LaneResult> {
    let place = |lane: &LaneResult| match lane.outcome.measured() {
        _ if lane.limit => (2, 0.0),
        Some(m) => (0, -m.versus_baseline.as_ref().map_or(1.0, |c| c.ratio)),
        None => (1, 0.0),
    };
    let mut lanes: Vec<&LaneResult> = result.lanes.iter().collect();
    lanes.sort_by(|a, b| place(a).partial_cmp(&place(b)).unwrap_or(std::cmp::Ordering::Equal));
    lanes
}

fn row(lane: &LaneResult, result: &SizeResult, report: &Report, notes: &mut Notes) -> (Kind, Vec<String>) {
    let Outcome::Measured(measured) = &lane.outcome else {
        let bad = matches!(lane.outcome, Outcome::Wrong { .. } | Outcome::Failed { .. });
        let mut cells = vec![String::new(), lane.contender.clone()];
        cells.extend(["-"; 4].map(str::to_owned));
        cells.push(notes.mark(&lane.contender, &lane.outcome));
        return (if bad { Kind::Bad } else { Kind::Other }, cells);
    };
    let (mark, kind) = mark(lane, result);
    let time = measured.ns_per_operation;
    let mut cells = vec![mark.to_owned(), lane.contender.clone()];
    cells.extend([time.p50, time.p90, time.p99].map(units::nanoseconds));
    cells.push(rate(report.axis, measured));
    cells.push(match &measured.versus_baseline {
        _ if lane.limit => limit_of(lane),
        None => "the baseline".to_owned(),
        Some(comparison) => comparison.to_string(),
    });
    cells.extend(report.method.limits.iter().map(|limit| reached(measured, limit)));
    (kind, cells)
}

/// "*" for the winner, "=" for each of several that cannot be told apart; nothing where there was no contest.
fn mark(lane: &LaneResult, result: &SizeResult) -> (&'static str, Kind) {
    let leads = result.rounds >= VERDICT_ROUNDS && result.leaders.contains(&lane.contender);
    match (lane.limit, leads, result.winner()) {
        (true, ..) => ("|", Kind::Limit),
        (_, true, Some(_)) => ("*", Kind::Leader),
        (_, true, None) if result.contenders().count() > 1 => ("=", Kind::Leader),
        _ => ("", Kind::Other),
    }
}

/// "the limit", or whose.
fn limit_of(lane: &LaneResult) -> String {
    lane.group.as_ref().map_or_else(|| "the limit".to_owned(), |group| format!("the limit of {group}"))
}

/// How much of a limit a contender reaches; nothing where that does not bound it.
fn reached(measured: &Measured, limit: &str) -> String {
    let bound = measured.versus_limits.iter().find(|c| c.against == limit);
    bound.map_or_else(String::new, |c| percent(c.ratio))
}

fn legend(report: &Report) -> String {
    let limit = report.method.limit.as_ref().map_or("", |_| ", | limit");
    format!("* fastest, = tied{limit}. Times are per operation, ratios paired within rounds, intervals 95 %.")
}
