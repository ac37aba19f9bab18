//! A verb of the command line: a generic one (src/cli) or a family's own tool (recipes/).

use clap::{ArgMatches, Command};
use schemars::Schema;

use crate::error::Result;
use crate::ui::Ui;

/// A JSON document by name, and its JSON Schema (`syskit generate schema NAME`).
pub type Document = (&'static str, fn() -> Schema);

/// What is typed after `syskit`.
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// Adds its arguments and help to a command that already bears its name.
    pub command: fn(Command) -> Command,
    /// Does the work.
    pub run: fn(&ArgMatches, &mut Ui) -> Result<()>,
    /// The JSON documents it prints.
    pub schemas: &'static [Document],
}
