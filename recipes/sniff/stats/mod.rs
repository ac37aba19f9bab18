//! `--stats`: what the packets come to, instead of each of them.

mod document;
mod heavy;
mod rates;
mod show;

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) use document::StatsDocument;
use heavy::{Count, Heavy};
use rates::Rates;

use super::capture::Captured;
use super::print::{Fate, Wanted};
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::packet::{Addresses, Application, Code, Link, Part, ipv4, ipv6, walk};
use crate::ui::Ui;

/// Protocols that are told apart: what comes beyond is counted together.
const MOST_PROTOCOLS: usize = 64;
/// Lengths that are told apart, in bytes; a longer packet counts as of this length for the median alone.
const LENGTHS: usize = 65_536;

/// Counts packets.
pub(super) struct Stats {
    all: Count,
    /// By what names them below.
    protocols: Vec<(Code, Count)>,
    other_protocols: Count,
    talkers: Heavy<Address>,
    /// By both addresses, the lesser first; the first way is from that one.
    pairs: Heavy<(Address, Address)>,
    without_addresses: Count,
    rates: Rates,
    /// How many packets were of each length.
    lengths: Vec<u64>,
    shortest: usize,
    longest: usize,
    /// Earliest and latest time: seconds and nanoseconds.
    span: Option<[(i64, u32); 2]>,
    dropped: u64,
    every: Option<Duration>,
    /// When the next summary is due, in nanoseconds since the epoch, of the packets' time.
    due: Option<i128>,
    json: bool,
    live: bool,
}

/// An address of IPv4 (as ::ffff:a.b.c.d) or IPv6: one word to compare and to hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Address(u128);

impl Address {
    fn v4(bytes: [u8; 4]) -> Self {
        Address(0xffff << 32 | u128::from(u32::from_be_bytes(bytes)))
    }

    fn ip(self) -> IpAddr {
        IpAddr::from(self.0.to_be_bytes()).to_canonical()
    }
}

impl Stats {
    /// One that shows a summary at the end, and `every` so often before.
    pub(super) fn new(every: Option<Duration>, json: bool, live: bool) -> Self {
        Stats {
            all: Count::default(),
            protocols: Vec::with_capacity(MOST_PROTOCOLS),
            other_protocols: Count::default(),
            talkers: Heavy::new(),
            pairs: Heavy::new(),
            without_addresses: Count::default(),
            rates: Rates::default(),
            lengths: vec![0; LENGTHS],
            shortest: usize::MAX,
            longest: 0,
            span: None,
            dropped: 0,
            every,
            due: None,
            json,
            live,
        }
    }

    fn count(&mut self, packet: &Captured) {
        let bytes = packet.length as u64;
        self.all.add(bytes);
        self.rates.add(packet.seconds, bytes);
        self.lengths[packet.length.min(LENGTHS - 1)] += 1;
        self.shortest = self.shortest.min(packet.length);
        self.longest = self.longest.max(packet.length);
        let time = (packet.seconds, packet.nanoseconds);
        let [first, last] = self.span.unwrap_or([time; 2]);
        self.span = Some([first.min(time), last.max(time)]);
        match self.protocols_of(packet, bytes) {
            Some((source, destination)) => self.between(source, destination, bytes),
            None => self.without_addresses.add(bytes),
        }
    }

    /// Counts the protocols of a packet; the outermost addresses. What an application says is not decoded.
    fn protocols_of(&mut self, packet: &Captured, bytes: u64) -> Option<(Address, Address)> {
        let mut addresses = None;
        let mut layers = walk(packet.frame());
        // Of a tunnel or a quoted packet a protocol may come twice: each packet counts once for it.
        let mut seen = 0_u64;
        while let Some(carried) = layers.upcoming() {
            match self.slot(carried.code) {
                Some(at) if seen & 1 << at == 0 => {
                    seen |= 1 << at;
                    self.protocols[at].1.add(bytes);
                }
                Some(_) => {}
                None => self.other_protocols.add(bytes),
            }
            let tunnel = |code| matches!(code, Application::Vxlan | Application::Geneve);
            if matches!(carried.code, Code::Application(a) if !tunnel(a)) || matches!(carried.part, Part::Later(_)) {
                break;
            }
            // Those of the fixed header: what is behind a source route is no talker yet.
            if layers.next().is_some() && addresses.is_none() {
                addresses = fixed_addresses(carried.code, carried.bytes);
            }
        }
        Some(match addresses? {
            Addresses::V4(source, destination) => (Address::v4(*source), Address::v4(*destination)),
            Addresses::V6(source, destination) => {
                (Address(u128::from_be_bytes(*source)), Address(u128::from_be_bytes(*destination)))
            }
        })
    }

    /// Where this protocol is counted.
    #[inline]
    fn slot(&mut self, code: Code) -> Option<usize> {
        let known = self.protocols.iter().position(|(known, _)| *known == code);
        if known.is_none() && self.protocols.len() < MOST_PROTOCOLS {
            self.protocols.push((code, Count::default()));
            return Some(self.protocols.len() - 1);
        }
        known
    }

    fn between(&mut self, source: Address, destination: Address, bytes: u64) {
        self.talkers.of(source)[0].add(bytes);
        self.talkers.of(destination)[1].add(bytes);
        match source <= destination {
            true => self.pairs.of((source, destination))[0].add(bytes),
            false => self.pairs.of((destination, source))[1].add(bytes),
        }
    }

    /// Shows a summary if one is due at this time.
    fn tick(&mut self, now: i128, ui: &mut Ui) -> Result<()> {
        let Some(every) = self.every else { return Ok(()) };
        let every = every.as_nanos().min(i64::MAX as u128) as i128;
        match self.due {
            None => self.due = Some(now + every),
            Some(due) if now >= due => {
                self.print(ui)?;
                ui.flush()?;
                // Those that a pause skipped are not made up for.
                self.due = Some(due + (now - due) / every * every + every);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn print(&self, ui: &mut Ui) -> Result<()> {
        let document = StatsDocument::of(self);
        if !self.json {
            return show::show(&document, ui);
        }
        let json = serde_json::to_string(&document).map_err(|e| Error::failed(format!("cannot write JSON: {e}")))?;
        ui.line(json)
    }
}

impl Sink for Stats {
    fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate> {
        let fate = wanted.fate(walk(packet.frame()));
        if fate == Fate::Shown {
            if self.every.is_some() {
                let seconds = i128::from(packet.seconds) * 1_000_000_000;
                self.tick(seconds + i128::from(packet.nanoseconds), ui)?;
            }
            self.count(packet);
        }
        Ok(fate)
    }

    fn idle(&mut self, ui: &mut Ui) -> Result<()> {
        // Of a file the time is that of its packets.
        if self.live
            && let Ok(now) = SystemTime::now().duration_since(UNIX_EPOCH)
        {
            self.tick(now.as_nanos() as i128, ui)?;
        }
        ui.flush()?;
        ui.reader_is_there()
    }

    fn dropped(&mut self, count: u64) {
        self.dropped = count;
    }

    fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        self.print(ui)?;
        ui.flush()
    }

    fn word(&self) -> &'static str {
        "counted"
    }
}

/// The addresses of an IP header whose fixed part is there.
fn fixed_addresses(code: Code, bytes: &[u8]) -> Option<Addresses<'_>> {
    match code {
        Code::EtherType(ipv4::ETHERTYPE) => {
            Some(Addresses::V4(bytes.get(12..)?.first_chunk()?, bytes.get(16..)?.first_chunk()?))
        }
        Code::EtherType(ipv6::ETHERTYPE) => {
            Some(Addresses::V6(bytes.get(8..)?.first_chunk()?, bytes.get(24..)?.first_chunk()?))
        }
        _ => None,
    }
}

/// The name that a protocol is counted under; none for links without a name.
fn name(code: Code) -> String {
    match code {
        Code::Link(Link::Other(number)) => format!("link-{number}"),
        code => walk::name(code),
    }
}
