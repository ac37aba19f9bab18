//! The one-line form under way: its text, and how much of a packet is said in it.

use std::ops::{Deref, DerefMut};

use super::tcp::flows::Flows;
use super::text::Text;

/// How much of each header the one-line form says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// Who speaks to whom, and how long it is (tcpdump -q).
    Quick,
    /// What tcpdump says unasked.
    #[default]
    Usual,
    /// With every field of the network header, and with checksums verified (tcpdump -v).
    Checked,
}

/// A line under way. It is written to as the [`Text`] that it holds.
#[derive(Debug, Default)]
pub struct Line {
    text: Text,
    /// How much is said.
    pub detail: Detail,
    /// The connections met so far, where sequence numbers count from the start of theirs; `None` for absolute ones.
    pub flows: Option<Flows>,
}

impl Line {
    /// An empty one that says as much as `detail`, with absolute sequence numbers.
    pub fn of(detail: Detail) -> Self {
        Line { detail, ..Line::default() }
    }

    /// What is written into it.
    pub fn into_string(self) -> String {
        self.text.into_string()
    }

    /// Whether checksums are verified and all fields said.
    pub fn is_checked(&self) -> bool {
        self.detail >= Detail::Checked
    }
}

impl Deref for Line {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.text
    }
}

impl DerefMut for Line {
    fn deref_mut(&mut self) -> &mut Text {
        &mut self.text
    }
}
