//! Console blocks of pages: what is shown there is run, and must come out as shown.

use std::path::Path;

/// One command of a console block with what the page shows of it.
pub struct Shown {
    /// The page and line it stands on, for messages.
    pub place: String,
    /// Whether it begins a block; the others go on where the one before them left off.
    pub begins: bool,
    /// The words after `$ syskit`.
    pub args: Vec<String>,
    /// The lines under the command, stdout and stderr together.
    pub lines: Vec<String>,
    /// The exit status it must give: 0, or N of a closing line `? N`.
    pub status: i32,
}

/// Every command in the ```console blocks of a page; a line that starts a block with anything but
/// `$ syskit` is an error, for it would be shown and never run.
pub fn commands(page: &Path, text: &str) -> Result<Vec<Shown>, String> {
    let mut commands: Vec<Shown> = Vec::new();
    let mut inside = false;
    let mut fresh = false;
    for (i, line) in text.lines().enumerate() {
        let place = format!("{}:{}", page.display(), i + 1);
        if !inside {
            inside = line.trim_end() == "```console";
            fresh = inside;
        } else if line.starts_with("```") {
            inside = false;
        } else if let Some(typed) = line.strip_prefix("$ syskit") {
            let args = words(typed).ok_or(format!("{place}: quotes do not match"))?;
            commands.push(Shown { place, begins: fresh, args, lines: Vec::new(), status: 0 });
            fresh = false;
        } else if fresh || line.starts_with("$ ") {
            return Err(format!("{place}: a console block holds only '$ syskit' commands, not: {line}"));
        } else if let Some(status) = line.strip_prefix("? ") {
            let status = status.trim().parse().map_err(|_| format!("{place}: not an exit status: {line}"))?;
            commands.last_mut().expect("not fresh").status = status;
        } else {
            commands.last_mut().expect("not fresh").lines.push(line.to_owned());
        }
    }
    Ok(commands)
}

/// Splits at blanks, with '...' and "..." kept together, as a shell does for such simple words.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Whether `got` is as `shown`: `...` alone on a line stands for any lines, `[..]` for any text within one.
pub fn matches(shown: &[String], got: &[&str]) -> bool {
    match shown.split_first() {
        None => got.is_empty(),
        Some((first, rest)) if first.trim() == "..." => (0..=got.len()).any(|skip| matches(rest, &got[skip..])),
        Some((first, rest)) => got.split_first().is_some_and(|(g, got)| line_matches(first, g) && matches(rest, got)),
    }
}

fn line_matches(shown: &str, got: &str) -> bool {
    let mut parts = shown.trim_end().split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = got.trim_end().strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}
