//! `syskit sniff`: shows the packets that pass.

use std::fmt;
use std::time::{Duration, Instant};

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::analysis::{self, Analysis};
use super::capture::{Capture, Event, Setup};
use super::files::Files;
use super::filter::Sieve;
use super::form::Forms;
use super::interfaces::{self, InterfacesDocument};
use super::live::Live;
use super::losses::Losses;
use super::print::{Fate, Manner, PacketDocument, Printer, Wanted};
use super::privilege::{Keep, Relinquish};
use super::process::Exec;
use super::selection::{DumpLink, Protocol, Selection, dump};
use super::sink::Sink;
use super::who::Who;
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
    ("sniff-interfaces", || schemars::schema_for!(InterfacesDocument)),
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
    #[command(flatten)]
    live: Live,
    /// End after N packets
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time (5s, 250ms, 2m)
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Only packets from or to this port
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// Print the program that the expression compiles to, in the form of tcpdump -d, and end
    #[arg(long, short = 'd')]
    dump: bool,
    /// The link for which --dump compiles
    #[arg(long, value_name = "NAME", value_enum, ignore_case = true, default_value = "ethernet", requires = "dump")]
    link: DumpLink,
    #[command(flatten)]
    forms: Forms,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    relinquish: Relinquish,
    #[command(flatten)]
    exec: Exec,
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    analysis: Analysis,
}

const NOTES: &str = "\
What follows the protocol is a filter, in one argument or several: 'tcp port 80', 'udp and not port 53',
'host 10.0.0.1 or net 2001:db8::/32', 'tcp[tcpflags] & tcp-syn != 0'. Addresses are numeric.
What comes from the network is escaped before it is shown.
Once all is open, user, groups, capabilities and most system calls are given up: strangers' bytes are decoded without.
Needs CAP_NET_RAW: run as root, or once: setcap cap_net_raw+ep PATH-OF-SYSKIT
--exec needs CAP_BPF, CAP_NET_ADMIN and a control group to write in (run as root): the command runs as whoever runs syskit.";

fn command(command: Command) -> Command {
    Sniff::augment_args(command).after_help(NOTES)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Sniff::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    sniff(&args, ui).map_err(|e| e.within("sniff"))
}

fn sniff(args: &Sniff, ui: &mut Ui) -> Result<()> {
    if args.live.list_interfaces {
        return interfaces::list(args.forms.json(), ui);
    }
    if args.forms.asks_for_names() {
        return Forms::list_names(ui);
    }
    let manner = args.forms.manner(args.files.writes())?;
    let selection = Selection::of_words(&args.words, args.port)?;
    if args.dump {
        return dump(&selection, args.link, ui);
    }
    if selection.protocol != Protocol::All && selection.filter.is_alternative() {
        ui.note(format_args!("showing {}", selection.expression()));
    }
    let privileges = args.relinquish.privileges()?;
    let source = args.files.source()?;
    let live = source.is_none();
    let interface = if live { args.live.interface()? } else { None };
    let mut setup = Setup {
        interface,
        selection: args.analysis.of_kernel(&selection),
        snaplen: args.files.snaplen(),
        ..Setup::default()
    };
    args.live.apply(&mut setup);
    let (executed, command) = args.exec.open(&setup)?.unzip();
    let (capture, begins) = match (&source, executed, &command) {
        (Some(source), ..) => Files::offline(source)?,
        (None, Some(capture), Some(command)) => (capture, command.greeting()),
        _ => {
            let (capture, via) = args.live.open(&setup, ui)?;
            let place = setup.interface.as_ref().map_or("any", |i| i.name.as_str());
            (capture, format!("listening on {place} via {via}; Ctrl-C ends"))
        }
    };
    let keep = Keep {
        reading: capture.reads_files(),
        processes: args.who.is_asked(),
        children: command.is_some(),
        directory: args.files.rotates_in(),
    };
    if let Some(caution) = capture.caution() {
        ui.note(caution);
    }
    let mut capture = args.files.snapped(args.analysis.reassembled(capture));
    let mut sink: Box<dyn Sink> = match args.files.saver(&*capture, &setup, source.as_ref(), &privileges)? {
        Some(saver) => Box::new(saver),
        None => match args.analysis.sink(args.forms.json(), live)? {
            Some(sink) => sink,
            None => {
                let name_interface = live && setup.interface.is_none();
                Box::new(Printer::new(Manner { name_interface, ..manner }).naming(args.who.owners(ui)?))
            }
        },
    };
    // Before privileges go, as they are handed down.
    if let Some(command) = &command {
        command.start(args.files.leaves_stdout())?;
    }
    for word in privileges.drop(&keep)? {
        ui.note(word);
    }
    ui.note(begins);
    let mut tally = Tally { protocol: selection.protocol, ..Tally::default() };
    let limits = Limits {
        packets: args.count.unwrap_or(u64::MAX),
        deadline: args.duration.and_then(|d| Instant::now().checked_add(d)),
    };
    let ended = show(&mut *capture, &mut *sink, &selection, &limits, &mut tally, ui);
    let losses = if live { capture.dropped() } else { Ok(Losses::default()) };
    sink.dropped(losses.as_ref().map_or(0, |lost| lost.kernel + lost.own));
    // What came before the end of a file that is cut is shown all the same.
    let finished = sink.finish(ui);
    let ended = ended.and(finished);
    if let Some(command) = &command {
        command.finish(ui);
    }
    if !matches!(&ended, Err(e) if e.kind == Kind::BrokenPipe) {
        tally.became = sink.word();
        if let Some(words) = capture.words() {
            ui.note(words);
        }
        match live {
            true => ui.note(format_args!("{tally}, {}", losses?)),
            false => ui.note(&tally),
        }
    }
    ended
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
