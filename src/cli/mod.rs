//! The command line: one file per generic verb, a family's own verbs beside them, errors to exit codes.

mod bench;
mod doctor;
mod generate;
mod highlight;
mod list;
mod run;
mod show;
mod suggest;

use std::ffi::OsString;
use std::io::Write;

use clap::{ArgMatches, Command, FromArgMatches};

use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::recipe;
use crate::ui::{Ui, output_error};
use crate::verb::Verb;

/// The generic verbs, in the order help shows them: a line each.
static GENERIC: &[&Verb] = &[&list::VERB, &show::VERB, &run::VERB, &bench::VERB, &doctor::VERB, &generate::VERB];

/// Every verb: the generic ones, then those that families own.
pub fn verbs() -> impl Iterator<Item = &'static Verb> + Clone {
    GENERIC.iter().copied().chain(crate::recipes::FAMILIES.iter().filter_map(|f| f.tool))
}

/// The whole command line, as parser, help, completions and man pages use it.
pub fn command() -> Command {
    let root = Command::new("syskit")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Systems recipes that run, verify themselves and race each other on this very host")
        .after_help(EXIT_CODES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .max_term_width(110);
    verbs().fold(root, |root, verb| root.subcommand((verb.command)(Command::new(verb.name))))
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not available on this host, 4 not permitted, \
                          5 wrong result.";

/// Parses, runs, reports an error on stderr; the process exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> u8 {
    let mut ui = Ui::stdio();
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(e) => {
            // Help and version are data on stdout, the rest words on stderr: clap knows which is which.
            return match e.print().and_then(|()| std::io::stdout().flush()).map_err(output_error) {
                Err(failed) if failed.kind != Kind::BrokenPipe => {
                    ui.note(format_args!("syskit: {failed}"));
                    failed.exit_code()
                }
                _ => e.exit_code() as u8,
            };
        }
    };
    interrupt::listen();
    let done = dispatch(&matches, &mut ui);
    let flushed = ui.flush();
    match done.and(flushed) {
        Ok(()) => 0,
        Err(e) => {
            if e.kind != Kind::BrokenPipe && !e.what.is_empty() {
                ui.note(format_args!("syskit: {e}"));
            }
            e.exit_code()
        }
    }
}

fn dispatch(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let (name, matches) = matches.subcommand().expect("clap requires a verb");
    let verb = verbs().find(|v| v.name == name).ok_or_else(|| Error::usage(format!("unknown verb '{name}'")))?;
    (verb.run)(matches, ui)
}

/// The names of all families, for completion.
fn families() -> Vec<&'static str> {
    crate::recipes::FAMILIES.iter().map(|f| f.name).collect()
}

/// The ids of all recipes, for completion.
fn recipe_ids() -> Vec<&'static str> {
    recipe::all().map(|(_, r)| r.id).collect()
}

/// The arguments of a verb, as its struct.
fn parsed<T: FromArgMatches>(matches: &ArgMatches) -> Result<T> {
    T::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))
}

/// What to say of an id that no recipe has; a family may have been meant.
fn unknown_recipe(typed: &str) -> Error {
    let families = crate::recipes::FAMILIES.iter().map(|f| f.name);
    unknown("recipe", typed, recipe::all().map(|(_, r)| r.id).chain(families))
}

/// The family that was named, or a usage error that suggests the nearest.
fn known_family(name: &str) -> Result<&'static recipe::Family> {
    recipe::find_family(name).ok_or_else(|| unknown("family", name, crate::recipes::FAMILIES.iter().map(|f| f.name)))
}

/// "no family 'cpy'; did you mean 'copy'?", or the whole choice where nothing is near.
fn unknown<'a>(what: &str, typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    let fix = match recipe::nearest(typed, names.clone()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are: {}", names.collect::<Vec<_>>().join(", ")),
    };
    Error::usage(format!("no {what} '{typed}'")).fix(fix)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
