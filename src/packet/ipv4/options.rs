//! IPv4 options (RFC 791 section 3.1; router alert: RFC 2113), in tcpdump's words.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Text;
use crate::packet::text;

const END: u8 = 0;
const NOP: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_ROUTE: u8 = 131;
const STRICT_ROUTE: u8 = 137;
const ROUTER_ALERT: u8 = 148;

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Option<'a> {
    /// Option type.
    pub kind: u8,
    /// What stands behind type and length; empty for those of one byte.
    pub data: &'a [u8],
    /// True for a length that cannot be, below two or beyond the header: nothing behind it can be told.
    pub malformed: bool,
}

/// An option as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Option type.
    pub kind: u8,
    /// Its name as tcpdump has it; "unknown N" for others.
    pub name: String,
    /// Where the next entry goes, from the start of the option, counted from 1 (routes and time stamps).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<u8>,
    /// Addresses of a route, or those that time stamps are of, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Time stamps: milliseconds since midnight UTC, unless the highest bit is set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timestamps: Vec<u32>,
    /// How many hosts had no room for their time stamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<u8>,
    /// Value of a router alert: 0 is "look at it".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u16>,
    /// Data in hexadecimal, where nothing else says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// True for a length that cannot be; nothing behind it can be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub malformed: bool,
}

/// The options of a header, up to the end of the list.
pub fn options(mut rest: &[u8]) -> impl Iterator<Item = Ipv4Option<'_>> {
    std::iter::from_fn(move || {
        let (&kind, behind) = rest.split_first()?;
        let length = match kind {
            END | NOP => 1,
            _ => behind.first().map_or(0, |&length| length.into()),
        };
        let whole = length == 1 && kind <= NOP || length >= 2 && length <= rest.len();
        let option = Ipv4Option { kind, data: rest.get(2..length).unwrap_or_default(), malformed: !whole };
        rest = if kind == END || !whole { &[] } else { &rest[length..] };
        Some(option)
    })
}

/// Appends all of them with commas between, as `tcpdump -v` has them in `options (...)`.
pub fn write(out: &mut Text, bytes: &[u8]) {
    for (number, option) in options(bytes).enumerate() {
        if number > 0 {
            out.push(',');
        }
        option.write(out);
    }
}

impl<'a> Ipv4Option<'a> {
    /// Appends it in tcpdump's words.
    pub fn write(&self, out: &mut Text) {
        self.name(out);
        match self.kind {
            _ if self.malformed => out.push_str(" [bad length]"),
            RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => self.route(out),
            TIMESTAMP => self.timestamp(out),
            ROUTER_ALERT => match self.value() {
                Some(0) => {}
                Some(value) => text::number(out, " value ", value.into()),
                None => self.bad_length(out),
            },
            _ => {}
        }
    }

    /// Its form in JSON.
    pub fn document(&self) -> Document {
        let known = matches!(self.kind, RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE | TIMESTAMP | ROUTER_ALERT);
        let (addresses, timestamps) = self.entries();
        Document {
            kind: self.kind,
            name: text::written(|out| self.name(out)),
            pointer: self.pointer(),
            addresses: addresses.map(|a| text::written(|out| text::ipv4(out, *a))).collect(),
            timestamps: timestamps.collect(),
            overflow: (self.kind == TIMESTAMP).then(|| self.data.get(1).map(|flags| flags >> 4)).flatten(),
            value: self.value(),
            data: (!known && !self.data.is_empty()).then(|| text::to_hex(self.data)),
            malformed: self.malformed,
        }
    }

    fn name(&self, out: &mut Text) {
        match self.kind {
            END => out.push_str("EOL"),
            NOP => out.push_str("NOP"),
            RECORD_ROUTE => out.push_str("RR"),
            TIMESTAMP => out.push_str("timestamp"),
            82 => out.push_str("traceroute"),
            130 => out.push_str("security"),
            LOOSE_ROUTE => out.push_str("LSRR"),
            STRICT_ROUTE => out.push_str("SSRR"),
            ROUTER_ALERT => out.push_str("RA"),
            other => text::number(out, "unknown ", other.into()),
        }
    }

    fn pointer(&self) -> Option<u8> {
        let has_one = matches!(self.kind, RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE | TIMESTAMP);
        self.data.first().copied().filter(|_| has_one)
    }

    fn value(&self) -> Option<u16> {
        let value = self.data.first_chunk().copied().map(u16::from_be_bytes);
        value.filter(|_| self.kind == ROUTER_ALERT)
    }

    /// The slots for time stamps, or for addresses with them.
    fn slots(&self) -> (&'a [u8], usize) {
        let slots = self.data.get(2..).unwrap_or_default();
        (slots, if self.data.get(1).is_some_and(|flags| flags & 15 == 0) { 4 } else { 8 })
    }

    /// Whole addresses and time stamps, in their order.
    fn entries(&self) -> (impl Iterator<Item = &'a [u8; 4]>, impl Iterator<Item = u32>) {
        let (slots, size) = match self.kind {
            TIMESTAMP => self.slots(),
            RECORD_ROUTE | LOOSE_ROUTE | STRICT_ROUTE => (self.data.get(1..).unwrap_or_default(), 4),
            _ => (&[][..], 4),
        };
        let stamped = self.kind == TIMESTAMP;
        let addresses =
            slots.chunks_exact(size).filter_map(<[u8]>::first_chunk).filter(move |_| !stamped || size == 8);
        let stamps = slots.chunks_exact(size).filter_map(<[u8]>::last_chunk).filter(move |_| stamped);
        (addresses, stamps.map(|stamp| u32::from_be_bytes(*stamp)))
    }

    fn bad_length(&self, out: &mut Text) {
        text::number_between(out, " [bad length ", self.data.len() as u32 + 2, "]");
    }

    /// Addresses; those from the pointer on are still to come.
    fn route(&self, out: &mut Text) {
        let Some(pointer) = self.pointer() else { return self.bad_length(out) };
        if self.data.len() % 4 != 1 {
            self.bad_length(out);
        }
        if pointer < 4 || pointer % 4 != 0 || usize::from(pointer) > self.data.len() + 4 {
            text::number_between(out, " [bad ptr ", pointer.into(), "]");
        }
        for (at, address) in (4..).step_by(4).zip(self.entries().0) {
            out.push(' ');
            text::ipv4(out, *address);
            if usize::from(pointer) > at {
                out.push(',');
            }
        }
    }

    fn timestamp(&self, out: &mut Text) {
        let (Some(pointer), Some(flags)) = (self.pointer(), self.data.get(1)) else { return self.bad_length(out) };
        let (slots, size) = self.slots();
        out.push_str(" TS{");
        if slots.len() % size != 0 {
            self.bad_length(out);
        }
        let offset = usize::from(pointer).checked_sub(5);
        if offset.is_none_or(|offset| offset % size != 0 || offset > slots.len()) {
            text::number_between(out, "[bad ptr ", pointer.into(), "]");
        }
        match flags & 15 {
            0 => out.push_str("TSONLY"),
            1 => out.push_str("TS+ADDR"),
            3 => out.push_str("PRESPEC"),
            other => text::number_between(out, "[bad ts type ", other.into(), "]"),
        }
        if matches!(flags & 15, 0 | 1 | 3) {
            stamps(out, slots, size, offset);
        }
        match flags >> 4 {
            0 => out.push('}'),
            hops => drop(write!(out, " [{hops} hops not recorded]}} ")),
        }
    }
}

/// Time stamps, with the addresses that they are of in slots of eight bytes; a mark where the next one goes.
fn stamps(out: &mut Text, slots: &[u8], size: usize, next: Option<usize>) {
    for (at, slot) in (0..).step_by(size).zip(slots.chunks_exact(size)) {
        out.push_str(if next == Some(at) { " ^ " } else { " " });
        text::decimal(out, slot.last_chunk().copied().map_or(0, u32::from_be_bytes));
        out.push('@');
        if let (8, Some(address)) = (size, slot.first_chunk()) {
            text::ipv4(out, *address);
        }
    }
    if next == Some(slots.len()) {
        out.push_str(" ^ ");
    }
}
