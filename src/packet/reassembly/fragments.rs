//! Fragments of IPv4 (RFC 791) and IPv6 (RFC 8200 section 4.5) put together.
//!
//! A fragment that overlaps with another makes the whole packet be given up, and what still comes of it (RFC 5722, RFC 8200;
//! Linux does so for IPv4 too, since 4.18); one that comes again, byte for byte the same, counts once.
//!
//! At most [`MOST_PACKETS`] packets and [`MOST_BYTES`] bytes are under way, none for more than [`LONGEST`] seconds of packet
//! time: the oldest is given up for a new one.

use std::collections::{BTreeMap, HashMap};

use super::headers::{self, Fragment, Key, Version};
use super::pieces::{Pieces, Taken};
use crate::packet::Carried;
use crate::packet::checksum::{self, Verdict};

/// More packets are not put together at a time.
pub const MOST_PACKETS: usize = 1024;
/// Nor more bytes held.
pub const MOST_BYTES: usize = 16 << 20;
/// Nor is a packet waited for longer, in seconds (as Linux: net.ipv4.ipfrag_time).
pub const LONGEST: i64 = 30;

/// The largest packet of IPv4, and payload of IPv6.
const LARGEST: usize = u16::MAX as usize;

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is no fragment.
    NotFragment,
    /// It is one, and more of its packet is missing.
    Held,
    /// It is one that is of no use: cut by the capture, malformed, or of a packet that was given up.
    Refused,
    /// It was the last: the frame with the whole packet, as if it had come so.
    Whole {
        /// The link's headers of the first fragment, and the packet.
        frame: &'a [u8],
        /// Of how many fragments.
        fragments: u16,
    },
}

/// What came and what became of it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Fragments that came.
    pub fragments: u64,
    /// Packets that were put together.
    pub whole: u64,
    /// Packets that were given up as fragments overlap.
    pub overlapping: u64,
    /// Packets that were given up as they waited too long, or for others: a part of them never came.
    pub incomplete: u64,
    /// Fragments that the capture does not hold to their end.
    pub cut: u64,
    /// Fragments that contradict themselves or reach beyond the largest packet, and packets of which one contradicts the
    /// others.
    pub malformed: u64,
}

/// A packet under way.
#[derive(Debug, Default)]
struct Packet {
    /// The headers, once the first fragment is there.
    head: Option<Head>,
    pieces: Pieces,
    /// Its length, once the last fragment is there.
    length: Option<usize>,
    /// Its place in the order of their coming.
    number: u64,
    /// When its first fragment came, in seconds.
    since: i64,
    /// Its fragments contradict each other: whatever still comes is refused.
    given_up: bool,
}

#[derive(Debug)]
struct Head {
    bytes: Vec<u8>,
    /// Where the IP header begins.
    ip: usize,
    version: Version,
}

/// Puts fragments together.
#[derive(Debug, Default)]
pub struct Fragments {
    packets: HashMap<Key, Packet>,
    /// The packets in the order of their coming.
    order: BTreeMap<u64, Key>,
    number: u64,
    /// Bytes that all of them take.
    held: usize,
    /// The last whole one.
    out: Vec<u8>,
    /// What came so far.
    pub counts: Counts,
}

impl Fragments {
    /// Takes a frame that came at `seconds`, on the interface `scope`.
    pub fn take(&mut self, frame: Carried, scope: u32, seconds: i64) -> Outcome<'_> {
        let Some(fragment) = headers::fragment(frame, scope) else { return Outcome::NotFragment };
        self.counts.fragments += 1;
        self.expire(seconds);
        if fragment.data.len() < fragment.length {
            self.counts.cut += 1;
            return Outcome::Refused;
        }
        if !makes_sense(&fragment) {
            self.counts.malformed += 1;
            return Outcome::Refused;
        }
        if !self.packets.contains_key(&fragment.key) {
            self.begin(fragment.key, seconds);
        }
        let Some(packet) = self.packets.get_mut(&fragment.key) else { return Outcome::Refused };
        let before = packet.cost();
        let added = packet.add(&fragment);
        self.held = self.held + packet.cost() - before;
        match added {
            Added::Held => {
                self.shrink();
                Outcome::Held
            }
            Added::Refused => Outcome::Refused,
            Added::Malformed => {
                self.counts.malformed += 1;
                Outcome::Refused
            }
            Added::Overlap => {
                self.counts.overlapping += 1;
                Outcome::Refused
            }
            Added::Complete => self.complete(&fragment.key),
        }
    }

    /// Packets that still miss something.
    pub fn pending(&self) -> u64 {
        self.packets.values().filter(|packet| !packet.given_up).count() as u64
    }

    /// Bytes that are held, more or less.
    pub fn held(&self) -> usize {
        self.held
    }

    fn begin(&mut self, key: Key, seconds: i64) {
        if self.packets.len() >= MOST_PACKETS {
            self.give_up_oldest();
        }
        self.number += 1;
        self.order.insert(self.number, key);
        let packet = Packet { number: self.number, since: seconds, ..Packet::default() };
        self.held += packet.cost();
        self.packets.insert(key, packet);
    }

    fn expire(&mut self, now: i64) {
        while let Some((_, key)) = self.order.first_key_value()
            && self.packets.get(key).is_none_or(|packet| now.saturating_sub(packet.since) > LONGEST)
        {
            self.give_up_oldest();
        }
    }

    fn shrink(&mut self) {
        while self.held > MOST_BYTES && !self.order.is_empty() {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        let Some((_, key)) = self.order.pop_first() else { return };
        let Some(packet) = self.packets.remove(&key) else { return };
        self.held -= packet.cost();
        self.counts.incomplete += u64::from(!packet.given_up);
    }

    fn complete(&mut self, key: &Key) -> Outcome<'_> {
        let Some(packet) = self.packets.remove(key) else { return Outcome::Refused };
        self.order.remove(&packet.number);
        self.held -= packet.cost();
        let fragments = u16::try_from(packet.pieces.count()).unwrap_or(u16::MAX);
        if packet.write(&mut self.out).is_none() {
            self.counts.malformed += 1;
            return Outcome::Refused;
        }
        self.counts.whole += 1;
        Outcome::Whole { frame: &self.out, fragments }
    }
}

/// All but the last are of whole units of eight bytes, and none reaches beyond the largest packet.
fn makes_sense(fragment: &Fragment) -> bool {
    let whole_units = !fragment.more || fragment.length.is_multiple_of(8);
    whole_units && fragment.length > 0 && fragment.offset + fragment.length <= LARGEST
}

/// What adding a fragment to its packet came to.
enum Added {
    Held,
    Refused,
    Malformed,
    Overlap,
    Complete,
}

impl Packet {
    fn cost(&self) -> usize {
        self.pieces.cost() + self.head.as_ref().map_or(0, |head| head.bytes.len()) + size_of::<Packet>()
    }

    /// Whatever still comes of it is refused.
    fn give_up(&mut self) {
        self.pieces.clear();
        (self.head, self.given_up) = (None, true);
    }

    fn add(&mut self, fragment: &Fragment) -> Added {
        if self.given_up {
            return Added::Refused;
        }
        let end = fragment.offset + fragment.length;
        // Its end is told twice, or something is behind it.
        let beyond = match (self.length, fragment.more) {
            (Some(length), true) => end > length,
            (Some(length), false) => end != length,
            (None, true) => false,
            (None, false) => self.pieces.end() > end,
        };
        if beyond {
            self.give_up();
            return Added::Malformed;
        }
        match self.pieces.take(fragment.offset, fragment.data) {
            Taken::New => {}
            Taken::Again => return Added::Held,
            Taken::Overlap => {
                self.give_up();
                return Added::Overlap;
            }
        }
        if fragment.offset == 0 {
            let ip = fragment.before[0].len();
            self.head = Some(Head { bytes: fragment.before.concat(), ip, version: fragment.version });
        }
        if !fragment.more {
            self.length = Some(end);
        }
        let whole = self.head.is_some() && self.length == Some(self.pieces.bytes());
        if whole { Added::Complete } else { Added::Held }
    }

    /// Writes the frame with the whole packet; `None` where that would be larger than a packet can be.
    fn write(&self, out: &mut Vec<u8>) -> Option<()> {
        let head = self.head.as_ref()?;
        out.clear();
        out.extend_from_slice(&head.bytes);
        let header = out.get_mut(head.ip..)?;
        let data = self.pieces.bytes();
        match head.version {
            Version::V4 => {
                let length = u16::try_from(header.len() + data).ok()?;
                let field = u16::from_be_bytes([*header.get(10)?, *header.get(11)?]);
                let was_right = checksum::of_header(header, field) == Verdict::Correct;
                header.get_mut(2..4)?.copy_from_slice(&length.to_be_bytes());
                // No fragment any more.
                *header.get_mut(6)? &= 0xc0;
                *header.get_mut(7)? = 0;
                // One that was wrong stays so.
                if was_right && let Verdict::Incorrect { expected } = checksum::of_header(header, field) {
                    header.get_mut(10..12)?.copy_from_slice(&expected.to_be_bytes());
                }
            }
            Version::V6 { at, next } => {
                let length = u16::try_from(header.len().checked_sub(40)? + data).ok()?;
                header.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
                *header.get_mut(at)? = next;
            }
        }
        self.pieces.append_to(out);
        Some(())
    }
}
