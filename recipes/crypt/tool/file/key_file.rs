//! Keys in files, and what keeps this process from giving them away.

use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{geteuid, read};

use crate::error::{Context, Error, Result};
use crate::escape;
use crate::recipes::crypt::format::keys::secret;
use crate::source::Source;
use crate::sys::eintr::retry;
use crate::sys::secret::Secret;

/// The environment variable that names a key file.
pub const VARIABLE: &str = "SYSKIT_KEY_FILE";

/// From now on this process writes no core dump, and another process of the same user may not read its memory (ptrace,
/// /proc/PID/mem); see PR_SET_DUMPABLE of prctl(2). Best effort.
pub fn guard_memory() {
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
}

/// The key file that the environment names.
pub fn from_environment() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).filter(|v| !v.is_empty()).map(PathBuf::from)
}

/// The key of `len` bytes in the file: as they are, or as hexadecimal digits with or without a line feed.
///
/// # Errors
/// A file that others may read or write, that is another user's, that is no file or pipe, or of another length. Nothing of
/// its content is in the message.
pub fn load(path: &Path, len: usize) -> Result<Secret> {
    let (text, shown) = text(path, 2 * len + 2)?;
    key_of(&text, len).map_err(|why| Error::failed(format!("{shown} {why}")).fix(KEYGEN))
}

/// The most bytes that a key of any length may have.
const LONGEST: usize = 4096;

/// A key of any length (HMAC): hexadecimal digits, an even number of them, with or without a line feed; else the bytes
/// of the file as they are.
///
/// # Errors
/// As [`load`]; an empty file, or one with more than 4096 bytes of key.
pub fn load_any(path: &Path) -> Result<Secret> {
    let (text, shown) = text(path, 2 * LONGEST + 2)?;
    let line = text.trim_ascii_end();
    let hex = line.len().is_multiple_of(2) && !line.is_empty() && line.iter().all(u8::is_ascii_hexdigit);
    let len = if hex { line.len() / 2 } else { text.len() };
    if len > LONGEST {
        return Err(Error::failed(format!("{shown} is too long: a key has {LONGEST} bytes at most")));
    }
    key_of(&text, len).map_err(|why| Error::failed(format!("{shown} {why}")).fix(KEYGEN))
}

/// The first `most` bytes of a key file that passes [`check`], and how a message names it.
fn text(path: &Path, most: usize) -> Result<(Secret, String)> {
    let source = Source::open(path)?;
    let shown = match path.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => format!("key file {}", escape::name(path)),
    };
    check(&source, &shown, path)?;
    let mut text = secret(most)?;
    let mut have = 0;
    while have < text.len() {
        source.await_data(|| Error::failed(format!("interrupted: {shown} gave no key")))?;
        match retry(|| read(&source.file, &mut text[have..])).sys("read", || format!("cannot read {shown}"))? {
            0 => break,
            n => have += n,
        }
    }
    text.truncate(have);
    Ok((text, shown))
}

const KEYGEN: &str = "syskit crypt keygen writes a new one";

fn check(source: &Source, shown: &str, path: &Path) -> Result<()> {
    let kind = source.was.file_type();
    if !kind.is_file() && !kind.is_fifo() {
        return Err(Error::failed(format!("cannot take a key from {shown}: it is neither a file nor a pipe")));
    }
    let (owner, us) = (source.was.uid(), geteuid().as_raw());
    let named = escape::name(path);
    if owner != us {
        return Err(Error::failed(format!("{shown} belongs to user {owner}, who can read and change the key"))
            .fix(format!("use a file of your own (user {us})")));
    }
    let mode = source.was.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::failed(format!("{shown} has mode {mode:04o}: others can read or change the key"))
            .fix(format!("chmod 600 {named}")));
    }
    Ok(())
}

/// The key in `text`, or what is wrong with it.
pub(super) fn key_of(text: &[u8], len: usize) -> Result<Secret, String> {
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    let hex = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_hexdigit);
    let line = text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
    if line.len() == 2 * len && hex(line) {
        let mut key = secret(len).map_err(|e| e.to_string())?;
        for (byte, pair) in key.iter_mut().zip(line.chunks_exact(2)) {
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
        return Ok(key);
    }
    let needs = format!("this needs {len} bytes, or {} hexadecimal digits and a line feed", 2 * len);
    if hex(line) {
        return Err(match text.len() > 2 * len {
            true => format!("has more than {} hexadecimal digits; {needs}", 2 * len),
            false => format!("has {} hexadecimal digits; {needs}", line.len()),
        });
    }
    match text.len() {
        have if have == len => Secret::copy(text).map_err(|e| format!("cannot be kept: mmap gives {e:?}")),
        have if have > 2 * len + 1 => Err(format!("is too long; {needs}")),
        have => Err(format!("has {have} bytes; {needs}")),
    }
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).map_or(0, |d| d as u8)
}

/// Reads hexadecimal digits that are no secret, as `--iv` takes them.
///
/// # Errors
/// What is not `len` bytes of them.
pub fn parse_iv(text: &str, len: usize) -> Result<Vec<u8>> {
    let text = text.trim();
    if text.len() != 2 * len || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::usage(format!(
            "the initialisation vector is {len} bytes, {} hexadecimal digits",
            2 * len
        )));
    }
    Ok(text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_bytes_or_hexadecimal_digits() {
        let hex = b"00ff10203040506070809010a0b0c0d0";
        for text in [&hex[..], b"00ff10203040506070809010a0b0c0d0\n", b"00FF10203040506070809010A0B0C0D0\r\n"] {
            assert_eq!(key_of(text, 16).unwrap()[..4], [0, 0xff, 0x10, 0x20]);
        }
        assert_eq!(key_of(&[200; 16], 16).unwrap()[..], [200; 16]);
        assert_eq!(key_of(b"no hex digits  \n", 16).unwrap()[..], *b"no hex digits  \n");
    }

    #[test]
    fn another_length_is_refused_without_showing_the_key() {
        for (text, why) in [
            (&b""[..], "is empty"),
            (b"0123456789abcdef", "has 16 hexadecimal digits"),
            (b"swordfish", "has 9 bytes"),
            (&[200; 33], "has 33 bytes"),
            (&[200; 34], "is too long"),
            (b"00ff10203040506070809010a0b0c0d000", "more than 32 hexadecimal"),
        ] {
            let said = key_of(text, 16).unwrap_err();
            assert!(said.contains(why) && !said.contains("sword"), "{said}");
        }
    }
}
