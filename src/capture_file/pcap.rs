//! Classic pcap: a header of 24 bytes, then per packet one of 16 and its bytes.

use super::read::{Parsed, Step, Trouble};
use super::window::{Have, Window};

/// Bytes of the file's header.
pub(super) const FILE_HEADER: usize = 24;
/// Bytes of a record's header.
pub(super) const RECORD_HEADER: usize = 16;
/// Times in microseconds.
pub(super) const MICROSECONDS: u32 = 0xa1b2_c3d4;
/// Times in nanoseconds.
pub(super) const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Variants of libpcap's neighbours: Kuznetzov's of Linux and Navtel's, with other record headers.
const VARIANTS: [u32; 2] = [0xa1b2_cd34, 0xa12b_3c4d];

const SECOND: u32 = 1_000_000_000;

/// What the file's header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    big: bool,
    /// Nanoseconds that the fraction of a second is counted in.
    unit: u32,
    order: Order,
    /// The LINKTYPE_ value, without the bits that tell of a frame check sequence.
    pub(super) link: u16,
    /// The most bytes that a packet of it has.
    pub(super) snaplen: u32,
}

/// Which of the two lengths of a record comes first: files of before version 2.4 had them the other way round.
#[derive(Debug, Clone, Copy)]
enum Order {
    CapturedFirst,
    WireFirst,
    /// Version 2.3 was written both ways: the captured length is the smaller.
    Either,
}

/// Whether a file that begins like this is one.
pub(super) fn begins(magic: [u8; 4]) -> bool {
    [u32::from_le_bytes(magic), u32::from_be_bytes(magic)].iter().any(|m| *m == MICROSECONDS || *m == NANOSECONDS)
}

/// Whether it is a variant that is not read.
pub(super) fn is_variant(magic: [u8; 4]) -> bool {
    VARIANTS.contains(&u32::from_le_bytes(magic)) || VARIANTS.contains(&u32::from_be_bytes(magic))
}

impl Header {
    /// Reads the header at the start of a file that [`begins`] as one.
    pub(super) fn parse(bytes: &[u8; FILE_HEADER]) -> Result<Self, Trouble> {
        let word = |at: usize, big: bool| {
            let word = bytes.get(at..).and_then(|b| b.first_chunk::<4>()).copied().unwrap_or_default();
            if big { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
        };
        let big = matches!(word(0, true), MICROSECONDS | NANOSECONDS);
        let unit = if word(0, big) == NANOSECONDS { 1 } else { 1000 };
        let halves = word(4, big);
        let version = if big { (halves >> 16, halves & 0xffff) } else { (halves & 0xffff, halves >> 16) };
        let order = match version {
            (2, 4) => Order::CapturedFirst,
            (2, 3) => Order::Either,
            (2, 0..=2) | (543, 0) => Order::WireFirst,
            (major, minor) => return Err(Trouble::at(0, format!("it is of pcap version {major}.{minor}"))),
        };
        // As libpcap has it: no length at all means any.
        let snaplen = match word(16, big) {
            0 | 0x8000_0000.. => super::LONGEST_RECORD as u32,
            length => length,
        };
        // The upper half tells of a frame check sequence.
        Ok(Header { big, unit, order, link: word(20, big) as u16, snaplen })
    }

    /// The next record.
    pub(super) fn next(&self, window: &mut Window) -> Result<Step, Trouble> {
        match window.want(RECORD_HEADER)? {
            Have::Enough => {}
            Have::NotYet => return Ok(Step::NotYet),
            Have::Ended(0) => return Ok(Step::End),
            Have::Ended(left) => return Err(Trouble::cut(window.offset(), RECORD_HEADER, left)),
        }
        let header = window.first::<RECORD_HEADER>().unwrap_or_default();
        let (seconds, fraction, captured, length) = self.fields(&header);
        if captured as usize > super::LONGEST_RECORD {
            return Err(Trouble::too_long(window.offset(), captured));
        }
        let size = RECORD_HEADER + captured as usize;
        match window.want(size)? {
            Have::Enough => {}
            Have::NotYet => return Ok(Step::NotYet),
            Have::Ended(left) => return Err(Trouble::cut(window.offset(), size, left)),
        }
        // Broken files count more than a second's worth there.
        let nanoseconds = u64::from(fraction) * u64::from(self.unit);
        Ok(Step::Record(Parsed {
            seconds: i64::from(seconds) + (nanoseconds / u64::from(SECOND)) as i64,
            nanoseconds: (nanoseconds % u64::from(SECOND)) as u32,
            interface: 0,
            length: length as usize,
            size,
            start: RECORD_HEADER,
            // As libpcap has it: what is beyond the file's own bound is not shown.
            captured: captured.min(self.snaplen) as usize,
            options: size..size,
            big: self.big,
        }))
    }

    #[inline]
    fn fields(&self, header: &[u8; RECORD_HEADER]) -> (u32, u32, u32, u32) {
        let [a, b, c, d] = *header.as_chunks::<4>().0 else { return (0, 0, 0, 0) };
        let word = |bytes| if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let (first, second) = (word(c), word(d));
        let (captured, length) = match self.order {
            Order::WireFirst => (second, first),
            Order::Either if first > second => (second, first),
            _ => (first, second),
        };
        (word(a), word(b), captured, length)
    }
}
