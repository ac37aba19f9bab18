//! `syskit doctor`.

use clap::{ArgMatches, Command};

use crate::error::Result;
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "doctor", command, run, schemas: &[] };

fn command(command: Command) -> Command {
    command
}

fn run(_matches: &ArgMatches, _ui: &mut Ui) -> Result<()> {
    Ok(())
}
