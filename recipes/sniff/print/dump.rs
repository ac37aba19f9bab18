//! The captured bytes below a packet's line, in tcpdump's layout: `-x`, `-X`, `-A`.

use crate::packet::Text;
use crate::packet::text;

/// How the bytes are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    /// In hexadecimal (`-x`).
    Hex,
    /// In hexadecimal and as ASCII (`-X`).
    HexAndAscii,
    /// As text (`-A`).
    Ascii,
}

/// Bytes of a row.
const ROW: usize = 16;
/// Where the ASCII begins in a row, counted from the colon behind the offset.
const ASCII_AT: usize = 44;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Two hexadecimal digits of every byte.
const HEX: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    table
};

/// What stands for a byte beside the hexadecimal: itself where it leaves ink.
const fn visible(byte: u8) -> u8 {
    if byte.is_ascii_graphic() { byte } else { b'.' }
}

/// What stands for a byte in text; a carriage return depends on what follows.
const fn readable(byte: u8) -> u8 {
    if matches!(byte, b' ' | b'\t' | b'\n') { byte } else { visible(byte) }
}

/// Appends `bytes`, each row (of text: all of it) on a new line; nothing is written behind the last.
pub fn dump(out: &mut Text, form: Bytes, bytes: &[u8]) {
    match form {
        Bytes::Ascii => ascii(out, bytes),
        Bytes::Hex => rows(out, bytes, false),
        Bytes::HexAndAscii => rows(out, bytes, true),
    }
}

fn rows(out: &mut Text, bytes: &[u8], with_ascii: bool) {
    let (whole, rest) = bytes.as_chunks::<ROW>();
    for (i, row) in whole.iter().enumerate() {
        offset(out, i * ROW);
        let body = body(row, ROW);
        if with_ascii {
            out.ascii::<ASCII_AT>(body);
            out.ascii(row.map(visible));
        } else {
            let [hex @ .., _, _] = body;
            out.ascii::<{ ASCII_AT - 2 }>(hex);
        }
    }
    if !rest.is_empty() {
        offset(out, whole.len() * ROW);
        last(out, rest, with_ascii);
    }
}

/// Begins a row.
#[inline]
fn offset(out: &mut Text, at: usize) {
    match u16::try_from(at) {
        Ok(at) => {
            let ([a, b], [c, d]) = (HEX[usize::from(at >> 8)], HEX[usize::from(at & 0xff)]);
            out.ascii([b'\n', b'\t', b'0', b'x', a, b, c, d]);
        }
        Err(_) => {
            out.push_str("\n\t");
            text::hexadecimal(out, at as u32, 4);
        }
    }
}

/// The row from its colon on, up to the ASCII: the first `length` bytes, in pairs.
#[inline]
fn body(row: &[u8; ROW], length: usize) -> [u8; ASCII_AT] {
    let mut body = [b' '; ASCII_AT];
    body[0] = b':';
    let mut at = 3;
    for (i, byte) in row.iter().enumerate().take(length) {
        body[at..at + 2].copy_from_slice(&HEX[usize::from(*byte)]);
        at += 2 + i % 2;
    }
    body
}

/// A row that is not full.
#[cold]
fn last(out: &mut Text, rest: &[u8], with_ascii: bool) {
    let mut row = [0; ROW];
    row[..rest.len()].copy_from_slice(rest);
    let body = body(&row, rest.len());
    if with_ascii {
        out.ascii(body);
        out.ascii_start(row.map(visible), rest.len());
        return;
    }
    let end = out.len() + 2 + 5 * (rest.len() / 2) + 3 * (rest.len() % 2);
    out.ascii(body);
    out.truncate(end);
}

/// The bytes as text: lines end where theirs do, what is neither text nor white space is a dot.
fn ascii(out: &mut Text, bytes: &[u8]) {
    out.push('\n');
    for (i, chunk) in bytes.chunks(ROW).enumerate() {
        match <&[u8; ROW]>::try_from(chunk) {
            Ok(whole) if !whole.contains(&b'\r') => out.ascii(whole.map(readable)),
            _ => {
                for (at, byte) in (i * ROW..).zip(chunk) {
                    // Of the end of a line nothing is left, nor of the last two bytes: as tcpdump has it.
                    let ends_line = matches!(bytes[at + 1..], [] | [_] | [b'\n', ..]);
                    if *byte != b'\r' || !ends_line {
                        out.push(readable(*byte).into());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dumped(form: Bytes, bytes: &[u8]) -> String {
        text::written(|out| dump(out, form, bytes))
    }

    #[test]
    fn rows_are_whole_or_end_where_the_bytes_do() {
        let bytes: Vec<u8> = (b'a'..).take(19).collect();
        for (length, expected) in [
            (0, ""),
            (1, "\n\t0x0000:  61                                       a"),
            (2, "\n\t0x0000:  6162                                     ab"),
            (15, "\n\t0x0000:  6162 6364 6566 6768 696a 6b6c 6d6e 6f    abcdefghijklmno"),
            (16, "\n\t0x0000:  6162 6364 6566 6768 696a 6b6c 6d6e 6f70  abcdefghijklmnop"),
            (
                19,
                "\n\t0x0000:  6162 6364 6566 6768 696a 6b6c 6d6e 6f70  abcdefghijklmnop\
                 \n\t0x0010:  7172 73                                  qrs",
            ),
        ] {
            assert_eq!(dumped(Bytes::HexAndAscii, &bytes[..length]), expected);
            let hex: Vec<&str> = expected.split("  ").collect();
            let bare = match length {
                0 => String::new(),
                19 => "\n\t0x0000:  6162 6364 6566 6768 696a 6b6c 6d6e 6f70\n\t0x0010:  7172 73".to_owned(),
                _ => hex[..2].join("  "),
            };
            assert_eq!(dumped(Bytes::Hex, &bytes[..length]), bare);
        }
    }

    #[test]
    fn offsets_beyond_64_kib_have_more_digits() {
        let long = dumped(Bytes::Hex, &[0; 0x10001]);
        assert!(
            long.contains("\n\t0xfff0:  0000 ") && long.ends_with("\n\t0x10000:  00"),
            "{}",
            &long[long.len() - 80..]
        );
    }

    #[test]
    fn lines_end_as_theirs_do() {
        for (bytes, expected) in [
            (&b""[..], "\n"),
            (b"a\r\nb\r\n", "\na\nb\n"),
            (b"a\rb\r", "\na.b"),
            (b"a\rb", "\nab"),
            (b"\r\r\n", "\n.\n"),
            (b"0123456789abcde\r\nx", "\n0123456789abcde\nx"),
            (b"0123456789abcde\rxy", "\n0123456789abcde.xy"),
            (b"tab\there \x1b[31m\x07\x7f\x80\xff", "\ntab\there .[31m...."),
        ] {
            assert_eq!(dumped(Bytes::Ascii, bytes), expected);
        }
    }

    #[test]
    fn no_byte_drives_the_terminal() {
        let all: Vec<u8> = (0..=255).chain(0..=255).chain([b'\r']).collect();
        for form in [Bytes::Hex, Bytes::HexAndAscii, Bytes::Ascii] {
            let text = dumped(form, &all);
            assert!(text.bytes().all(|b| matches!(b, b'\n' | b'\t' | b' '..=b'~')), "{text:?}");
        }
    }
}
