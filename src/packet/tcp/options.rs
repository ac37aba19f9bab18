//! TCP options (RFC 9293 section 3.2, and the documents that added to them).

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use crate::packet::Text;
use crate::packet::text;

/// One TCP option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpOption<'a> {
    /// End of the list; what follows is padding.
    End,
    /// Padding.
    Nop,
    /// Largest segment that the sender takes, in bytes.
    MaximumSegmentSize(u16),
    /// Shift of the window field (RFC 7323).
    WindowScale(u8),
    /// Selective acknowledgements may be sent (RFC 2018).
    SackPermitted,
    /// Selective acknowledgement: blocks of left and right edge.
    Sack(&'a [[u8; 8]]),
    /// Timestamp and echoed timestamp (RFC 7323).
    Timestamps {
        /// The sender's clock.
        value: u32,
        /// The peer's clock, echoed.
        echo: u32,
    },
    /// MD5 signature (RFC 2385).
    Md5(&'a [u8; 16]),
    /// User timeout (RFC 5482): granularity bit and 15 bits of timeout.
    UserTimeout(u16),
    /// Authentication (RFC 5925).
    Authentication {
        /// Key in use.
        key: u8,
        /// Key that may be used next.
        next_key: u8,
        /// Message authentication code.
        mac: &'a [u8],
    },
    /// Multipath TCP (RFC 8684).
    Multipath(&'a [u8]),
    /// Fast open (RFC 7413): an empty cookie asks for one.
    FastOpen {
        /// The cookie.
        cookie: &'a [u8],
        /// True for the experimental form (kind 254 with magic f989).
        experimental: bool,
    },
    /// Accurate ECN (RFC 9768): byte counters.
    AccurateEcn {
        /// 0 or 1: the order in which the counters stand.
        order: u8,
        /// The counters, three bytes each; trailing ones may be left out.
        counters: &'a [u8],
        /// True for the experimental form (kind 254 with magic acc0 or acc1).
        experimental: bool,
    },
    /// A kind without a decoder, or a known one with a length it does not have.
    Other {
        /// Option kind.
        kind: u8,
        /// What it holds.
        data: &'a [u8],
    },
    /// A length that cannot be: below two, or beyond the header. Nothing behind it can be told.
    Malformed {
        /// Option kind.
        kind: u8,
    },
    /// The capture ends inside this option.
    Truncated {
        /// Option kind, where that much was captured.
        kind: Option<u8>,
    },
}

/// A [`TcpOption`] as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// Option kind.
    pub kind: u8,
    /// Name of the kind, as in the one-line form ("mss", "unknown-99").
    pub name: String,
    /// Value: segment size, window shift, or timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<u32>,
    /// Echoed timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<u32>,
    /// Selective acknowledgement: left and right edges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocks: Vec<[u32; 2]>,
    /// What other kinds hold, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// "malformed" or "truncated", where it could not be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<&'static str>,
}

/// The options of a header, one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    bytes: &'a [u8],
    /// How long they are by the header; more than `bytes` where the capture was cut.
    length: usize,
}

impl<'a> Options<'a> {
    /// The options in `bytes`, of which the header announces `length` bytes.
    pub fn new(bytes: &'a [u8], length: usize) -> Self {
        Options { bytes, length }
    }

    /// True where there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Value and echo, where there are timestamps and two pads before them and nothing else.
    pub(super) fn only_timestamps(&self) -> Option<[u32; 2]> {
        match *self.bytes {
            [1, 1, 8, 10, a, b, c, d, e, f, g, h] if self.length == 12 => {
                Some([u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])])
            }
            _ => None,
        }
    }

    fn stop(&mut self, last: TcpOption<'a>) -> Option<TcpOption<'a>> {
        *self = Options::new(&[], 0);
        Some(last)
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        if self.length == 0 {
            return None;
        }
        let Some(&kind) = self.bytes.first() else { return self.stop(TcpOption::Truncated { kind: None }) };
        let (size, option) = match (kind, self.bytes.get(1)) {
            (0, _) => return self.stop(TcpOption::End),
            (1, _) => (1, TcpOption::Nop),
            (kind, None) if self.length == 1 => return self.stop(TcpOption::Malformed { kind }),
            (kind, None) => return self.stop(TcpOption::Truncated { kind: Some(kind) }),
            (kind, Some(&size)) if size < 2 || usize::from(size) > self.length => {
                return self.stop(TcpOption::Malformed { kind });
            }
            (kind, Some(&size)) => match self.bytes.get(2..size.into()) {
                Some(data) => (size.into(), decode(kind, data)),
                None => return self.stop(TcpOption::Truncated { kind: Some(kind) }),
            },
        };
        self.bytes = &self.bytes[size..];
        self.length -= size;
        Some(option)
    }
}

fn decode(kind: u8, data: &[u8]) -> TcpOption<'_> {
    match (kind, data) {
        (2, &[a, b]) => TcpOption::MaximumSegmentSize(u16::from_be_bytes([a, b])),
        (3, &[shift]) => TcpOption::WindowScale(shift),
        (4, []) => TcpOption::SackPermitted,
        (5, _) if data.len().is_multiple_of(8) => TcpOption::Sack(data.as_chunks().0),
        (8, &[a, b, c, d, e, f, g, h]) => {
            TcpOption::Timestamps { value: u32::from_be_bytes([a, b, c, d]), echo: u32::from_be_bytes([e, f, g, h]) }
        }
        (19, _) if data.len() == 16 => TcpOption::Md5(data.first_chunk().expect("16 bytes")),
        (28, &[a, b]) => TcpOption::UserTimeout(u16::from_be_bytes([a, b])),
        (29, [key, next_key, mac @ ..]) => TcpOption::Authentication { key: *key, next_key: *next_key, mac },
        (30, _) if !data.is_empty() => TcpOption::Multipath(data),
        (34, cookie) => TcpOption::FastOpen { cookie, experimental: false },
        (254, [0xf9, 0x89, cookie @ ..]) => TcpOption::FastOpen { cookie, experimental: true },
        (172 | 174, counters) => TcpOption::AccurateEcn { order: (kind - 172) / 2, counters, experimental: false },
        (254, [0xac, magic @ (0xc0 | 0xc1), counters @ ..]) => {
            TcpOption::AccurateEcn { order: magic & 1, counters, experimental: true }
        }
        _ => TcpOption::Other { kind, data },
    }
}

/// The edges of one selective acknowledgement block.
pub fn edges(block: &[u8; 8]) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = *block;
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

impl TcpOption<'_> {
    /// Option kind, as IANA numbers them.
    pub fn kind(&self) -> u8 {
        match *self {
            TcpOption::End => 0,
            TcpOption::Nop => 1,
            TcpOption::MaximumSegmentSize(_) => 2,
            TcpOption::WindowScale(_) => 3,
            TcpOption::SackPermitted => 4,
            TcpOption::Sack(_) => 5,
            TcpOption::Timestamps { .. } => 8,
            TcpOption::Md5(_) => 19,
            TcpOption::UserTimeout(_) => 28,
            TcpOption::Authentication { .. } => 29,
            TcpOption::Multipath(_) => 30,
            TcpOption::FastOpen { experimental: false, .. } => 34,
            TcpOption::FastOpen { experimental: true, .. } => 254,
            TcpOption::AccurateEcn { experimental: true, .. } => 254,
            TcpOption::AccurateEcn { order, .. } => 172 + 2 * order,
            TcpOption::Other { kind, .. } | TcpOption::Malformed { kind } => kind,
            TcpOption::Truncated { kind } => kind.unwrap_or_default(),
        }
    }

    /// Appends its name, in tcpdump's words.
    pub fn name(&self, out: &mut Text) {
        match self {
            TcpOption::FastOpen { experimental: true, .. } => return out.push_str("exp-tfo"),
            TcpOption::AccurateEcn { experimental: true, order, .. } => {
                return out.push_str(if *order == 0 { "exp-acc0" } else { "exp-acc1" });
            }
            _ => {}
        }
        out.push_str(match self.kind() {
            0 => "eol",
            1 => "nop",
            2 => "mss",
            3 => "wscale",
            4 => "sackOK",
            5 => "sack",
            6 => "echo",
            7 => "echoreply",
            8 => "TS",
            19 => "md5",
            28 => "uto",
            29 => "tcp-ao",
            30 => "mptcp",
            34 => "tfo",
            172 => "acc0",
            174 => "acc1",
            254 => "exp",
            kind => {
                let _ = write!(out, "unknown-{kind}");
                return;
            }
        });
    }

    /// Appends the option as it stands in the one-line form.
    pub fn line(&self, out: &mut Text) {
        match self {
            TcpOption::Malformed { .. } => return out.push_str("[bad opt]"),
            TcpOption::Truncated { kind: None } => return out.push_str("[|tcp]"),
            _ => self.name(out),
        }
        let _ = match *self {
            TcpOption::MaximumSegmentSize(size) => write!(out, " {size}"),
            TcpOption::WindowScale(shift) => write!(out, " {shift}"),
            TcpOption::Sack(blocks) => {
                let _ = write!(out, " {} ", blocks.len());
                blocks.iter().map(edges).try_for_each(|[left, right]| write!(out, "{{{left}:{right}}}"))
            }
            TcpOption::Timestamps { value, echo } => {
                for (word, n) in [(" val ", value), (" ecr ", echo)] {
                    out.push_str(word);
                    text::decimal(out, n);
                }
                Ok(())
            }
            TcpOption::UserTimeout(timeout) => write!(out, " 0x{timeout:x}"),
            TcpOption::Authentication { key, next_key, mac } => {
                write!(out, " keyid {key} rnextkeyid {next_key} mac 0x{}", text::to_hex(mac))
            }
            TcpOption::FastOpen { cookie: [], .. } => write!(out, " cookiereq"),
            TcpOption::FastOpen { cookie, .. } => write!(out, " cookie {}", text::to_hex(cookie)),
            TcpOption::Md5(digest) => write!(out, " {}", text::to_hex(digest)),
            TcpOption::Multipath(data) => write!(out, " 0x{}", text::to_hex(data)),
            TcpOption::AccurateEcn { counters: data, .. } | TcpOption::Other { data, .. } if !data.is_empty() => {
                write!(out, " 0x{}", text::to_hex(data))
            }
            TcpOption::Truncated { .. } => write!(out, " [|tcp]"),
            _ => Ok(()),
        };
    }

    /// Its form in JSON.
    pub fn document(&self) -> Document {
        let mut document = Document {
            kind: self.kind(),
            name: text::written(|out| self.name(out)),
            value: None,
            echo: None,
            blocks: Vec::new(),
            data: None,
            trouble: None,
        };
        match *self {
            TcpOption::End | TcpOption::Nop | TcpOption::SackPermitted => {}
            TcpOption::MaximumSegmentSize(n) | TcpOption::UserTimeout(n) => document.value = Some(n.into()),
            TcpOption::WindowScale(shift) => document.value = Some(shift.into()),
            TcpOption::Sack(blocks) => document.blocks = blocks.iter().map(edges).collect(),
            TcpOption::Timestamps { value, echo } => (document.value, document.echo) = (Some(value), Some(echo)),
            TcpOption::Md5(digest) => document.data = Some(text::to_hex(digest)),
            TcpOption::Authentication { key, next_key, mac } => {
                document.data = Some(format!("{key:02x}{next_key:02x}{}", text::to_hex(mac)));
            }
            TcpOption::AccurateEcn { counters: data, .. }
            | TcpOption::Multipath(data)
            | TcpOption::Other { data, .. } => document.data = Some(text::to_hex(data)),
            TcpOption::FastOpen { cookie, .. } => document.data = Some(text::to_hex(cookie)),
            TcpOption::Malformed { .. } => document.trouble = Some("malformed"),
            TcpOption::Truncated { .. } => document.trouble = Some("truncated"),
        }
        document
    }
}
