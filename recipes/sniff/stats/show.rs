//! The summary as text.

use anstyle::Style;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::document::{OthersDocument, StatsDocument};
use super::heavy::Count;
use crate::error::Result;
use crate::ui::Ui;
use crate::units::bytes;

const TITLE: Style = Style::new().bold();

pub(super) fn show(stats: &StatsDocument, ui: &mut Ui) -> Result<()> {
    let (Some(first), Some(last)) = (&stats.first, &stats.last) else {
        return ui.line("0 packets");
    };
    let count = stats.all;
    ui.line(format_args!(
        "{} packets, {}, {} dropped by the kernel",
        count.packets,
        bytes(count.bytes),
        stats.dropped
    ))?;
    ui.line(format_args!("{first} to {last}, {:.6} s", stats.seconds))?;
    let rates = &stats.rates;
    if let (Some(packets), Some(bits)) = (rates.packets_per_second, rates.bits_per_second) {
        ui.line(format_args!("on average {packets:.1} packets/s, {}", rate(bits)))?;
    }
    let peak = rate(rates.peak_bits_per_second as f64);
    ui.line(format_args!("at most {} packets/s, {peak} in a second of the clock", rates.peak_packets_per_second))?;
    if let Some(lengths) = &stats.lengths {
        let (min, median, mean, max) = (lengths.min, lengths.median, lengths.mean, lengths.max);
        ui.line(format_args!("lengths: min {min}, median {median}, mean {mean:.1}, max {max} bytes"))?;
        let rows = lengths.ranges.iter().map(|range| {
            let to = range.to.map_or("on".to_owned(), |to| format!("to {to}"));
            vec![format!("{} {to}", range.from), range.packets.to_string(), percent(range.packets, count.packets)]
        });
        table("lengths", &["packets", "share"], rows.collect(), ui)?;
    }
    let rows = stats.protocols.iter().map(|row| {
        let share = format!("{:.1} %", row.share * 100.0);
        vec![row.name.clone(), row.count.packets.to_string(), bytes(row.count.bytes), share]
    });
    table("protocols", &["packets", "bytes", "share"], rows.collect(), ui)?;
    let rows = stats.talkers.iter().map(|row| [vec![row.address.clone()], both(row.sent, row.received)].concat());
    table("talkers", &["sent", "bytes", "received", "bytes"], rows.collect(), ui)?;
    others("talkers", &stats.other_talkers, ui)?;
    let rows = stats.conversations.iter();
    let rows = rows.map(|row| [vec![format!("{} <> {}", row.a, row.b)], both(row.a_to_b, row.b_to_a)].concat());
    table("conversations", &["->", "bytes", "<-", "bytes"], rows.collect(), ui)?;
    others("conversations", &stats.other_conversations, ui)?;
    if stats.without_addresses.packets > 0 {
        ui.line(format_args!("{} packets without IP addresses", stats.without_addresses.packets))?;
    }
    ui.line("")
}

fn both(one: Count, other: Count) -> Vec<String> {
    [one, other].iter().flat_map(|way| [way.packets.to_string(), bytes(way.bytes)]).collect()
}

fn percent(part: u64, all: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / all.max(1) as f64)
}

/// Bits per second in the decimal units that networks are rated in.
fn rate(bits: f64) -> String {
    let (value, unit) = match bits {
        b if b >= 1e9 => (b / 1e9, "Gbit/s"),
        b if b >= 1e6 => (b / 1e6, "Mbit/s"),
        b if b >= 1e3 => (b / 1e3, "kbit/s"),
        b => (b, "bit/s"),
    };
    format!("{value:.1} {unit}")
}

fn table(title: &str, columns: &[&str], rows: Vec<Vec<String>>, ui: &mut Ui) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header([&[title], columns].concat());
    rows.into_iter().for_each(|row| {
        table.add_row(row);
    });
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if i > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    ui.line("")?;
    let lines: Vec<String> = table.lines().collect();
    for (i, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        let line = if i == 0 { ui.paint(TITLE, line) } else { line.to_owned() };
        ui.line(line)?;
    }
    Ok(())
}

fn others(what: &str, others: &OthersDocument, ui: &mut Ui) -> Result<()> {
    if others.others == 0 {
        return Ok(());
    }
    let (number, count) = (others.others, others.count);
    let size = bytes(count.bytes);
    match others.rows_short_by_at_most {
        None => ui.line(format_args!("and {number} other {what}: {} packets, {size}", count.packets)),
        Some(short) => ui.line(format_args!(
            "and about {number} other {what}: {} packets, {size}; there were too many to keep all: each row may be up to {} short",
            count.packets,
            bytes(short)
        )),
    }
}
