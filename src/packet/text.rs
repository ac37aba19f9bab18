//! Text out of packets, without surprises: what came from the network never reaches a terminal unescaped.

use std::fmt::Write;

use super::layer::Addresses;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `bytes` in hexadecimal.
pub fn hex(out: &mut String, bytes: &[u8]) {
    for b in bytes {
        out.push(HEX[usize::from(b >> 4)].into());
        out.push(HEX[usize::from(b & 15)].into());
    }
}

/// `bytes` in hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    hex(&mut out, bytes);
    out
}

/// Appends `n` in decimal.
pub fn decimal(out: &mut String, mut n: u32) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (n % 10) as u8;
        n /= 10;
        if n == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|&d| char::from(d)));
}

/// Appends `bytes` with everything but printable ASCII escaped: `\n`, `\r`, `\t`, `\\`, `\xNN`.
pub fn escaped(out: &mut String, bytes: &[u8]) {
    for &b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(b.into()),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                out.push_str("\\x");
                hex(out, &[b]);
            }
        }
    }
}

/// `bytes` with everything but printable ASCII escaped.
pub fn to_escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    escaped(&mut out, bytes);
    out
}

/// Appends "source > destination".
pub fn addresses(out: &mut String, addresses: Addresses) {
    let _ = write!(out, "{} > {}", addresses.source(), addresses.destination());
}

/// Appends "source.port > destination.port", as tcpdump writes it.
pub fn endpoints(out: &mut String, addresses: Addresses, source: u16, destination: u16) {
    address(out, addresses, true);
    out.push('.');
    decimal(out, source.into());
    out.push_str(" > ");
    address(out, addresses, false);
    out.push('.');
    decimal(out, destination.into());
}

fn address(out: &mut String, addresses: Addresses, source: bool) {
    match addresses {
        Addresses::V4(from, to) => {
            let [a, b, c, d] = *(if source { from } else { to });
            for (byte, after) in [(a, "."), (b, "."), (c, "."), (d, "")] {
                decimal(out, byte.into());
                out.push_str(after);
            }
        }
        Addresses::V6(..) => {
            let _ = write!(out, "{}", if source { addresses.source() } else { addresses.destination() });
        }
    }
}

/// Appends one line of the full form: a name, padded as the cheat sheet does, and its value.
pub fn field(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{name:<16}: {value}");
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
        let mut out = String::new();
        escaped(&mut out, &all);
        assert!(out.bytes().all(|b| (b' '..=b'~').contains(&b)), "{out}");
        out.clear();
        escaped(&mut out, b"a\\b\x1b[31m\r\n\xc3\xa9");
        assert_eq!(out, r"a\\b\x1b[31m\r\n\xc3\xa9");
    }

    #[test]
    fn decimals_are_right_at_the_edges() {
        for n in [0, 9, 10, 65535, u32::MAX] {
            let mut out = String::new();
            decimal(&mut out, n);
            assert_eq!(out, n.to_string());
        }
    }
}
