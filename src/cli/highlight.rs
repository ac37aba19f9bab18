//! Source and pages in colour, on a terminal.

use std::fmt::Write;

use syntect::easy::HighlightLines;
use syntect::highlighting::{Color, ThemeSet};
use syntect::parsing::SyntaxSet;
use syntect::util::LinesWithEndings;

/// `text` with terminal colours for the language of files that end in `extension` ("rs", "md").
///
/// Plain text keeps the terminal's own colour and nothing sets a background, so that it reads on dark and on light; a
/// line that cannot be parsed stays as it is.
pub fn highlight(text: &str, extension: &str) -> String {
    let syntaxes = SyntaxSet::load_defaults_newlines();
    let themes = ThemeSet::load_defaults();
    let theme = &themes.themes["base16-eighties.dark"];
    let syntax = syntaxes.find_syntax_by_extension(extension).unwrap_or_else(|| syntaxes.find_syntax_plain_text());
    let mut lines = HighlightLines::new(syntax, theme);
    let mut painted = String::with_capacity(text.len() * 2);
    for line in LinesWithEndings::from(text) {
        match lines.highlight_line(line, &syntaxes) {
            Ok(ranges) => ranges.iter().for_each(|(style, part)| {
                let color = Some(style.foreground).filter(|c| Some(*c) != theme.settings.foreground);
                paint(&mut painted, color, part);
            }),
            Err(_) => painted.push_str(line),
        }
    }
    painted
}

/// Appends `part` in a colour, or as it is; blanks need none.
fn paint(painted: &mut String, color: Option<Color>, part: &str) {
    match color.filter(|_| !part.trim().is_empty()) {
        Some(Color { r, g, b, .. }) => {
            let _ = write!(painted, "\x1b[38;2;{r};{g};{b}m{part}\x1b[39m");
        }
        None => painted.push_str(part),
    }
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
