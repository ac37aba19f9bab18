//! Which connection is followed: `tcp:N`, `udp:N`, or one by its addresses.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;

use crate::error::{Error, Result};
use crate::packet::tcp::{Flags, Tcp};

/// More connections are not counted: each takes memory until the one that was asked for begins.
const MOST: u64 = 1_000_000;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Asked {
    pub(super) protocol: Transport,
    which: Which,
}

/// What carries a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// The one of this number, in the order of their first packets.
    Number(u64),
    /// The first between these.
    Between(Ends),
}

/// Source and destination of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

impl Ends {
    pub(super) fn back(self) -> Self {
        Ends { source: self.destination, destination: self.source }
    }

    /// The same for both directions, and whether this is the other one.
    fn sorted(self) -> ((SocketAddr, SocketAddr), bool) {
        match self.source <= self.destination {
            true => ((self.source, self.destination), false),
            false => ((self.destination, self.source), true),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        })
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.which {
            Which::Number(number) => write!(f, "{}:{number}", self.protocol),
            Which::Between(ends) => write!(f, "{}:{}-{}", self.protocol, ends.source, ends.destination),
        }
    }
}

impl Asked {
    /// Reads `tcp:0`, `udp:3`, `tcp:10.0.0.1:1000-10.0.0.2:80`, `tcp:[::1]:1000-[::1]:80`.
    ///
    /// # Errors
    /// Where it is none of these (usage).
    pub(in super::super) fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::usage(format!("'{text}' is no connection"))
                .fix("write tcp:0 for the first, udp:2, or tcp:10.0.0.1:1000-10.0.0.2:80")
        };
        let (protocol, which) = text.split_once(':').ok_or_else(bad)?;
        let protocol = match protocol {
            "tcp" => Transport::Tcp,
            "udp" => Transport::Udp,
            _ => return Err(bad()),
        };
        let which = match (which.parse::<u64>(), which.split_once('-')) {
            (Ok(number), _) if number < MOST => Which::Number(number),
            (Ok(_), _) => return Err(Error::usage(format!("only the first {MOST} connections are counted"))),
            (_, Some((a, b))) => {
                let end = |text: &str| text.parse().map_err(|_| bad());
                Which::Between(Ends { source: end(a)?, destination: end(b)? })
            }
            _ => return Err(bad()),
        };
        Ok(Asked { protocol, which })
    }
}

/// Where the sequence numbers of both directions began, the sorted one first.
type Begins = [Option<u32>; 2];

/// Finds the packets of the connection that was asked for.
pub(super) struct Finder {
    asked: Asked,
    /// Those before it, until it is found.
    known: HashMap<(SocketAddr, SocketAddr), Begins>,
    /// How many there were.
    pub(super) seen: u64,
    found: Option<(Ends, Begins)>,
    over: bool,
}

/// What a packet is to the connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It is of another.
    None,
    /// It goes as its first packet went.
    Client,
    /// It goes the other way.
    Server,
}

impl Finder {
    pub(super) fn new(asked: Asked) -> Self {
        Finder { asked, known: HashMap::new(), seen: 0, found: None, over: false }
    }

    /// The connection, from who was seen first, once it is found.
    pub(super) fn found(&self) -> Option<Ends> {
        self.found.map(|(ends, _)| ends)
    }

    /// What a packet between these ends is; `tcp` where it is a segment.
    pub(super) fn part(&mut self, ends: Ends, tcp: Option<&Tcp>) -> Part {
        let (key, swapped) = ends.sorted();
        if self.over {
            return Part::None;
        }
        if let Some((first, begins)) = &mut self.found {
            if first.sorted().0 != key {
                return Part::None;
            }
            if is_another(begins, swapped, tcp) {
                self.over = true;
                return Part::None;
            }
            return if first.source == ends.source { Part::Client } else { Part::Server };
        }
        if !self.is_new(key, swapped, tcp) {
            return Part::None;
        }
        let hit = match self.asked.which {
            Which::Number(number) => self.seen == number,
            Which::Between(between) => between.sorted().0 == key,
        };
        self.seen += 1;
        if !hit {
            return Part::None;
        }
        let mut begins = [None; 2];
        is_another(&mut begins, swapped, tcp);
        self.found = Some((ends, begins));
        self.known = HashMap::new();
        Part::Client
    }

    fn is_new(&mut self, key: (SocketAddr, SocketAddr), swapped: bool, tcp: Option<&Tcp>) -> bool {
        // Who is asked for by addresses is new when it comes: no other need be known.
        if matches!(self.asked.which, Which::Between(_)) {
            return true;
        }
        let mut fresh = false;
        let begins = self.known.entry(key).or_insert_with(|| {
            fresh = true;
            [None; 2]
        });
        if is_another(begins, swapped, tcp) {
            *begins = [None; 2];
            is_another(begins, swapped, tcp);
            return true;
        }
        fresh
    }
}

/// Whether a segment opens another connection between the same ends: a SYN of another number than the first had. Notes
/// where the numbers began.
fn is_another(begins: &mut Begins, swapped: bool, tcp: Option<&Tcp>) -> bool {
    let Some(tcp) = tcp else { return false };
    let syn = tcp.flags().has(Flags::SYN);
    let begin = if syn { tcp.sequence() } else { tcp.sequence().wrapping_sub(1) };
    let [a, b] = begins;
    let known = if swapped { b } else { a };
    *known.get_or_insert(begin) != begin && syn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_named() {
        for text in ["tcp:0", "udp:12", "tcp:10.0.0.1:1000-10.0.0.2:80", "udp:[::1]:1-[::2]:2"] {
            assert_eq!(Asked::parse(text).expect("one").to_string(), text);
        }
        for text in ["", "tcp", "tcp:", "sctp:0", "tcp:x", "tcp:1-2", "tcp:10.0.0.1:80", "tcp:-1", "tcp:99999999999"]
        {
            assert!(Asked::parse(text).is_err(), "{text}");
        }
    }
}
