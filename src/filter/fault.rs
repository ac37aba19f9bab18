//! What is wrong with an expression, and where.

use std::fmt;

use crate::packet::text;

/// An expression that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in words.
    what: String,
    /// Where: the first character is 1; 0 where no place is to blame.
    at: usize,
    /// What to write instead.
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, at: usize) -> Self {
        Fault { what: what.into(), at, hint: None }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Where: the first character is 1; 0 where no place is to blame.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The one of two readings that got further.
    pub(super) fn further(self, other: Fault) -> Fault {
        if other.at >= self.at { other } else { self }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // What was typed may hold anything.
        f.write_str(&text::to_escaped(self.what.as_bytes()))?;
        if self.at > 0 {
            write!(f, " at {}", self.at)?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for crate::error::Error {
    fn from(fault: Fault) -> Self {
        crate::error::Error::usage(format!("filter: {fault}"))
    }
}
