//! `syskit crypt`: digests, encryption, the algorithms of this host, random bytes. A subcommand a file, a line each in
//! `ACTIONS`.

mod algorithms;
mod decrypt;
mod encrypt;
pub mod file;
mod hash;
mod keygen;
mod random;

use clap::{ArgMatches, Command};

use crate::error::{Error, Result};
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb {
    name: "crypt",
    command,
    run,
    schemas: &[hash::SCHEMA, encrypt::SCHEMA, keygen::SCHEMA, algorithms::VERB.schemas[0], random::SCHEMA],
};

/// Every subcommand, in the order of help.
static ACTIONS: &[&Verb] =
    &[&hash::VERB, &encrypt::ENCRYPT, &decrypt::DECRYPT, &keygen::KEYGEN, &algorithms::VERB, &random::VERB];

fn command(command: Command) -> Command {
    let command = command
        .about("Digests, encryption and random bytes, by the kernel or by libraries")
        .arg_required_else_help(true)
        .subcommand_required(true)
        .disable_help_subcommand(true);
    ACTIONS.iter().fold(command, |command, action| command.subcommand((action.command)(Command::new(action.name))))
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let (name, matches) = matches.subcommand().ok_or_else(|| Error::usage("crypt: name a subcommand"))?;
    let action = ACTIONS.iter().find(|a| a.name == name).ok_or_else(|| Error::usage(format!("crypt: no {name}")))?;
    (action.run)(matches, ui).map_err(|e| e.within(format_args!("crypt {name}")))
}
