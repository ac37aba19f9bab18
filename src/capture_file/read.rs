//! The reader: record after record, out of one buffer.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use super::pcapng::{Options, SECTION, Section};
use super::window::{Have, Window};
use super::{Format, compressed, pcap};
use crate::error::{Error, Result};

/// A packet of a capture file.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// When it was captured: seconds since the epoch (0 where the file does not tell: simple packet blocks).
    pub seconds: i64,
    /// And nanoseconds of that second, below 1,000,000,000.
    pub nanoseconds: u32,
    /// What it begins with: the LINKTYPE_ value.
    pub link: u16,
    /// Number of its interface within the section; 0 in pcap.
    pub interface: u32,
    /// Name of its interface (if_name), where the file tells. It is as the file has it: escape it before it is shown.
    pub interface_name: Option<&'a str>,
    /// Its length on the wire in bytes.
    pub length: usize,
    /// What was captured.
    pub bytes: &'a [u8],
    /// Its options, in pcapng.
    pub options: Options<'a>,
}

/// What looking for the next record came to.
#[derive(Debug)]
pub enum Next<'a> {
    /// It.
    Record(Record<'a>),
    /// It is not there yet: the input would have to be waited for (EWOULDBLOCK), or a signal came.
    NotYet,
    /// There is none: the file ended.
    End,
}

/// Where a record stands in the window, and what it says.
pub(super) struct Parsed {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
    pub(super) interface: u32,
    pub(super) length: usize,
    /// Bytes of it all.
    pub(super) size: usize,
    /// Where the packet begins.
    pub(super) start: usize,
    /// Bytes of the packet.
    pub(super) captured: usize,
    pub(super) options: Range<usize>,
    pub(super) big: bool,
}

/// What a format's parser came to.
pub(super) enum Step {
    Record(Parsed),
    NotYet,
    End,
}

/// What is wrong with a file.
pub(super) enum Trouble {
    /// It could not be read on, or not be decompressed.
    Read(std::io::Error),
    /// It ended inside a record.
    Cut(String),
    /// It contradicts itself, or is of a kind that is not read.
    Content(String),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Trouble::Read(error)
    }
}

impl Trouble {
    pub(super) fn at(offset: u64, what: impl std::fmt::Display) -> Self {
        Trouble::Content(format!("at byte {offset} {what}"))
    }

    pub(super) fn too_long(offset: u64, length: u32) -> Self {
        let most = super::LONGEST_RECORD;
        Self::at(
            offset,
            format_args!("a record says that it holds {length} bytes, and {most} is the most there can be"),
        )
    }

    /// The record at `offset` is of `size` bytes, and `left` are there.
    pub(super) fn cut(offset: u64, size: usize, left: usize) -> Self {
        Trouble::Cut(format!("it is cut: of {size} bytes at byte {offset} only {left} are there"))
    }
}

enum Kind {
    Pcap(pcap::Header),
    Pcapng(Box<Section>),
}

/// Reads a capture file.
pub struct Reader {
    name: String,
    window: Window,
    kind: Kind,
    compressed: bool,
    ended: bool,
}

impl Reader {
    /// Begins to read `input`, which messages call `name`: its header, waiting for it.
    ///
    /// # Errors
    /// Where it cannot be read, or is no capture file.
    pub fn open(input: Box<dyn Read>, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let failed = |trouble| explain(&name, false, trouble);
        let (input, compressed) = compressed::open(input).map_err(|e| failed(Trouble::Read(e)))?;
        let mut window = Window::new(input);
        let kind = begin(&mut window).map_err(|trouble| explain(&name, compressed, trouble))?;
        Ok(Reader { name, window, kind, compressed, ended: false })
    }

    /// The next record; after an error there is none any more.
    ///
    /// # Errors
    /// Where the input cannot be read, a record contradicts itself, or the file ends inside it; the records before it
    /// were whole.
    #[allow(clippy::should_implement_trait)] // What it yields borrows from the reader.
    #[inline]
    pub fn next(&mut self) -> Result<Next<'_>> {
        if self.ended {
            return Ok(Next::End);
        }
        let step = match &mut self.kind {
            Kind::Pcap(header) => header.next(&mut self.window),
            Kind::Pcapng(section) => section.next(&mut self.window),
        };
        match step {
            Ok(Step::Record(parsed)) => Ok(Next::Record(self.record(parsed))),
            Ok(Step::NotYet) => Ok(Next::NotYet),
            Ok(Step::End) => {
                self.ended = true;
                Ok(Next::End)
            }
            Err(trouble) => {
                self.ended = true;
                Err(explain(&self.name, self.compressed, trouble))
            }
        }
    }

    #[inline]
    fn record(&mut self, parsed: Parsed) -> Record<'_> {
        let (link, interface_name) = match &self.kind {
            Kind::Pcap(header) => (header.link, None),
            Kind::Pcapng(section) => section.interface(parsed.interface),
        };
        let bytes = self.window.take(parsed.size);
        Record {
            seconds: parsed.seconds,
            nanoseconds: parsed.nanoseconds,
            link,
            interface: parsed.interface,
            interface_name,
            length: parsed.length,
            bytes: bytes.get(parsed.start..parsed.start + parsed.captured).unwrap_or_default(),
            options: Options::new(bytes.get(parsed.options).unwrap_or_default(), parsed.big),
        }
    }

    /// Its format.
    pub fn format(&self) -> Format {
        match self.kind {
            Kind::Pcap(_) => Format::Pcap,
            Kind::Pcapng(_) => Format::Pcapng,
        }
    }

    /// Whether it is compressed: then reading cannot go on after EWOULDBLOCK, so that the input must wait.
    pub fn compressed(&self) -> bool {
        self.compressed
    }

    /// The link type (LINKTYPE_ value) of all its packets, in pcap; of the first interface in pcapng, once it was read.
    pub fn link(&self) -> Option<u16> {
        match &self.kind {
            Kind::Pcap(header) => Some(header.link),
            Kind::Pcapng(section) => section.link(),
        }
    }

    /// The most bytes of a packet that were captured, in pcap.
    pub fn snaplen(&self) -> Option<u32> {
        match &self.kind {
            Kind::Pcap(header) => Some(header.snaplen),
            Kind::Pcapng(_) => None,
        }
    }

    /// The comments (opt_comment) of the section that is being read, as the file has them: escape them before they are
    /// shown.
    pub fn comments(&self) -> impl Iterator<Item = &[u8]> {
        let section = match &self.kind {
            Kind::Pcap(_) => None,
            Kind::Pcapng(section) => Some(section.options().comments()),
        };
        section.into_iter().flatten()
    }
}

/// Reads what stands before the first record.
fn begin(window: &mut Window) -> Result<Kind, Trouble> {
    let nothing = || Trouble::Content("it is empty".to_owned());
    let no_capture = || Trouble::Content("it is no capture file: it begins as neither pcap nor pcapng".to_owned());
    match await_bytes(window, 4)? {
        Have::Ended(0) => return Err(nothing()),
        Have::Ended(_) => return Err(no_capture()),
        _ => {}
    }
    let magic = window.first::<4>().unwrap_or_default();
    if pcap::begins(magic) {
        if let Have::Ended(left) = await_bytes(window, pcap::FILE_HEADER)? {
            return Err(Trouble::cut(0, pcap::FILE_HEADER, left));
        }
        let header = window.first().unwrap_or([0; pcap::FILE_HEADER]);
        let header = pcap::Header::parse(&header)?;
        window.take(pcap::FILE_HEADER);
        return Ok(Kind::Pcap(header));
    }
    if pcap::is_variant(magic) {
        return Err(Trouble::Content("it is of a variant of pcap with other record headers".to_owned()));
    }
    if magic != SECTION.to_be_bytes() {
        return Err(no_capture());
    }
    loop {
        if let Some(section) = Section::begin(window)? {
            return Ok(Kind::Pcapng(Box::new(section)));
        }
    }
}

/// That so many bytes are there, however long that takes.
fn await_bytes(window: &mut Window, count: usize) -> std::io::Result<Have> {
    loop {
        match window.want(count)? {
            Have::NotYet => {}
            have => return Ok(have),
        }
    }
}

/// The error for what is wrong with the file of this name.
fn explain(name: &str, compressed: bool, trouble: Trouble) -> Error {
    let where_to_look = if compressed { " (counted in what it decompresses to)" } else { "" };
    match trouble {
        Trouble::Read(e) if e.kind() == ErrorKind::UnexpectedEof || e.raw_os_error().is_none() => {
            Error::failed(format!("cannot decompress {name} any further: {e}"))
                .fix("it is cut or corrupt; what came before is whole")
        }
        Trouble::Read(e) => {
            let what = || format!("cannot read {name}");
            crate::error::Context::<()>::sys(Err(e), "read", what).expect_err("made from an error")
        }
        Trouble::Cut(what) => Error::failed(format!("cannot read {name} any further: {what}{where_to_look}"))
            .fix("what came before is whole"),
        Trouble::Content(what) => Error::failed(format!("cannot read {name}: {what}{where_to_look}")),
    }
}
