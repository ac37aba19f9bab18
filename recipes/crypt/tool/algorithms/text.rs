//! The tables. What comes from the kernel is escaped: names are the kernel's, but a table must stay a table.

use anstyle::Style;

use super::KERNEL;
use super::document::{AlgorithmsDocument, Entry, Implementation};
use super::work::Work;
use crate::error::Result;
use crate::ui::Ui;

/// Rows of cells; all columns but the last are as wide as their widest cell, and those in `right` are set to the right.
fn table(heads: &[&str], right: &[usize], rows: &[Vec<String>], ui: &mut Ui) -> Result<()> {
    let width = |i: usize| rows.iter().map(|r| r[i].chars().count()).chain([heads[i].len()]).max().unwrap_or(0);
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cell = |(i, text): (usize, &str)| match (right.contains(&i), i + 1 == widths.len()) {
            (true, _) => format!("{text:>0$}", widths[i]),
            (false, true) => text.to_owned(),
            (false, false) => format!("{text:<0$}", widths[i]),
        };
        cells.into_iter().enumerate().map(cell).collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let head = ui.paint(Style::new().bold(), line(heads.to_vec()));
    ui.line(head)?;
    rows.iter().try_for_each(|row| ui.line(line(row.iter().map(String::as_str).collect())))
}

/// The document as text.
pub fn show(document: &AlgorithmsDocument, ui: &mut Ui) -> Result<()> {
    if let Some(kernel) = &document.kernel {
        return implementations(kernel, ui);
    }
    let libraries: Vec<&str> = document.libraries.iter().map(|l| l.name).filter(|name| *name != KERNEL).collect();
    let mut heads = vec!["ALGORITHM", "KEY", "IV", "OUT"];
    heads.extend(&libraries);
    heads.push("af_alg: driver, priority, by");
    let rows: Vec<_> = document.algorithms.iter().map(|e| row(e, &libraries)).collect();
    table(&heads, &[1, 2, 3], &rows, ui)?;
    ui.line("")?;
    for library in &document.libraries {
        let count = document.algorithms.iter().filter(|e| e.offers.iter().any(|o| o.library == library.name)).count();
        ui.line(match &library.finding {
            // It begins with the name of what is missing.
            Some(finding) => finding.clone(),
            None => {
                let version = library.version.as_deref().unwrap_or(library.title);
                format!("{}: {count} of {}, {version}", library.name, document.algorithms.len())
            }
        })?;
    }
    match &document.not_read {
        Some(why) => ui.line(why),
        None => ui.line(format_args!(
            "/proc/crypto lists {} implementations, for the kernel's own use too: syskit crypt algorithms --kernel",
            document.registered
        )),
    }
}

fn row(entry: &Entry, libraries: &[&str]) -> Vec<String> {
    let offers = |name: &str| entry.offers.iter().find(|o| o.library == name);
    let key = match entry.key {
        None => "any".to_owned(),
        Some(len) => bytes(len),
    };
    let out = entry.digest.max(entry.tags.iter().copied().max().unwrap_or(0));
    let mut cells = vec![entry.name.to_owned(), key, bytes(entry.iv), bytes(out)];
    cells.extend(libraries.iter().map(|name| if offers(name).is_some() { "yes" } else { "-" }.to_owned()));
    cells.push(match (&entry.kernel, offers(KERNEL)) {
        (Some(i), _) => format!("{}, {}, {}", i.driver.escape_debug(), i.priority, by(i.work)),
        (None, Some(offer)) => offer.with.escape_debug().to_string(),
        (None, None) => "-".to_owned(),
    });
    cells
}

fn bytes(len: usize) -> String {
    if len == 0 { "-".to_owned() } else { len.to_string() }
}

fn by(work: Work) -> &'static str {
    match work {
        Work::Software => "software",
        Work::Instructions => "CPU instructions",
        Work::Library => "the kernel's library",
        Work::Device => "a device",
        Work::Unknown => "unknown",
    }
}

fn implementations(all: &[Implementation], ui: &mut Ui) -> Result<()> {
    let heads = ["TYPE", "NAME", "PRIO", "KEY", "IV", "BLOCK", "OUT", "BY", "DRIVER"];
    let number = |n: Option<usize>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let row = |i: &Implementation| {
        let key = match (i.min_key, i.max_key) {
            (Some(least), Some(most)) if least != most => format!("{least}-{most}"),
            (_, most) => number(most.or(i.seed)),
        };
        let marks = [(i.internal, " (internal)"), (i.asynchronous, " (asynchronous)"), (!i.tested, " (not tested)")];
        let marks: String = marks.iter().filter(|(is, _)| *is).map(|(_, mark)| *mark).collect();
        vec![
            i.kind.escape_debug().to_string(),
            i.name.escape_debug().to_string(),
            i.priority.to_string(),
            key,
            number(i.iv),
            number(i.block),
            number(i.digest.or(i.max_tag)),
            match i.work {
                Work::Instructions => "CPU",
                Work::Library => "library",
                Work::Device => "device",
                Work::Software => "software",
                Work::Unknown => "?",
            }
            .to_owned(),
            format!("{}{marks}", i.driver.escape_debug()),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    table(&heads, &[2, 3, 4, 5, 6], &rows, ui)?;
    ui.line("")?;
    ui.line(format_args!(
        "{} implementations; lengths in bytes; BY by the driver's name: CPU for code of its special instructions,",
        all.len()
    ))?;
    ui.line("library for the kernel's own, which takes the instructions that there are")
}
