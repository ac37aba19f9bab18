//! The pieces of one packet, in the order of their offsets.

use std::collections::BTreeMap;

/// What a piece costs besides its bytes, more or less.
const OVERHEAD: usize = 64;

/// What taking a piece came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is new.
    New,
    /// All of it was there, the same.
    Again,
    /// A part of it was there, or says otherwise.
    Overlap,
}

/// Pieces that do not overlap.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    by_offset: BTreeMap<usize, Vec<u8>>,
    bytes: usize,
}

impl Pieces {
    /// Takes a piece, unless it overlaps with one that is there.
    pub(super) fn take(&mut self, offset: usize, data: &[u8]) -> Taken {
        if let Some((start, before)) = self.by_offset.range(..=offset).next_back() {
            let within = offset - start;
            if within < before.len() {
                let same = before.get(within..within + data.len()) == Some(data);
                return if same { Taken::Again } else { Taken::Overlap };
            }
        }
        if self.by_offset.range(offset..).next().is_some_and(|(start, _)| *start < offset + data.len()) {
            return Taken::Overlap;
        }
        self.by_offset.insert(offset, data.to_vec());
        self.bytes += data.len();
        Taken::New
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.by_offset.len()
    }

    /// Bytes that they take in memory, more or less.
    pub(super) fn cost(&self) -> usize {
        self.bytes + self.by_offset.len() * OVERHEAD
    }

    /// Their bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where the last of them ends.
    pub(super) fn end(&self) -> usize {
        self.by_offset.last_key_value().map_or(0, |(offset, data)| offset + data.len())
    }

    /// Forgets them.
    pub(super) fn clear(&mut self) {
        *self = Pieces::default();
    }

    /// Appends them all.
    pub(super) fn append_to(&self, out: &mut Vec<u8>) {
        self.by_offset.values().for_each(|data| out.extend_from_slice(data));
    }
}
