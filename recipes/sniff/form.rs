//! The flags of `syskit sniff` about how packets are printed: tcpdump's letters.

use clap::{ArgAction, Args};

use super::print::dump::Bytes;
use super::print::fields::{self, Fields};
use super::print::{Form, Manner};
use super::timestamp::{Precision, TimeForm};
use crate::error::{Error, Result};
use crate::packet::Detail;
use crate::ui::Ui;

/// Flags about the form of what is printed.
#[derive(Args)]
pub(super) struct Forms {
    /// Say less of each packet: between whom, how long
    #[arg(long, short)]
    quick: bool,
    /// Say more: the fields of the IP header, checksums verified; -vv: every field of the headers, a line each
    #[arg(long, short, action = ArgAction::Count)]
    verbose: u8,
    /// Begin with the link-level header
    #[arg(short = 'e')]
    link_header: bool,
    /// Show the bytes as text below, from the network header on; -AA: from the link-level header on
    #[arg(short = 'A', action = ArgAction::Count)]
    ascii: u8,
    /// Show the bytes in hexadecimal; -xx: from the link-level header on
    #[arg(short = 'x', action = ArgAction::Count)]
    hex: u8,
    /// Show the bytes in hexadecimal and ASCII; -XX: from the link-level header on
    #[arg(short = 'X', action = ArgAction::Count)]
    hex_and_ascii: u8,
    /// No time; -tt: seconds since 1970; -ttt: since the packet before; -tttt: with the date; -ttttt: since the first
    #[arg(short = 't', action = ArgAction::Count)]
    time: u8,
    /// Times to the microsecond or nanosecond [default: micro]
    #[arg(long, value_name = "PRECISION", value_enum, hide_possible_values = true)]
    time_stamp_precision: Option<Precision>,
    /// The same as --time-stamp-precision=nano
    #[arg(long, conflicts_with = "time_stamp_precision")]
    nano: bool,
    /// Number the packets
    #[arg(long, short = '#')]
    number: bool,
    /// Sequence numbers as they are, not from the start of their connection
    #[arg(long, short = 'S')]
    absolute_tcp_sequence_numbers: bool,
    /// Write each packet at once, also to a pipe or file
    #[arg(short = 'l')]
    at_once: bool,
    /// Numbers for names: as it is anyway
    #[arg(short = 'n', action = ArgAction::Count)]
    _numeric: u8,
    /// Print a JSON object a packet, each on one line
    #[arg(long)]
    json: bool,
    /// Print these fields of the JSON object, tab separated, a line a packet: ipv4.source,tcp.flags; 'list' tells all
    #[arg(long, value_name = "NAMES", conflicts_with = "json")]
    fields: Option<String>,
}

impl Forms {
    /// Whether the names of fields are asked for, not packets.
    pub(super) fn asks_for_names(&self) -> bool {
        matches!(self.fields.as_deref(), Some("list" | "help"))
    }

    /// Prints the names of all fields.
    ///
    /// # Errors
    /// Where the output cannot be written.
    pub(super) fn list_names(ui: &mut Ui) -> Result<()> {
        let names = fields::list()?;
        let width = names.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        names
            .iter()
            .try_for_each(|(name, what)| ui.line(format_args!("{name:width$}  {what}").to_string().trim_end()))
    }

    /// How packets are shown; `writes` says that they are written to a file instead.
    ///
    /// # Errors
    /// A usage error where two flags contradict each other, or a field is not known.
    pub(super) fn manner(&self, writes: bool) -> Result<Manner> {
        self.check(writes)?;
        let form = match (&self.fields, self.verbose) {
            _ if self.json => Form::Json,
            (Some(list), _) => Form::Fields(Fields::of(list)?),
            (None, 2..) => Form::Full,
            (None, 1) => Form::Line(Detail::Checked),
            (None, 0) if self.quick => Form::Line(Detail::Quick),
            (None, 0) => Form::Line(Detail::Usual),
        };
        let precision = if self.nano { Some(Precision::Nano) } else { self.time_stamp_precision };
        Ok(Manner {
            number: self.number,
            time: self.time_form()?,
            precision: precision.unwrap_or_default(),
            link: self.link_header,
            dump: self.dump(),
            absolute: self.absolute_tcp_sequence_numbers,
            at_once: self.at_once,
            ..Manner::of(form)
        })
    }

    fn time_form(&self) -> Result<Option<TimeForm>> {
        Ok(Some(match self.time {
            0 => return Ok(None),
            1 => TimeForm::Untold,
            2 => TimeForm::Epoch,
            3 => TimeForm::SincePrevious,
            4 => TimeForm::DateAndTime,
            5 => TimeForm::SinceFirst,
            _ => return Err(Error::usage("no more than five t").fix("there are -t, -tt, -ttt, -tttt and -ttttt")),
        }))
    }

    fn dump(&self) -> Option<(Bytes, bool)> {
        let of = [(Bytes::Hex, self.hex), (Bytes::HexAndAscii, self.hex_and_ascii), (Bytes::Ascii, self.ascii)];
        of.into_iter().find(|(_, count)| *count > 0).map(|(form, count)| (form, count > 1))
    }

    /// Whether objects are printed, not text.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// The flags that were given and are of lines and blocks alone.
    fn of_lines(&self) -> Vec<&'static str> {
        let precision = self.nano || self.time_stamp_precision.is_some();
        let flags = [
            ("-q", self.quick),
            ("-v", self.verbose > 0),
            ("-e", self.link_header),
            ("-A", self.ascii > 0),
            ("-x", self.hex > 0),
            ("-X", self.hex_and_ascii > 0),
            ("-t", self.time > 0),
            (if self.nano { "--nano" } else { "--time-stamp-precision" }, precision),
            ("-#", self.number),
        ];
        flags.into_iter().filter(|(_, given)| *given).map(|(flag, _)| flag).collect()
    }

    fn check(&self, writes: bool) -> Result<()> {
        let lines = self.of_lines();
        let printed = [("--json", self.json), ("--fields", self.fields.is_some())];
        let other = printed.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag);
        if let (true, Some(flag)) = (writes, other.or(lines.first().copied())) {
            return Err(conflict(flag, "-w", "packets that go to a file are not printed"));
        }
        if let (Some(other), Some(flag)) = (other, lines.first()) {
            return Err(conflict(flag, other, "the object has every field, and its own form"));
        }
        if self.quick && self.verbose > 0 {
            return Err(conflict("-q", "-v", "one says less, the other more"));
        }
        let dumps: Vec<&str> = lines.into_iter().filter(|flag| matches!(*flag, "-A" | "-x" | "-X")).collect();
        match dumps[..] {
            [one, other, ..] => Err(conflict(one, other, "both show the same bytes")),
            _ => Ok(()),
        }
    }
}

fn conflict(one: &str, other: &str, why: &str) -> Error {
    Error::usage(format!("{one} cannot be used with {other}: {why}")).fix("leave one of them out")
}
