//! Numbers in digits, several at a time: tables, and arithmetic on eight digits in one word.

use std::net::Ipv6Addr;

use super::Text;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Each byte in hexadecimal.
pub(super) const PAIRS: [[u8; 2]; 256] = {
    let (mut pairs, mut i) = ([[0; 2]; 256], 0);
    while i < 256 {
        pairs[i] = [DIGITS[i >> 4], DIGITS[i & 15]];
        i += 1;
    }
    pairs
};

/// Each byte in decimal with a dot behind it.
const OCTETS: [[u8; 4]; 256] = {
    let (mut octets, mut i) = ([[0; 4]; 256], 0);
    while i < 256 {
        let digits = [DIGITS[i / 100], DIGITS[i / 10 % 10], DIGITS[i % 10]];
        octets[i] = match i {
            0..10 => [digits[2], b'.', 0, 0],
            10..100 => [digits[1], digits[2], b'.', 0],
            _ => [digits[0], digits[1], digits[2], b'.'],
        };
        i += 1;
    }
    octets
};

/// The eight decimal digits of `n` (below 10^8) as bytes 0 to 9, the first in the lowest byte.
fn eight(n: u32) -> u64 {
    // Split in halves of the word at each step, both halves in one multiplication: by 100^2, by 100, by 10. The
    // factors are 2^20 / 100 and 2^10 / 10, rounded up, exact for what they are multiplied with.
    let n = u64::from(n / 10_000) | u64::from(n % 10_000) << 32;
    let hundreds = ((n * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let n = hundreds | (n - 100 * hundreds) << 16;
    let tens = ((n * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (n - 10 * tens) << 8
}

const ZEROS: u64 = 0x3030_3030_3030_3030;
const EIGHT: u32 = 100_000_000;

/// Appends `n` in decimal.
#[inline]
pub fn decimal(out: &mut Text, n: u32) {
    if n >= EIGHT {
        decimal(out, n / EIGHT);
        out.ascii((eight(n % EIGHT) | ZEROS).to_le_bytes());
        return;
    }
    let digits = eight(n);
    let leading = (digits.trailing_zeros() / 8).min(7);
    out.ascii_start(((digits | ZEROS) >> (8 * leading)).to_le_bytes(), 8 - leading as usize);
}

/// Appends the last two decimal digits of `n`.
#[inline]
pub fn two_digits(out: &mut Text, n: u32) {
    out.ascii([b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]);
}

/// Appends the last six decimal digits of `n`.
#[inline]
pub fn six_digits(out: &mut Text, n: u32) {
    let [_, _, digits @ ..] = (eight(n % 1_000_000) | ZEROS).to_le_bytes();
    out.ascii(digits);
}

/// Appends `n` as "0x" and four digits.
#[inline]
pub fn hex16(out: &mut Text, n: u16) {
    let [[a, b], [c, d]] = n.to_be_bytes().map(|byte| PAIRS[usize::from(byte)]);
    out.ascii([b'0', b'x', a, b, c, d]);
}

/// Appends an IPv4 address.
#[inline]
pub fn ipv4(out: &mut Text, address: [u8; 4]) {
    let (mut text, mut at) = ([0; 16], 0);
    for octet in address {
        let octet = OCTETS[usize::from(octet)];
        text[at..at + 4].copy_from_slice(&octet);
        at += 2 + usize::from(octet[2] != 0) + usize::from(octet[3] != 0);
    }
    out.ascii_start(text, at - 1);
}

/// Appends an IPv6 address (RFC 5952).
pub fn ipv6(out: &mut Text, address: [u8; 16]) {
    let words: [u16; 8] = Ipv6Addr::from(address).segments();
    // One that holds an IPv4 address is rare.
    if words[..5] == [0; 5] {
        out.push_str(&Ipv6Addr::from(address).to_string());
        return;
    }
    let (start, length) = longest_zeros(&words);
    let (mut text, mut at) = ([0; 48], 0);
    let mut put = |bytes: [u8; 4], length: usize| {
        text[at..at + 4].copy_from_slice(&bytes);
        at += length;
    };
    let mut i = 0;
    while i < 8 {
        if length > 1 && i == start {
            put(*b"::\0\0", 2);
            i += length;
            continue;
        }
        if i > 0 && !(length > 1 && i == start + length) {
            put(*b":\0\0\0", 1);
        }
        let [[a, b], [c, d]] = words[i].to_be_bytes().map(|byte| PAIRS[usize::from(byte)]);
        let leading = (words[i] | 1).leading_zeros() / 4;
        put((u32::from_le_bytes([a, b, c, d]) >> (8 * leading)).to_le_bytes(), 4 - leading as usize);
        i += 1;
    }
    out.ascii_start(text, at);
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

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn addresses_are_right_at_the_edges() {
        for address in [[0, 9, 10, 99], [100, 101, 199, 255], [255; 4], [0; 4]] {
            assert_eq!(written(|out| ipv4(out, address)), std::net::Ipv4Addr::from(address).to_string());
        }
        let mut rng = fastrand::Rng::with_seed(5952);
        for _ in 0..10_000 {
            // Half of the words are zero, so that runs of every length and place turn up.
            let words: [u16; 8] = std::array::from_fn(|_| if rng.bool() { 0 } else { rng.u16(..) >> rng.u8(..16) });
            let address = Ipv6Addr::from(words);
            assert_eq!(written(|out| ipv6(out, address.octets())), address.to_string());
        }
    }

    #[test]
    fn digits_are_right_at_the_edges() {
        let edges = (0..10).flat_map(|power| [0, 1, 2].map(|less| 10u32.pow(power).wrapping_sub(less)));
        let mut rng = fastrand::Rng::with_seed(10);
        for n in edges.chain((0..100_000).map(|_| rng.u32(..) >> rng.u8(..32))) {
            assert_eq!(written(|out| decimal(out, n)), n.to_string());
            let padded = written(|out| {
                six_digits(out, n);
                two_digits(out, n);
                hex16(out, n as u16);
            });
            assert_eq!(padded, format!("{:06}{:02}0x{:04x}", n % 1_000_000, n % 100, n as u16));
        }
    }
}
