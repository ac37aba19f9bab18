//! `--follow`: what the two sides of one connection say, in its order.

mod show;
mod wanted;

use std::net::SocketAddr;

pub(super) use show::{ChunkDocument, Form, Raw};
use show::{Shown, Side};
pub(super) use wanted::Asked;
use wanted::{Ends, Finder, Part, Transport};

use super::capture::Captured;
use super::print::{Fate, Wanted};
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::packet::reassembly::stream::{Chunk, Segment, Stream};
use crate::packet::tcp::{Flags, Tcp};
use crate::packet::udp::Udp;
use crate::packet::{self, Layer, walk};
use crate::ui::{Ui, output_error};

/// Shows the data of one connection.
pub(super) struct Follower {
    asked: Asked,
    finder: Finder,
    /// Of the side whose packet came first, and of the other.
    streams: [Stream; 2],
    reset: bool,
    shown: Shown,
}

/// What carries data in a packet.
enum Carrier<'a> {
    Tcp(Tcp<'a>),
    Udp(Udp<'a>),
}

impl Follower {
    /// One that shows the data of the connection that was asked for.
    pub(super) fn new(asked: Asked, form: Form) -> Self {
        Follower {
            asked,
            finder: Finder::new(asked),
            streams: Default::default(),
            reset: false,
            shown: Shown::new(asked.to_string(), form),
        }
    }

    fn take(&mut self, packet: &Captured, ui: &mut Ui) {
        let Some((ends, carrier)) = carrier(packet, self.asked.protocol) else { return };
        let tcp = match &carrier {
            Carrier::Tcp(tcp) => Some(tcp),
            Carrier::Udp(_) => None,
        };
        let began = self.finder.found().is_some();
        let side = match self.finder.part(ends, tcp) {
            Part::None => return,
            Part::Client => Side::Client,
            Part::Server => Side::Server,
        };
        if !began {
            ui.note(format_args!("following {}: > {}, < {}", self.asked, ends.source, ends.destination));
            self.shown.begin(ends, ui.color);
        }
        self.shown.at(packet.seconds, packet.nanoseconds);
        match carrier {
            Carrier::Tcp(tcp) => self.segment(side, &tcp),
            Carrier::Udp(udp) => self.datagram(side, &udp),
        }
    }

    fn segment(&mut self, side: Side, tcp: &Tcp) {
        let [client, server] = &mut self.streams;
        let (own, other) = match side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let flags = tcp.flags();
        if flags.has(Flags::ACK) {
            other.acknowledged(tcp.acknowledgement(), &mut |chunk| self.shown.chunk(side.other(), chunk));
        }
        let segment = Segment {
            sequence: tcp.sequence(),
            syn: flags.has(Flags::SYN),
            fin: flags.has(Flags::FIN),
            bytes: tcp.payload(),
            length: if tcp.fault().is_some() { 0 } else { tcp.payload_length() },
        };
        own.take(&segment, &mut |chunk| self.shown.chunk(side, chunk));
        self.reset |= flags.has(Flags::RST);
    }

    /// A datagram is whole or cut; none is waited for.
    fn datagram(&mut self, side: Side, udp: &Udp) {
        let counts = match side {
            Side::Client => &mut self.streams[0].counts,
            Side::Server => &mut self.streams[1].counts,
        };
        let (bytes, length) = (udp.payload(), udp.payload_length() as u64);
        counts.bytes += bytes.len() as u64;
        self.shown.end_line();
        if !bytes.is_empty() {
            self.shown.chunk(side, Chunk::Bytes(bytes));
        }
        let gone = length.saturating_sub(bytes.len() as u64);
        if gone > 0 && udp.fault().is_none() {
            counts.gaps += 1;
            counts.missing += gone;
            self.shown.chunk(side, Chunk::Missing(gone, packet::reassembly::stream::Why::Cut));
        }
        self.shown.end_line();
    }

    fn write(&mut self, ui: &mut Ui) -> Result<()> {
        ui.out().write_all(self.shown.text()).map_err(output_error)?;
        self.shown.clear();
        Ok(())
    }

    /// What was found, in words.
    fn summary(&self) -> String {
        let ended = match (self.reset, self.streams.iter().all(Stream::is_over)) {
            (true, _) => ", reset",
            (_, true) => ", closed",
            _ => "",
        };
        let [client, server] = [&self.streams[0].counts, &self.streams[1].counts];
        let mut words = format!("{}: {} bytes >, {} bytes <{ended}", self.asked, client.bytes, server.bytes);
        for (mark, counts) in [('>', client), ('<', server)] {
            for (count, what) in [
                (counts.missing, "bytes missing"),
                (counts.early, "segments out of order"),
                (counts.again, "bytes again"),
                (counts.other, "bytes again and others than before (the first count)"),
            ] {
                if count > 0 {
                    words.push_str(&format!("; {mark} {count} {what}"));
                }
            }
        }
        words
    }
}

impl Sink for Follower {
    fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate> {
        let fate = wanted.fate(walk(packet.frame()));
        if fate == Fate::Shown {
            self.take(packet, ui);
            self.write(ui)?;
        }
        Ok(fate)
    }

    fn idle(&mut self, ui: &mut Ui) -> Result<()> {
        ui.flush()?;
        ui.reader_is_there()
    }

    fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        for (stream, side) in self.streams.iter_mut().zip([Side::Client, Side::Server]) {
            stream.finish(&mut |chunk| self.shown.chunk(side, chunk));
        }
        self.shown.end_line();
        self.write(ui)?;
        ui.flush()?;
        if self.finder.found().is_none() {
            let (asked, seen, protocol) = (self.asked, self.finder.seen, self.asked.protocol);
            return Err(Error::failed(format!("there was no {asked}: {seen} {protocol} connections began")));
        }
        ui.note(self.summary());
        Ok(())
    }

    fn word(&self) -> &'static str {
        "looked at"
    }
}

/// The TCP segment or UDP datagram of a packet, and its ends: none where that is a fragment or was quoted by an error.
fn carrier<'a>(packet: &Captured<'a>, protocol: Transport) -> Option<(Ends, Carrier<'a>)> {
    let mut layers = walk(packet.frame());
    while let Some(carried) = layers.upcoming() {
        if carried.part != packet::Part::Whole || carried.quoted {
            return None;
        }
        let (addresses, ports, carrier) = match (layers.next()?, protocol) {
            (Layer::Tcp(tcp), Transport::Tcp) => {
                (tcp.addresses()?, [tcp.source_port(), tcp.destination_port()], Carrier::Tcp(tcp))
            }
            (Layer::Udp(udp), Transport::Udp) => {
                (udp.addresses()?, [udp.source_port(), udp.destination_port()], Carrier::Udp(udp))
            }
            _ => continue,
        };
        let source = SocketAddr::new(addresses.source(), ports[0]);
        let destination = SocketAddr::new(addresses.destination(), ports[1]);
        return Some((Ends { source, destination }, carrier));
    }
    None
}
