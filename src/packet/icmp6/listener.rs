//! Multicast listener discovery, version 2 (RFC 9777): queries for sources, and reports of group records.

use std::fmt::Write;
use std::net::Ipv6Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Icmp6, LISTENER_QUERY, LISTENER_REPORT_2};
use crate::packet::Text;
use crate::packet::text;

/// Length of a message of version 1, and the least of a query of version 2.
const VERSION_1: usize = 24;
const QUERY_2: usize = 28;

/// What a report says of one group.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Record {
    /// 1 is_in, 2 is_ex, 3 to_in, 4 to_ex, 5 allow, 6 block.
    pub r#type: u8,
    /// The group.
    pub group: String,
    /// The sources.
    pub sources: Vec<String>,
}

impl Record {
    /// Appends it as tcpdump does with -vv.
    pub(super) fn line(&self, out: &mut Text) {
        let words = ["is_in", "is_ex", "to_in", "to_ex", "allow", "block"];
        let word = words.get(usize::from(self.r#type).wrapping_sub(1)).copied().unwrap_or("unknown");
        let _ = write!(out, "[gaddr {} {word} {{", self.group);
        self.sources.iter().for_each(|source| _ = write!(out, " {source}"));
        out.push_str(" }]");
    }
}

/// How long listeners may take to answer, in milliseconds.
pub(super) fn delay(icmp: &Icmp6) -> u32 {
    match icmp.word(4) {
        // Version 2 has a mantissa and an exponent for the long ones.
        code @ 0x8000.. if icmp.carried.length >= QUERY_2 => {
            u32::from(code & 0x0fff | 0x1000) << ((code >> 12 & 7) + 3)
        }
        code => code.into(),
    }
}

/// The records of a report, as far as they were captured and fit.
pub(super) fn records(icmp: &Icmp6) -> Vec<Record> {
    let count = if icmp.kind() == LISTENER_REPORT_2 { icmp.word(6) } else { 0 };
    let mut rest = icmp.carried.bytes.get(8..).unwrap_or_default();
    let record = |_| {
        let (head, behind) = rest.split_first_chunk::<20>()?;
        let &[kind, auxiliary, high, low, ref group @ ..] = head;
        let group = Ipv6Addr::from(*group.first_chunk::<16>()?);
        let (sources, behind) = behind.split_at_checked(16 * usize::from(u16::from_be_bytes([high, low])))?;
        rest = behind.get(4 * usize::from(auxiliary)..)?;
        Some(Record { r#type: kind, group: group.to_string(), sources: addresses(sources) })
    };
    (0..count).map_while(record).collect()
}

/// The sources of a query, as far as they were captured.
pub(super) fn sources(icmp: &Icmp6) -> Vec<String> {
    let count = if icmp.kind() == LISTENER_QUERY { icmp.carried.word(26).unwrap_or(0) } else { 0 };
    let mut sources = addresses(icmp.carried.bytes.get(QUERY_2..).unwrap_or_default());
    sources.truncate(count.into());
    sources
}

fn addresses(bytes: &[u8]) -> Vec<String> {
    bytes.as_chunks::<16>().0.iter().map(|&a| Ipv6Addr::from(a).to_string()).collect()
}

/// Appends tcpdump's words for a message of listener discovery, behind its name.
pub(super) fn line(icmp: &Icmp6, out: &mut Text) -> Option<()> {
    let length = icmp.carried.length;
    match icmp.kind() {
        LISTENER_REPORT_2 => text::number_between(out, ", ", icmp.word(6).into(), " group record(s)"),
        LISTENER_QUERY if length >= QUERY_2 => {
            let group = icmp.target()?;
            let sources = icmp.carried.word(26)?;
            out.push_str(" v2 [gaddr ");
            text::ipv6(out, *group);
            match usize::from(sources) {
                0 => out.push(']'),
                n if length < QUERY_2 + 16 * n => out.push_str(" [invalid number of sources]]"),
                _ => text::number_between(out, ", ", sources.into(), " source(s)]"),
            }
        }
        LISTENER_QUERY if length != VERSION_1 => {
            text::number_between(out, " unknown-version (len ", length as u32, ") ")
        }
        _ => {
            let group = icmp.target()?;
            text::number_between(out, "max resp delay: ", icmp.word(4).into(), " addr: ");
            text::ipv6(out, *group);
        }
    }
    Some(())
}
