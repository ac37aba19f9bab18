//! DHCP options (RFC 2132 and those after it): kind, length, value.

use std::fmt::Write;
use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// How the value of an option reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Addresses,
    /// An unsigned number of as many bytes as there are.
    Number,
    Text,
    /// Numbers of a byte each.
    List,
    MessageType,
    Hex,
}

const KNOWN: [(u8, &str, Form); 33] = [
    (1, "Subnet-Mask", Form::Addresses),
    (2, "Time-Zone", Form::Number),
    (3, "Default-Gateway", Form::Addresses),
    (4, "Time-Server", Form::Addresses),
    (6, "Domain-Name-Server", Form::Addresses),
    (7, "LOG", Form::Addresses),
    (12, "Hostname", Form::Text),
    (15, "Domain-Name", Form::Text),
    (17, "RP", Form::Text),
    (26, "MTU", Form::Number),
    (28, "BR", Form::Addresses),
    (33, "Static-Route", Form::Addresses),
    (40, "YD", Form::Text),
    (42, "NTP", Form::Addresses),
    (43, "Vendor-Option", Form::Hex),
    (44, "Netbios-Name-Server", Form::Addresses),
    (50, "Requested-IP", Form::Addresses),
    (51, "Lease-Time", Form::Number),
    (52, "OO", Form::Number),
    (53, "DHCP-Message", Form::MessageType),
    (54, "Server-ID", Form::Addresses),
    (55, "Parameter-Request", Form::List),
    (56, "MSG", Form::Text),
    (57, "MSZ", Form::Number),
    (58, "RN", Form::Number),
    (59, "RB", Form::Number),
    (60, "Vendor-Class", Form::Text),
    (61, "Client-ID", Form::Hex),
    (66, "TFTP", Form::Text),
    (67, "BF", Form::Text),
    (108, "IPv6-Only-Preferred", Form::Number),
    (114, "URL", Form::Text),
    (150, "TFTP-Server-Address", Form::Addresses),
];

const MESSAGES: [&str; 9] = ["", "Discover", "Offer", "Request", "Decline", "ACK", "NACK", "Release", "Inform"];

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DhcpOption<'a> {
    /// Its number.
    pub kind: u8,
    /// Its value.
    pub value: &'a [u8],
}

/// An option as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Its number.
    pub kind: u8,
    /// Its name, tcpdump's where that has one.
    pub name: String,
    /// Its value: addresses with spaces between them, a number, text (escaped), numbers with commas, else hexadecimal.
    pub value: String,
}

impl DhcpOption<'_> {
    fn known(&self) -> Option<(&'static str, Form)> {
        let at = KNOWN.binary_search_by_key(&self.kind, |(kind, ..)| *kind).ok()?;
        KNOWN.get(at).map(|(_, name, form)| (*name, *form))
    }

    /// Its name ("Subnet-Mask", "Option-200").
    pub fn name(&self) -> String {
        self.known().map_or_else(|| format!("Option-{}", self.kind), |(name, _)| name.to_owned())
    }

    /// The name of the message ("Discover"), where this is the option that tells its type.
    pub fn message(&self) -> Option<&'static str> {
        match (self.kind, self.value) {
            (53, &[kind]) => MESSAGES.get(usize::from(kind)).copied().filter(|name| !name.is_empty()),
            _ => None,
        }
    }

    /// Appends its value; one whose length its kind does not have in hexadecimal.
    pub fn value(&self, out: &mut Text) {
        match (self.known().map_or(Form::Hex, |(_, form)| form), self.value) {
            (Form::Addresses, value) if value.len().is_multiple_of(4) => {
                for (i, address) in value.as_chunks::<4>().0.iter().enumerate() {
                    let _ = write!(out, "{}{}", if i > 0 { " " } else { "" }, Ipv4Addr::from(*address));
                }
            }
            (Form::Number, value @ [_, ..]) if value.len() <= 4 => {
                text::decimal(out, value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
            }
            (Form::Text, value) => text::escaped(out, value.strip_suffix(&[0]).unwrap_or(value)),
            (Form::List, value) => {
                for (i, byte) in value.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    text::decimal(out, (*byte).into());
                }
            }
            (Form::MessageType, value) => match self.message() {
                Some(name) => out.push_str(name),
                None => text::hex(out, value),
            },
            (_, value) => text::hex(out, value),
        }
    }

    /// Its form in JSON.
    pub fn document(&self) -> Document {
        Document { kind: self.kind, name: self.name(), value: text::written(|out| self.value(out)) }
    }
}

/// The options behind the cookie, without padding; an error is the last item.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    rest: &'a [u8],
    /// How many more bytes there were on the wire than were captured.
    missing: usize,
    done: bool,
}

impl<'a> Options<'a> {
    pub(super) fn new(bytes: &'a [u8], missing: usize) -> Self {
        Options { rest: bytes, missing, done: false }
    }

    fn step(&mut self) -> Result<Option<DhcpOption<'a>>, Trouble> {
        while let Some((0, rest)) = self.rest.split_first() {
            self.rest = rest;
        }
        let cut = |needed: usize, there: usize| match needed.saturating_sub(there) <= self.missing {
            true => Trouble::Truncated,
            false => Trouble::Malformed("an option is longer than the packet"),
        };
        match *self.rest {
            [] if self.missing > 0 => Err(Trouble::Truncated),
            // Without an end option; BOOTP's vendor area may well have none.
            [] | [255, ..] => Ok(None),
            [_] => Err(cut(2, 1)),
            [kind, length, ref rest @ ..] => {
                let (value, rest) =
                    rest.split_at_checked(length.into()).ok_or_else(|| cut(length.into(), rest.len()))?;
                self.rest = rest;
                Ok(Some(DhcpOption { kind, value }))
            }
        }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<DhcpOption<'a>, Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step();
        self.done = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_can_be_searched_by_halves() {
        assert!(super::KNOWN.is_sorted_by(|a, b| a.0 < b.0));
    }
}
