//! pcapng: blocks in sections, each section in the byte order of who wrote it.
//!
//! Section header, interface description, enhanced, simple and obsolete packet blocks are looked into; all others are
//! passed over, whatever their length.

mod body;
mod interface;
mod options;

use body::{Body, body, word};
use interface::Interface;
pub use options::Options;

use super::read::{Parsed, Step, Trouble};
use super::window::{Have, Window};

/// Type of a section header block, the same in both byte orders.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
/// Type of an interface description block.
pub(super) const INTERFACE: u32 = 1;
/// Type of an obsolete packet block.
const OLD_PACKET: u32 = 2;
/// Type of a simple packet block.
const SIMPLE_PACKET: u32 = 3;
/// Type of an enhanced packet block.
pub(super) const PACKET: u32 = 6;
/// What tells the byte order of a section.
pub(super) const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// The options that are written.
pub(super) mod option {
    pub(in crate::capture_file) use super::interface::{NAME, RESOLUTION};
    pub(in crate::capture_file) use super::options::{COMMENT, END, FLAGS};

    /// shb_userappl: what wrote the section.
    pub(in crate::capture_file) const APPLICATION: u16 = 4;
}

/// Type and length before a block's body.
const HEAD: usize = 8;
/// The length again behind it.
const TAIL: usize = 4;
/// More interfaces than a section may have, so that a file of nothing else does not fill the memory.
pub(super) const MOST_INTERFACES: usize = 1 << 16;

/// The section that is being read.
pub(super) struct Section {
    big: bool,
    interfaces: Vec<Interface>,
    /// The options of its header.
    options: Box<[u8]>,
    /// Bytes of a block that are still to be passed over.
    to_skip: u64,
}

/// A block that is whole in the window: its type and its length.
enum Block {
    Whole(u32, usize),
    NotYet,
    End,
}

impl Section {
    /// Reads the header of the section that begins here; `None` where it is not there yet.
    pub(super) fn begin(window: &mut Window) -> Result<Option<Self>, Trouble> {
        const UP_TO_MAGIC: usize = HEAD + 4;
        match window.want(UP_TO_MAGIC)? {
            Have::Enough => {}
            Have::NotYet => return Ok(None),
            Have::Ended(left) => return Err(Trouble::cut(window.offset(), UP_TO_MAGIC, left)),
        }
        let [_, _, _, _, _, _, _, _, magic @ ..] = window.first::<UP_TO_MAGIC>().unwrap_or_default();
        let big = match magic {
            m if u32::from_be_bytes(m) == BYTE_ORDER => true,
            m if u32::from_le_bytes(m) == BYTE_ORDER => false,
            _ => return Err(Trouble::at(window.offset(), "a section header has no byte order")),
        };
        let section = Section { big, interfaces: Vec::new(), options: [].into(), to_skip: 0 };
        let Block::Whole(_, size) = section.whole(window)? else { return Ok(None) };
        let offset = window.offset();
        let body = Body { bytes: body(window.take(size)), big };
        match body.half(4) {
            Some(1) => {}
            Some(major) => return Err(Trouble::at(offset, format_args!("a section is of pcapng version {major}"))),
            None => return Err(Trouble::at(offset, "a section header is too short")),
        }
        let options = body.bytes.get(16..).unwrap_or_default().into();
        Ok(Some(Section { options, ..section }))
    }

    /// The next packet.
    pub(super) fn next(&mut self, window: &mut Window) -> Result<Step, Trouble> {
        loop {
            if !self.skip(window)? {
                return Ok(Step::NotYet);
            }
            let (kind, size) = match self.block(window)? {
                Block::Whole(kind, size) => (kind, size),
                Block::NotYet => return Ok(Step::NotYet),
                Block::End => return Ok(Step::End),
            };
            match kind {
                PACKET | OLD_PACKET | SIMPLE_PACKET => return self.packet(kind, size, window).map(Step::Record),
                INTERFACE => self.add_interface(size, window)?,
                SECTION => match Section::begin(window)? {
                    Some(section) => *self = section,
                    None => return Ok(Step::NotYet),
                },
                _ => self.to_skip = size as u64,
            }
        }
    }

    /// Passes over what is to be passed over; false where it is not there yet.
    fn skip(&mut self, window: &mut Window) -> Result<bool, Trouble> {
        while self.to_skip > 0 {
            match window.want(1)? {
                Have::Enough => {}
                Have::NotYet => return Ok(false),
                Have::Ended(_) => {
                    let missing = self.to_skip;
                    return Err(Trouble::Cut(format!(
                        "it is cut: {missing} bytes of a block are missing at byte {}",
                        window.offset()
                    )));
                }
            }
            let there = usize::try_from(self.to_skip).unwrap_or(usize::MAX);
            self.to_skip -= window.take(there).len() as u64;
        }
        Ok(true)
    }

    /// The block that begins here, whole if it is one that is looked into.
    fn block(&self, window: &mut Window) -> Result<Block, Trouble> {
        match window.want(HEAD)? {
            Have::Enough => {}
            Have::NotYet => return Ok(Block::NotYet),
            Have::Ended(0) => return Ok(Block::End),
            Have::Ended(left) => return Err(Trouble::cut(window.offset(), HEAD, left)),
        }
        let (kind, size) = self.head(window);
        match kind {
            // Its length is in its own byte order.
            SECTION => Ok(Block::Whole(kind, 0)),
            PACKET | OLD_PACKET | SIMPLE_PACKET | INTERFACE => self.whole(window),
            _ => self.checked(size, window).map(|size| Block::Whole(kind, size)),
        }
    }

    fn head(&self, window: &Window) -> (u32, u32) {
        let [a, b, c, d, e, f, g, h] = window.first::<HEAD>().unwrap_or_default();
        (word(self.big, [a, b, c, d]), word(self.big, [e, f, g, h]))
    }

    /// A length that a block may have.
    fn checked(&self, size: u32, window: &Window) -> Result<usize, Trouble> {
        // Not a multiple of four: libpcap rejects it as well, as nothing says where the next block begins.
        if (size as usize) < HEAD + TAIL || !size.is_multiple_of(4) {
            return Err(Trouble::at(window.offset(), format_args!("a block says that it is of {size} bytes")));
        }
        Ok(size as usize)
    }

    /// The block that begins here, all of it.
    fn whole(&self, window: &mut Window) -> Result<Block, Trouble> {
        let (kind, said) = self.head(window);
        let size = self.checked(said, window)?;
        if size > super::LONGEST_BLOCK {
            return Err(Trouble::too_long(window.offset(), said));
        }
        match window.want(size)? {
            Have::Enough => {}
            Have::NotYet => return Ok(Block::NotYet),
            Have::Ended(left) => return Err(Trouble::cut(window.offset(), size, left)),
        }
        let tail = window.bytes().get(size - TAIL..).and_then(|b| b.first_chunk()).map(|b| word(self.big, *b));
        if tail != Some(said) {
            return Err(Trouble::at(window.offset(), "a block begins with another length than it ends with"));
        }
        Ok(Block::Whole(kind, size))
    }

    fn add_interface(&mut self, size: usize, window: &mut Window) -> Result<(), Trouble> {
        let offset = window.offset();
        if self.interfaces.len() == MOST_INTERFACES {
            return Err(Trouble::at(offset, format_args!("a section has more than {MOST_INTERFACES} interfaces")));
        }
        let body = Body { bytes: body(window.take(size)), big: self.big };
        let interface = Interface::parse(&body);
        self.interfaces.push(interface.ok_or_else(|| Trouble::at(offset, "an interface description is too short"))?);
        Ok(())
    }

    fn packet(&self, kind: u32, size: usize, window: &Window) -> Result<Parsed, Trouble> {
        let offset = window.offset();
        let body = Body { bytes: body(window.bytes().get(..size).unwrap_or_default()), big: self.big };
        let fields = match kind {
            PACKET => body.enhanced(),
            OLD_PACKET => body.obsolete(),
            _ => body.simple(self.interfaces.first().map_or(0, |i| i.snaplen)),
        };
        let fields = fields.ok_or_else(|| Trouble::at(offset, "a packet block is too short"))?;
        let Some(interface) = self.interfaces.get(fields.interface as usize) else {
            let number = fields.interface;
            return Err(Trouble::at(
                offset,
                format_args!("a packet is of interface {number}, which is not described"),
            ));
        };
        let captured = fields.captured as usize;
        if captured > super::LONGEST_RECORD {
            return Err(Trouble::too_long(offset, fields.captured));
        }
        if fields.start + captured > body.bytes.len() {
            return Err(Trouble::at(offset, format_args!("a packet of {captured} bytes is longer than its block")));
        }
        let (seconds, nanoseconds) = fields.time.map_or((0, 0), |units| interface.time(units));
        let options = HEAD + (fields.start + captured).next_multiple_of(4);
        Ok(Parsed {
            seconds,
            nanoseconds,
            interface: fields.interface,
            length: fields.length as usize,
            size,
            start: HEAD + fields.start,
            captured,
            // A simple packet block has none.
            options: if kind == SIMPLE_PACKET { 0..0 } else { options..size - TAIL },
            big: self.big,
        })
    }

    /// Link type and name of the interface of this number.
    #[inline]
    pub(super) fn interface(&self, number: u32) -> (u16, Option<&str>) {
        self.interfaces.get(number as usize).map_or((0, None), |i| (i.link, i.name.as_deref()))
    }

    /// Link type of its first interface.
    pub(super) fn link(&self) -> Option<u16> {
        self.interfaces.first().map(|i| i.link)
    }

    /// The options of its header.
    pub(super) fn options(&self) -> Options<'_> {
        Options::new(&self.options, self.big)
    }
}
