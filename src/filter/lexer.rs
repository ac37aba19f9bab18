//! Cuts an expression into words, numbers, addresses and signs.

use std::net::Ipv6Addr;

use super::fault::Fault;

/// What an expression is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A word of the language, or a name.
    Word(String),
    /// A name with a backslash before it: never a word of the language.
    Name(String),
    /// Decimal, octal (leading 0) or hexadecimal (leading 0x).
    Number(u32),
    /// Two to four decimal numbers with dots between them.
    Dotted(String),
    V6(Ipv6Addr),
    Mac([u8; 6]),
    Sign(&'static str),
    End,
}

/// A token and where it begins: the first character is 1.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
    /// As it was written.
    pub text: String,
}

/// The longer before the shorter.
const SIGNS: [&str; 25] = [
    "&&", "||", "!=", "==", "<=", ">=", "<<", ">>", "(", ")", "[", "]", "!", "=", "<", ">", "+", "-", "*", "/", "%",
    "&", "|", "^", ":",
];

/// The tokens of `text`, [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Fault> {
    let (mut tokens, mut rest) = (Vec::new(), text);
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        let before = text.len() - rest.len();
        let at = text.get(..before).map_or(0, |t| t.chars().count()) + 1;
        if rest.is_empty() {
            tokens.push(Placed { token: Token::End, at, text: String::new() });
            return Ok(tokens);
        }
        let (token, length) = token(rest, at)?;
        let (written, behind) = rest.split_at(length);
        tokens.push(Placed { token, at, text: written.to_owned() });
        rest = behind;
    }
}

fn token(rest: &str, at: usize) -> Result<(Token, usize), Fault> {
    if let Some(found) = colons(rest) {
        return Ok(found);
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    let (escaped, body) = rest.strip_prefix('\\').map_or((false, rest), |body| (true, body));
    let word = word(body);
    if word.is_empty() {
        let stray: String = rest.chars().take(1).collect();
        return Err(Fault::new(format!("'{stray}' means nothing here"), at));
    }
    if escaped {
        return Ok((Token::Name(word.to_owned()), 1 + word.len()));
    }
    Ok((classify(word, at)?, word.len()))
}

/// Letters, digits, and between them dots, dashes and underscores.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let (word, _) = text.split_at(end);
    if word.starts_with(['-', '_', '.']) { "" } else { word.trim_end_matches(['-', '_']) }
}

/// An IPv6 or hardware address with colons, where one stands at the start.
fn colons(rest: &str) -> Option<(Token, usize)> {
    let end = rest.find(|c: char| !(c.is_ascii_hexdigit() || ":.".contains(c))).unwrap_or(rest.len());
    let (run, behind) = rest.split_at(end);
    if run.matches(':').count() < 2 || behind.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let address = run.parse().map(Token::V6).ok().or_else(|| groups(run, ':').map(Token::Mac));
    address.map(|token| (token, end))
}

/// Six groups of one or two hexadecimal digits.
fn groups(text: &str, between: char) -> Option<[u8; 6]> {
    let (mut address, mut groups) = ([0; 6], text.split(between));
    for byte in &mut address {
        let group = groups.next().filter(|g| g.len() <= 2 && !g.starts_with('+'))?;
        *byte = u8::from_str_radix(group, 16).ok()?;
    }
    groups.next().is_none().then_some(address)
}

/// A hardware address without colons: with dashes or dots, three groups of four digits, or twelve digits.
fn mac(word: &str) -> Option<[u8; 6]> {
    let whole = |text: &str| -> Option<[u8; 6]> {
        let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 12 && !text.starts_with('+'))?;
        number.to_be_bytes().last_chunk().copied()
    };
    let quads = || {
        let parts: Vec<&str> = word.split('.').collect();
        (parts.len() == 3 && parts.iter().all(|p| p.len() == 4)).then(|| parts.concat())
    };
    groups(word, '-').or_else(|| groups(word, '.')).or_else(|| whole(word)).or_else(|| whole(&quads()?))
}

fn classify(word: &str, at: usize) -> Result<Token, Fault> {
    if let Some(address) = mac(word) {
        return Ok(Token::Mac(address));
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').collect();
    if (2..=4).contains(&parts.len()) && parts.iter().all(|part| digits(part)) {
        return Ok(Token::Dotted(word.to_owned()));
    }
    let hexadecimal = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    let (body, radix) = match (hexadecimal, word.strip_prefix('0')) {
        (Some(body), _) if !body.is_empty() && body.bytes().all(|b| b.is_ascii_hexdigit()) => (body, 16),
        (None, Some(body)) if digits(body) => (body, 8),
        _ if digits(word) => (word, 10),
        _ => return Ok(Token::Word(word.to_owned())),
    };
    if radix == 8 && body.contains(['8', '9']) {
        return Err(Fault::new(format!("number {word} begins with 0 but is not octal"), at));
    }
    u32::from_str_radix(body, radix)
        .map(Token::Number)
        .map_err(|_| Fault::new(format!("number {word} does not fit into 32 bits"), at))
}
