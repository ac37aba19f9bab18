//! Names (RFC 1035 section 3.1) and their compression (section 4.1.4), on a short leash.
//!
//! A pointer must go back to before the run of labels that it ends, so that no name can loop; a name has at most 255
//! bytes; and few pointers may follow each other without a label between them, so that work stays in proportion to text.

use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// The longest name, in bytes of the uncompressed form.
const LONGEST: usize = 255;
/// More pointers in a row than any encoder writes.
const MOST_POINTERS: u8 = 16;

/// The bytes of a message, which names point into.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What was captured.
    pub bytes: &'a [u8],
    /// What it measured, in bytes.
    pub length: usize,
}

impl<'a> Message<'a> {
    /// `length` bytes at `at`.
    ///
    /// # Errors
    /// Where they are not there.
    pub fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Trouble> {
        let end = at.saturating_add(length);
        self.bytes.get(at..end).ok_or_else(|| self.short(end))
    }

    /// `N` bytes at `at`.
    ///
    /// # Errors
    /// Where they are not there.
    pub fn chunk<const N: usize>(&self, at: usize) -> Result<&'a [u8; N], Trouble> {
        self.bytes.get(at..).and_then(<[u8]>::first_chunk).ok_or_else(|| self.short(at.saturating_add(N)))
    }

    /// Why the message is not there up to `end`: cut by the capture, or never sent.
    pub fn short(&self, end: usize) -> Trouble {
        if end <= self.length { Trouble::Truncated } else { Trouble::Malformed("the message ends inside a record") }
    }

    /// The name at `at`, and where it ends; pointers are not followed yet.
    ///
    /// # Errors
    /// Where its end is not there, or a label is of no known kind.
    pub fn name(self, at: usize) -> Result<(Name<'a>, usize), Trouble> {
        let mut end = at;
        loop {
            match *self.bytes.get(end).ok_or_else(|| self.short(end + 1))? {
                0 => return Ok((Name { message: self, at }, end + 1)),
                length @ 1..=63 => end += 1 + usize::from(length),
                192.. => {
                    self.slice(end, 2)?;
                    return Ok((Name { message: self, at }, end + 2));
                }
                _ => return Err(Trouble::Malformed("a label of no known kind")),
            }
        }
    }
}

/// A name within a message.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a> {
    message: Message<'a>,
    at: usize,
}

impl<'a> Name<'a> {
    /// Its labels, from the left.
    pub fn labels(&self) -> Labels<'a> {
        Labels { message: self.message, at: Some(self.at), start: self.at, room: LONGEST - 1, pointers: 0 }
    }

    /// Appends it, ended by the dot of the root. A dot inside a label is no end of a label: it stands as `\.`.
    ///
    /// # Errors
    /// What is wrong with it; its labels up to there are written.
    pub fn write(&self, out: &mut Text) -> Result<(), Trouble> {
        let before = out.len();
        for label in self.labels() {
            write_label(out, label?);
            out.push('.');
        }
        if out.len() == before {
            out.push('.');
        }
        Ok(())
    }
}

fn write_label(out: &mut Text, label: &[u8]) {
    let plain = label.iter().all(|b| matches!(b, b'!'..=b'~') && !matches!(b, b'.' | b'\\'));
    match std::str::from_utf8(label) {
        Ok(label) if plain => out.push_str(label),
        _ => {
            for (i, part) in label.split(|b| *b == b'.').enumerate() {
                out.push_str(if i > 0 { "\\." } else { "" });
                text::escaped(out, part);
            }
        }
    }
}

/// The labels of a name; an error is the last item.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    message: Message<'a>,
    /// Where the next label stands; `None` behind the last.
    at: Option<usize>,
    /// Where the run of labels began: pointers go to before it.
    start: usize,
    /// How many bytes the name may still take.
    room: usize,
    /// How many pointers came one after the other.
    pointers: u8,
}

impl<'a> Labels<'a> {
    fn step(&mut self) -> Result<Option<&'a [u8]>, Trouble> {
        let Some(mut at) = self.at.take() else { return Ok(None) };
        loop {
            let [first] = *self.message.chunk::<1>(at)?;
            match first {
                0 => return Ok(None),
                1..=63 => break,
                192.. => {
                    let [high, low] = *self.message.chunk::<2>(at)?;
                    at = usize::from(u16::from_be_bytes([high & 0x3f, low]));
                    self.pointers += 1;
                    if at >= self.start {
                        return Err(Trouble::Malformed("a name points forward"));
                    } else if self.pointers > MOST_POINTERS {
                        return Err(Trouble::Malformed("a name points on and on"));
                    }
                    self.start = at;
                }
                _ => return Err(Trouble::Malformed("a label of no known kind")),
            }
        }
        let [length] = *self.message.chunk::<1>(at)?;
        let label = self.message.slice(at + 1, length.into())?;
        let taken = 1 + label.len();
        self.room = self.room.checked_sub(taken).ok_or(Trouble::Malformed("a name is too long"))?;
        self.pointers = 0;
        self.at = Some(at + taken);
        Ok(Some(label))
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Result<&'a [u8], Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
