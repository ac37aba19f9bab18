//! The Internet checksum (RFC 1071), and what a checksum field is worth in a capture.

use std::fmt::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Addresses, Carried, Part};
use super::text::{self, Text};

/// What verifying a checksum found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// It is right.
    Correct,
    /// It is wrong.
    Incorrect {
        /// What it should be.
        expected: u16,
    },
    /// Not yet computed: the sender left it to the network device (checksum offload), which had not seen the packet
    /// when it was captured. On the loopback interface no device ever will; that is no fault.
    Partial,
    /// Cannot be told: the capture does not hold everything that it covers.
    Unverified {
        /// Why.
        why: &'static str,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Verdict::Correct => f.write_str("correct"),
            Verdict::Incorrect { expected } => write!(f, "incorrect -> 0x{expected:04x}"),
            Verdict::Partial => f.write_str("partial: left to offload"),
            Verdict::Unverified { why } => write!(f, "unverified: {why}"),
        }
    }
}

impl Verdict {
    /// Appends the field and the verdict on it.
    pub fn with(self, field: u16, out: &mut Text) {
        text::hex16(out, field);
        match self {
            Verdict::Correct => out.push_str(" (correct)"),
            other => drop(write!(out, " ({other})")),
        }
    }
}

/// A running one's complement sum of 16-bit words, kept in the byte order of this host: the sum of swapped words is the
/// swapped sum (RFC 1071, section 2).
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds `bytes`, as if padded with a zero to whole words: only the last piece may have an odd length.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        // One's complement addition may be done in wider words and folded later (RFC 1071, section 2).
        let (words, rest) = bytes.as_chunks::<4>();
        self.0 += words.iter().map(|w| u64::from(u32::from_ne_bytes(*w))).sum::<u64>();
        let mut last = [0; 4];
        last[..rest.len()].copy_from_slice(rest);
        self.0 += u64::from(u32::from_ne_bytes(last));
        self
    }

    /// Adds a 32-bit number.
    #[must_use]
    pub fn number(mut self, n: u32) -> Self {
        self.0 += u64::from(n.to_be());
        self
    }

    /// The sum in 16 bits; the checksum is its complement.
    pub fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        u16::from_be(sum as u16)
    }
}

/// The sum over the pseudo header of TCP and UDP (RFC 9293 section 3.1, RFC 8200 section 8.1); `length` in bytes.
pub fn pseudo_header(addresses: Addresses, protocol: u8, length: usize) -> Sum {
    let sum = match addresses {
        Addresses::V4(source, destination) => Sum::default().bytes(source).bytes(destination),
        Addresses::V6(source, destination) => Sum::default().bytes(source).bytes(destination),
    };
    // Beyond 64 KiB (segments joined by the kernel) the length field is taken in 32 bits, as the kernel does.
    sum.number(protocol.into()).number(length as u32)
}

/// Verifies a header that holds its own checksum `field` and covers nothing else.
pub fn of_header(header: &[u8], field: u16) -> Verdict {
    judge(Sum::default().bytes(header).folded(), field)
}

/// Verifies a transport segment, captured whole, that holds its checksum `field`.
pub fn of_segment(pseudo: Sum, segment: &[u8], field: u16) -> Verdict {
    match judge(pseudo.bytes(segment).folded(), field) {
        // What the kernel leaves in the field for a device to finish: the pseudo header's sum.
        Verdict::Incorrect { .. } if pseudo.folded() == field => Verdict::Partial,
        verdict => verdict,
    }
}

/// Verifies a message of ICMP or IGMP: its checksum `field` covers all of it, and no addresses.
pub fn of_message(carried: &Carried, field: u16) -> Verdict {
    match incomplete(carried) {
        Some(why) => Verdict::Unverified { why },
        None => of_header(carried.bytes, field),
    }
}

/// Why a checksum over all of `carried` cannot be told.
pub fn incomplete(carried: &Carried) -> Option<&'static str> {
    match carried.part {
        Part::Whole if carried.bytes.len() < carried.length => Some("truncated"),
        Part::Whole => None,
        Part::First | Part::Later(_) => Some("fragment"),
    }
}

fn judge(sum: u16, field: u16) -> Verdict {
    if sum == 0xffff {
        return Verdict::Correct;
    }
    // Taking the field out of the sum: one's complement subtraction is adding the complement.
    let without = Sum::default().number(sum.into()).number((!field).into()).folded();
    Verdict::Incorrect { expected: !without }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 1071 section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
    #[test]
    fn the_example_of_rfc_1071() {
        let sum = Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.folded(), 0xddf2);
    }

    #[test]
    fn it_agrees_with_adding_word_by_word() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let bytes: Vec<u8> = (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect();
            let mut slow = 0u32;
            for pair in bytes.chunks(2) {
                slow += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
                slow = (slow & 0xffff) + (slow >> 16);
            }
            assert_eq!(u32::from(Sum::default().bytes(&bytes).folded()), slow, "{bytes:02x?}");
        }
    }

    #[test]
    fn a_wrong_field_is_told_what_it_should_be() {
        let mut header = [0x45, 0, 0, 0x3c, 0x1c, 0x46, 0x40, 0, 0x40, 6, 0, 0, 172, 16, 10, 99, 172, 16, 10, 12];
        let Verdict::Incorrect { expected } = of_header(&header, 0) else { panic!("zero is wrong") };
        assert_eq!(expected, 0xb1e6);
        header[10..12].copy_from_slice(&expected.to_be_bytes());
        assert_eq!(of_header(&header, expected), Verdict::Correct);
        header[3] ^= 1;
        assert!(matches!(of_header(&header, expected), Verdict::Incorrect { .. }));
    }
}
