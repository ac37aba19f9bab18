//! The text view of a [`Checkup`].

use anstyle::{AnsiColor, Style};

use super::{Checked, Checkup};
use crate::error::Result;
use crate::limit::{Reading, Unit};
use crate::need::{Finding, Fix};
use crate::ui::Ui;
use crate::units;

const HEADING: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const CARE: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// The host, all needs, the limits.
pub(super) fn whole(checkup: &Checkup, ui: &mut Ui) -> Result<()> {
    heading("Host", ui)?;
    for line in checkup.host.lines() {
        paragraph("  ", &line, ui)?;
    }
    ui.line("")?;
    needs(&checkup.needs, ui)?;
    ui.line("")?;
    limits(&checkup.limits, ui)
}

/// What is ready in a paragraph, then each thing that is missing.
pub(super) fn needs(needs: &[Checked], ui: &mut Ui) -> Result<()> {
    let ready: Vec<&Checked> = needs.iter().filter(|n| n.ready).collect();
    if !ready.is_empty() {
        let title = ui.paint(GOOD, format_args!("Ready ({} of {})", ready.len(), needs.len()));
        ui.line(title)?;
        let names: Vec<String> = ready.iter().map(|n| with_detail(n)).collect();
        paragraph("  ", &names.join(", "), ui)?;
    }
    let missing: Vec<(&Checked, &Finding)> = needs.iter().filter_map(|n| Some((n, n.finding.as_ref()?))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !ready.is_empty() {
        ui.line("")?;
    }
    let title = ui.paint(BAD, format_args!("Missing ({} of {})", missing.len(), needs.len()));
    ui.line(title)?;
    // Needs that fail for one and the same reason share its telling.
    for group in missing.chunk_by(|(_, a), (_, b)| same_story(a, b)) {
        let width = group.iter().map(|(n, _)| n.id.len()).max().unwrap_or(0);
        for (need, _) in group {
            let name = ui.paint(HEADING, format_args!("{:width$}", need.id));
            ui.line(format_args!("  {name}  {}", need.serves))?;
        }
        story(group[0].1, ui)?;
    }
    Ok(())
}

fn with_detail(need: &Checked) -> String {
    match &need.detail {
        Some(detail) => format!("{} ({detail})", need.id),
        None => need.id.to_owned(),
    }
}

fn same_story(a: &Finding, b: &Finding) -> bool {
    (&a.call, &a.errno, &a.cause, &a.fix) == (&b.call, &b.errno, &b.cause, &b.fix)
}

fn story(finding: &Finding, ui: &mut Ui) -> Result<()> {
    let call = match &finding.errno {
        Some(errno) => format!("{}: {errno}", finding.call),
        None => finding.call.clone(),
    };
    labelled("call", FAINT, &call, ui)?;
    labelled("cause", FAINT, &finding.cause, ui)?;
    let style = match finding.fix {
        Fix::Do(_) => GOOD,
        Fix::CannotBeEnabledHere(_) => CARE,
    };
    labelled("fix", style, &finding.fix.to_string(), ui)
}

fn labelled(label: &str, style: Style, text: &str, ui: &mut Ui) -> Result<()> {
    let indent = 11;
    for (i, line) in wrap(text, ui.width - indent).into_iter().enumerate() {
        let label = if i == 0 { label } else { "" };
        let label = ui.paint(style, format_args!("{label:<5}"));
        ui.line(format_args!("    {label}  {line}"))?;
    }
    Ok(())
}

fn limits(limits: &[Reading], ui: &mut Ui) -> Result<()> {
    let biting = limits.iter().filter(|l| l.biting).count();
    heading(&format!("Limits ({biting} of {} bite now)", limits.len()), ui)?;
    let name = limits.iter().map(|l| l.name.len()).max().unwrap_or(0);
    let values: Vec<String> = limits.iter().map(value).collect();
    let width = values.iter().map(String::len).max().unwrap_or(0);
    let indent = 2 + 5 + 2 + name + 2 + width + 2;
    let room = ui.width.saturating_sub(indent).max(20);
    for (limit, value) in limits.iter().zip(values) {
        let (mark, style) = if limit.biting { ("bites", CARE) } else { ("ok", GOOD) };
        let mark = ui.paint(style, format_args!("{mark:<5}"));
        let mut told = wrap(limit.bites, room).into_iter();
        let first = told.next().unwrap_or_default();
        ui.line(format_args!("  {mark}  {:name$}  {value:>width$}  {first}", limit.name))?;
        told.try_for_each(|line| ui.line(format_args!("{:indent$}{line}", "")))?;
        if limit.biting {
            for line in wrap(&limit.raise, room) {
                let line = ui.paint(GOOD, line);
                ui.line(format_args!("{:indent$}{line}", ""))?;
            }
        }
    }
    Ok(())
}

fn value(limit: &Reading) -> String {
    match (limit.value, limit.unit) {
        (None, _) => "unlimited".to_owned(),
        (Some(n), Unit::Bytes) => u64::try_from(n).map_or_else(|_| n.to_string(), units::bytes),
        (Some(n), _) => n.to_string(),
    }
}

fn heading(text: &str, ui: &mut Ui) -> Result<()> {
    let text = ui.paint(HEADING, text);
    ui.line(text)
}

fn paragraph(indent: &str, text: &str, ui: &mut Ui) -> Result<()> {
    wrap(text, ui.width - indent.len()).into_iter().try_for_each(|line| ui.line(format_args!("{indent}{line}")))
}

/// Breaks `text` at spaces into lines of at most `width` characters; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is one from the start");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn text_is_broken_at_words_and_loses_none() {
        let text = "one two three/and/a/long/path four";
        let lines = wrap(text, 9);
        assert_eq!(lines, ["one two", "three/and/a/long/path", "four"]);
        assert_eq!(wrap("", 9), [""]);
    }
}
