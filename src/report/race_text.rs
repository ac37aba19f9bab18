//! What stands around the tables: the head of a report, and the lines below its tables.

use std::collections::BTreeMap;

use super::{Report, WhyRecord};
use crate::race::comparison::{VERDICT_ROUNDS, Verdict};
use crate::race::result::{Measured, ModesKind, Outcome, SizeResult, Stop};
use crate::race::{Axis, axis_value};
use crate::units;

/// Race, settings, machine.
pub fn head(report: &Report) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", report.race, report.title)];
    let mut facts: Vec<String> = report.settings.iter().map(|s| format!("{} {}", s.name, s.value)).collect();
    facts.extend(report.method.pinned_cpus.as_ref().map(|c| format!("pinned to CPU {}", crate::cpus::list(c))));
    facts.push(format!("seed {}", report.method.seed));
    lines.push(facts.join(", "));
    lines.extend(report.host.lines());
    lines
}

/// "64 KiB: 200 rounds, 3 disturbed; stopped because ...".
pub fn title(result: &SizeResult, report: &Report) -> String {
    let mut title = format!("{}  {}", axis_value(report.axis, result.size), units_of(result.rounds, "round"));
    if !result.disturbed_rounds.is_empty() {
        title += &format!(", {} disturbed", result.disturbed_rounds.len());
    }
    if let Some(reached) = result.precision_reached {
        title += &format!(", intervals within +-{}", percent(reached));
    }
    title += &format!("; {}", stop(result.stop, report));
    if (1..VERDICT_ROUNDS).contains(&result.rounds) && result.stop != Stop::Interrupted {
        let due = result.elapsed_ns as f64 / result.rounds as f64 * VERDICT_ROUNDS as f64;
        title += &format!("; a verdict takes {VERDICT_ROUNDS} rounds, here about {}", units::nanoseconds(due));
    }
    title
}

fn stop(stop: Stop, report: &Report) -> String {
    match stop {
        Stop::Precision => format!("stopped: +-{} was asked for", percent(report.method.precision)),
        Stop::Budget => "stopped: its share of the budget was spent".to_owned(),
        Stop::FewestRounds => "over budget".to_owned(),
        Stop::MostRounds => "stopped: the most rounds were done".to_owned(),
        Stop::Interrupted => "INTERRUPTED".to_owned(),
        Stop::NothingToMeasure => "nothing could be measured".to_owned(),
    }
}

/// What the table has no room for: reasons, modes, limits that were beaten. `marks` numbers the reasons.
#[derive(Default)]
pub struct Notes {
    /// Each reason, and who has it.
    reasons: Vec<(String, Vec<String>)>,
    remarks: BTreeMap<(String, String), Vec<u64>>,
    machine: Vec<u64>,
}

impl Notes {
    /// The short word for an outcome that is no measurement, numbered for [`Notes::lines`].
    pub fn mark(&mut self, contender: &str, outcome: &Outcome) -> String {
        let (word, reason) = match outcome {
            Outcome::Measured(_) => return String::new(),
            Outcome::Unfinished => return "interrupted".to_owned(),
            Outcome::Unavailable { finding, .. } => ("not available", finding),
            Outcome::Wrong { mismatch } => ("WRONG RESULT", mismatch),
            Outcome::Failed { error } => ("FAILED", error),
        };
        // What keeps several out is said once: the host lacks it, not they.
        let number = self.reasons.iter().position(|(known, _)| known == reason).unwrap_or_else(|| {
            self.reasons.push((reason.clone(), Vec::new()));
            self.reasons.len() - 1
        });
        let who = &mut self.reasons[number].1;
        if !who.iter().any(|name| name == contender) {
            who.push(contender.to_owned());
        }
        format!("{word} [{}]", number + 1)
    }

    /// Remarks on a size; the same remark on several sizes is made once.
    pub fn remark(&mut self, result: &SizeResult) {
        let measured = || result.lanes.iter().filter_map(|l| Some((l, l.outcome.measured()?)));
        let bimodal = |m: &Measured| m.modes.is_some_and(|m| m.kind == ModesKind::Bimodal);
        let (of_two_speeds, all) = (measured().filter(|(_, m)| bimodal(m)).count(), measured().count());
        // What befalls most of them, the limit included, is the machine's doing.
        let machine = all > 2 && 2 * of_two_speeds > all;
        if machine {
            self.machine.push(result.size);
        }
        for (lane, m) in measured() {
            let several = result.lanes.iter().filter(|l| l.limit).count() > 1;
            self.remark_on(result.size, &lane.contender, m, (machine, several));
        }
    }

    fn remark_on(&mut self, size: u64, contender: &str, measured: &Measured, (machine, several): (bool, bool)) {
        let mut note = |text: &str| {
            self.remarks.entry((contender.to_owned(), text.to_owned())).or_default().push(size);
        };
        match measured.modes.map(|m| m.kind) {
            Some(ModesKind::Bimodal) if machine => {}
            Some(ModesKind::Bimodal) => note("is bimodal"),
            Some(ModesKind::Shifted) => note("changed speed during the run (its ratios hold, its times do not)"),
            None => {}
        }
        for beaten in measured.versus_limits.iter().filter(|c| c.verdict == Verdict::Faster) {
            // With several limits it matters which.
            let limit = if several { beaten.against.as_str() } else { "the limit" };
            note(&format!("beats {limit}: it does not do all of the work that the limit counts"));
        }
    }

    /// The lines below the tables.
    pub fn lines(&self, report: &Report) -> Vec<String> {
        let reason =
            |(i, (reason, who)): (usize, &(String, Vec<String>))| format!("[{}] {}: {reason}", i + 1, who.join(", "));
        let reasons = self.reasons.iter().enumerate().map(reason);
        let remarks = self.remarks.iter().map(|((contender, text), sizes)| {
            let places: Vec<String> = sizes.iter().map(|s| place(report, contender, *s)).collect();
            wrapped(&format!("{contender} {text} at {}", places.join(", ")), "    ")
        });
        let sizes: Vec<String> = self.machine.iter().map(|s| axis_value(report.axis, *s)).collect();
        let machine =
            format!("most contenders have two speeds at {}: the machine's doing, not theirs", sizes.join(", "));
        let machine = (!sizes.is_empty()).then(|| wrapped(&machine, "    ")).into_iter().flatten();
        reasons.chain(remarks.flatten()).chain(machine).collect()
    }
}

/// A size, with the two modes of a contender that has two there.
fn place(report: &Report, contender: &str, size: u64) -> String {
    let result = report.sizes.iter().find(|r| r.size == size);
    let at = axis_value(report.axis, size);
    match result.and_then(|r| r.measured(contender)).and_then(|m| m.modes) {
        Some(m) => format!(
            "{at} ({:.0} % near {}, {:.0} % near {})",
            100.0 * (1.0 - m.slow_share),
            units::nanoseconds(m.fast_ns_per_operation),
            100.0 * m.slow_share,
            units::nanoseconds(m.slow_ns_per_operation)
        ),
        None => at,
    }
}

/// Why lines, crossovers, noise.
pub fn tail(report: &Report) -> Vec<String> {
    let mut lines = if report.why.is_empty() { how(report) } else { why(report) };
    let sides = report.sides.iter().flat_map(|s| s.lines(report.axis));
    let verdicts = sides.chain(report.crossovers.lines(report.axis));
    lines.extend(verdicts.flat_map(|line| wrapped(&line, "    ")));
    lines.extend(noise(report));
    if report.interrupted {
        lines.push("INTERRUPTED: this is what was known by then".to_owned());
    }
    lines
}

/// How far to trust the race, and why.
pub fn noise(report: &Report) -> Vec<String> {
    report.noise.lines().iter().flat_map(|line| wrapped(line, "    ")).collect()
}

/// What contenders say of how they do their work, at the largest size that they were measured at; beside the why lines
/// where there are some.
fn facts(report: &Report, contender: &str, size: u64) -> Option<String> {
    let lane = report.sizes.iter().find(|r| r.size == size)?.lanes.iter().find(|l| l.contender == contender)?;
    let said: Vec<String> = lane.facts.iter().map(|f| format!("{} {}", f.name, f.value)).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// The facts alone, where there was no why pass.
fn how(report: &Report) -> Vec<String> {
    let Some(result) = report.sizes.iter().rfind(|r| r.lanes.iter().any(|l| !l.facts.is_empty())) else {
        return Vec::new();
    };
    let mut lines = vec![format!("how, at {}:", axis_value(report.axis, result.size))];
    for lane in &result.lanes {
        let said = facts(report, &lane.contender, result.size);
        lines.extend(said.into_iter().flat_map(|s| wrapped(&format!("  {}: {s}", lane.contender), "      ")));
    }
    lines.push(String::new());
    lines
}

/// A line for each contender; what keeps all of them from hardware counts is said once.
fn why(report: &Report) -> Vec<String> {
    let reason = |r: &WhyRecord| r.why.as_ref().and_then(|w| w.no_pmu.clone());
    let shared = report
        .why
        .first()
        .and_then(reason)
        .filter(|first| report.why.iter().all(|r| r.why.is_none() || reason(r).as_ref() == Some(first)));
    let mut lines = Vec::new();
    let mut size = None;
    for record in &report.why {
        if size != Some(record.size) {
            lines.push(format!("why, at {}:", axis_value(report.axis, record.size)));
            size = Some(record.size);
        }
        let mut record = record.clone();
        if let (Some(why), true) = (&mut record.why, shared.is_some()) {
            why.no_pmu = None;
        }
        let facts = facts(report, &record.contender, record.size).map(|f| format!("; {f}")).unwrap_or_default();
        lines.extend(wrapped(&format!("  {}: {}{facts}", record.contender, record.line()), "      "));
    }
    lines.extend(shared.into_iter().flat_map(|reason| wrapped(&format!("  {reason}"), "      ")));
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

/// Text is broken before this column.
const WIDTH: usize = 100;

/// `text` in lines that fit, those after the first indented. Findings are not wrapped: people paste commands from them.
pub fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let margin = &text[..text.len() - text.trim_start().len()];
    let mut lines = Vec::new();
    let mut line = margin.to_owned();
    for word in text.split_whitespace() {
        let begun = !line.trim().is_empty();
        if begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if begun {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// "1.0 %".
pub fn percent(fraction: f64) -> String {
    match 100.0 * fraction {
        p if p < 0.095 => format!("{p:.2} %"),
        p if p < 9.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}

/// "1 round", "3 rounds".
pub fn units_of(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// What the axis is called above a table.
pub fn rate(axis: Axis, measured: &Measured) -> String {
    match (axis, measured.bytes_per_second) {
        (Axis::Bytes, Some(_)) => units::rate(measured.bytes_per_operation, measured.ns_per_operation.p50),
        _ => format!("{} /s", quantity(1e9 / measured.ns_per_operation.p50)),
    }
}

fn quantity(n: f64) -> String {
    match n {
        n if n >= 1e6 => format!("{:.2} M", n / 1e6),
        n if n >= 1e4 => format!("{:.1} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        let text = format!("  head: {}", "word ".repeat(40).trim_end());
        let lines = wrapped(&text, "      ");
        assert!(lines.len() == 3 && lines.iter().all(|l| l.chars().count() <= WIDTH), "{lines:?}");
        assert!(lines[0].starts_with("  head: word") && lines[1].starts_with("      word"));
        assert_eq!(wrapped("short", "  "), ["short"]);
        assert_eq!(wrapped(&"x".repeat(200), "  "), ["x".repeat(200)]);
    }

    #[test]
    fn percentages_are_short() {
        assert_eq!([0.0004, 0.01, 0.123, 1.34].map(percent), ["0.04 %", "1.0 %", "12 %", "134 %"]);
    }
}
