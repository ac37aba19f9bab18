//! The body of a block: its numbers in the byte order of its section, and the fields of packet blocks.

use super::{HEAD, TAIL};

/// What stands between head and tail of a whole block.
pub(super) fn body(block: &[u8]) -> &[u8] {
    block.get(HEAD..block.len().saturating_sub(TAIL)).unwrap_or_default()
}

pub(super) fn word(big: bool, bytes: [u8; 4]) -> u32 {
    if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}

/// A block's body.
pub(super) struct Body<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) big: bool,
}

/// The fields of a packet block.
pub(super) struct Fields {
    pub(super) interface: u32,
    /// In the units of its interface.
    pub(super) time: Option<u64>,
    pub(super) captured: u32,
    pub(super) length: u32,
    /// Where in the body the packet begins.
    pub(super) start: usize,
}

impl Body<'_> {
    pub(super) fn half(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    pub(super) fn word(&self, at: usize) -> Option<u32> {
        Some(word(self.big, *self.bytes.get(at..)?.first_chunk()?))
    }

    fn time(&self, at: usize) -> Option<u64> {
        Some(u64::from(self.word(at)?) << 32 | u64::from(self.word(at + 4)?))
    }

    pub(super) fn enhanced(&self) -> Option<Fields> {
        let (captured, length) = (self.word(12)?, self.word(16)?);
        Some(Fields { interface: self.word(0)?, time: Some(self.time(4)?), captured, length, start: 20 })
    }

    pub(super) fn obsolete(&self) -> Option<Fields> {
        let (captured, length) = (self.word(12)?, self.word(16)?);
        Some(Fields { interface: self.half(0)?.into(), time: Some(self.time(4)?), captured, length, start: 20 })
    }

    /// Its captured length is not told: what fits the packet, the interface's bound (0 is none) and the block.
    pub(super) fn simple(&self, snaplen: u32) -> Option<Fields> {
        let length = self.word(0)?;
        let room = u32::try_from(self.bytes.len() - 4).unwrap_or(u32::MAX);
        let bound = if snaplen == 0 { u32::MAX } else { snaplen };
        Some(Fields { interface: 0, time: None, captured: length.min(bound).min(room), length, start: 4 })
    }
}
