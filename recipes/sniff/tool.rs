//! `syskit sniff`: shows the packets that pass.

use std::fmt;
use std::time::{Duration, Instant};

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use nix::errno::Errno;

use super::analysis::{self, Analysis};
use super::capture::{Capture, Event, METHODS, Setup};
use super::files::Files;
use super::filter::Sieve;
use super::interface;
use super::print::{Fate, Form, PacketDocument, Printer, Wanted};
use super::selection::{DumpLink, Protocol, Selection, dump};
use super::sink::Sink;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::packet::walk;
use crate::ui::Ui;
use crate::units::parse_duration;
use crate::verb::{Document, Verb};

/// The verb.
pub static VERB: Verb = Verb { name: "sniff", command, run, schemas: SCHEMAS };

const SCHEMAS: &[Document] = &[
    ("sniff", || schemars::schema_for!(PacketDocument)),
    ("sniff-stats", analysis::stats_schema),
    ("sniff-follow", analysis::follow_schema),
];

/// The longest wait that Ctrl-C and --for must sit out.
const PATIENCE: Duration = Duration::from_millis(100);

/// Show the packets that pass on this host, decoded
#[derive(Args)]
struct Sniff {
    /// A protocol (all, ip, ip6, tcp, udp, icmp, arp, dns, http, tls) and a filter expression: libpcap's language
    #[arg(value_name = "PROTOCOL FILTER")]
    words: Vec<String>,
    /// The interface to listen on, or 'any'
    #[arg(long, short, value_name = "IF", default_value = "any")]
    interface: String,
    /// End after N packets
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time (5s, 250ms, 2m)
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Only packets from or to this port
    #[arg(long, short, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Print the program that the expression compiles to, in the form of tcpdump -d, and end
    #[arg(long, short = 'd')]
    dump: bool,
    /// The link for which --dump compiles
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value = "ethernet", requires = "dump")]
    link: DumpLink,
    /// Show every field of the headers, and the data, instead of a line
    #[arg(long, short, conflicts_with = "json")]
    verbose: bool,
    /// Print a JSON object a packet, each on one line
    #[arg(long)]
    json: bool,
    // No default value of the parser: only where none was asked for may it fall back to the next.
    #[arg(
        long,
        value_name = "METHOD",
        help = format!("The capture method [default: {}]", METHODS[0].name),
        value_parser = PossibleValuesParser::new(METHODS.iter().map(|m| m.name))
    )]
    via: Option<String>,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    analysis: Analysis,
}

const NOTES: &str = "\
What follows the protocol is a filter, in one argument or several: 'tcp port 80', 'udp and not port 53',
'host 10.0.0.1 or net 2001:db8::/32', 'tcp[tcpflags] & tcp-syn != 0'. Addresses are numeric.
Sequence numbers are absolute (as with tcpdump -S). What comes from the network is escaped before it is shown.
Needs CAP_NET_RAW: run as root, or once: setcap cap_net_raw+ep PATH-OF-SYSKIT";

fn command(command: Command) -> Command {
    Sniff::augment_args(command).after_help(NOTES)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Sniff::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    sniff(&args, ui).map_err(|e| e.within("sniff"))
}

fn sniff(args: &Sniff, ui: &mut Ui) -> Result<()> {
    let selection = Selection::of_words(&args.words, args.port)?;
    if args.dump {
        return dump(&selection, args.link, ui);
    }
    if selection.protocol != Protocol::All && selection.filter.is_alternative() {
        ui.note(format_args!("showing {}", selection.expression()));
    }
    let source = args.files.source()?;
    let live = source.is_none();
    let interface = if live { interface::find(&args.interface)? } else { None };
    let setup = Setup { interface, selection: args.analysis.of_kernel(&selection) };
    let (capture, begins) = match &source {
        Some(source) => Files::offline(source)?,
        None => {
            let (capture, via) = open(args.via.as_deref(), &setup, ui)?;
            (capture, format!("listening on {} via {via}; Ctrl-C ends", args.interface))
        }
    };
    let mut capture = args.files.snapped(args.analysis.reassembled(capture));
    let form = match (args.json, args.verbose) {
        (true, _) => Form::Json,
        (_, true) => Form::Full,
        _ => Form::Line,
    };
    let mut sink: Box<dyn Sink> = match args.files.saver(&*capture, &setup, source.as_ref())? {
        Some(saver) => Box::new(saver),
        None => match args.analysis.sink(args.json, live)? {
            Some(sink) => sink,
            None => Box::new(Printer::new(form, live && setup.interface.is_none())),
        },
    };
    ui.note(begins);
    let mut tally = Tally { protocol: selection.protocol, ..Tally::default() };
    let limits = Limits {
        packets: args.count.unwrap_or(u64::MAX),
        deadline: args.duration.and_then(|d| Instant::now().checked_add(d)),
    };
    let ended = show(&mut *capture, &mut *sink, &selection, &limits, &mut tally, ui);
    sink.dropped(if live { capture.dropped()? } else { 0 });
    // What came before the end of a file that is cut is shown all the same.
    let finished = sink.finish(ui);
    let ended = ended.and(finished);
    if !matches!(&ended, Err(e) if e.kind == Kind::BrokenPipe) {
        tally.became = sink.word();
        if let Some(words) = capture.words() {
            ui.note(words);
        }
        match live {
            true => ui.note(format_args!("{tally}, {} dropped by the kernel", capture.dropped()?)),
            false => ui.note(&tally),
        }
    }
    ended
}

/// Opens the method that was asked for; unasked, the first, or where this kernel lacks it the next.
fn open(via: Option<&str>, setup: &Setup, ui: &mut Ui) -> Result<(Box<dyn Capture>, &'static str)> {
    let named = via.and_then(|name| METHODS.iter().find(|m| m.name == name));
    if let Some(method) = named {
        return Ok((method.approach.open(setup).map_err(explain)?, method.name));
    }
    let [first, second, ..] = METHODS else { return Err(Error::unavailable("no capture method")) };
    match first.approach.open(setup) {
        Ok(capture) => Ok((capture, first.name)),
        Err(e) if e.errno == Some(Errno::EAFNOSUPPORT) => {
            ui.note(format_args!("sniff: {e}: falling back to {}, {}", second.name, second.title));
            Ok((second.approach.open(setup).map_err(explain)?, second.name))
        }
        Err(e) => Err(explain(e)),
    }
}

/// Adds what to do where the privilege is missing.
fn explain(e: Error) -> Error {
    if e.kind != Kind::Denied || e.fix.is_some() {
        return e;
    }
    let program = std::env::current_exe().map_or("syskit".to_owned(), |p| p.display().to_string());
    e.fix(format!("needs CAP_NET_RAW: run as root or setcap cap_net_raw+ep {program}"))
}

struct Limits {
    packets: u64,
    deadline: Option<Instant>,
}

impl Limits {
    /// How long to wait for the next packet at most; `None` once the time is up.
    fn patience(&self) -> Option<Duration> {
        match self.deadline.map(|d| d.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => None,
            Some(left) => Some(left.min(PATIENCE)),
            None => Some(PATIENCE),
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    /// What became of those that were wanted.
    became: &'static str,
    protocol: Protocol,
    captured: u64,
    shown: u64,
    other_protocol: u64,
    other_port: u64,
    unwanted: u64,
}

impl Tally {
    fn count(&mut self, fate: Fate, passes: bool) {
        self.captured += 1;
        *match fate {
            Fate::OtherProtocol => &mut self.other_protocol,
            Fate::OtherPort => &mut self.other_port,
            Fate::Shown if passes => &mut self.shown,
            Fate::Shown => &mut self.unwanted,
        } += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} packets {}, ", self.shown, self.became)?;
        if self.other_protocol > 0 {
            write!(f, "{} not {}, ", self.other_protocol, self.protocol.shape().title)?;
        }
        for (count, what) in [(self.other_port, "not of the port"), (self.unwanted, "not wanted")] {
            if count > 0 {
                write!(f, "{count} {what}, ")?;
            }
        }
        write!(f, "{} captured", self.captured)
    }
}

/// Shows packets until a limit is reached or the user asks for the end.
fn show(
    capture: &mut dyn Capture,
    sink: &mut dyn Sink,
    wanted: &Selection,
    limits: &Limits,
    tally: &mut Tally,
    ui: &mut Ui,
) -> Result<()> {
    let mut idle = false;
    let mut sieve = if capture.is_filtered() { None } else { Some(Sieve::new(wanted)?) };
    while !interrupt::asked() && tally.shown < limits.packets {
        let Some(patience) = limits.patience() else { break };
        // Whoever reads along sees a packet at once, as nothing is held back while waiting; a busy line is
        // written in large pieces.
        match capture.next(if idle { patience } else { Duration::ZERO })? {
            Event::Packet(packet) => {
                idle = false;
                if sink.is_over(Some(&packet)) {
                    break;
                }
                let passes = sieve.as_mut().is_none_or(|sieve| sieve.passes(&packet));
                let fate = if passes { sink.show(&packet, wanted, ui)? } else { wanted.fate(walk(packet.frame())) };
                tally.count(fate, passes);
            }
            Event::Nothing => {
                sink.idle(ui)?;
                idle = true;
                if sink.is_over(None) {
                    break;
                }
            }
            Event::End => break,
            Event::Down => ui.note("the interface is down: waiting for it to come up"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Protocol, Tally};

    #[test]
    fn the_tally_accounts_for_every_packet() {
        let of_tcp = Tally { became: "shown", protocol: Protocol::Tcp, ..Tally::default() };
        let tally = Tally { captured: 63, shown: 55, other_protocol: 8, ..of_tcp };
        assert_eq!(tally.to_string(), "55 packets shown, 8 not TCP, 63 captured");
        let tally = Tally { captured: 66, other_port: 3, ..tally };
        assert_eq!(tally.to_string(), "55 packets shown, 8 not TCP, 3 not of the port, 66 captured");
        let tally = Tally { captured: 70, unwanted: 4, protocol: Protocol::Arp, ..tally };
        assert_eq!(tally.to_string(), "55 packets shown, 8 not ARP, 3 not of the port, 4 not wanted, 70 captured");
        let tally = Tally { became: "written", ..Tally::default() };
        assert_eq!(tally.to_string(), "0 packets written, 0 captured");
    }
}
