//! Text out of packets, without surprises: what came from the network never reaches a terminal unescaped.

mod buffer;

use std::fmt::Write;
use std::net::Ipv6Addr;

pub use buffer::{Text, written};

use super::layer::{Addresses, Carried};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` in hexadecimal.
pub fn hex(out: &mut Text, bytes: &[u8]) {
    for b in bytes {
        out.push(HEX[usize::from(b >> 4)].into());
        out.push(HEX[usize::from(b & 15)].into());
    }
}

/// `bytes` in hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    written(|out| hex(out, bytes))
}

/// Appends `n` in decimal.
pub fn decimal(out: &mut Text, n: u32) {
    out.push_str(itoa::Buffer::new().format(n));
}

/// Appends a word and `n`.
pub fn number(out: &mut Text, before: &str, n: u32) {
    out.push_str(before);
    decimal(out, n);
}

/// Appends a word, `n` and another word.
pub fn number_between(out: &mut Text, before: &str, n: u32, after: &str) {
    number(out, before, n);
    out.push_str(after);
}

/// What `write` appends for `number`.
pub fn said(write: fn(&mut Text, u16), number: u16) -> String {
    written(|out| write(out, number))
}

/// Appends `n` as "0x" and four digits.
pub fn hex16(out: &mut Text, n: u16) {
    let digit = |shift: u16| HEX[usize::from(n >> shift & 15)];
    push_ascii(out, &[b'0', b'x', digit(12), digit(8), digit(4), digit(0)]);
}

/// Appends the last two decimal digits of `n`.
pub fn two_digits(out: &mut Text, n: u32) {
    push_ascii(out, &[b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]);
}

/// Appends the last six decimal digits of `n`.
pub fn six_digits(out: &mut Text, n: u32) {
    let digit = |unit: u32| b'0' + (n / unit % 10) as u8;
    push_ascii(out, &[digit(100_000), digit(10_000), digit(1000), digit(100), digit(10), digit(1)]);
}

/// Appends ASCII bytes.
fn push_ascii<const N: usize>(out: &mut Text, bytes: &[u8; N]) {
    // The check is of a few bytes at once, cheaper than to push them one by one.
    out.push_str(std::str::from_utf8(bytes).unwrap_or_default());
}

/// Appends `bytes` with everything but printable ASCII escaped: `\n`, `\r`, `\t`, `\\`, `\xNN`.
pub fn escaped(out: &mut Text, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        // Text comes in runs: they are copied whole.
        let plain = rest.iter().take_while(|b| matches!(b, b' '..=b'~') && **b != b'\\').count();
        let (run, behind) = rest.split_at(plain);
        out.push_str(std::str::from_utf8(run).unwrap_or_default());
        let Some((&b, behind)) = behind.split_first() else { return };
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => push_ascii(out, &[b'\\', b'x', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
        }
        rest = behind;
    }
}

/// Appends `n` in hexadecimal, with 0x before it and at least `digits` digits.
pub fn hexadecimal(out: &mut Text, n: u32, digits: usize) {
    out.push_str("0x");
    let needed = (8 - n.leading_zeros() as usize / 4).max(1);
    for at in (0..needed.max(digits).min(8)).rev() {
        out.push(HEX[(n >> (4 * at)) as usize & 15].into());
    }
}

/// Appends an IPv4 address.
pub fn ipv4(out: &mut Text, address: [u8; 4]) {
    let (mut text, mut at) = ([0; 15], 0);
    for (i, byte) in address.into_iter().enumerate() {
        let mut put = |digit: u8| {
            text[at] = digit;
            at += 1;
        };
        if i > 0 {
            put(b'.');
        }
        if byte >= 100 {
            put(b'0' + byte / 100);
        }
        if byte >= 10 {
            put(b'0' + byte / 10 % 10);
        }
        put(b'0' + byte % 10);
    }
    out.push_str(std::str::from_utf8(&text[..at]).unwrap_or_default());
}

/// Appends an IPv6 address (RFC 5952).
pub fn ipv6(out: &mut Text, address: [u8; 16]) {
    let words: [u16; 8] = Ipv6Addr::from(address).segments();
    // One that holds an IPv4 address is rare.
    if words[..5] == [0; 5] {
        let _ = write!(out, "{}", Ipv6Addr::from(address));
        return;
    }
    let (start, length) = longest_zeros(&words);
    for (i, word) in words.into_iter().enumerate() {
        if length > 1 && (start..start + length).contains(&i) {
            if i == start {
                out.push_str("::");
            }
            continue;
        }
        if i > 0 && !(length > 1 && i == start + length) {
            out.push(':');
        }
        let digits = (4 - word.leading_zeros() as usize / 4).max(1);
        let mut text = [0; 4];
        for (at, digit) in text[..digits].iter_mut().rev().enumerate() {
            *digit = HEX[usize::from(word >> (4 * at) & 15)];
        }
        out.push_str(std::str::from_utf8(&text[..digits]).unwrap_or_default());
    }
}

/// The first longest run of zeros: where it starts and how long it is.
fn longest_zeros(words: &[u16; 8]) -> (usize, usize) {
    let (mut best, mut length) = ((0, 0), 0);
    for (i, word) in words.iter().enumerate() {
        length = if *word == 0 { length + 1 } else { 0 };
        if length > best.1 {
            best = (i + 1 - length, length);
        }
    }
    best
}

/// Appends a hardware address of any length, as people write it.
pub fn hardware(out: &mut Text, address: &[u8]) {
    for (i, byte) in address.iter().enumerate() {
        out.push_str(if i == 0 { "" } else { ":" });
        hex(out, &[*byte]);
    }
}

/// `bytes` with everything but printable ASCII escaped.
pub fn to_escaped(bytes: &[u8]) -> String {
    written(|out| escaped(out, bytes))
}

/// Appends "source > destination".
pub fn addresses(out: &mut Text, addresses: Addresses) {
    address(out, addresses, true);
    out.push_str(" > ");
    address(out, addresses, false);
}

/// Appends "source > destination: " where there are IP addresses around.
pub fn between(out: &mut Text, carried: &Carried) {
    if let Some(around) = carried.addresses {
        addresses(out, around);
        out.push_str(": ");
    }
}

/// Appends "source.port > destination.port", as tcpdump writes it.
pub fn endpoints(out: &mut Text, addresses: Addresses, source: u16, destination: u16) {
    address(out, addresses, true);
    out.push('.');
    decimal(out, source.into());
    out.push_str(" > ");
    address(out, addresses, false);
    out.push('.');
    decimal(out, destination.into());
}

fn address(out: &mut Text, addresses: Addresses, source: bool) {
    match addresses {
        Addresses::V4(from, to) => ipv4(out, *(if source { from } else { to })),
        Addresses::V6(from, to) => ipv6(out, *(if source { from } else { to })),
    }
}

/// Appends one line of the full form: a name, padded as the cheat sheet does, and its value.
pub fn field(out: &mut Text, name: &str, value: impl std::fmt::Display) {
    const BLANKS: &str = "                ";
    out.push_str(name);
    out.push_str(BLANKS.get(name.len()..).unwrap_or_default());
    let _ = writeln!(out, ": {value}");
}

/// Appends the length of a payload to the full form, and how much of it was captured where that is less.
pub fn data(out: &mut Text, captured: &[u8], length: usize) {
    let cut = if captured.len() < length { format!(", {} captured", captured.len()) } else { String::new() };
    field(out, "Data", format_args!("{length} bytes{cut}"));
}

/// Type of service or traffic class, and what it holds: DSCP (RFC 2474) and ECN (RFC 3168).
pub fn traffic_class(class: u8) -> String {
    format!("0x{class:02x} (DSCP {}, ECN {})", class >> 2, class & 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_byte_leaves_escaped_text() {
        let all: Vec<u8> = (0..=255).collect();
        let mut out = Text::new();
        escaped(&mut out, &all);
        assert!(out.as_bytes().iter().all(|b| (b' '..=b'~').contains(b)), "{out}");
        out.clear();
        escaped(&mut out, b"a\\b\x1b[31m\r\n\xc3\xa9");
        assert_eq!(out, r"a\\b\x1b[31m\r\n\xc3\xa9");
    }

    #[test]
    fn addresses_and_digits_are_right_at_the_edges() {
        for address in [[0, 9, 10, 99], [100, 101, 199, 255], [255; 4], [0; 4]] {
            let mut out = Text::new();
            ipv4(&mut out, address);
            assert_eq!(out, std::net::Ipv4Addr::from(address).to_string());
        }
        let mut rng = fastrand::Rng::with_seed(5952);
        for _ in 0..10_000 {
            // Half of the words are zero, so that runs of every length and place turn up.
            let words: [u16; 8] = std::array::from_fn(|_| if rng.bool() { 0 } else { rng.u16(..) >> rng.u8(..16) });
            let mut out = Text::new();
            ipv6(&mut out, Ipv6Addr::from(words).octets());
            assert_eq!(out, Ipv6Addr::from(words).to_string());
        }
        for n in [0, 7, 10, 99, 123_456, 999_999, 1_000_001, u32::MAX] {
            let mut out = Text::new();
            six_digits(&mut out, n);
            two_digits(&mut out, n);
            hex16(&mut out, n as u16);
            assert_eq!(out, format!("{:06}{:02}0x{:04x}", n % 1_000_000, n % 100, n as u16));
        }
    }

    #[test]
    fn decimals_are_right_at_the_edges() {
        for n in [0, 9, 10, 65535, u32::MAX] {
            let mut out = Text::new();
            decimal(&mut out, n);
            assert_eq!(out, n.to_string());
        }
    }
}
