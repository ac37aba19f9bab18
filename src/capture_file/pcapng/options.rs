//! Options of a block: code, length, value, padded to four bytes.

/// opt_endofopt: there are no more.
pub(in crate::capture_file) const END: u16 = 0;
/// opt_comment: a text for people.
pub(in crate::capture_file) const COMMENT: u16 = 1;
/// epb_flags: direction and reception of a packet.
pub(in crate::capture_file) const FLAGS: u16 = 2;

/// The options of a block, as the file has them; those behind one that makes no sense are not there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl<'a> Options<'a> {
    pub(in crate::capture_file) fn new(bytes: &'a [u8], big: bool) -> Self {
        Options { bytes, big }
    }

    fn half(&self, bytes: [u8; 2]) -> u16 {
        if self.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    /// The values of the option of this code.
    pub fn of(self, code: u16) -> impl Iterator<Item = &'a [u8]> {
        self.filter(move |(c, _)| *c == code).map(|(_, value)| value)
    }

    /// The comments (opt_comment): UTF-8 if the writer kept to the format. Escape them before they are shown.
    pub fn comments(self) -> impl Iterator<Item = &'a [u8]> {
        self.of(COMMENT)
    }

    /// The flags word of an enhanced packet (epb_flags, see [`flags`](super::super::flags)).
    pub fn flags(self) -> Option<u32> {
        if self.bytes.is_empty() {
            return None;
        }
        let big = self.big;
        self.of(FLAGS).find_map(|value| value.try_into().ok()).map(|value| super::word(big, value))
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let ([a, b, c, d], rest) = self.bytes.split_first_chunk()?;
        let (code, length) = (self.half([*a, *b]), usize::from(self.half([*c, *d])));
        self.bytes = &[];
        if code == END {
            return None;
        }
        let value = rest.get(..length)?;
        // The padding of the last may be missing.
        self.bytes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}
