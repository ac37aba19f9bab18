//! Where views write: data to `out`, words about the run to `err`; colour and progress only on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;

use anstyle::Style;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;

use crate::error::{Context, Error, Kind, Result};

/// The two streams of a run and what they can show.
pub struct Ui {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// Whether `out` is the process's own.
    own: bool,
    /// Whether styles may be used on `out`.
    pub color: bool,
    /// Whether a progress line may be drawn on `err`.
    pub progress: bool,
    /// Columns that text on `out` is broken at.
    pub width: usize,
}

/// Bytes written at once where much is written: a call costs as much as a hundred packets' lines to print.
const PIECE: usize = 64 << 10;

/// Where `out` is no terminal.
const WIDTH: usize = 100;

impl Ui {
    /// The process's own streams; honours NO_COLOR and TERM=dumb.
    pub fn stdio() -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
            || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
        Ui {
            out: Box::new(io::BufWriter::with_capacity(PIECE, io::stdout())),
            err: Box::new(io::stderr()),
            own: true,
            color: io::stdout().is_terminal() && !plain,
            progress: io::stderr().is_terminal() && !plain,
            width: terminal_size::terminal_size().map_or(WIDTH, |(columns, _)| usize::from(columns.0).clamp(60, 120)),
        }
    }

    /// Streams of the caller's choosing, without colour or progress.
    pub fn plain(out: impl Write + 'static, err: impl Write + 'static) -> Self {
        Ui { out: Box::new(out), err: Box::new(err), own: false, color: false, progress: false, width: WIDTH }
    }

    /// The data stream.
    pub fn out(&mut self) -> &mut dyn Write {
        &mut *self.out
    }

    /// Writes a line of data.
    pub fn line(&mut self, text: impl Display) -> Result<()> {
        writeln!(self.out, "{text}").map_err(output_error)
    }

    /// Writes a word about the run; if nobody listens that is no failure.
    pub fn note(&mut self, text: impl Display) {
        // In one write, so that another process's words on the same terminal do not come between.
        let _ = self.err.write_all(format!("{text}\n").as_bytes());
    }

    /// Writes a document as indented JSON.
    pub fn json(&mut self, document: &impl Serialize) -> Result<()> {
        let text =
            serde_json::to_string_pretty(document).map_err(|e| Error::failed(format!("cannot write JSON: {e}")))?;
        self.line(text)
    }

    /// `text` in `style` where colour is shown, as it is elsewhere.
    pub fn paint(&self, style: Style, text: impl Display) -> String {
        if self.color { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    /// Sends what is buffered.
    pub fn flush(&mut self) -> Result<()> {
        self.out.flush().map_err(output_error)
    }

    /// For those who wait for what is to be written: tells now what the next write would, where that reader went away
    /// (POLLERR of a pipe, POLLHUP of a terminal or socket; poll(2)).
    ///
    /// # Errors
    /// As of a write: [`Kind::BrokenPipe`].
    pub fn reader_is_there(&self) -> Result<()> {
        let out = io::stdout();
        let mut fds = [PollFd::new(out.as_fd(), PollFlags::empty())];
        let gone = self.own
            && poll(&mut fds, PollTimeout::ZERO).is_ok()
            && fds[0].revents().is_some_and(|r| r.intersects(PollFlags::POLLERR | PollFlags::POLLHUP));
        if gone { Err(output_error(io::ErrorKind::BrokenPipe.into())) } else { Ok(()) }
    }
}

/// What a failed write to our output means: a reader that went away is no failure, a full disk is.
pub fn output_error(e: io::Error) -> Error {
    if e.kind() == io::ErrorKind::BrokenPipe {
        let mut quiet = Error::failed("the reader of the output went away");
        quiet.kind = Kind::BrokenPipe;
        return quiet;
    }
    let failed: io::Result<()> = Err(e);
    failed.sys("write", || "cannot write the output".to_owned()).expect_err("made from an error")
}
