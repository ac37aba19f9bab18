//! A report as JSON.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Report;
use crate::error::{Context, Error, Result};
use crate::ui::Ui;

/// Prints the report as one JSON document.
pub fn show(report: &Report, ui: &mut Ui) -> Result<()> {
    ui.json(report)
}

/// Writes the report to a file, whole or not at all: an older file of that name stays until the new one is on disk.
pub fn save(report: &Report, path: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(report).map_err(|e| Error::failed(format!("cannot write JSON: {e}")))?;
    let what = || format!("cannot write {}", path.display());
    if fs::metadata(path).is_ok_and(|m| !m.is_file() && !m.is_dir()) {
        // A device or a pipe cannot be replaced, only written to.
        return fs::write(path, text + "\n").sys("write", what);
    }
    let beside = beside(path);
    let written = File::create(&beside).sys("open", what).and_then(|mut file| {
        file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).sys("write", what)?;
        file.sync_all().sys("fsync", what)?;
        fs::rename(&beside, path).sys("rename", what)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A name in the same directory (rename(2) does not cross file systems) that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}
