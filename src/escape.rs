//! Names of files as a terminal may be shown them: a name can hold any byte but NUL and '/', a newline or the begin of
//! an escape sequence among them.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `path` in printable text: control characters and bytes that are no UTF-8 as `\n`, `\x1b`, `\xff`; characters that
/// change the direction or the lines of the text around them as `\u{202e}`.
pub fn name(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        chunk.valid().chars().for_each(|c| push(&mut text, c));
        chunk.invalid().iter().for_each(|byte| put(&mut text, format_args!("\\x{byte:02x}")));
    }
    text
}

fn push(text: &mut String, c: char) {
    match c {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        c if c.is_ascii_control() => put(text, format_args!("\\x{:02x}", c as u32)),
        c if c.is_control() || rearranges(c) => put(text, format_args!("\\u{{{:x}}}", c as u32)),
        c => text.push(c),
    }
}

/// Line and paragraph separators, and the marks, embeddings, overrides and isolates of the bidirectional algorithm.
fn rearranges(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn put(text: &mut String, what: std::fmt::Arguments) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    fn shown(bytes: &[u8]) -> String {
        name(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn printable_text_stays() {
        for text in ["", "a b", "/tmp/x-1.txt", "caf\u{e9}", "cafe\u{301}", "\u{65e5}\u{672c}", "it's \"so\"", "a\\b"]
        {
            assert_eq!(shown(text.as_bytes()), text);
        }
    }

    #[test]
    fn what_a_terminal_acts_on_is_spelled_out() {
        assert_eq!(shown(b"a\nb\r\tc"), "a\\nb\\r\\tc");
        assert_eq!(shown(b"\x1b[31mred\x07\x7f"), "\\x1b[31mred\\x07\\x7f");
        assert_eq!(shown("\u{9b}2J\u{202e}txt.exe\u{2028}".as_bytes()), "\\u{9b}2J\\u{202e}txt.exe\\u{2028}");
    }

    #[test]
    fn bytes_that_are_no_text_are_spelled_out() {
        assert_eq!(shown(b"\xff\xfe name"), "\\xff\\xfe name");
        assert_eq!(shown(b"cut \xe6\x97"), "cut \\xe6\\x97");
    }

    #[test]
    fn no_byte_reaches_a_terminal_as_a_control_character() {
        for byte in 1..=255 {
            let text = shown(&[b'a', byte, b'z']);
            assert!(!text.contains(char::is_control), "{byte}: {text:?}");
        }
    }
}
