//! The data of a connection as text, as JSON, and as it is.

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::timestamp::rfc3339;
use super::wanted::Ends;
use crate::packet::reassembly::stream::{Chunk, Why};
use crate::packet::{Text, text};

/// Who sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum Side {
    /// The side whose packet came first.
    Client,
    /// The other.
    Server,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    fn mark(self) -> &'static str {
        match self {
            Side::Client => "> ",
            Side::Server => "< ",
        }
    }

    fn style(self) -> Style {
        match self {
            Side::Client => AnsiColor::Red.on_default(),
            Side::Server => AnsiColor::Blue.on_default(),
        }
    }
}

/// Whose data is written as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in super::super) enum Raw {
    /// That of the side whose packet came first
    Client,
    /// That of the other side
    Server,
    /// That of both, in the order of time
    Both,
}

/// How the data is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Form {
    /// As lines, escaped.
    Text,
    /// A JSON object for each piece.
    Json,
    /// As it is.
    Raw(Raw),
}

/// What `syskit sniff --follow --json` prints for a piece of a stream, on one line.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct ChunkDocument {
    /// Version of this document's form.
    schema: u32,
    /// When the packet came that completed it: RFC 3339, UTC, nanoseconds.
    time: String,
    /// The connection, as it was asked for.
    connection: String,
    /// Who sent it.
    from: Side,
    /// Address and port of the sender.
    source: String,
    /// Address and port of the receiver.
    destination: String,
    /// Its place in what this side sent, in bytes.
    offset: u64,
    /// Its length in bytes.
    length: u64,
    /// Why it is missing, where it is: "lost" (no packet with it was captured), "cut" (the capture does not hold all of
    /// the packet), "late" (too much came behind it).
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<&'static str>,
    /// The bytes in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_hex: Option<String>,
    /// The bytes as text, escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_text: Option<String>,
}

/// Turns pieces of both streams into what is written.
pub(super) struct Shown {
    connection: String,
    form: Form,
    ends: Option<Ends>,
    color: bool,
    time: (i64, u32),
    /// Bytes of both sides so far.
    offsets: [u64; 2],
    text: Text,
    raw: Vec<u8>,
    /// Whose line has no end yet.
    open: Option<Side>,
    /// A carriage return that may be a part of a line's end.
    carriage_return: bool,
}

impl Shown {
    pub(super) fn new(connection: String, form: Form) -> Self {
        Shown {
            connection,
            form,
            ends: None,
            color: false,
            time: (0, 0),
            offsets: [0; 2],
            text: Text::new(),
            raw: Vec::new(),
            open: None,
            carriage_return: false,
        }
    }

    /// The connection was found.
    pub(super) fn begin(&mut self, ends: Ends, color: bool) {
        (self.ends, self.color) = (Some(ends), color);
    }

    /// What follows came at this time.
    pub(super) fn at(&mut self, seconds: i64, nanoseconds: u32) {
        self.time = (seconds, nanoseconds);
    }

    /// What is to be written.
    pub(super) fn text(&self) -> &[u8] {
        match self.form {
            Form::Raw(_) => &self.raw,
            _ => self.text.as_bytes(),
        }
    }

    /// It was written.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.raw.clear();
    }

    /// Takes a piece of what a side sent.
    pub(super) fn chunk(&mut self, side: Side, chunk: Chunk) {
        match (self.form, chunk) {
            (Form::Text, Chunk::Bytes(bytes)) => self.lines(side, bytes),
            (Form::Text, Chunk::Missing(length, why)) => self.gap(side, length, why),
            (Form::Json, _) => self.json(side, chunk),
            (Form::Raw(raw), Chunk::Bytes(bytes)) => {
                if matches!((raw, side), (Raw::Both, _) | (Raw::Client, Side::Client) | (Raw::Server, Side::Server)) {
                    self.raw.extend_from_slice(bytes);
                }
            }
            (Form::Raw(_), Chunk::Missing(..)) => {}
        }
        let length = match chunk {
            Chunk::Bytes(bytes) => bytes.len() as u64,
            Chunk::Missing(length, _) => length,
        };
        self.offsets[side as usize] += length;
    }

    /// Ends the line that is under way.
    pub(super) fn end_line(&mut self) {
        if std::mem::take(&mut self.carriage_return) {
            self.text.push_str("\\r");
        }
        if let Some(side) = self.open.take() {
            self.style(side, true);
            self.text.push('\n');
        }
    }

    fn start_line(&mut self, side: Side) {
        if self.open == Some(side) {
            return;
        }
        self.end_line();
        self.style(side, false);
        self.text.push_str(side.mark());
        self.open = Some(side);
    }

    fn style(&mut self, side: Side, reset: bool) {
        if self.color {
            let style = side.style();
            let code = if reset { format!("{style:#}") } else { style.to_string() };
            self.text.push_str(&code);
        }
    }

    /// A line for each line of the data; their ends are not shown.
    fn lines(&mut self, side: Side, bytes: &[u8]) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            self.start_line(side);
            let (mut line, ends) = line.strip_suffix(b"\n").map_or((line, false), |line| (line, true));
            if self.carriage_return && !(ends && line.is_empty()) {
                self.text.push_str("\\r");
            }
            self.carriage_return = false;
            if let Some(before) = line.strip_suffix(b"\r") {
                (line, self.carriage_return) = (before, !ends);
            }
            text::escaped(&mut self.text, line);
            if ends {
                self.end_line();
            }
        }
    }

    fn gap(&mut self, side: Side, length: u64, why: Why) {
        self.end_line();
        self.start_line(side);
        let why = match why {
            Why::Lost => "no packet with them was captured",
            Why::Cut => "the capture does not hold all of their packet",
            Why::Late => "too much came behind them",
        };
        self.text.push_str(&format!("[{length} bytes missing: {why}]"));
        self.end_line();
    }

    fn json(&mut self, side: Side, chunk: Chunk) {
        let Some(ends) = self.ends else { return };
        let ends = if side == Side::Client { ends } else { ends.back() };
        let (length, missing, bytes) = match chunk {
            Chunk::Bytes(bytes) => (bytes.len() as u64, None, Some(bytes)),
            Chunk::Missing(length, Why::Lost) => (length, Some("lost"), None),
            Chunk::Missing(length, Why::Cut) => (length, Some("cut"), None),
            Chunk::Missing(length, Why::Late) => (length, Some("late"), None),
        };
        let document = ChunkDocument {
            schema: 1,
            time: rfc3339(self.time.0, self.time.1),
            connection: self.connection.clone(),
            from: side,
            source: ends.source.to_string(),
            destination: ends.destination.to_string(),
            offset: self.offsets[side as usize],
            length,
            missing,
            payload_hex: bytes.map(text::to_hex),
            payload_text: bytes.map(text::to_escaped),
        };
        // Of words and numbers alone: that cannot fail.
        if let Ok(json) = serde_json::to_string(&document) {
            self.text.push_str(&json);
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_marked_and_nothing_reaches_the_terminal_unescaped() {
        let mut shown = Shown::new("tcp:0".to_owned(), Form::Text);
        for (side, bytes) in [
            (Side::Client, &b"GET / HTTP/1.1\r"[..]),
            (Side::Client, b"\nHost: x\r\n\r\n"),
            (Side::Server, b"HTTP/1.1 200\r"),
            (Side::Server, b"no \x1b[31m"),
            (Side::Client, b"again\r"),
        ] {
            shown.chunk(side, Chunk::Bytes(bytes));
        }
        shown.chunk(Side::Server, Chunk::Missing(7, Why::Lost));
        shown.end_line();
        let expected = "> GET / HTTP/1.1\n> Host: x\n> \n< HTTP/1.1 200\\rno \\x1b[31m\n> again\\r\n\
                        < [7 bytes missing: no packet with them was captured]\n";
        assert_eq!(std::str::from_utf8(shown.text()), Ok(expected));
    }
}
