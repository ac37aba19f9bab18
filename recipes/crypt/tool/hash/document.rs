//! What `syskit crypt hash --json` prints.

use schemars::JsonSchema;
use serde::Serialize;

/// The document that `syskit crypt hash --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HashDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// The algorithm of files, and of lines without a tag.
    pub algorithm: &'static str,
    /// Who computed it: `af_alg` is the kernel.
    pub via: &'static str,
    /// Each file, in the order named or listed.
    pub files: Vec<HashedFile>,
    /// What the lists said beside that; null where none was checked.
    pub check: Option<CheckCounts>,
}

/// What came of a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HashedFile {
    /// Its name; what is no UTF-8 is replaced. `-` is standard input.
    pub name: String,
    /// The algorithm.
    pub algorithm: &'static str,
    /// The digest in hexadecimal; null where the file could not be read.
    pub digest: Option<String>,
    /// The digest that a list expects.
    pub expected: Option<String>,
    /// The length of the file.
    pub bytes: Option<u64>,
    /// How it ended.
    pub outcome: HashOutcome,
    /// Why there is no digest.
    pub error: Option<String>,
}

/// How it ended with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HashOutcome {
    /// It was digested; nothing was expected.
    Digested,
    /// The digest is the expected one.
    Matches,
    /// It is not.
    Differs,
    /// It could not be read.
    Unreadable,
    /// It does not exist, and that was to be ignored.
    Missing,
}

/// The sums over all lists of a check.
#[derive(Debug, Default, Clone, Copy, Serialize, JsonSchema)]
pub struct CheckCounts {
    /// Files that match.
    pub matching: u64,
    /// Files that do not.
    pub differing: u64,
    /// Files that could not be read.
    pub unreadable: u64,
    /// Files that do not exist, where that is ignored.
    pub missing: u64,
    /// Lines that have not the form.
    pub malformed: u64,
}
