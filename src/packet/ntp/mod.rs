//! NTP (RFC 5905): the packet of clients, servers and broadcasts; of control messages (RFC 9327) the first byte.

#[cfg(test)]
mod tests;
mod time;

use std::fmt::Write;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};
pub use time::Timestamp;

/// Modes in tcpdump's words, by their number.
const MODES: [&str; 8] = [
    "unspecified",
    "symmetric active",
    "symmetric passive",
    "Client",
    "Server",
    "Broadcast",
    "Control Message",
    "Reserved",
];

/// An NTP packet.
#[derive(Debug, Clone, Copy)]
pub struct Ntp<'a> {
    first: u8,
    carried: Carried<'a>,
}

/// The fields of a packet that is no control message.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8; 48]);

impl Fields<'_> {
    /// How far from a reference clock: 1 is at one, 0 says nothing, 16 is unsynchronized.
    pub fn stratum(&self) -> u8 {
        self.0[1]
    }

    /// Longest interval between packets, as a power of two in seconds.
    pub fn poll(&self) -> i8 {
        self.0[2] as i8
    }

    /// Precision of the clock, as a power of two in seconds.
    pub fn precision(&self) -> i8 {
        self.0[3] as i8
    }

    /// Round trip to the reference clock, in seconds.
    pub fn root_delay(&self) -> f64 {
        short(self.at(4))
    }

    /// Largest error against the reference clock, in seconds.
    pub fn root_dispersion(&self) -> f64 {
        short(self.at(8))
    }

    /// What the clock is set by: a word at stratum 0 and 1, else the IPv4 address (of IPv6 a part of its digest).
    pub fn reference(&self) -> String {
        let id = self.at::<4>(12);
        let mut out = Text::new();
        match self.stratum() {
            0 | 1 => text::escaped(&mut out, id.split(|b| *b == 0).next().unwrap_or_default()),
            _ => drop(write!(out, "{}", Ipv4Addr::from(id))),
        }
        out.into_string()
    }

    /// When the clock was last set; when the request left; when it arrived; when the reply left.
    pub fn times(&self) -> [Timestamp; 4] {
        [16, 24, 32, 40].map(|at| Timestamp(u64::from_be_bytes(self.at(at))))
    }

    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.0[at..].first_chunk().expect("48 bytes")
    }
}

/// A number of seconds in 16 bits and 16 bits of fraction.
fn short(bytes: [u8; 4]) -> f64 {
    f64::from(u32::from_be_bytes(bytes)) / 65536.0
}

impl<'a> Ntp<'a> {
    /// Leap indicator: 1 the last minute of the day has 61 seconds, 2 it has 59, 3 the clock is not synchronized.
    pub fn leap(&self) -> u8 {
        self.first >> 6
    }

    /// Version.
    pub fn version(&self) -> u8 {
        self.first >> 3 & 7
    }

    /// Mode: 3 client, 4 server, 5 broadcast.
    pub fn mode(&self) -> u8 {
        self.first & 7
    }

    /// The fields; `None` where it is a control message or not all of them were captured.
    pub fn fields(&self) -> Option<Fields<'a>> {
        (self.mode() < 6).then(|| self.carried.bytes.first_chunk()).flatten().map(Fields)
    }

    /// What follows: extensions and authentication, or the rest of a control message.
    pub fn rest(&self) -> &'a [u8] {
        self.carried.bytes.get(if self.mode() < 6 { 48 } else { 1 }..).unwrap_or_default()
    }

    /// Why it could not be read to its end.
    pub fn trouble(&self) -> Option<Trouble> {
        let whole = if self.mode() < 6 { 48 } else { 1 };
        match self.carried.bytes.len() < whole {
            true => Some(self.carried.short(whole)),
            false => (self.carried.bytes.len() < self.carried.length).then_some(Trouble::Truncated),
        }
    }
}

impl<'a> Protocol<'a> for Ntp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let [first] = *carried.header()?;
        Ok((Ntp { first, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("NTPv");
        text::decimal(out, self.version().into());
        out.push_str(", ");
        out.push_str(MODES[usize::from(self.mode())]);
        out.push_str(", length ");
        text::decimal(out, self.carried.length as u32);
    }

    fn block(&self, out: &mut Text) {
        let (version, mode) = (self.version(), self.mode());
        let name = MODES[usize::from(mode)];
        text::field(
            out,
            "NTP",
            format_args!("version {version}, mode {mode} ({name}), {} bytes", self.carried.length),
        );
        text::field(out, "Leap Indicator", self.leap());
        if let Some(fields) = self.fields() {
            text::field(out, "Stratum", fields.stratum());
            text::field(out, "Poll", format_args!("2^{} s", fields.poll()));
            text::field(out, "Precision", format_args!("2^{} s", fields.precision()));
            text::field(out, "Root Delay", format_args!("{:.6} s", fields.root_delay()));
            text::field(out, "Root Dispersion", format_args!("{:.6} s", fields.root_dispersion()));
            text::field(out, "Reference", fields.reference());
            let names = ["Reference Time", "Originate Time", "Receive Time", "Transmit Time"];
            for (name, time) in names.into_iter().zip(fields.times()) {
                text::field(out, name, format_args!("{time}"));
            }
        }
        if !self.rest().is_empty() {
            text::field(out, "Rest", text::to_hex(self.rest()));
        }
        if let Some(trouble) = self.trouble() {
            text::field(out, "Fault", trouble.reason());
        }
    }

    fn document(&self) -> Document {
        let fields = self.fields().map(|fields| {
            let [reference_time, originate_time, receive_time, transmit_time] =
                fields.times().map(|time| time.to_string());
            FieldsDocument {
                stratum: fields.stratum(),
                poll: fields.poll(),
                precision: fields.precision(),
                root_delay: fields.root_delay(),
                root_dispersion: fields.root_dispersion(),
                reference: fields.reference(),
                reference_time,
                originate_time,
                receive_time,
                transmit_time,
            }
        });
        Document {
            leap: self.leap(),
            version: self.version(),
            mode: self.mode(),
            mode_name: MODES[usize::from(self.mode())],
            fields,
            rest: text::to_hex(self.rest()),
            length: self.carried.length,
            trouble: self.trouble(),
        }
    }
}

/// An [`Ntp`] packet as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Leap indicator.
    pub leap: u8,
    /// Version.
    pub version: u8,
    /// Mode: 3 client, 4 server, 5 broadcast.
    pub mode: u8,
    /// Its name.
    pub mode_name: &'static str,
    /// The fields of a packet that is no control message.
    #[serde(flatten)]
    pub fields: Option<FieldsDocument>,
    /// Extensions and authentication, or the rest of a control message, in hexadecimal.
    pub rest: String,
    /// Length of the packet in bytes.
    pub length: usize,
    /// Why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// The fields of a packet that is no control message; times in UTC (RFC 3339), "none" where they are zero.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldsDocument {
    /// How far from a reference clock.
    pub stratum: u8,
    /// Longest interval between packets, as a power of two in seconds.
    pub poll: i8,
    /// Precision of the clock, as a power of two in seconds.
    pub precision: i8,
    /// Round trip to the reference clock in seconds.
    pub root_delay: f64,
    /// Largest error against the reference clock in seconds.
    pub root_dispersion: f64,
    /// What the clock is set by.
    pub reference: String,
    /// When the clock was last set.
    pub reference_time: String,
    /// When the request left.
    pub originate_time: String,
    /// When the request arrived.
    pub receive_time: String,
    /// When this packet left.
    pub transmit_time: String,
}
