//! A verb of the command line: a generic one (src/cli) or a family's own tool (recipes/).

use clap::{ArgMatches, Command};
use schemars::Schema;

use crate::error::Result;
use crate::ui::Ui;

/// What is typed after `syskit`.
pub struct Verb {
    /// The word.
    pub name: &'static str,
    /// Adds its arguments and help to a command that already bears its name.
    pub command: fn(Command) -> Command,
    /// Does the work.
    pub run: fn(&ArgMatches, &mut Ui) -> Result<()>,
    /// The JSON Schema of what its `--json` prints (`syskit generate schema VERB`).
    pub schema: Option<fn() -> Schema>,
}
