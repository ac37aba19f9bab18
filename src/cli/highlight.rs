//! Source and pages in colour, on a terminal.

use syntect::easy::HighlightLines;
use syntect::highlighting::ThemeSet;
use syntect::parsing::SyntaxSet;
use syntect::util::{LinesWithEndings, as_24_bit_terminal_escaped};

/// `text` with terminal colours for the language of files that end in `extension` ("rs", "md").
///
/// Only foreground colours are set, so that it reads on the user's own background; a line that cannot be
/// parsed stays as it is.
pub fn highlight(text: &str, extension: &str) -> String {
    let syntaxes = SyntaxSet::load_defaults_newlines();
    let themes = ThemeSet::load_defaults();
    let syntax = syntaxes.find_syntax_by_extension(extension).unwrap_or_else(|| syntaxes.find_syntax_plain_text());
    let mut lines = HighlightLines::new(syntax, &themes.themes["base16-eighties.dark"]);
    let mut painted = String::with_capacity(text.len() * 2);
    for line in LinesWithEndings::from(text) {
        match lines.highlight_line(line, &syntaxes) {
            Ok(ranges) => painted.push_str(&as_24_bit_terminal_escaped(&ranges, false)),
            Err(_) => painted.push_str(line),
        }
    }
    painted.push_str("\x1b[0m");
    painted
}

#[cfg(test)]
mod tests {
    #[test]
    fn colour_adds_escapes_and_loses_no_text() {
        let source = "fn main() { let answer = 42; } // why\n";
        let painted = super::highlight(source, "rs");
        assert!(painted.contains("\x1b[38;2;"));
        let mut plain = String::new();
        let mut rest = painted.as_str();
        while let Some(at) = rest.find('\x1b') {
            plain.push_str(&rest[..at]);
            rest = rest[at..].split_once('m').expect("an escape ends").1;
        }
        plain.push_str(rest);
        assert_eq!(plain, source);
    }
}
