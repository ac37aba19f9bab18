//! Packets into a capture file: `-w FILE`.

use std::collections::HashMap;
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::capture::{Captured, Direction};
use super::interface;
use super::print::{Fate, Wanted};
use super::privilege::Privileges;
use super::rotation::Rotation;
use super::sink::Sink;
use crate::capture_file::{Form, Packet, Writer, flags};
use crate::error::{Context, Error, Result};
use crate::packet::{Link, walk};
use crate::source::Source;
use crate::target::Target;
use crate::ui::Ui;

/// What is captured is in the file after this time at the latest.
const HOLD: Duration = Duration::from_secs(1);
/// So many packets pass between two looks at the clock.
const STRIDE: u32 = 64;

/// Link type of Ethernet: that of a file without packets, where nothing else is known.
const ETHERNET: u16 = 1;

/// How a file is written.
pub struct Manner {
    /// Its format.
    pub form: Form,
    /// The most bytes of a packet.
    pub snaplen: u32,
    /// A comment about all of it.
    pub comment: Option<String>,
}

/// Writes the packets that are wanted into a capture file, or one after the other.
pub struct Saver {
    /// None before the first packet, where that decides the file's name.
    writer: Option<Writer>,
    manner: Manner,
    rotation: Option<Rotation>,
    /// The file that is read.
    source: Option<Rc<Source>>,
    standard_output: bool,
    /// The interface that a packet was of last, and its number in the file.
    last: Option<(Place, u32)>,
    /// Names of the interfaces by index.
    names: HashMap<u32, Option<String>>,
    /// Packets until the next look at the clock.
    stride: u32,
    flushed: Instant,
}

/// Where a packet was captured.
struct Place {
    linktype: u16,
    index: u32,
    /// Its name in the file that is read.
    name: Option<String>,
}

impl Place {
    fn is_of(&self, packet: &Captured, linktype: u16) -> bool {
        let name = packet.recorded.and_then(|r| r.interface);
        self.linktype == linktype && self.index == packet.interface && self.name.as_deref() == name
    }
}

impl Saver {
    /// Begins to write the file at `path`, or those of `rotation`; `source` is the file that is read.
    ///
    /// `-` is standard output. A file that is there is written anew, as tcpdump does; a new one has what the umask
    /// leaves of 0666, and belongs to the user that `privileges` lets us become, where that is not nobody.
    ///
    /// # Errors
    /// Where it is the file that is read, or cannot be written.
    pub(super) fn create(
        path: &Path,
        manner: Manner,
        rotation: Option<Rotation>,
        source: Option<&Rc<Source>>,
        privileges: &Privileges,
    ) -> Result<Self> {
        if manner.comment.is_some() && manner.form != Form::Pcapng {
            return Err(Error::usage("pcap has no place for a comment")
                .fix("use --format pcapng, or a name that ends in .pcapng"));
        }
        let mut saver = Saver {
            writer: None,
            manner,
            rotation,
            source: source.cloned(),
            standard_output: false,
            last: None,
            names: HashMap::new(),
            stride: 0,
            flushed: Instant::now(),
        };
        // The files of a rotation are all made by whom we are when privileges are gone, as the first is written anew; only
        // their folder is opened before.
        if let Some(rotation) = saver.rotation.as_mut().filter(|rotation| rotation.is_ready()) {
            rotation.settle(source.map(Rc::as_ref))?;
        }
        if saver.rotation.is_none() {
            let (file, name, standard_output) = open(path, source.map(Rc::as_ref), privileges)?;
            if file.is_terminal() {
                return Err(Error::usage(format!("{name} is a terminal: a capture file is no text"))
                    .fix("name a file, or pipe it to a program"));
            }
            saver.standard_output = standard_output;
            saver.writer = Some(saver.manner.writer(file, name)?);
        }
        Ok(saver)
    }

    /// Notes that packets will be of this link type, so that the file can be read before the first of them.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn begin(&mut self, linktype: u16, interface: Option<&interface::Interface>) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let number = writer.interface(linktype, interface.map(|i| i.name.as_str()))?;
        let index = interface.map_or(0, |i| i.index);
        if let Some(interface) = interface {
            self.names.insert(index, Some(interface.name.clone()));
        }
        self.last = Some((Place { linktype, index, name: None }, number));
        writer.flush()
    }

    /// Ends the file that is written, and begins the next.
    fn next_file(&mut self) -> Result<()> {
        self.flush()?;
        if let Some(rotation) = &mut self.rotation {
            let (file, name) = rotation.open(self.source.as_deref())?;
            self.writer = Some(self.manner.writer(file, name)?);
            self.last = None;
        }
        Ok(())
    }

    /// Sees to it that there is a file for a packet of this time, or for none.
    fn rotate(&mut self, seconds: Option<i64>) -> Result<()> {
        let Some(rotation) = &mut self.rotation else { return Ok(()) };
        let turn = match (&self.writer, seconds) {
            (None, _) => {
                rotation.begin(seconds);
                true
            }
            (Some(writer), Some(seconds)) => rotation.turn(seconds, writer.size()),
            (Some(_), None) => false,
        };
        if turn { self.next_file() } else { Ok(()) }
    }

    fn save(&mut self, packet: &Captured) -> Result<()> {
        let linktype = linktype(packet)?;
        self.rotate(Some(packet.seconds))?;
        let interface = match &self.last {
            Some((place, number)) if place.is_of(packet, linktype) => *number,
            _ => self.interface(packet, linktype)?,
        };
        if let Some(writer) = &mut self.writer {
            writer.write(&Packet {
                seconds: packet.seconds,
                nanoseconds: packet.nanoseconds,
                interface,
                length: packet.length,
                bytes: packet.bytes,
                flags: flags_of(packet.direction),
                options: packet.recorded.map(|recorded| recorded.options),
            })?;
        }
        self.stride += 1;
        if self.stride < STRIDE {
            return Ok(());
        }
        self.stride = 0;
        if self.flushed.elapsed() < HOLD { Ok(()) } else { self.flush() }
    }

    #[cold]
    fn interface(&mut self, packet: &Captured, linktype: u16) -> Result<u32> {
        let index = packet.interface;
        let recorded = packet.recorded.and_then(|r| r.interface).map(str::to_owned);
        let name = match packet.recorded {
            Some(_) => recorded.clone(),
            None => self.names.entry(index).or_insert_with(|| interface::name(index)).clone(),
        };
        let Some(writer) = &mut self.writer else { return Ok(0) };
        let number = writer.interface(linktype, name.as_deref())?;
        self.last = Some((Place { linktype, index, name: recorded }, number));
        Ok(number)
    }

    fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        self.writer.as_mut().map_or(Ok(()), Writer::flush)
    }
}

impl Sink for Saver {
    fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, _ui: &mut Ui) -> Result<Fate> {
        let fate = wanted.fate(walk(packet.frame()));
        if fate == Fate::Shown {
            self.save(packet)?;
        }
        Ok(fate)
    }

    fn idle(&mut self, ui: &mut Ui) -> Result<()> {
        // That a file cannot be made is told before the first packet comes.
        if self.writer.is_none() && self.rotation.as_ref().is_some_and(Rotation::is_ready) {
            self.next_file()?;
        }
        self.flush()?;
        if self.standard_output { ui.reader_is_there() } else { Ok(()) }
    }

    fn is_over(&mut self, packet: Option<&Captured>) -> bool {
        // In a file that is read nothing says how late it is but its packets.
        let told = packet.is_some() || self.source.is_none();
        told && self.rotation.as_ref().is_some_and(|rotation| rotation.is_over(packet.map(|p| p.seconds)))
    }

    fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        self.rotate(None)?;
        // A file without any is rejected by libpcap.
        if let (None, Some(writer)) = (&self.last, &mut self.writer) {
            writer.interface(ETHERNET, None)?;
        }
        self.flush()?;
        if let Some(rotation) = &self.rotation {
            ui.note(format_args!("{} files written", rotation.files));
        }
        Ok(())
    }

    fn word(&self) -> &'static str {
        "written"
    }
}

impl Manner {
    fn writer(&self, file: File, name: String) -> Result<Writer> {
        Writer::new(file, name, self.form, self.snaplen, self.comment.as_deref())
    }
}

/// Opens what `path` leads to; its name for messages, and whether it is standard output.
fn open(path: &Path, source: Option<&Source>, privileges: &Privileges) -> Result<(File, String, bool)> {
    let place = match Target::resolve(path, source)? {
        Target::InPlace { file, name, standard_output } => return Ok((file, name, standard_output)),
        Target::Place(place) => place,
    };
    let what = || format!("cannot write to {}", place.shown);
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let open = |flags| openat(&place.directory, place.name.as_c_str(), flags, Mode::from_bits_truncate(0o666));
    let file = match open(flags | OFlag::O_EXCL) {
        Ok(new) => {
            privileges.hand_over(&new);
            File::from(new)
        }
        Err(Errno::EEXIST) => File::from(open(flags).sys("open", what)?),
        Err(errno) => return Err(Error::sys(what(), "open", errno)),
    };
    let there = file.metadata().sys("fstat", what)?;
    // Looked at again before anything is lost: the name may lead elsewhere by now.
    if source.is_some_and(|source| source.is(&there)) {
        return Err(Error::failed(format!("{} is the file that is read", place.shown)).fix("name another file"));
    }
    if there.is_file() {
        file.set_len(0).sys("ftruncate", what)?;
    }
    Ok((file, place.shown, false))
}

/// The link type that a packet has in a capture file.
fn linktype(packet: &Captured) -> Result<u16> {
    match (packet.recorded, packet.link) {
        (Some(recorded), _) => Ok(recorded.linktype),
        (None, Link::Other(hardware)) => Err(Error::unavailable(format!(
            "cannot write packets of an interface of hardware type {hardware}: their link type is not known"
        ))
        .fix("name another interface with -i")),
        (None, link) => Ok(link.linktype()),
    }
}

fn flags_of(direction: Direction) -> u32 {
    match direction {
        Direction::In => flags::INBOUND,
        Direction::Out => flags::OUTBOUND,
        Direction::Broadcast => flags::INBOUND | flags::BROADCAST,
        Direction::Multicast => flags::INBOUND | flags::MULTICAST,
        Direction::Other => flags::INBOUND | flags::PROMISCUOUS,
        Direction::Unknown => 0,
    }
}
