//! A line of a list of checksums, as coreutils' programs (sha256sum(1), b2sum(1)) and `openssl dgst` write and read it.
//!
//! Pure functions over bytes: names are any bytes, and a list may come from anyone.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::names::{tag, tagged};
use crate::recipes::crypt::algorithm::{Algorithm, Kind};

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// BSD's form: "SHA256 (name) = digest".
    pub tag: bool,
    /// `*` before the name: digested as binary. Linux knows no difference.
    pub binary: bool,
    /// Lines end in NUL, and names are not escaped.
    pub zero: bool,
}

impl Style {
    /// The line of a file, with its end.
    pub fn line(self, algorithm: &Algorithm, digest: &[u8], name: &OsStr) -> Vec<u8> {
        let name = name.as_bytes();
        let escape = !self.zero && name.iter().any(|b| matches!(b, b'\\' | b'\n' | b'\r'));
        let mut line = Vec::with_capacity(2 * digest.len() + name.len() + 16);
        line.extend(escape.then_some(b'\\'));
        if self.tag {
            line.extend_from_slice(tag(algorithm).as_bytes());
            line.extend_from_slice(b" (");
            put_name(&mut line, name, escape);
            line.extend_from_slice(b") = ");
        }
        line.extend_from_slice(hex(digest).as_bytes());
        if !self.tag {
            line.extend_from_slice(if self.binary { b" *" } else { b"  " });
            put_name(&mut line, name, escape);
        }
        line.push(if self.zero { 0 } else { b'\n' });
        line
    }
}

/// Bytes as two lower-case digits each.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    digits.map(char::from).collect()
}

fn put_name(line: &mut Vec<u8>, name: &[u8], escape: bool) {
    for byte in name {
        match byte {
            b'\n' if escape => line.extend_from_slice(b"\\n"),
            b'\r' if escape => line.extend_from_slice(b"\\r"),
            b'\\' if escape => line.extend_from_slice(b"\\\\"),
            other => line.push(*other),
        }
    }
}

/// A name in the report of a check, which is escaped only where it would break the line.
pub fn reported(name: &OsStr) -> Vec<u8> {
    let name = name.as_bytes();
    let escape = name.contains(&b'\n');
    let mut text = Vec::with_capacity(name.len() + 1);
    text.extend(escape.then_some(b'\\'));
    put_name(&mut text, name, escape);
    text
}

/// What a line of a list says.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// Computed how.
    pub algorithm: &'static Algorithm,
    /// The expected digest.
    pub digest: Vec<u8>,
    /// The file.
    pub name: Vec<u8>,
}

/// Reads the lines of lists.
pub struct Reader {
    /// The algorithm of lines without a tag.
    pub usual: &'static Algorithm,
    /// Lines with another tag than that are not for us.
    pub only: bool,
    /// Whether there is a key: MACs are read with one, digests without.
    pub keyed: bool,
    /// Whether the lines without a tag have one blank and no mark of the mode before the name (old BSD programs);
    /// the first line that shows it decides, so that nobody can rename a file by a leading blank.
    one_blank: Option<bool>,
}

impl Reader {
    /// For lines of `usual` where they have no tag, and, where `only`, no other lines.
    pub fn new(usual: &'static Algorithm, only: bool) -> Self {
        Reader { usual, only, keyed: matches!(usual.kind, Kind::Mac(_)), one_blank: None }
    }

    /// What a line (without its end) says; `None` where it has not the form.
    pub fn read(&mut self, line: &[u8]) -> Option<Entry> {
        let text = line.trim_ascii_start_blanks();
        let (escaped, text) = match text.strip_prefix(b"\\") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        self.tagged(text, escaped).unwrap_or_else(|| self.plain(text, escaped))
    }

    /// `None` where the line does not begin with a tag.
    fn tagged(&self, text: &[u8], escaped: bool) -> Option<Option<Entry>> {
        let open = text.iter().position(|b| *b == b'(')?;
        let before = text[..open].strip_suffix(b" ").unwrap_or(&text[..open]);
        let algorithm = tagged(before)?;
        let wanted = !self.only || std::ptr::eq(algorithm, self.usual);
        if !wanted || matches!(algorithm.kind, Kind::Mac(_)) != self.keyed {
            return Some(None);
        }
        let rest = &text[open + 1..];
        let entry = || {
            let close = rest.iter().rposition(|b| *b == b')')?;
            let digest = rest[close + 1..].trim_ascii_start_blanks().strip_prefix(b"=")?.trim_ascii_start_blanks();
            let digest = digest_of(digest, algorithm.digest_len())?;
            Some(Entry { algorithm, digest, name: name_of(&rest[..close], escaped)? })
        };
        Some(entry())
    }

    fn plain(&mut self, text: &[u8], escaped: bool) -> Option<Entry> {
        let digits = 2 * self.usual.digest_len();
        let (digest, rest) = text.split_at_checked(digits)?;
        let digest = digest_of(digest, self.usual.digest_len())?;
        let rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"\t"))?;
        let name = match rest {
            [] => return None,
            [b' ' | b'*', name @ ..] if !name.is_empty() => {
                if self.one_blank == Some(true) {
                    rest
                } else {
                    self.one_blank = Some(false);
                    name
                }
            }
            _ if self.one_blank == Some(false) => return None,
            _ => {
                self.one_blank = Some(true);
                rest
            }
        };
        Some(Entry { algorithm: self.usual, digest, name: name_of(name, escaped)? })
    }
}

trait Blanks {
    fn trim_ascii_start_blanks(&self) -> &Self;
}

impl Blanks for [u8] {
    fn trim_ascii_start_blanks(&self) -> &[u8] {
        let blanks = self.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        &self[blanks..]
    }
}

fn digest_of(digits: &[u8], len: usize) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).map(|v| v as u8);
    if digits.len() != 2 * len {
        return None;
    }
    digits.chunks_exact(2).map(|pair| Some(value(pair[0])? << 4 | value(pair[1])?)).collect()
}

fn name_of(text: &[u8], escaped: bool) -> Option<Vec<u8>> {
    if text.contains(&0) {
        return None;
    }
    if !escaped {
        return Some(text.to_vec());
    }
    let mut name = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        name.push(match byte {
            b'\\' => match bytes.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b'\\' => b'\\',
                _ => return None,
            },
            other => *other,
        });
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::super::names::named;
    use super::*;

    const TEXT: Style = Style { tag: false, binary: false, zero: false };
    const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    fn md5() -> Reader {
        Reader::new(named("md5").unwrap(), false)
    }

    fn name(reader: &mut Reader, line: &str) -> Option<Vec<u8>> {
        reader.read(line.replace("MD5SUM", EMPTY_MD5).as_bytes()).map(|e| e.name)
    }

    #[test]
    fn what_is_written_is_read() {
        let names: [&[u8]; 9] =
            [b"a", b" a", b"*a", b"a\nb", b"\\", b"a\r", b"\xff\xfe(x) = ", b"MD5 (", b"-n \\n\\\\"];
        for algorithm in super::super::names::known() {
            let digest: Vec<u8> = (0..algorithm.digest_len() as u8).map(|i| i.wrapping_mul(37)).collect();
            for (tag, binary) in [(false, false), (false, true), (true, true)] {
                for name in names {
                    let line = Style { tag, binary, ..TEXT }.line(algorithm, &digest, OsStr::from_bytes(name));
                    let entry = Reader::new(algorithm, false).read(line.strip_suffix(b"\n").unwrap());
                    assert_eq!(entry, Some(Entry { algorithm, digest: digest.clone(), name: name.to_vec() }));
                }
            }
        }
    }

    #[test]
    fn one_blank_is_the_old_form_and_the_forms_do_not_mix() {
        let mut reader = md5();
        assert_eq!(name(&mut reader, "MD5SUM a").as_deref(), Some(&b"a"[..]));
        assert_eq!(name(&mut reader, "MD5SUM  a").as_deref(), Some(&b" a"[..]));
        let mut reader = md5();
        assert_eq!(name(&mut reader, "MD5SUM *a").as_deref(), Some(&b"a"[..]));
        assert_eq!(name(&mut reader, "MD5SUM a"), None);
        assert_eq!(name(&mut md5(), "MD5SUM  ").as_deref(), Some(&b" "[..]));
    }

    #[test]
    fn what_has_not_the_form_is_refused() {
        for line in [
            "",
            "#",
            "MD5SUM",
            "MD5SUM ",
            "MD5SUMa  a",
            "MD5SUMx",
            "\\MD5SUM  a\\",
            "\\MD5SUM  a\\x",
            "MD5 (a) MD5SUM",
            "MD5 (a = MD5SUM",
            "MD5 (a) = MD5SUM0",
            "SHA256 (a) = MD5SUM",
            "HMAC-SHA1 (a) = MD5SUM00000000",
            "MD5SUM  a\0b",
            "\u{e9}41d8cd98f00b204e9800998ecf8427  a",
        ] {
            assert_eq!(name(&mut md5(), line), None, "{line:?}");
        }
    }

    #[test]
    fn the_tag_decides_unless_an_algorithm_was_named() {
        let line = format!("MD5 (a) = {EMPTY_MD5}");
        let sha256 = named("sha256").unwrap();
        let read = |only| Reader::new(sha256, only).read(line.as_bytes()).map(|e| e.algorithm.name);
        assert_eq!((read(false), read(true)), (Some("md5"), None));
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        let mut rng = fastrand::Rng::with_seed(3);
        let pieces = [EMPTY_MD5, "MD5", " ", "(", ")", "=", "\\", "*", "SHA256", "\0", "n", "BLAKE2b", "-"];
        for _ in 0..20_000 {
            let mut line: Vec<u8> = Vec::new();
            for _ in 0..rng.usize(0..9) {
                line.extend_from_slice(rng.choice(pieces).unwrap().as_bytes());
                if rng.bool() {
                    line.push(rng.u8(..));
                }
            }
            let _ = md5().read(&line);
        }
    }
}
