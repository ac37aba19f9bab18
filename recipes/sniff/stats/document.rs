//! The summary as data.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::timestamp::rfc3339;
use super::Stats;
use super::heavy::{Count, Heavy};

/// Rows of each table: what is behind them is summed up.
const ROWS: usize = 20;

/// Upper ends of the ranges of lengths, as tshark and switches have them.
const RANGES: [usize; 8] = [63, 127, 255, 511, 1023, 1518, 9018, usize::MAX];

/// What `syskit sniff --stats --json` prints, on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct StatsDocument {
    /// Version of this document's form.
    schema: u32,
    /// When the earliest packet was captured: RFC 3339, UTC.
    pub(super) first: Option<String>,
    /// When the latest was.
    pub(super) last: Option<String>,
    /// Seconds between them.
    pub(super) seconds: f64,
    /// Packets and bytes.
    #[serde(flatten)]
    pub(super) all: Count,
    /// Packets that the kernel dropped; at the end only, 0 before.
    pub(super) dropped: u64,
    /// How many came in a second.
    pub(super) rates: RatesDocument,
    /// Lengths on the wire in bytes.
    pub(super) lengths: Option<LengthsDocument>,
    /// By protocol, those of most bytes first. A packet counts once for each protocol in it.
    pub(super) protocols: Vec<ProtocolDocument>,
    /// By address, those of most bytes first.
    pub(super) talkers: Vec<TalkerDocument>,
    /// Those that are not among them.
    pub(super) other_talkers: OthersDocument,
    /// By both addresses, those of most bytes first.
    pub(super) conversations: Vec<ConversationDocument>,
    /// Those that are not among them.
    pub(super) other_conversations: OthersDocument,
    /// Packets without IP addresses.
    pub(super) without_addresses: Count,
}

/// Rates.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct RatesDocument {
    /// Packets per second from the first to the last; none where there is no time between them.
    pub(super) packets_per_second: Option<f64>,
    /// Bits per second, likewise.
    pub(super) bits_per_second: Option<f64>,
    /// The most packets of a second of the clock.
    pub(super) peak_packets_per_second: u64,
    /// The most bits of a second of the clock.
    pub(super) peak_bits_per_second: u64,
}

/// Lengths of packets.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct LengthsDocument {
    /// The shortest.
    pub(super) min: usize,
    /// Half are as long or shorter.
    pub(super) median: usize,
    /// The mean.
    pub(super) mean: f64,
    /// The longest.
    pub(super) max: usize,
    /// How many in ranges of lengths.
    pub(super) ranges: Vec<RangeDocument>,
}

/// How many packets are of these lengths.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct RangeDocument {
    /// From this length on.
    pub(super) from: usize,
    /// Up to this; none in the last range.
    pub(super) to: Option<usize>,
    /// How many.
    pub(super) packets: u64,
}

/// A protocol.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ProtocolDocument {
    /// Its name, as in the documents of packets; "others" for those beyond the first 64.
    pub(super) name: String,
    /// Packets with it, and all their bytes.
    #[serde(flatten)]
    pub(super) count: Count,
    /// Their part of all bytes, from 0 to 1.
    pub(super) share: f64,
}

/// What an address sent and received.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct TalkerDocument {
    /// The address.
    pub(super) address: String,
    /// What it sent.
    pub(super) sent: Count,
    /// What it received.
    pub(super) received: Count,
}

/// What went between two addresses.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ConversationDocument {
    /// The lesser of the addresses.
    pub(super) a: String,
    /// The other.
    pub(super) b: String,
    /// What a sent to b.
    pub(super) a_to_b: Count,
    /// What b sent to a.
    pub(super) b_to_a: Count,
}

/// What does not stand in a table of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct OthersDocument {
    /// How many; where `inexact`, one that came back counts again.
    pub(super) others: u64,
    /// What they did: packets of conversations, or of talkers sent and received together.
    #[serde(flatten)]
    pub(super) count: Count,
    /// Where there were more than are kept: by how many bytes a row may be too low.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows_short_by_at_most: Option<u64>,
}

impl StatsDocument {
    pub(super) fn of(stats: &Stats) -> Self {
        let seconds = stats
            .span
            .map_or(0.0, |[(s1, n1), (s2, n2)]| s2.saturating_sub(s1) as f64 + (f64::from(n2) - f64::from(n1)) / 1e9);
        let per_second = |count: u64| (seconds > 0.0).then(|| count as f64 / seconds);
        let peak = stats.rates.peak();
        let time = |at: usize| stats.span.map(|span| rfc3339(span[at].0, span[at].1));
        let (talkers, other_talkers) = rows(&stats.talkers, |address, [sent, received]| TalkerDocument {
            address: address.ip().to_string(),
            sent,
            received,
        });
        let (conversations, other_conversations) = rows(&stats.pairs, |(a, b), [a_to_b, b_to_a]| {
            ConversationDocument { a: a.ip().to_string(), b: b.ip().to_string(), a_to_b, b_to_a }
        });
        StatsDocument {
            schema: 1,
            first: time(0),
            last: time(1),
            seconds,
            all: stats.all,
            dropped: stats.dropped,
            rates: RatesDocument {
                packets_per_second: per_second(stats.all.packets),
                bits_per_second: per_second(stats.all.bytes).map(|bytes| bytes * 8.0),
                peak_packets_per_second: peak.packets,
                peak_bits_per_second: peak.bytes * 8,
            },
            lengths: (stats.all.packets > 0).then(|| lengths(stats)),
            protocols: protocols(stats),
            talkers,
            other_talkers,
            conversations,
            other_conversations,
            without_addresses: stats.without_addresses,
        }
    }
}

fn protocols(stats: &Stats) -> Vec<ProtocolDocument> {
    let mut by_name: BTreeMap<String, Count> = BTreeMap::new();
    for (code, count) in &stats.protocols {
        let sum = by_name.entry(super::name(*code)).or_default();
        *sum = sum.plus(*count);
    }
    if stats.other_protocols.packets > 0 {
        by_name.insert("others".to_owned(), stats.other_protocols);
    }
    let all = stats.all.bytes.max(1) as f64;
    let row = |(name, count): (String, Count)| ProtocolDocument { name, count, share: count.bytes as f64 / all };
    let mut rows: Vec<_> = by_name.into_iter().map(row).collect();
    rows.sort_by(|a, b| b.count.bytes.cmp(&a.count.bytes).then(a.name.cmp(&b.name)));
    rows
}

fn rows<K: std::hash::Hash + Eq + Copy + Ord, R>(
    heavy: &Heavy<K>,
    row: impl Fn(K, super::heavy::Ways) -> R,
) -> (Vec<R>, OthersDocument) {
    let mut top = heavy.top(usize::MAX);
    let behind = top.split_off(ROWS.min(top.len()));
    let sum = |count: Count, ways: &super::heavy::Ways| count.plus(ways[0]).plus(ways[1]);
    let others = OthersDocument {
        others: heavy.others + behind.len() as u64,
        count: behind.iter().fold(sum(Count::default(), &heavy.rest), |count, (_, ways)| sum(count, ways)),
        rows_short_by_at_most: (heavy.others > 0).then_some(heavy.short_by),
    };
    (top.into_iter().map(|(key, ways)| row(key, ways)).collect(), others)
}

fn lengths(stats: &Stats) -> LengthsDocument {
    let packets = stats.all.packets;
    let mut before = 0;
    let median = stats.lengths.iter().position(|count| {
        before += count;
        before * 2 >= packets
    });
    let mut from = 0;
    let range = |to: usize| {
        let end = to.saturating_add(1).min(stats.lengths.len());
        let count = stats.lengths.get(from..end).unwrap_or_default().iter().sum();
        let row = RangeDocument { from, to: (to < usize::MAX).then_some(to), packets: count };
        from = end;
        row
    };
    LengthsDocument {
        min: stats.shortest,
        median: median.unwrap_or(0),
        mean: stats.all.bytes as f64 / packets.max(1) as f64,
        max: stats.longest,
        ranges: RANGES.map(range).into_iter().filter(|range| range.packets > 0).collect(),
    }
}
