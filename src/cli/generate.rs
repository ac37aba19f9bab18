//! `syskit generate`: completions, man pages and JSON Schemas, all from the registry of verbs.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Command, Subcommand};
use clap_complete::Shell;

use super::suggest::suggested;
use crate::error::{Context, Result};
use crate::ui::{Ui, output_error};
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "generate", command, run, schemas: &[] };

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
    /// Print the JSON Schema of a document that --json prints, or list the documents
    Schema {
        /// The document; most are named as their verb
        name: Option<String>,
    },
}

fn command(command: Command) -> Command {
    Generate::augment_args(command).mut_subcommand("schema", |c| {
        c.mut_arg("name", |a| suggested(a, super::verbs().flat_map(|v| v.schemas).map(|(n, _)| *n).collect()))
    })
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
        What::Schema { name } => schema(name.as_deref(), ui),
    }
}

fn schema(name: Option<&str>, ui: &mut Ui) -> Result<()> {
    let documents = || super::verbs().flat_map(|v| v.schemas);
    let Some(name) = name else {
        return documents().try_for_each(|(name, _)| ui.line(name));
    };
    match documents().find(|(n, _)| *n == name) {
        Some((_, schema)) => ui.json(&schema()),
        None => Err(super::unknown("JSON document", name, documents().map(|(n, _)| *n))),
    }
}
