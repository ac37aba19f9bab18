//! Packets into a capture file: `-w FILE`.

use std::collections::HashMap;
use std::fs::File;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use super::capture::{Captured, Direction};
use super::interface;
use super::print::{Fate, Wanted};
use super::privilege::Privileges;
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

/// Writes the packets that are wanted into a capture file.
pub struct Saver {
    writer: Writer,
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
    /// Begins to write the file at `path`, of packets of at most `snaplen` bytes; `source` is the file that is read.
    ///
    /// `-` is standard output. A file that is there is written anew, as tcpdump does; a new one has what the umask
    /// leaves of 0666, and belongs to the user that `privileges` lets us become, where that is not nobody.
    ///
    /// # Errors
    /// Where it is the file that is read, or cannot be written.
    pub fn create(
        path: &Path,
        form: Form,
        snaplen: u32,
        comment: Option<&str>,
        source: Option<&Source>,
        privileges: &Privileges,
    ) -> Result<Self> {
        if comment.is_some() && form != Form::Pcapng {
            return Err(Error::usage("pcap has no place for a comment")
                .fix("use --format pcapng, or a name that ends in .pcapng"));
        }
        let (file, name, standard_output) = open(path, source, privileges)?;
        if file.is_terminal() {
            return Err(Error::usage(format!("{name} is a terminal: a capture file is no text"))
                .fix("name a file, or pipe it to a program"));
        }
        let writer = Writer::new(file, name, form, snaplen, comment)?;
        Ok(Saver { writer, standard_output, last: None, names: HashMap::new(), stride: 0, flushed: Instant::now() })
    }

    /// Notes that packets will be of this link type, so that the file can be read before the first of them.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn begin(&mut self, linktype: u16, interface: Option<&interface::Interface>) -> Result<()> {
        let number = self.writer.interface(linktype, interface.map(|i| i.name.as_str()))?;
        let index = interface.map_or(0, |i| i.index);
        if let Some(interface) = interface {
            self.names.insert(index, Some(interface.name.clone()));
        }
        self.last = Some((Place { linktype, index, name: None }, number));
        self.writer.flush()
    }

    fn save(&mut self, packet: &Captured) -> Result<()> {
        let linktype = linktype(packet)?;
        let interface = match &self.last {
            Some((place, number)) if place.is_of(packet, linktype) => *number,
            _ => self.interface(packet, linktype)?,
        };
        self.writer.write(&Packet {
            seconds: packet.seconds,
            nanoseconds: packet.nanoseconds,
            interface,
            length: packet.length,
            bytes: packet.bytes,
            flags: flags_of(packet.direction),
        })?;
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
        let number = self.writer.interface(linktype, name.as_deref())?;
        self.last = Some((Place { linktype, index, name: recorded }, number));
        Ok(number)
    }

    fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        self.writer.flush()
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
        self.flush()?;
        if self.standard_output { ui.reader_is_there() } else { Ok(()) }
    }

    fn finish(&mut self, _ui: &mut Ui) -> Result<()> {
        // A file without any is rejected by libpcap.
        if self.last.is_none() {
            self.writer.interface(ETHERNET, None)?;
        }
        self.flush()
    }

    fn word(&self) -> &'static str {
        "written"
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
