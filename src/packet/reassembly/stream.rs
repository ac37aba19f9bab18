//! One direction of a TCP connection (RFC 9293): its bytes in their order, each once.
//!
//! Where two segments say different things of the same bytes, those that came first count. What is missing is told in its
//! place: at once where the other side acknowledged it (it came there, and was not captured), else when what waits for it
//! takes more than [`MOST_WAITING`], or at the end.

use std::collections::BTreeMap;

/// More bytes do not wait for those before them: the largest window of TCP is 1 GiB, usual ones are a few MiB.
pub const MOST_WAITING: usize = 16 << 20;

/// What a part that waits costs besides its bytes, more or less.
const OVERHEAD: usize = 64;

/// The next bytes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// They.
    Bytes(&'a [u8]),
    /// So many are not known.
    Missing(u64, Why),
}

/// Why bytes are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No segment with them was captured.
    Lost,
    /// The capture holds only the beginning of their segment.
    Cut,
    /// Too much came behind them: they were not waited for any longer.
    Late,
}

/// What came of a stream.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Bytes that were handed out.
    pub bytes: u64,
    /// Gaps between them.
    pub gaps: u64,
    /// Bytes in the gaps.
    pub missing: u64,
    /// Segments that came before those that precede them.
    pub early: u64,
    /// Bytes that came again.
    pub again: u64,
    /// Bytes that came again while the first still waited, and were others.
    pub other: u64,
}

/// A part that waits for those before it.
#[derive(Debug)]
enum Part {
    Bytes(Vec<u8>),
    /// So many bytes that the capture does not hold.
    Cut(u64),
}

impl Part {
    fn length(&self) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::Cut(length) => *length,
        }
    }

    fn cost(&self) -> usize {
        match self {
            Part::Bytes(bytes) => bytes.len() + OVERHEAD,
            Part::Cut(_) => OVERHEAD,
        }
    }
}

/// The bytes that one side sends.
#[derive(Debug, Default)]
pub struct Stream {
    /// Sequence number of the next byte; none before the first segment.
    expected: Option<u32>,
    /// Its place in the stream.
    position: u64,
    /// By their places; they do not overlap.
    waiting: BTreeMap<u64, Part>,
    cost: usize,
    /// Where the sender said that it ends.
    end: Option<u64>,
    /// What came so far.
    pub counts: Counts,
}

/// A segment, as far as a stream goes by it.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// Sequence number of its first byte, or of SYN.
    pub sequence: u32,
    /// Whether it begins the stream.
    pub syn: bool,
    /// Whether it ends the stream.
    pub fin: bool,
    /// What was captured of its data.
    pub bytes: &'a [u8],
    /// Length of its data on the wire.
    pub length: usize,
}

impl Stream {
    /// Takes a segment, and hands out what became complete.
    pub fn take(&mut self, segment: &Segment, out: &mut dyn FnMut(Chunk)) {
        let first = segment.sequence.wrapping_add(segment.syn.into());
        let expected = *self.expected.get_or_insert(first);
        // Half of the numbers are ahead, half behind (RFC 1982).
        let ahead = i64::from(first.wrapping_sub(expected).cast_signed());
        let (mut bytes, mut length) = (segment.bytes, segment.length.max(segment.bytes.len()) as u64);
        let past = ahead.min(0).unsigned_abs();
        let place = self.position.saturating_add(ahead.max(0).unsigned_abs());
        if segment.fin && past <= length {
            self.end.get_or_insert(place + length - past);
        }
        if past > 0 {
            self.counts.again += past.min(length);
            bytes = usize::try_from(past).ok().and_then(|past| bytes.get(past..)).unwrap_or_default();
            length = length.saturating_sub(past);
        }
        if length == 0 {
            return;
        }
        self.counts.early += u64::from(ahead > 0);
        if place == self.position && self.waiting.is_empty() {
            self.hand_out(&Part::Cut(length - bytes.len() as u64), bytes, out);
            return;
        }
        self.keep(place, bytes, length);
        self.hand_out_ready(out);
        while self.cost > MOST_WAITING {
            self.skip(Why::Late, out);
        }
    }

    /// The other side has all before this sequence number: what is missing of it does not come any more.
    pub fn acknowledged(&mut self, number: u32, out: &mut dyn FnMut(Chunk)) {
        while let (Some(expected), Some((first, _))) = (self.expected, self.waiting.first_key_value()) {
            let ahead = i64::from(number.wrapping_sub(expected).cast_signed());
            if ahead <= 0 || self.position.saturating_add(ahead.unsigned_abs()) <= *first {
                return;
            }
            self.skip(Why::Lost, out);
        }
    }

    /// Nothing more will come: hands out what still waits.
    pub fn finish(&mut self, out: &mut dyn FnMut(Chunk)) {
        while !self.waiting.is_empty() {
            self.skip(Why::Lost, out);
        }
    }

    /// The place of the next byte in the stream.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether all that the sender had to say was handed out.
    pub fn is_over(&self) -> bool {
        self.end.is_some_and(|end| self.position >= end)
    }

    /// Bytes that wait for others, more or less.
    pub fn waiting(&self) -> usize {
        self.cost
    }

    /// Tells what is missing before the first part that waits, and hands that out.
    fn skip(&mut self, why: Why, out: &mut dyn FnMut(Chunk)) {
        let Some((first, _)) = self.waiting.first_key_value() else { return };
        self.miss(first.saturating_sub(self.position), why, out);
        self.hand_out_ready(out);
    }

    fn miss(&mut self, length: u64, why: Why, out: &mut dyn FnMut(Chunk)) {
        if length > 0 {
            self.advance(length);
            self.counts.gaps += 1;
            self.counts.missing += length;
            out(Chunk::Missing(length, why));
        }
    }

    fn advance(&mut self, length: u64) {
        self.position += length;
        // Sequence numbers are modulo 2^32.
        self.expected = self.expected.map(|number| number.wrapping_add(length as u32));
    }

    fn hand_out_ready(&mut self, out: &mut dyn FnMut(Chunk)) {
        while let Some(entry) = self.waiting.first_entry() {
            if *entry.key() != self.position {
                return;
            }
            let part = entry.remove();
            self.cost -= part.cost();
            match part {
                Part::Bytes(bytes) => self.hand_out(&Part::Cut(0), &bytes, out),
                cut @ Part::Cut(_) => self.hand_out(&cut, &[], out),
            }
        }
    }

    fn hand_out(&mut self, behind: &Part, bytes: &[u8], out: &mut dyn FnMut(Chunk)) {
        if !bytes.is_empty() {
            self.advance(bytes.len() as u64);
            self.counts.bytes += bytes.len() as u64;
            out(Chunk::Bytes(bytes));
        }
        self.miss(behind.length(), Why::Cut, out);
    }

    /// Keeps what is new of `length` bytes from `place` on, of which `bytes` were captured.
    fn keep(&mut self, place: u64, bytes: &[u8], length: u64) {
        let end = place + length;
        let mut from = place;
        while from < end {
            let until = match self.waiting.range(..=from).next_back() {
                Some((start, part)) if start + part.length() > from => {
                    let until = end.min(start + part.length());
                    let known = match part {
                        Part::Bytes(known) => cut(known, from - start, until - start),
                        Part::Cut(_) => &[],
                    };
                    let differing = known.iter().zip(cut(bytes, from - place, until - place)).filter(|(a, b)| a != b);
                    self.counts.other += differing.count() as u64;
                    self.counts.again += until - from;
                    until
                }
                _ => {
                    let until = self.waiting.range(from..).next().map_or(end, |(start, _)| end.min(*start));
                    let new = cut(bytes, from - place, until - place);
                    if !new.is_empty() {
                        self.insert(from, Part::Bytes(new.to_vec()));
                    }
                    if from + (new.len() as u64) < until {
                        let gone = from + new.len() as u64;
                        self.insert(gone, Part::Cut(until - gone));
                    }
                    until
                }
            };
            from = until;
        }
    }

    fn insert(&mut self, place: u64, part: Part) {
        self.cost += part.cost();
        self.waiting.insert(place, part);
    }
}

/// What there is of `bytes` between two offsets.
fn cut(bytes: &[u8], from: u64, until: u64) -> &[u8] {
    let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
    &bytes[at(from)..at(until)]
}
