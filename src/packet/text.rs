//! Text out of packets, without surprises: what came from the network never reaches a terminal unescaped.

mod buffer;
mod digits;
mod field;

pub use buffer::{Text, written};
use digits::PAIRS;
pub use digits::{decimal, hex16, ipv4, ipv6, six_digits, two_digits};
pub use field::{Value, field};

use super::layer::{Addresses, Carried};

/// Appends `bytes` in hexadecimal.
pub fn hex(out: &mut Text, bytes: &[u8]) {
    bytes.iter().for_each(|b| out.ascii(PAIRS[usize::from(*b)]));
}

/// `bytes` in hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    written(|out| hex(out, bytes))
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

/// Appends `bytes` with everything but printable ASCII escaped: `\n`, `\r`, `\t`, `\\`, `\xNN`.
pub fn escaped(out: &mut Text, bytes: &[u8]) {
    let mut rest = bytes;
    loop {
        // Text comes in runs: they are copied whole.
        let plain = out.plain_run(rest);
        let Some((&b, behind)) = rest[plain..].split_first() else { return };
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                let [high, low] = PAIRS[usize::from(b)];
                out.ascii([b'\\', b'x', high, low]);
            }
        }
        rest = behind;
    }
}

/// Appends `n` in hexadecimal, with 0x before it and at least `digits` digits.
pub fn hexadecimal(out: &mut Text, n: u32, digits: usize) {
    out.push_str("0x");
    let needed = (8 - n.leading_zeros() as usize / 4).max(1);
    let shown = needed.max(digits).min(8);
    let [[a, b], [c, d], [e, f], [g, h]] = n.to_be_bytes().map(|byte| PAIRS[usize::from(byte)]);
    out.ascii_start((u64::from_le_bytes([a, b, c, d, e, f, g, h]) >> (8 * (8 - shown))).to_le_bytes(), shown);
}

/// Appends a hardware address of any length, as people write it.
pub fn hardware(out: &mut Text, address: &[u8]) {
    for byte in address {
        let [high, low] = PAIRS[usize::from(*byte)];
        out.ascii([high, low, b':']);
    }
    out.truncate(out.len() - usize::from(!address.is_empty()));
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

/// Appends the length of a payload to the full form, and how much of it was captured where that is less.
pub fn data(out: &mut Text, captured: &[u8], length: usize) {
    field(out, "Data", |out: &mut Text| {
        number_between(out, "", length as u32, " bytes");
        if captured.len() < length {
            number_between(out, ", ", captured.len() as u32, " captured");
        }
    });
}

/// Type of service or traffic class, and what it holds: DSCP (RFC 2474) and ECN (RFC 3168).
pub fn traffic_class(class: u8) -> impl Value {
    move |out: &mut Text| {
        hexadecimal(out, class.into(), 2);
        number(out, " (DSCP ", (class >> 2).into());
        number_between(out, ", ECN ", (class & 3).into(), ")");
    }
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
}
