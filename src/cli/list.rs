//! `syskit list`: every recipe, the cheat-sheet sections it answers, and whether it can run on this host.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::need::{self, Finding};
use crate::recipe;
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "list", command, run };

/// List the recipes: their ids, cheat-sheet sections, and whether they can run on this host
#[derive(Args)]
struct List {
    /// Only the recipes of this family
    #[arg(long, short, value_name = "FAMILY")]
    family: Option<String>,
    /// Print a JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// The document that `syskit list --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Listing {
    /// Version of this document's form.
    pub schema: u32,
    /// The recipes, in the cookbook's order.
    pub recipes: Vec<Entry>,
}

/// One recipe in a [`Listing`].
#[derive(Serialize, JsonSchema)]
pub struct Entry {
    /// What `run` and `show` take.
    pub id: &'static str,
    /// The family it belongs to.
    pub family: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// Cheat-sheet sections it answers.
    pub sections: &'static [&'static str],
    /// Whether it can run here.
    pub ready: bool,
    /// Why not, where it cannot.
    pub finding: Option<Finding>,
}

fn command(command: Command) -> Command {
    List::augment_args(command)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = List::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let family = args.family.as_deref().map(super::known_family).transpose()?;
    let recipes = recipe::all()
        .filter(|(f, _)| family.is_none_or(|only| only.name == f.name))
        .map(|(f, r)| {
            let finding = need::first_missing(r.needs);
            Entry {
                id: r.id,
                family: f.name,
                title: r.title,
                sections: r.sections,
                ready: finding.is_none(),
                finding,
            }
        })
        .collect();
    let listing = Listing { schema: 1, recipes };
    if args.json { ui.json(&listing) } else { text(&listing, ui) }
}

fn text(listing: &Listing, ui: &mut Ui) -> Result<()> {
    let width = listing.recipes.iter().map(|e| e.id.len()).max().unwrap_or(0);
    for e in &listing.recipes {
        let section = e.sections.first().copied().unwrap_or("-");
        let state = match &e.finding {
            None => "ready".to_owned(),
            Some(f) => format!("missing {}", f.need),
        };
        ui.line(format_args!("{:width$}  {section:8}  {state:16}  {}", e.id, e.title))?;
    }
    Ok(())
}
