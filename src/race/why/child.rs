//! The traced side: a pass that is measured without tracing, then a pass between the markers.

use super::marker::Marker;
use super::message::{Answer, Line, Message, VARIABLE};
use super::usage::measure;
use crate::error::{Context, Error, Result};
use crate::race::{Track, Work};
use crate::sys::inherit;

/// See [`super::child()`].
pub fn child(track: &mut dyn Track, entrant: usize, operations: u64) -> Result<()> {
    let fix = "this is the inside of a why pass; it is started by `syskit bench`, not by hand";
    let socket = inherit::inherited(VARIABLE)
        .map_err(|e| Error::usage(format!("cannot talk to the parent of the why pass: {e}")).fix(fix))?;
    let mut line = Line::over(socket);
    let outcome = passes(&mut line, track, entrant, operations.max(1));
    let last = outcome.as_ref().map_or_else(Message::from, |()| Message::Done);
    let told = line.tell(&last).sys("write", || "cannot report to the parent of the why pass".to_owned());
    outcome.and(told)
}

fn passes(line: &mut Line, track: &mut dyn Track, entrant: usize, operations: u64) -> Result<()> {
    // The first operation pays for what later ones find ready (page tables, caches, lazy binding).
    track.reset(1)?;
    track.ready(entrant, 1)?;
    let done = track.run(entrant, 1)?;
    track.verify(entrant, 1, done)?;

    let measured = measure(track, entrant, operations)?;
    track.reset(operations)?;
    track.ready(entrant, operations)?;
    line.tell(&Message::Measured(measured))
        .sys("write", || "cannot report to the parent of the why pass".to_owned())?;
    let answer = line.asked().sys("read", || "the parent of the why pass has gone".to_owned())?;
    if answer == Answer::Untraced {
        return Ok(());
    }
    Marker::Begin.emit();
    let done = marked_runs(track, entrant, operations);
    Marker::End.emit();
    track.verify(entrant, operations, done?)
}

fn marked_runs(track: &mut dyn Track, entrant: usize, operations: u64) -> Result<Work> {
    let mut done = Work::default();
    for _ in 0..operations {
        done.bytes += track.run(entrant, 1)?.bytes;
        Marker::Next.emit();
    }
    Ok(done)
}
