//! A capture that was made before: `-r FILE`.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use super::capture::{Capture, Captured, Direction, Event, Recorded};
use super::losses::Losses;
use super::receive;
use crate::capture_file::{Next, Reader, Record, flags};
use crate::error::{Error, Result};
use crate::interrupt;
use crate::packet::{Link, text};
use crate::source::Source;

/// The packets of a file, with the times of the file.
pub struct Offline {
    reader: Reader,
    /// How long the next read may wait for a writer; as long as that takes where there is none.
    wait: Rc<Cell<Option<Duration>>>,
}

impl Offline {
    /// Opens the capture file `source`: reads its header, waiting for it.
    ///
    /// # Errors
    /// Where it cannot be read, or is no capture file.
    pub fn open(source: &Rc<Source>) -> Result<Self> {
        let wait = Rc::new(Cell::new(None));
        let input = Input { source: Rc::clone(source), wait: Rc::clone(&wait) };
        let reader = Reader::open(Box::new(input), source.shown())?;
        Ok(Offline { reader, wait })
    }

    /// What it is: format, link type where that is one, comments.
    pub fn describe(&self) -> String {
        let mut words = self.reader.format().name().to_owned();
        if let Some(link) = self.reader.link() {
            words.push_str(&format!(", link type {link}"));
        }
        if let Some(snaplen) = self.reader.snaplen() {
            words.push_str(&format!(", snapshot length {snaplen}"));
        }
        for comment in self.reader.comments() {
            words.push_str(", comment: ");
            words.push_str(&text::to_escaped(comment));
        }
        words
    }
}

impl Capture for Offline {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        // Decompressing cannot be left in the middle.
        self.wait.set((!self.reader.compressed()).then_some(wait));
        match self.reader.next() {
            Ok(Next::Record(record)) => Ok(Event::Packet(captured(record))),
            Ok(Next::NotYet) => Ok(Event::Nothing),
            Ok(Next::End) => Ok(Event::End),
            Err(_) if interrupt::asked() => Ok(Event::End),
            Err(e) => Err(e),
        }
    }

    fn is_filtered(&self) -> bool {
        false
    }

    fn dropped(&mut self) -> Result<Losses> {
        Ok(Losses::default())
    }

    fn linktype(&self) -> Option<u16> {
        self.reader.link()
    }
}

fn captured(record: Record) -> Captured {
    Captured {
        seconds: record.seconds,
        nanoseconds: record.nanoseconds,
        direction: direction(record.options.flags().unwrap_or(0)),
        interface: 0,
        link: Link::of_linktype(record.link),
        bytes: record.bytes,
        length: record.length,
        offloaded: false,
        recorded: Some(Recorded { linktype: record.link, interface: record.interface_name, options: record.options }),
        fragments: 0,
    }
}

fn direction(word: u32) -> Direction {
    match (word & flags::DIRECTION, word & flags::RECEPTION) {
        (flags::OUTBOUND, _) => Direction::Out,
        (flags::INBOUND, flags::BROADCAST) => Direction::Broadcast,
        (flags::INBOUND, flags::MULTICAST) => Direction::Multicast,
        (flags::INBOUND, flags::PROMISCUOUS) => Direction::Other,
        (flags::INBOUND, _) => Direction::In,
        _ => Direction::Unknown,
    }
}

/// The file, which may be a pipe that someone else fills.
struct Input {
    source: Rc<Source>,
    wait: Rc<Cell<Option<Duration>>>,
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.source.may_wait() {
            match self.wait.get() {
                Some(wait) if !receive::ready(self.source.file.as_fd(), wait)? => {
                    return Err(ErrorKind::WouldBlock.into());
                }
                Some(_) => {}
                None => {
                    let interrupted = || Error::failed("interrupted");
                    self.source.await_data(interrupted).map_err(|e| io::Error::other(e.to_string()))?;
                }
            }
        }
        (&self.source.file).read(out)
    }
}
