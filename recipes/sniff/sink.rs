//! Where packets go: shown, or into a file.

use super::capture::Captured;
use super::print::{Fate, Printer, Wanted};
use crate::error::Result;
use crate::ui::Ui;

/// What takes the packets of a capture.
pub trait Sink {
    /// Takes the packet if it is wanted.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate>;

    /// Nothing comes for now: what was taken must not be held back.
    ///
    /// # Errors
    /// Where it cannot be written, or nobody reads it any more.
    fn idle(&mut self, ui: &mut Ui) -> Result<()>;

    /// So many packets were lost; told before the end.
    fn dropped(&mut self, _count: u64) {}

    /// Whether the end has come, with this packet or without one: it is not to be taken any more.
    fn is_over(&mut self, _packet: Option<&Captured>) -> bool {
        false
    }

    /// There will be no more packets.
    ///
    /// # Errors
    /// Where what was taken cannot be written.
    fn finish(&mut self, ui: &mut Ui) -> Result<()>;

    /// What became of the packets that it took, in the tally.
    fn word(&self) -> &'static str;
}

impl Sink for Printer {
    fn show(&mut self, packet: &Captured, wanted: &dyn Wanted, ui: &mut Ui) -> Result<Fate> {
        Printer::show(self, packet, wanted, ui)
    }

    fn idle(&mut self, ui: &mut Ui) -> Result<()> {
        self.flush(ui)?;
        // Without this `| head -1` would last until one more packet comes.
        ui.reader_is_there()
    }

    fn finish(&mut self, ui: &mut Ui) -> Result<()> {
        self.name_unnamed(ui);
        self.flush(ui)
    }

    fn word(&self) -> &'static str {
        "shown"
    }
}
