//! What text is written into: bytes that are appended without a look at each.

use std::fmt;

/// Text under way: a `String` for those who write mostly ASCII in small pieces, as fast as memory takes it.
///
/// All ways in take whole characters, so that it is always UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
}

impl Text {
    /// An empty one.
    pub fn new() -> Self {
        Text::default()
    }

    /// Appends `text`.
    #[inline]
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends a character.
    #[inline]
    pub fn push(&mut self, c: char) {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => self.bytes.push(byte),
            _ => self.push_str(c.encode_utf8(&mut [0; 4])),
        }
    }

    /// Appends bytes that the caller knows to be ASCII, out of a table of digits: they are not looked at here.
    #[inline]
    pub(crate) fn ascii<const N: usize>(&mut self, text: [u8; N]) {
        debug_assert!(text.is_ascii());
        self.bytes.extend_from_slice(&text);
    }

    /// Appends the first `length` bytes of `text`, which the caller knows to be ASCII.
    ///
    /// All are stored and some taken back: a store of fixed length is cheaper than a call to copy few.
    #[inline]
    pub(crate) fn ascii_start<const N: usize>(&mut self, text: [u8; N], length: usize) {
        let end = self.bytes.len() + length.min(N);
        self.ascii(text);
        self.bytes.truncate(end);
    }

    /// Appends all of `bytes` that is printable ASCII without a backslash, up to the first that is not; gives how many.
    pub fn plain_run(&mut self, bytes: &[u8]) -> usize {
        let plain = bytes.iter().take_while(|b| matches!(b, b' '..=b'~') && **b != b'\\').count();
        self.bytes.extend_from_slice(&bytes[..plain]);
        plain
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes all out; the memory is kept.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes out what is behind the first `length` bytes. In the middle of a character that goes as well.
    pub fn truncate(&mut self, length: usize) {
        let mut end = length.min(self.bytes.len());
        while self.bytes.get(end).is_some_and(|b| b & 0xc0 == 0x80) {
            end -= 1;
        }
        self.bytes.truncate(end);
    }

    /// Its bytes: UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// It, as a string slice.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("only whole characters come in")
    }

    /// It, as a string.
    pub fn into_string(self) -> String {
        String::from_utf8(self.bytes).expect("only whole characters come in")
    }
}

/// What `write` appends, as a string.
pub fn written(write: impl FnOnce(&mut Text)) -> String {
    let mut text = Text::new();
    write(&mut text);
    text.into_string()
}

impl fmt::Write for Text {
    #[inline]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<S: AsRef<str> + ?Sized> PartialEq<S> for Text {
    fn eq(&self, other: &S) -> bool {
        self.bytes == other.as_ref().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_always_utf_8() {
        let mut text = Text::new();
        text.push('é');
        text.ascii(*b"ab");
        text.ascii_start(*b"0123456789abcdef", 3);
        text.ascii_start(*b"xy", 99);
        assert_eq!(text.as_str(), "éab012xy");
        text.truncate(1);
        assert_eq!((text.as_str(), text.len()), ("", 0));
        assert_eq!(text.plain_run(b"plain\\ "), 5);
        assert_eq!(text.plain_run(b"\x1b[0m"), 0);
        assert_eq!(text, "plain");
    }
}
