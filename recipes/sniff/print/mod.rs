//! How packets are printed: a line, the full block, a JSON object, or chosen fields of it.

mod document;
pub mod dump;
pub mod ethertype;
pub mod fields;
pub mod link;
mod names;

use serde::Serialize;

use super::capture::{Captured, Direction};
use super::timestamp::{Clock, Precision, TimeForm};
use super::who::Owners;
use crate::error::{Error, Result};
use crate::packet::tcp::flows::Flows;
use crate::packet::{Detail, Line, Text, Walk, text, walk};
use crate::ui::{Ui, output_error};

pub use document::{PacketDocument, document};
use fields::Fields;
use names::Names;

/// The form that packets are shown in.
#[derive(Debug)]
pub enum Form {
    /// A line each, in tcpdump's words.
    Line(Detail),
    /// The cheat sheet's block, a field a line.
    Full,
    /// A JSON object each, on one line.
    Json,
    /// Chosen fields of the JSON object, on one line.
    Fields(Fields),
}

/// Everything that says how packets are shown; what is beside the form is of lines and blocks.
#[derive(Debug)]
pub struct Manner {
    /// The form.
    pub form: Form,
    /// Whether lines name the interface: they do when capturing on all of them.
    pub name_interface: bool,
    /// Whether packets are numbered.
    pub number: bool,
    /// How their time is said; `None` where the form decides.
    pub time: Option<TimeForm>,
    /// How exactly.
    pub precision: Precision,
    /// Whether lines begin with the link-level header.
    pub link: bool,
    /// Whether and how the bytes are shown below, and whether from the link-level header on.
    pub dump: Option<(dump::Bytes, bool)>,
    /// Whether sequence numbers are shown as they are, not counted from the start of their connection.
    pub absolute: bool,
    /// Whether each packet is written at once.
    pub at_once: bool,
}

impl Manner {
    /// What nobody asked to be otherwise.
    pub fn of(form: Form) -> Self {
        Manner {
            form,
            name_interface: false,
            number: false,
            time: None,
            precision: Precision::Micro,
            link: false,
            dump: None,
            absolute: false,
            at_once: false,
        }
    }
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

/// Text that is gathered before it is written: many packets, so that none pays for the call.
const PIECE: usize = 64 << 10;

/// Writes packets in one manner.
pub struct Printer {
    manner: Manner,
    clock: Clock,
    names: Names,
    /// Packets shown.
    count: u64,
    /// What is not written yet.
    text: Line,
    json: Vec<u8>,
    /// Names the processes that own sockets, where that was asked for.
    owners: Option<Owners>,
}

impl Printer {
    /// One that writes in this manner.
    pub fn new(manner: Manner) -> Self {
        let (detail, form) = match manner.form {
            Form::Line(detail) => (detail, TimeForm::OfDay),
            _ => (Detail::Checked, TimeForm::DateAndTime),
        };
        let mut text = Line::of(detail);
        text.flows = (!manner.absolute).then(Flows::default);
        let clock = Clock::new(manner.time.unwrap_or(form), manner.precision);
        Printer { manner, clock, names: Names::default(), count: 0, text, json: Vec::new(), owners: None }
    }

    /// The same, naming processes.
    #[must_use]
    pub(super) fn naming(self, owners: Option<Owners>) -> Self {
        Printer { owners, ..self }
    }

    /// Says how many packets were of no process that could be named, where they were to be.
    pub(super) fn name_unnamed(&self, ui: &mut Ui) {
        if let Some(owners) = &self.owners {
            ui.note(owners.tally());
        }
    }

    /// Shows the packet if it is wanted; it may be held back until [`Printer::flush`].
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate> {
        let fate = wanted.fate(walk(packet.frame()));
        if fate == Fate::Shown {
            self.count += 1;
            match &self.manner.form {
                Form::Line(detail) => self.line(packet, *detail == Detail::Quick),
                Form::Full => self.full(packet),
                Form::Json => self.json(packet)?,
                Form::Fields(fields) => fields.write(packet, self.names.of(packet), &mut self.text),
            }
            if self.manner.at_once {
                self.flush(ui)?;
            } else if self.text.len() >= PIECE {
                self.write(ui)?;
            }
        }
        Ok(fate)
    }

    /// Writes what was held back.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub fn flush(&mut self, ui: &mut Ui) -> Result<()> {
        self.write(ui)?;
        ui.flush()
    }

    fn write(&mut self, ui: &mut Ui) -> Result<()> {
        let written = ui.out().write_all(self.text.as_bytes()).map_err(output_error);
        self.text.clear();
        written
    }

    fn line(&mut self, packet: &Captured, quick: bool) {
        if self.manner.number {
            number(&mut self.text, self.count);
        }
        self.clock.write(&mut self.text, packet.seconds, packet.nanoseconds);
        if self.manner.name_interface {
            self.text.push_str(self.names.of(packet).unwrap_or("?"));
            self.text.push(' ');
            self.text.push_str(packet.direction.word());
            self.text.push(' ');
        }
        let frame = packet.frame();
        match self.manner.link {
            false => walk::line(frame, &mut self.text),
            true => self.with_link(frame, quick),
        }
        if packet.fragments > 0 {
            text::number_between(&mut self.text, " [of ", packet.fragments.into(), " fragments]");
        }
        if let Some(words) = self.processes(packet) {
            self.text.push_str("  {");
            self.text.push_str(&words);
            self.text.push('}');
        }
        self.dump(packet);
        self.text.push('\n');
    }

    /// The processes of the packet in words, where there are any to be named.
    fn processes(&mut self, packet: &Captured) -> Option<String> {
        self.owners.as_mut().map(|owners| owners.words(packet)).filter(|words| !words.is_empty())
    }

    /// The line behind its link-level header, which says what the first word would.
    fn with_link(&mut self, frame: crate::packet::Carried, quick: bool) {
        let start = self.text.len();
        let behind = link::header(&mut self.text, frame, quick);
        let at = self.text.len();
        walk::line(behind, &mut self.text);
        for word in ["IP ", "IP6 ", "ARP, ", "Reverse ARP, "] {
            if at > start && self.text.remove(at, word) {
                break;
            }
        }
    }

    /// The time as a field, where it is said.
    fn time(&mut self, packet: &Captured) {
        let out: &mut Text = &mut self.text;
        let start = out.len();
        text::field(out, "Time", "");
        let begin = out.len() - 1;
        out.truncate(begin);
        self.clock.write(out, packet.seconds, packet.nanoseconds);
        if out.len() == begin {
            return out.truncate(start);
        }
        // In a line a blank follows.
        let blanks = out.as_bytes().iter().rev().take_while(|b| **b == b' ').count();
        out.truncate(out.len() - blanks);
        out.push('\n');
    }

    fn full(&mut self, packet: &Captured) {
        if self.manner.number {
            text::field(&mut self.text, "Number", self.count);
        }
        self.time(packet);
        // A capture file need not tell.
        match (self.names.of(packet), packet.direction) {
            (None, Direction::Unknown) => {}
            (name, direction) => {
                let name = name.unwrap_or("?");
                text::field(&mut self.text, "Interface", format_args!("{name}, {}", direction.word()));
            }
        }
        if packet.fragments > 0 {
            text::field(&mut self.text, "Fragments", packet.fragments);
        }
        if let Some(words) = self.processes(packet) {
            text::field(&mut self.text, "Process", words);
        }
        walk::block(packet.frame(), &mut self.text);
        if self.manner.dump.is_some() {
            // A dump begins its lines: the block has ended its own.
            let end = self.text.len() - 1;
            self.text.truncate(end);
            self.dump(packet);
            self.text.push('\n');
        }
        self.text.push('\n');
    }

    /// The bytes below the line.
    fn dump(&mut self, packet: &Captured) {
        let Some((form, with_link)) = self.manner.dump else { return };
        let from = if with_link { 0 } else { link::length(&packet.frame()) };
        // As tcpdump: of no bytes behind the link-level header there is not even an empty line.
        if let Some(bytes @ [_, ..]) = packet.bytes.get(from..) {
            dump::dump(&mut self.text, form, bytes);
        }
    }

    fn json(&mut self, packet: &Captured) -> Result<()> {
        let mut document = document(packet, self.names.of(packet));
        document.processes = self.owners.as_mut().map(|owners| owners.documents(packet));
        self.json.clear();
        let mut serializer = serde_json::Serializer::new(&mut self.json);
        document.serialize(&mut serializer).map_err(|e| Error::failed(format!("cannot write JSON: {e}")))?;
        self.text.push_str(std::str::from_utf8(&self.json).unwrap_or_default());
        self.text.push('\n');
        Ok(())
    }
}

/// The number of a packet, in a column of five.
fn number(out: &mut Text, n: u64) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(n);
    out.push_str("    ".get(digits.len().saturating_sub(1)..).unwrap_or_default());
    out.push_str(digits);
    out.push_str("  ");
}
