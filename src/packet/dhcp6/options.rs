//! DHCPv6 options (RFC 9915 section 21 and those of other documents): code, length, value; some hold options again.

use std::fmt::Write;
use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Text;
use crate::packet::layer::{Carried, Trouble};
use crate::packet::text;

/// Options in options go no deeper than this: a relay's message in a relay's message in ...
const DEEPEST: u8 = 8;

/// How the value of an option reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Addresses,
    /// An unsigned number of as many bytes as there are.
    Number,
    /// Numbers of two bytes each.
    List,
    Text,
    /// Names as in DNS, without compression.
    Names,
    /// Identity, T1, T2, options.
    Association,
    /// An address, preferred and valid lifetime, options.
    Address,
    /// Preferred and valid lifetime, prefix, options.
    Prefix,
    /// A message of a client or another relay.
    Message,
    Status,
    Hex,
}

const KNOWN: [(u16, &str, Form); 28] = [
    (1, "client-ID", Form::Hex),
    (2, "server-ID", Form::Hex),
    (3, "IA_NA", Form::Association),
    (4, "IA_TA", Form::Hex),
    (5, "IA_ADDR", Form::Address),
    (6, "option-request", Form::List),
    (7, "preference", Form::Number),
    (8, "elapsed-time", Form::Number),
    (9, "relay-message", Form::Message),
    (11, "authentication", Form::Hex),
    (12, "server-unicast", Form::Addresses),
    (13, "status-code", Form::Status),
    (14, "rapid-commit", Form::Hex),
    (15, "user-class", Form::Hex),
    (16, "vendor-class", Form::Hex),
    (17, "vendor-specific-info", Form::Hex),
    (18, "interface-ID", Form::Hex),
    (19, "reconfigure-message", Form::Number),
    (20, "reconfigure-accept", Form::Hex),
    (21, "SIP-servers-domain", Form::Names),
    (22, "SIP-servers-address", Form::Addresses),
    (23, "DNS-server", Form::Addresses),
    (24, "DNS-search-list", Form::Names),
    (25, "IA_PD", Form::Association),
    (26, "IA_PD-prefix", Form::Prefix),
    (31, "SNTP-servers", Form::Addresses),
    (32, "lifetime", Form::Number),
    (59, "Bootfile-URL", Form::Text),
];

/// One option.
#[derive(Debug, Clone, Copy)]
pub struct Dhcp6Option<'a> {
    /// Its number.
    pub code: u16,
    /// Its value.
    pub value: &'a [u8],
}

/// An option as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Its number.
    pub code: u16,
    /// Its name.
    pub name: String,
    /// Its value, up to the options in it: in words, text (escaped), or hexadecimal.
    pub value: String,
    /// The options in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Document>,
    /// Why those could not be read to their end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

fn long(bytes: [u8; 4]) -> u32 {
    u32::from_be_bytes(bytes)
}

impl<'a> Dhcp6Option<'a> {
    fn known(&self) -> Option<(&'static str, Form)> {
        let at = KNOWN.binary_search_by_key(&self.code, |(code, ..)| *code).ok()?;
        KNOWN.get(at).map(|(_, name, form)| (*name, *form))
    }

    /// Its name ("IA_NA", "option-200").
    pub fn name(&self) -> String {
        self.known().map_or_else(|| format!("option-{}", self.code), |(name, _)| name.to_owned())
    }

    /// Appends its value, up to the options in it; those are given back.
    pub fn value(&self, out: &mut Text) -> Options<'a> {
        self.told(out).unwrap_or_else(|| {
            text::hex(out, self.value);
            Options::new(&[], 0)
        })
    }

    /// The same, where the value is of the form that the option has.
    fn told(&self, out: &mut Text) -> Option<Options<'a>> {
        let mut inside: &[u8] = &[];
        match (self.known()?.1, self.value) {
            (Form::Addresses, value) if value.len().is_multiple_of(16) => {
                for (i, address) in value.as_chunks::<16>().0.iter().enumerate() {
                    let _ = write!(out, "{}{}", if i > 0 { " " } else { "" }, Ipv6Addr::from(*address));
                }
            }
            (Form::Number, value @ [_, ..]) if value.len() <= 4 => {
                text::decimal(out, value.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
            }
            (Form::List, value) if value.len().is_multiple_of(2) => {
                for (i, code) in value.as_chunks().0.iter().enumerate() {
                    out.push_str(if i > 0 { "," } else { "" });
                    text::decimal(out, u16::from_be_bytes(*code).into());
                }
            }
            (Form::Text, value) => text::escaped(out, value),
            (Form::Names, value) => names(out, value)?,
            (Form::Association, value) => {
                let (&[a, b, c, d, e, f, g, h, i, j, k, l], rest) = value.split_first_chunk()?;
                let (id, t1, t2) = (long([a, b, c, d]), long([e, f, g, h]), long([i, j, k, l]));
                let _ = write!(out, "id {id} T1 {t1} T2 {t2}");
                inside = rest;
            }
            (Form::Address, value) => {
                let (address, rest) = value.split_first_chunk::<16>()?;
                let (&[a, b, c, d, e, f, g, h], rest) = rest.split_first_chunk()?;
                let (preferred, valid) = (long([a, b, c, d]), long([e, f, g, h]));
                let _ = write!(out, "{} preferred {preferred} valid {valid}", Ipv6Addr::from(*address));
                inside = rest;
            }
            (Form::Prefix, value) => {
                let (&[a, b, c, d, e, f, g, h, length], rest) = value.split_first_chunk()?;
                let (prefix, rest) = rest.split_first_chunk::<16>()?;
                let (preferred, valid) = (long([a, b, c, d]), long([e, f, g, h]));
                let _ = write!(out, "{}/{length} preferred {preferred} valid {valid}", Ipv6Addr::from(*prefix));
                inside = rest;
            }
            (Form::Status, value) => {
                let (&[high, low], words) = value.split_first_chunk()?;
                let _ = write!(out, "{} ", u16::from_be_bytes([high, low]));
                text::escaped(out, words);
            }
            (Form::Message, value) => {
                let whole = Carried { bytes: value, length: value.len(), ..Carried::frame(super::Link::Ip, &[], 0) };
                let message = super::Dhcp6::read(whole).ok()?;
                message.title(out);
                return Some(message.options());
            }
            _ => return None,
        }
        Some(Options::new(inside, 0))
    }

    /// Appends a line for it and for each of those in it, a step to the right.
    pub fn block(&self, out: &mut Text, depth: u8) {
        let mut value = Text::new();
        let inside = self.value(&mut value);
        let line = format!("{:1$}{2} ({3}) {value}", "", 2 * usize::from(depth), self.name(), self.code);
        text::field(out, "Option", line.trim_end());
        for option in inside.take_while(|_| depth < DEEPEST) {
            match option {
                Ok(option) => option.block(out, depth + 1),
                Err(trouble) => {
                    text::field(out, "Fault", format_args!("an option in {}: {}", self.name(), trouble.word()))
                }
            }
        }
    }

    /// Its form in JSON.
    pub fn document(&self, depth: u8) -> Document {
        let mut value = Text::new();
        let inside = self.value(&mut value);
        let deeper = (depth < DEEPEST).then_some(inside);
        let deeper = deeper.unwrap_or(Options::new(&[], 0));
        let trouble = deeper.clone().find_map(Result::err);
        let options = deeper.flatten().map(|option| option.document(depth + 1)).collect();
        Document { code: self.code, name: self.name(), value: value.into_string(), options, trouble }
    }
}

/// Names as in DNS, a space between them; `None` where they are not.
fn names(out: &mut Text, value: &[u8]) -> Option<()> {
    let before = out.len();
    let message = crate::packet::dns::name::Message { bytes: value, length: value.len() };
    let mut at = 0;
    while at < value.len() {
        out.push_str(if at > 0 { " " } else { "" });
        let read = message.name(at).and_then(|(name, end)| name.write(out).map(|()| end));
        match read {
            Ok(end) => at = end,
            Err(_) => {
                out.truncate(before);
                return None;
            }
        }
    }
    Some(())
}

/// Options one after the other; an error is the last item.
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

    fn step(&mut self) -> Result<Option<Dhcp6Option<'a>>, Trouble> {
        if self.rest.is_empty() && self.missing == 0 {
            return Ok(None);
        }
        let cut = |needed: usize, there: usize| match needed.saturating_sub(there) <= self.missing {
            true => Trouble::Truncated,
            false => Trouble::Malformed("an option is longer than the packet"),
        };
        let (&[c0, c1, l0, l1], rest) = self.rest.split_first_chunk().ok_or_else(|| cut(4, self.rest.len()))?;
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let (value, rest) = rest.split_at_checked(length).ok_or_else(|| cut(length, rest.len()))?;
        self.rest = rest;
        Ok(Some(Dhcp6Option { code: u16::from_be_bytes([c0, c1]), value }))
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<Dhcp6Option<'a>, Trouble>;

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
