//! `syskit generate`: completions, man pages and JSON Schemas, all from the registry of verbs.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Subcommand};
use clap_complete::Shell;

use crate::error::{Context, Error, Result};
use crate::ui::{Ui, output_error};
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "generate", command: Generate::augment_args, run, schema: None };

/// Generate shell completions, man pages and JSON Schemas
#[derive(Args)]
struct Generate {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page syskit(1), or write the pages of all verbs into a directory
    Man {
        /// Where to write syskit.1, syskit-list.1, ...; made if it does not exist
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print the JSON Schema of what a verb's --json prints, or list the verbs that have one
    Schema {
        /// The verb
        verb: Option<String>,
    },
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    match super::parsed::<Generate>(matches)?.what {
        What::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut super::command(), "syskit", &mut script);
            ui.out().write_all(&script).map_err(output_error)
        }
        What::Man { dir: None } => {
            clap_mangen::Man::new(super::command()).render(&mut ui.out()).map_err(output_error)
        }
        What::Man { dir: Some(dir) } => {
            std::fs::create_dir_all(&dir).sys("mkdir", || format!("cannot make {}", dir.display()))?;
            clap_mangen::generate_to(super::command(), &dir)
                .sys("write", || format!("cannot write man pages into {}", dir.display()))
        }
        What::Schema { verb } => schema(verb.as_deref(), ui),
    }
}

fn schema(verb: Option<&str>, ui: &mut Ui) -> Result<()> {
    let documented = || super::verbs().filter_map(|v| Some((v.name, v.schema?)));
    let Some(name) = verb else {
        return documented().try_for_each(|(name, _)| ui.line(name));
    };
    match documented().find(|(n, _)| *n == name) {
        Some((_, schema)) => ui.json(&schema()),
        None if super::verbs().any(|v| v.name == name) => {
            Err(Error::usage(format!("'{name}' prints no JSON document")).fix("see: syskit generate schema"))
        }
        None => Err(super::unknown("verb", name, documented().map(|(n, _)| n))),
    }
}
