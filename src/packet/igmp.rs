//! IGMP versions 1, 2 and 3 (RFC 1112, RFC 2236, RFC 9776): who listens to which multicast group.

#[cfg(test)]
mod tests;

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::checksum::{self, Verdict};
use super::layer::{Carried, Decoded, Protocol};
use super::text;
use crate::packet::{Line, Text};

/// Its IP protocol number.
pub const NUMBER: u8 = 2;

const QUERY: u8 = 0x11;
const REPORT_1: u8 = 0x12;
const REPORT_2: u8 = 0x16;
const LEAVE: u8 = 0x17;
const REPORT_3: u8 = 0x22;
/// A query of version 3 is at least this long.
const QUERY_3: usize = 12;

/// An IGMP message.
#[derive(Debug, Clone, Copy)]
pub struct Igmp<'a> {
    fixed: &'a [u8; 8],
    carried: Carried<'a>,
}

/// An [`Igmp`] message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Message type: 17 query, 18, 22 and 34 reports of version 1, 2 and 3, 23 leave.
    pub r#type: u8,
    /// Version, where the message tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// How long listeners may take to answer a query, in tenths of a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_response_time: Option<u32>,
    /// Checksum field.
    pub checksum: u16,
    /// What verifying it found.
    pub checksum_status: Verdict,
    /// The group; 0.0.0.0 asks for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Sources of a query of version 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Group records of a report of version 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
}

/// What a report of version 3 says of one group.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Record {
    /// 1 is_in, 2 is_ex, 3 to_in, 4 to_ex, 5 allow, 6 block.
    pub r#type: u8,
    /// The group.
    pub group: String,
    /// The sources.
    pub sources: Vec<String>,
}

impl<'a> Igmp<'a> {
    /// Message type.
    pub fn kind(&self) -> u8 {
        self.fixed[0]
    }

    /// The version that the message is of, where it tells.
    pub fn version(&self) -> Option<u8> {
        match self.kind() {
            QUERY if self.carried.length >= QUERY_3 => Some(3),
            QUERY if self.fixed[1] != 0 => Some(2),
            QUERY | REPORT_1 => Some(1),
            REPORT_2 | LEAVE => Some(2),
            REPORT_3 => Some(3),
            _ => None,
        }
    }

    /// How long listeners may take to answer a query, in tenths of a second.
    pub fn max_response_time(&self) -> u32 {
        match self.fixed[1] {
            // Version 3 has a mantissa and an exponent for the long ones.
            code @ 128.. if self.version() == Some(3) => u32::from(code & 15 | 16) << ((code >> 4 & 7) + 3),
            code => code.into(),
        }
    }

    /// The group of all messages but reports of version 3.
    pub fn group(&self) -> [u8; 4] {
        let [.., a, b, c, d] = *self.fixed;
        [a, b, c, d]
    }

    /// What verifying the checksum finds.
    pub fn checksum_status(&self) -> Verdict {
        checksum::of_message(&self.carried, self.checksum())
    }

    /// The checksum field.
    pub fn checksum(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// How many sources or group records there are said to be.
    fn count(&self) -> Option<u16> {
        match self.kind() {
            QUERY => self.carried.word(10),
            _ => Some(u16::from_be_bytes([self.fixed[6], self.fixed[7]])),
        }
    }

    fn query(&self, out: &mut Text) {
        out.push_str("igmp query v");
        text::decimal(out, self.version().unwrap_or_default().into());
        let (length, any) = (self.carried.length, self.group() == [0; 4]);
        if self.version() != Some(3) {
            if self.fixed[1] != 0 && self.fixed[1] != 100 {
                text::number_between(out, " [max resp time ", self.fixed[1].into(), "]");
            }
            if !any {
                out.push_str(" [gaddr ");
                text::ipv4(out, self.group());
                out.push(']');
            }
            return odd_length(out, length);
        }
        if !length.is_multiple_of(4) {
            return text::number_between(out, " [invalid len ", length as u32, "]");
        }
        match self.max_response_time() {
            100 => {}
            time @ 0..600 => {
                text::number_between(out, " [max resp time ", time / 10, ".");
                text::number_between(out, "", time % 10, "s]");
            }
            time => {
                text::number_between(out, " [max resp time ", time / 600, "m");
                text::number_between(out, "", time / 10 % 60, "s]");
            }
        }
        let Some(sources) = self.count().filter(|_| !any) else { return };
        out.push_str(" [gaddr ");
        text::ipv4(out, self.group());
        match usize::from(sources) {
            0 => out.push(']'),
            n if length < QUERY_3 + 4 * n => out.push_str(" [invalid number of sources]]"),
            n => text::number_between(out, ", ", n as u32, " source(s)]"),
        }
    }

    /// The records of a report of version 3, as far as they were captured and fit: type, group, sources.
    pub fn records(&self) -> impl Iterator<Item = (u8, [u8; 4], &'a [[u8; 4]])> {
        let count = if self.kind() == REPORT_3 { self.count().unwrap_or(0) } else { 0 };
        let mut rest = self.carried.bytes.get(8..).unwrap_or_default();
        (0..count).map_while(move |_| {
            let (&[kind, auxiliary, high, low, a, b, c, d], behind) = rest.split_first_chunk()?;
            let sources = usize::from(u16::from_be_bytes([high, low]));
            let (sources, behind) = behind.split_at_checked(4 * sources)?;
            rest = behind.get(4 * usize::from(auxiliary)..)?;
            Some((kind, [a, b, c, d], sources.as_chunks().0))
        })
    }

    /// The sources of a query of version 3, as far as they were captured.
    pub fn sources(&self) -> &'a [[u8; 4]] {
        let count = match (self.kind(), self.version()) {
            (QUERY, Some(3)) => self.count().unwrap_or(0).into(),
            _ => 0,
        };
        let (sources, _) = self.carried.bytes.get(QUERY_3..).unwrap_or_default().as_chunks();
        &sources[..sources.len().min(count)]
    }
}

fn odd_length(out: &mut Text, length: usize) {
    if length != 8 {
        text::number_between(out, " [len ", length as u32, "]");
    }
}

fn dotted(addresses: &[[u8; 4]]) -> Vec<String> {
    addresses.iter().map(|&a| std::net::Ipv4Addr::from(a).to_string()).collect()
}

/// tcpdump's word for what a record says.
fn record_word(kind: u8) -> &'static str {
    let words = ["is_in", "is_ex", "to_in", "to_ex", "allow", "block"];
    words.get(usize::from(kind).wrapping_sub(1)).copied().unwrap_or("unknown")
}

impl<'a> Protocol<'a> for Igmp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Igmp { fixed: carried.header::<8>()?, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        text::between(out, &self.carried);
        let word = match self.kind() {
            QUERY => return self.query(out),
            REPORT_3 if self.carried.length < 16 || !self.carried.length.is_multiple_of(4) => {
                return text::number_between(out, "igmp v3 report [invalid len ", self.carried.length as u32, "]");
            }
            REPORT_3 => {
                let records = self.count().unwrap_or(0).into();
                return text::number_between(out, "igmp v3 report, ", records, " group record(s)");
            }
            REPORT_1 => "igmp v1 report ",
            REPORT_2 => "igmp v2 report ",
            LEAVE => "igmp leave ",
            other => return text::number_between(out, "igmp-", other.into(), ""),
        };
        out.push_str(word);
        text::ipv4(out, self.group());
        if self.kind() == REPORT_1 {
            odd_length(out, self.carried.length);
        }
    }

    fn block(&self, out: &mut Text) {
        let document = self.document();
        text::field(out, "IGMP Type", format_args!("0x{:02x}", document.r#type));
        if let Some(version) = document.version {
            text::field(out, "IGMP Version", version);
        }
        if let Some(time) = document.max_response_time {
            text::field(out, "Max Response", format_args!("{}.{} s", time / 10, time % 10));
        }
        text::field(out, "Checksum", format_args!("0x{:04x} ({})", document.checksum, document.checksum_status));
        if let Some(group) = document.group {
            text::field(out, "Group", group);
        }
        for source in &document.sources {
            text::field(out, "Source", source.as_str());
        }
        for record in &document.records {
            let mut sources = Text::new();
            record.sources.iter().for_each(|source| _ = write!(sources, " {source}"));
            let word = record_word(record.r#type);
            text::field(out, "Record", format_args!("{} {word} {{{sources} }}", record.group));
        }
    }

    fn document(&self) -> Document {
        let record = |(r#type, group, sources): (u8, [u8; 4], &[[u8; 4]])| Record {
            r#type,
            group: std::net::Ipv4Addr::from(group).to_string(),
            sources: dotted(sources),
        };
        Document {
            r#type: self.kind(),
            version: self.version(),
            max_response_time: (self.kind() == QUERY).then(|| self.max_response_time()),
            checksum: self.checksum(),
            checksum_status: self.checksum_status(),
            group: (self.kind() != REPORT_3).then(|| std::net::Ipv4Addr::from(self.group()).to_string()),
            sources: dotted(self.sources()),
            records: self.records().map(record).collect(),
        }
    }
}
