//! What `syskit copy --json` prints, and the same in a line.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::amount;
use super::pour::Poured;
use crate::source::Source;
use crate::units;

/// The document that `syskit copy --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CopyDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// The source, as it was named; what is no UTF-8 is replaced.
    pub source: String,
    /// The length of the copy, in bytes.
    pub bytes: u64,
    /// How many of them were read and written; none where blocks are shared.
    pub data_bytes: u64,
    /// Holes that were kept.
    pub holes: u64,
    /// How many bytes they span.
    pub hole_bytes: u64,
    /// The method that moved the bytes.
    pub via: &'static str,
    /// The methods that these files could not do, in the order in which they were tried.
    pub passed_over: Vec<PassedOver>,
    /// What happened to the source meanwhile.
    pub source_changed: Changed,
    /// Whether source and copy were read again and compared.
    pub verified: bool,
    /// Wall-clock time of the whole, in nanoseconds.
    pub duration_ns: u64,
    /// `data_bytes` by that; null where there were none.
    pub bytes_per_second: Option<f64>,
    /// What a reader should know, in words.
    pub notes: Vec<String>,
}

/// A method that could not be used.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PassedOver {
    /// Its name.
    pub method: &'static str,
    /// The call and what it gave.
    pub why: String,
}

/// What happened to a source while it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Changed {
    /// Nothing that its metadata shows.
    Nothing,
    /// It grew; the copy ends where the source ended at the start.
    Grew {
        /// By how many bytes.
        bytes: u64,
    },
    /// It was written to: parts of the copy may be of different times.
    Written,
}

impl CopyDocument {
    pub(super) fn new(source: &Source, poured: Poured, verified: bool, took: Duration) -> Self {
        let named = source.named();
        let source = source.shown();
        let notes = match poured.changed {
            Changed::Nothing => None,
            Changed::Grew { bytes } => Some(format!(
                "{source} grew by {bytes} bytes while it was copied: the copy has the first {} bytes",
                poured.bytes
            )),
            Changed::Written => {
                Some(format!("{source} was written to while it was copied: the copy may mix old and new"))
            }
        };
        CopyDocument {
            schema: 1,
            source: named,
            bytes: poured.bytes,
            data_bytes: poured.data_bytes,
            holes: poured.holes,
            hole_bytes: poured.hole_bytes,
            via: poured.via,
            passed_over: poured.passed_over,
            source_changed: poured.changed,
            verified,
            duration_ns: took.as_nanos() as u64,
            bytes_per_second: (poured.data_bytes > 0 && !took.is_zero())
                .then(|| poured.data_bytes as f64 / took.as_secs_f64()),
            notes: notes.into_iter().collect(),
        }
    }

    /// "copied 1 MiB by copy_file_range in 812 us, 1.29 GB/s".
    pub(super) fn summary(&self) -> String {
        let ns = self.duration_ns as f64;
        let holes = match self.holes {
            0 => String::new(),
            1 => format!(" ({} of it in 1 hole, kept)", amount(self.hole_bytes)),
            n => format!(" ({} of it in {n} holes, kept)", amount(self.hole_bytes)),
        };
        let rate = match self.bytes_per_second {
            Some(_) => format!(", {}", units::rate(self.data_bytes, ns)),
            None => String::new(),
        };
        let verified = if self.verified { ", verified" } else { "" };
        format!("copied {}{holes} by {} in {}{rate}{verified}", amount(self.bytes), self.via, units::nanoseconds(ns))
    }
}
