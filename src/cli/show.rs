//! `syskit show`: the page of a recipe and the source that runs.

use clap::{ArgMatches, Args, Command};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::highlight::highlight;
use super::suggest::suggested;
use crate::error::Result;
use crate::recipe::{self, Family, Recipe};
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "show", command, run, schemas: &[("show", || schema_for!(Shown))] };

/// Show a recipe: its page, and the very source that `syskit run` executes
///
/// Names a recipe (see `syskit list`) or a family, whose whole page is shown.
#[derive(Args)]
struct Show {
    /// A recipe's id, or a family's name
    #[arg(value_name = "ID")]
    id: String,
    /// Leave the source out
    #[arg(long)]
    no_source: bool,
    /// Print a JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// The document that `syskit show --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct Shown {
    /// Version of this document's form.
    pub schema: u32,
    /// What was asked for.
    pub id: &'static str,
    /// The family it belongs to, or is.
    pub family: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Cheat-sheet sections it answers.
    pub sections: &'static [&'static str],
    /// Ids of the needs it has of the host.
    pub needs: Vec<&'static str>,
    /// The page, in Markdown.
    pub page: &'static str,
    /// The Rust source; absent for a family and with `--no-source`.
    pub source: Option<&'static str>,
}

fn command(command: Command) -> Command {
    let words = super::recipe_ids().into_iter().chain(super::families()).collect();
    Show::augment_args(command).mut_arg("id", |a| suggested(a, words))
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = super::parsed::<Show>(matches)?;
    let mut shown = match recipe::find(&args.id) {
        Some((family, recipe)) => of_recipe(family, recipe),
        None => of_family(recipe::find_family(&args.id).ok_or_else(|| super::unknown_recipe(&args.id))?),
    };
    if args.no_source {
        shown.source = None;
    }
    if args.json { ui.json(&shown) } else { text(&shown, ui) }
}

fn of_recipe(family: &'static Family, recipe: &'static Recipe) -> Shown {
    Shown {
        schema: 1,
        id: recipe.id,
        family: family.name,
        title: recipe.title,
        sections: recipe.sections,
        needs: recipe.needs.iter().map(|n| n.id).collect(),
        page: family.page_of(recipe.id).unwrap_or_default(),
        source: Some(recipe.source),
    }
}

fn of_family(family: &'static Family) -> Shown {
    Shown {
        schema: 1,
        id: family.name,
        family: family.name,
        title: family.title,
        sections: &[],
        needs: Vec::new(),
        page: family.page,
        source: None,
    }
}

fn text(shown: &Shown, ui: &mut Ui) -> Result<()> {
    let parts = [(Some(shown.page), "md"), (shown.source, "rs")];
    for (i, (text, extension)) in parts.into_iter().filter_map(|(t, e)| Some((t?, e))).enumerate() {
        if i > 0 {
            ui.line("")?;
        }
        // [..] is for the page's tests; people read it as an ellipsis.
        let text = text.trim_end().replace("[..]", "...");
        if ui.color { ui.line(highlight(&text, extension))? } else { ui.line(text)? }
    }
    Ok(())
}
