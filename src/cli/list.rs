//! `syskit list`: every recipe, the cheat-sheet sections it answers, and whether it can run on this host.

use anstyle::{AnsiColor, Style};
use clap::{ArgMatches, Args, Command};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::suggest::suggested;
use crate::error::Result;
use crate::need::{self, Finding};
use crate::recipe;
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "list", command, run, schemas: &[("list", || schema_for!(Listing))] };

/// List the recipes: id, cheat-sheet section, and whether it can run on this host
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
    List::augment_args(command).mut_arg("family", |a| suggested(a, super::families()))
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = super::parsed::<List>(matches)?;
    let family = args.family.as_deref().map(super::known_family).transpose()?;
    let recipes = recipe::all().filter(|(f, _)| family.is_none_or(|only| only.name == f.name));
    let listing = Listing { schema: 1, recipes: recipes.map(|(f, r)| entry(f, r)).collect() };
    if args.json { ui.json(&listing) } else { text(&listing, ui) }
}

fn entry(family: &recipe::Family, recipe: &recipe::Recipe) -> Entry {
    let finding = need::first_missing(recipe.needs);
    Entry {
        id: recipe.id,
        family: family.name,
        title: recipe.title,
        sections: recipe.sections,
        ready: finding.is_none(),
        finding,
    }
}

fn text(listing: &Listing, ui: &mut Ui) -> Result<()> {
    let width = |of: fn(&Entry) -> usize| listing.recipes.iter().map(of).max().unwrap_or(0).max(7);
    let (ids, families) = (width(|e| e.id.len()), width(|e| e.family.len()));
    ui.line(ui.paint(
        Style::new().bold(),
        format_args!("{:ids$}  {:families$}  {:8}  {:8}  SHOWS", "RECIPE", "FAMILY", "SECTION", "HERE"),
    ))?;
    for e in &listing.recipes {
        let (state, style) = match e.ready {
            true => ("ready", Style::new().fg_color(Some(AnsiColor::Green.into()))),
            false => ("missing", Style::new().fg_color(Some(AnsiColor::Yellow.into()))),
        };
        let state = ui.paint(style, format_args!("{state:8}"));
        let section = if e.sections.is_empty() { "-".to_owned() } else { e.sections.join(",") };
        ui.line(format_args!("{:ids$}  {:families$}  {section:8}  {state}  {}", e.id, e.family, e.title))?;
    }
    for finding in listing.recipes.iter().filter_map(|e| e.finding.as_ref().map(|f| (e.id, f))) {
        ui.note(format_args!("{}: {}", finding.0, finding.1));
    }
    Ok(())
}
