//! A capture whose fragments are put together: `--reassemble`.

use std::time::Duration;

use super::capture::{Capture, Captured, Event};
use super::losses::Losses;
use crate::error::Result;
use crate::packet::reassembly::fragments::{Fragments, Outcome};

/// Gives the whole packet in place of its last fragment; the others come as they are.
pub(super) struct Reassembled {
    capture: Box<dyn Capture>,
    fragments: Fragments,
}

impl Reassembled {
    /// The packets of `capture`.
    pub(super) fn new(capture: Box<dyn Capture>) -> Self {
        Reassembled { capture, fragments: Fragments::default() }
    }
}

impl Capture for Reassembled {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let packet = match self.capture.next(wait)? {
            Event::Packet(packet) => packet,
            other => return Ok(other),
        };
        Ok(Event::Packet(match self.fragments.take(packet.frame(), packet.interface, packet.seconds) {
            Outcome::Whole { frame, fragments } => {
                Captured { bytes: frame, length: frame.len(), fragments, ..packet }
            }
            _ => packet,
        }))
    }

    // The kernel was asked for everything: it cannot tell of which packet a later fragment is.
    fn is_filtered(&self) -> bool {
        false
    }

    fn dropped(&mut self) -> Result<Losses> {
        self.capture.dropped()
    }

    fn linktype(&self) -> Option<u16> {
        self.capture.linktype()
    }

    fn words(&self) -> Option<String> {
        let counts = self.fragments.counts;
        if counts.fragments == 0 {
            return None;
        }
        let mut words = format!("{} packets put together, of {} fragments", counts.whole, counts.fragments);
        for (count, what) in [
            (counts.incomplete + self.fragments.pending(), "packets incomplete"),
            (counts.overlapping, "packets given up: their fragments overlap"),
            (counts.cut, "fragments cut by the capture"),
            (counts.malformed, "fragments malformed"),
        ] {
            if count > 0 {
                words.push_str(&format!(", {count} {what}"));
            }
        }
        Some(words)
    }
}
