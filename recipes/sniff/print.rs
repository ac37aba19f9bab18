//! The three forms of a packet: one line, the full block, a JSON object.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::capture::{Captured, Direction};
use super::interface;
use super::timestamp::{LocalClock, rfc3339};
use crate::error::{Error, Result};
use crate::packet::walk::EndDocument;
use crate::packet::{Detail, Document, Line, Text, Walk, text, walk};
use crate::ui::{Ui, output_error};

/// How packets are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line each, in tcpdump's words.
    Line,
    /// The cheat sheet's block, a field a line.
    Full,
    /// A JSON object each, on one line.
    Json,
}

/// What `syskit sniff --json` prints for a packet, on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PacketDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// When the kernel saw it: RFC 3339, UTC, nanoseconds.
    pub time: String,
    /// The same as seconds since the epoch.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
    /// The interface, where the method tells.
    pub interface: Option<String>,
    /// Which way it went.
    pub direction: Direction,
    /// How many bytes were captured.
    pub captured_length: usize,
    /// Its length on the wire in bytes.
    pub length: usize,
    /// Of how many fragments it was put together here (`--reassemble`), where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fragments: Option<u16>,
    /// The decoded layers.
    #[serde(flatten)]
    pub layers: Document,
    /// Why decoding ended before the payload, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecoded: Option<EndDocument>,
}

/// What becomes of a captured packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is shown.
    Shown,
    /// It is not of the protocol that was asked for.
    OtherProtocol,
    /// It is not of the port that was asked for, or has none.
    OtherPort,
}

/// Decides by its layers whether a packet is shown.
pub trait Wanted {
    /// What becomes of a packet of these layers. One that is malformed is shown unless it is known to be another's.
    fn fate(&self, layers: Walk) -> Fate;
}

/// Writes packets in one form.
pub struct Printer {
    form: Form,
    /// Whether lines name the interface: they do when capturing on all of them.
    name_interface: bool,
    clock: LocalClock,
    /// Names by index; asked for once, as an interface may be gone by the time its packets are read.
    names: HashMap<u32, Option<String>>,
    text: Line,
}

impl Printer {
    /// One that writes in `form`.
    pub fn new(form: Form, name_interface: bool) -> Self {
        Printer {
            form,
            name_interface,
            clock: LocalClock::default(),
            names: HashMap::new(),
            text: Line::of(Detail::Checked),
        }
    }

    /// Shows the packet if it is wanted.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate> {
        let fate = wanted.fate(walk(packet.frame()));
        if fate == Fate::Shown {
            self.text.clear();
            match self.form {
                Form::Line => self.line(packet),
                Form::Full => self.full(packet),
                Form::Json => self.json(packet)?,
            }
            ui.out().write_all(self.text.as_bytes()).map_err(output_error)?;
        }
        Ok(fate)
    }

    fn line(&mut self, packet: &Captured) {
        self.clock.time_of_day(&mut self.text, packet.seconds, packet.nanoseconds);
        self.text.push(' ');
        if self.name_interface {
            let name = self.interface(packet).unwrap_or_else(|| "?".to_owned());
            self.text.push_str(&format!("{name} {} ", packet.direction.word()));
        }
        walk::line(packet.frame(), &mut self.text);
        if packet.fragments > 0 {
            self.text.push_str(&format!(" [of {} fragments]", packet.fragments));
        }
        self.text.push('\n');
    }

    fn full(&mut self, packet: &Captured) {
        let mut when = Text::new();
        self.clock.date_and_time(&mut when, packet.seconds, packet.nanoseconds);
        text::field(&mut self.text, "Time", when);
        // A capture file need not tell.
        match (self.interface(packet), packet.direction) {
            (None, Direction::Unknown) => {}
            (name, direction) => {
                let name = name.unwrap_or_else(|| "?".to_owned());
                text::field(&mut self.text, "Interface", format_args!("{name}, {}", direction.word()));
            }
        }
        if packet.fragments > 0 {
            text::field(&mut self.text, "Fragments", packet.fragments);
        }
        walk::block(packet.frame(), &mut self.text);
        self.text.push('\n');
    }

    fn json(&mut self, packet: &Captured) -> Result<()> {
        let interface = self.interface(packet);
        let document = document(packet, interface);
        let json = serde_json::to_string(&document).map_err(|e| Error::failed(format!("cannot write JSON: {e}")))?;
        self.text.push_str(&json);
        self.text.push('\n');
        Ok(())
    }

    fn interface(&mut self, packet: &Captured) -> Option<String> {
        if let Some(recorded) = packet.recorded {
            return Some(text::to_escaped(recorded.interface?.as_bytes()));
        }
        let index = packet.interface;
        self.names.entry(index).or_insert_with(|| interface::name(index)).clone()
    }
}

/// The JSON form of a packet.
pub fn document(packet: &Captured, interface: Option<String>) -> PacketDocument {
    let mut decoded = Document::default();
    let mut layers = walk(packet.frame());
    layers.by_ref().for_each(|layer| layer.document(&mut decoded));
    PacketDocument {
        schema: 1,
        time: rfc3339(packet.seconds, packet.nanoseconds),
        seconds: packet.seconds,
        nanoseconds: packet.nanoseconds,
        interface,
        direction: packet.direction,
        captured_length: packet.bytes.len(),
        length: packet.length,
        fragments: (packet.fragments > 0).then_some(packet.fragments),
        layers: decoded,
        undecoded: layers.end().document(),
    }
}
