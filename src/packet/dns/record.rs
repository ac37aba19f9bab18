//! Questions and resource records (RFC 1035 section 4.1), read one after the other.

use super::data::Data;
use super::name::{Message, Name};
use crate::packet::layer::Trouble;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The answer itself.
    Answer,
    /// Who may answer.
    Authority,
    /// What else helps; the OPT record of EDNS (RFC 6891) too.
    Additional,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Of which name.
    pub name: Name<'a>,
    /// Which type of record.
    pub kind: u16,
    /// In which class; in multicast DNS its top bit asks for an answer by unicast (RFC 6762 section 5.4).
    pub class: u16,
}

/// A resource record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Where it stands.
    pub section: Section,
    /// Its owner.
    pub name: Name<'a>,
    /// Its type.
    pub kind: u16,
    /// Its class; in multicast DNS the top bit flushes caches (RFC 6762 section 10.2); of OPT the largest datagram.
    pub class: u16,
    /// Time to live in seconds; of OPT more bits of the response code, version and flags.
    pub ttl: u32,
    /// Length of its data in bytes.
    pub length: u16,
    message: Message<'a>,
    /// Where the data begins.
    at: usize,
}

impl<'a> Record<'a> {
    /// Its data.
    ///
    /// # Errors
    /// Where the data is cut or of another form than its type has.
    pub fn data(&self) -> Result<Data<'a>, Trouble> {
        self.message.slice(self.at, self.length.into())?;
        Data::read(self.kind, self.message, self.at, self.at + usize::from(self.length))
    }
}

/// A question or a record.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// Of the question section.
    Question(Question<'a>),
    /// Of one of the others.
    Record(Record<'a>),
}

/// The entries of a message, in their order; an error is the last item.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    message: Message<'a>,
    at: usize,
    /// How many are still to come of each section.
    left: [u16; 4],
}

impl<'a> Entries<'a> {
    pub(super) fn new(message: Message<'a>, counts: [u16; 4]) -> Self {
        Entries { message, at: super::HEADER, left: counts }
    }

    fn entry(&mut self, section: usize) -> Result<Entry<'a>, Trouble> {
        let (name, end) = self.message.name(self.at)?;
        let section = match section {
            0 => {
                let [a, b, c, d] = *self.message.chunk::<4>(end)?;
                self.at = end + 4;
                let (kind, class) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                return Ok(Entry::Question(Question { name, kind, class }));
            }
            1 => Section::Answer,
            2 => Section::Authority,
            _ => Section::Additional,
        };
        let [k0, k1, c0, c1, t0, t1, t2, t3, l0, l1] = *self.message.chunk::<10>(end)?;
        let record = Record {
            section,
            name,
            kind: u16::from_be_bytes([k0, k1]),
            class: u16::from_be_bytes([c0, c1]),
            ttl: u32::from_be_bytes([t0, t1, t2, t3]),
            length: u16::from_be_bytes([l0, l1]),
            message: self.message,
            at: end + 10,
        };
        self.at = record.at + usize::from(record.length);
        Ok(Entry::Record(record))
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Result<Entry<'a>, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        let section = self.left.iter().position(|left| *left > 0)?;
        self.left[section] -= 1;
        let entry = self.entry(section);
        if entry.is_err() {
            self.left = [0; 4];
        }
        Some(entry)
    }
}
