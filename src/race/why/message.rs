//! What the two sides of a why pass tell each other, over a socket: the child a line of JSON at a time, the parent
//! one byte.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use serde::{Deserialize, Serialize};

use super::record::{Pmu, Usage};
use crate::error::{Error, Kind};

/// The environment variable that tells the child the number of its socket.
pub const VARIABLE: &str = "SYSKIT_WHY_FD";

/// No line is longer.
const MOST: u64 = 1 << 20;

/// From the child.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// The pass without tracing is over; the child now waits for an [`Answer`].
    Measured(Measured),
    /// Everything ran and was verified.
    Done,
    /// It ended with this error.
    Failed {
        /// Its exit code, which tells its kind.
        code: u8,
        /// Its text.
        text: String,
    },
}

/// What the pass without tracing gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// See [`super::Why::usage`].
    pub usage: Usage,
    /// See [`super::Why::pmu`].
    pub pmu: Option<Pmu>,
    /// See [`super::Why::no_pmu`].
    pub no_pmu: Option<String>,
}

/// From the parent: whether the child is traced now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is: run between the markers.
    Traced,
    /// It is not and will not be: nothing to run for.
    Untraced,
}

/// One end of the conversation.
pub struct Line(BufReader<UnixStream>);

impl Line {
    /// Talks over `socket`.
    pub fn over(socket: UnixStream) -> Line {
        Line(BufReader::new(socket))
    }

    /// The child: says one thing.
    pub fn tell(&mut self, message: &Message) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line)
    }

    /// The parent: hears one thing; None where the child has ended or talks nonsense.
    pub fn hear(&mut self) -> Option<Message> {
        let mut line = Vec::new();
        (&mut self.0).take(MOST).read_until(b'\n', &mut line).ok()?;
        serde_json::from_slice(&line).ok()
    }

    /// The parent: answers [`Message::Measured`].
    pub fn answer(&mut self, answer: Answer) -> io::Result<()> {
        let byte = match answer {
            Answer::Traced => b"T",
            Answer::Untraced => b"U",
        };
        self.0.get_mut().write_all(byte)
    }

    /// The child: waits for the answer; a parent that has gone is an error.
    pub fn asked(&mut self) -> io::Result<Answer> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(if byte == *b"T" { Answer::Traced } else { Answer::Untraced })
    }
}

impl From<&Error> for Message {
    fn from(error: &Error) -> Self {
        Message::Failed { code: error.exit_code(), text: error.to_string() }
    }
}

/// The child's error, of the same kind as it was there.
pub fn error(code: u8, text: String) -> Error {
    let kinds = [Kind::BrokenPipe, Kind::Failed, Kind::Usage, Kind::Unavailable, Kind::Denied, Kind::Wrong];
    let kind = kinds.into_iter().find(|k| *k as u8 == code).unwrap_or(Kind::Failed);
    Error { kind, ..Error::failed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (mut parent, mut child) = (Line::over(ours), Line::over(theirs));
        let measured =
            Message::Measured(Measured { usage: Usage::default(), pmu: None, no_pmu: Some("x\ny".into()) });
        child.tell(&measured).unwrap();
        child.tell(&Message::Done).unwrap();
        assert_eq!(parent.hear(), Some(measured));
        parent.answer(Answer::Traced).unwrap();
        assert_eq!(child.asked().unwrap(), Answer::Traced);
        assert_eq!(parent.hear(), Some(Message::Done));
        drop(child);
        assert_eq!(parent.hear(), None);
    }

    #[test]
    fn nonsense_is_none_and_a_parent_that_has_gone_is_an_error() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(b"{\"Measured\":3}\nhalf a line").unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let mut parent = Line::over(ours);
        assert_eq!((parent.hear(), parent.hear()), (None, None));
        drop(parent);
        assert!(Line::over(theirs).asked().is_err());
    }

    #[test]
    fn an_error_keeps_its_kind_and_text_on_the_way() {
        let wrong = Error::wrong("wrote 3 of 4 bytes").fix("look at it");
        let Message::Failed { code, text } = Message::from(&wrong) else { unreachable!() };
        let arrived = error(code, text);
        assert_eq!((arrived.kind, arrived.to_string()), (Kind::Wrong, wrong.to_string()));
        assert_eq!(error(99, String::new()).kind, Kind::Failed);
    }
}
