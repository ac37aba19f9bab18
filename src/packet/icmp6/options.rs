//! Options of neighbour discovery (RFC 4861 section 4.6, and the documents that added to them).

use std::fmt::Write;
use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Text;
use crate::packet::text;

/// One option: its kind and everything behind kind and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeighborOption<'a> {
    /// Option kind.
    pub kind: u8,
    /// Its length in bytes, as it says.
    pub length: usize,
    /// What it holds.
    pub data: &'a [u8],
    /// Why it, and what is behind it, could not be read: "malformed" (a length of 0, or beyond the message) or
    /// "truncated" (the capture ends in it).
    pub trouble: Option<&'static str>,
}

/// The options of a message; ends behind the first that is malformed or truncated.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    bytes: &'a [u8],
    length: usize,
}

/// A [`NeighborOption`] as JSON; only the fields that its kind has.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(default)]
pub struct Document {
    /// Option kind.
    pub kind: u8,
    /// Its name.
    pub name: &'static str,
    /// Its length in bytes.
    pub length: usize,
    /// Hardware address, of link-layer address options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_address: Option<String>,
    /// Prefix, as an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Length of the prefix in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_length: Option<u8>,
    /// The prefix is on this link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_link: Option<bool>,
    /// Hosts may make addresses of the prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autonomous: Option<bool>,
    /// How long it is valid, in seconds; 4294967295 is for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// How long the prefix is preferred, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_lifetime: Option<u32>,
    /// What the link takes, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
    /// Addresses of name servers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// What others hold, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// "malformed" or "truncated".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<&'static str>,
}

impl<'a> Options<'a> {
    /// The options in `bytes`, which measured `length` on the wire.
    pub(super) fn new(bytes: &'a [u8], length: usize) -> Self {
        Options { bytes, length }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = NeighborOption<'a>;

    fn next(&mut self) -> Option<NeighborOption<'a>> {
        let &kind = self.bytes.first()?;
        let length = usize::from(self.bytes.get(1).copied().unwrap_or(1)) * 8;
        let trouble = match self.bytes.len() {
            _ if length == 0 || length > self.length => Some("malformed"),
            captured if captured < length => Some("truncated"),
            _ => None,
        };
        let (option, rest) = self.bytes.split_at(length.clamp(1, self.bytes.len()));
        *self = match trouble {
            Some(_) => Options::new(&[], 0),
            None => Options::new(rest, self.length - length),
        };
        Some(NeighborOption { kind, length, data: option.get(2..).unwrap_or_default(), trouble })
    }
}

/// The kinds with a form of their own: source and target address, prefix, MTU, recursive name servers.
const SOURCE: u8 = 1;
const TARGET: u8 = 2;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const NAME_SERVERS: u8 = 25;

fn long(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().copied().map(u32::from_be_bytes)
}

fn address(data: &[u8], at: usize) -> Option<Ipv6Addr> {
    data.get(at..)?.first_chunk::<16>().copied().map(Ipv6Addr::from)
}

fn seconds(time: u32) -> String {
    if time == u32::MAX { "infinity".to_owned() } else { format!("{time}s") }
}

impl NeighborOption<'_> {
    /// tcpdump's name of it.
    pub fn name(&self) -> &'static str {
        match self.kind {
            SOURCE => "source link-address",
            TARGET => "destination link-address",
            PREFIX => "prefix info",
            4 => "redirected header",
            MTU => "mtu",
            7 => "advertisement interval",
            8 => "homeagent information",
            14 => "nonce",
            24 => "route info",
            NAME_SERVERS => "rdnss",
            31 => "dnssl",
            38 => "pref64",
            _ => "unknown",
        }
    }

    /// Its form in JSON.
    pub fn document(&self) -> Document {
        let mut document = Document {
            kind: self.kind,
            name: self.name(),
            length: self.length,
            trouble: self.trouble,
            ..Document::default()
        };
        let data = self.data;
        match (self.kind, self.trouble) {
            (SOURCE | TARGET, None) => {
                document.hardware_address = Some(text::written(|out| text::hardware(out, data)));
            }
            (PREFIX, None) if data.len() >= 30 => {
                document.prefix = address(data, 14).map(|prefix| prefix.to_string());
                document.prefix_length = Some(data[0]);
                document.on_link = Some(data[1] & 0x80 != 0);
                document.autonomous = Some(data[1] & 0x40 != 0);
                document.lifetime = long(data, 2);
                document.preferred_lifetime = long(data, 6);
            }
            (MTU, None) => document.mtu = long(data, 2),
            (NAME_SERVERS, None) => {
                document.lifetime = long(data, 2);
                let (addresses, _) = data.get(6..).unwrap_or_default().as_chunks::<16>();
                document.addresses = addresses.iter().map(|&a| Ipv6Addr::from(a).to_string()).collect();
            }
            _ => document.data = Some(text::to_hex(data)),
        }
        document
    }

    /// Appends it in tcpdump's words, as with -v.
    pub fn line(&self, out: &mut Text) {
        let document = self.document();
        let _ =
            write!(out, "{} option ({}), length {} ({}): ", document.name, self.kind, self.length, self.length / 8);
        if let Some(trouble) = self.trouble {
            let _ = write!(out, "[{trouble}] ");
        }
        if let Some(hardware) = document.hardware_address {
            out.push_str(&hardware);
        }
        if let (Some(prefix), Some(length)) = (document.prefix, document.prefix_length) {
            let flags = match (document.on_link == Some(true), document.autonomous == Some(true)) {
                (true, true) => "onlink, auto",
                (true, false) => "onlink",
                (false, true) => "auto",
                (false, false) => "none",
            };
            let (valid, preferred) = (document.lifetime.unwrap_or(0), document.preferred_lifetime.unwrap_or(0));
            let (valid, preferred) = (seconds(valid), seconds(preferred));
            let _ = write!(out, "{prefix}/{length}, Flags [{flags}], valid time {valid}, pref. time {preferred}");
        } else if let Some(lifetime) = document.lifetime {
            let _ = write!(out, " lifetime {},", seconds(lifetime));
        }
        if let Some(mtu) = document.mtu {
            let _ = write!(out, " {mtu}");
        }
        document.addresses.iter().for_each(|address| _ = write!(out, " addr: {address}"));
        if let Some(data) = document.data {
            out.push_str(&data);
        }
    }
}
