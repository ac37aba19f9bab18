//! `syskit run`: executes recipes for real, shows what they showed, counts what passed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use anstyle::{AnsiColor, Style};
use clap::{ArgMatches, Args, Command};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::suggest::suggested;
use crate::demo::Demo;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::need::{self, Finding};
use crate::recipe::{self, Recipe};
use crate::ui::Ui;
use crate::units;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "run", command, run, schemas: &[("run", || schema_for!(RunReport))] };

/// Run recipes for real: each makes its own input, verifies its result, cleans up
///
/// Exit status 0 when all that could run passed. A recipe that was named and cannot run on this host gives 3 (4
/// where only the permission is missing); with --all and --family only --strict does that. 5 when a result was
/// wrong, 1 when a recipe failed.
#[derive(Args)]
struct Run {
    /// The recipes to run (see `syskit list`)
    #[arg(value_name = "ID", required_unless_present_any = ["family", "all"])]
    ids: Vec<String>,
    /// Every recipe of this family
    #[arg(long, short, value_name = "FAMILY", conflicts_with_all = ["ids", "all"])]
    family: Option<String>,
    /// Every recipe
    #[arg(long, short, conflicts_with = "ids")]
    all: bool,
    /// At the cheat sheet's own scale, where a recipe does less of it by default (may take minutes)
    #[arg(long)]
    full: bool,
    /// What cannot run on this host counts as a failure (exit 3)
    #[arg(long)]
    strict: bool,
    /// Only what did not pass, and the summary
    #[arg(long, short)]
    quiet: bool,
    /// Print a JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// The document that `syskit run --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct RunReport {
    /// Version of this document's form.
    pub schema: u32,
    /// What came of each recipe, in the order they ran.
    pub recipes: Vec<Ran>,
    /// How many verified their result.
    pub passed: usize,
    /// How many failed or gave a wrong result.
    pub failed: usize,
    /// How many cannot run on this host.
    pub unavailable: usize,
    /// True when Ctrl-C came before the last one.
    pub interrupted: bool,
}

/// What came of one recipe.
#[derive(Serialize, JsonSchema)]
pub struct Ran {
    /// The recipe.
    pub id: &'static str,
    /// Passed, failed, wrong or unavailable.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub error: Option<String>,
    /// The need that is not met, where that is why.
    pub finding: Option<Finding>,
    /// What it showed, timed and checked.
    #[serde(flatten)]
    pub demo: Demo,
    /// Wall-clock time of the whole recipe.
    pub nanoseconds: u64,
    #[serde(skip)]
    exit_code: u8,
}

/// How a recipe ended.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran and every check held.
    Passed,
    /// It could not be completed.
    Failed,
    /// It completed and its result is wrong.
    Wrong,
    /// This host cannot run it.
    Unavailable,
}

fn command(command: Command) -> Command {
    Run::augment_args(command)
        .mut_arg("ids", |a| suggested(a, super::recipe_ids()))
        .mut_arg("family", |a| suggested(a, super::families()))
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = super::parsed::<Run>(matches)?;
    let chosen = chosen(&args)?;
    let mut ran = Vec::new();
    for recipe in &chosen {
        if interrupt::asked() {
            break;
        }
        let one = execute(recipe, args.full);
        if !args.json {
            text(recipe, &one, args.quiet, ui)?;
            ui.flush()?;
        }
        ran.push(one);
    }
    let report = summed(ran, chosen.len());
    if args.json {
        ui.json(&report)?;
    } else if chosen.len() > 1 || args.quiet {
        ui.line(summary(&report))?;
    }
    verdict(&report, args.strict || !args.ids.is_empty())
}

fn chosen(args: &Run) -> Result<Vec<&'static Recipe>> {
    if let Some(name) = &args.family {
        return Ok(super::known_family(name)?.recipes.to_vec());
    }
    if args.all {
        return Ok(recipe::all().map(|(_, r)| r).collect());
    }
    args.ids.iter().map(|id| recipe::find(id).map(|(_, r)| r).ok_or_else(|| super::unknown_recipe(id))).collect()
}

fn execute(recipe: &'static Recipe, full: bool) -> Ran {
    let started = Instant::now();
    let mut demo = Demo::of_scale(full);
    let finding = need::first_missing(recipe.needs);
    let done = match &finding {
        Some(finding) => Err(Error::finding(finding)),
        None => {
            catch_unwind(AssertUnwindSafe(|| (recipe.run)(&mut demo))).unwrap_or_else(|panic| Err(panicked(&panic)))
        }
    };
    let outcome = match done.as_ref().map_err(|e| e.kind) {
        Ok(()) => Outcome::Passed,
        Err(Kind::Wrong) => Outcome::Wrong,
        Err(Kind::Unavailable | Kind::Denied) => Outcome::Unavailable,
        Err(_) => Outcome::Failed,
    };
    Ran {
        id: recipe.id,
        outcome,
        exit_code: done.as_ref().err().map_or(0, Error::exit_code),
        error: done.err().map(|e| e.to_string()),
        finding,
        demo,
        nanoseconds: started.elapsed().as_nanos() as u64,
    }
}

fn panicked(payload: &Box<dyn std::any::Any + Send>) -> Error {
    let words = payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied());
    Error::failed(format!("the recipe panicked: {}", words.unwrap_or("without words")))
}

fn summed(recipes: Vec<Ran>, wanted: usize) -> RunReport {
    let count = |which: &[Outcome]| recipes.iter().filter(|r| which.contains(&r.outcome)).count();
    RunReport {
        schema: 1,
        passed: count(&[Outcome::Passed]),
        failed: count(&[Outcome::Failed, Outcome::Wrong]),
        unavailable: count(&[Outcome::Unavailable]),
        interrupted: recipes.len() < wanted,
        recipes,
    }
}

fn verdict(report: &RunReport, findings_count: bool) -> Result<()> {
    let first = |outcome| report.recipes.iter().find(|r| r.outcome == outcome);
    let all = |outcome| {
        let ids = report.recipes.iter().filter(|r| r.outcome == outcome).map(|r| r.id);
        Some(ids.collect::<Vec<_>>()).filter(|ids| !ids.is_empty()).map(|ids| ids.join(", "))
    };
    if let Some(ids) = all(Outcome::Wrong) {
        return Err(Error::wrong(format!("wrong result: {ids}")));
    }
    if let Some(ids) = all(Outcome::Failed) {
        return Err(Error::failed(format!("failed: {ids}")));
    }
    if report.interrupted {
        return Err(Error::failed("interrupted before the last recipe"));
    }
    match first(Outcome::Unavailable).filter(|_| findings_count) {
        Some(missing) => {
            let mut error = Error::unavailable(format!("{} cannot run on this host", missing.id));
            if missing.exit_code == Kind::Denied as u8 {
                error.kind = Kind::Denied;
            }
            Err(error)
        }
        None => Ok(()),
    }
}

fn text(recipe: &Recipe, ran: &Ran, quiet: bool, ui: &mut Ui) -> Result<()> {
    if quiet && ran.outcome == Outcome::Passed {
        return Ok(());
    }
    let heading = ui.paint(Style::new().bold(), recipe.id);
    ui.line(format_args!("{heading}: {}", recipe.title))?;
    for line in &ran.demo.output {
        ui.line(format_args!("  {line}"))?;
    }
    for t in &ran.demo.timings {
        let ns = t.nanoseconds as f64;
        let rate = t.bytes.filter(|b| *b > 0).map(|b| format!("  {}", units::rate(b, ns))).unwrap_or_default();
        ui.line(format_args!("  time   {}: {}{rate}", t.what, units::nanoseconds(ns)))?;
    }
    for check in &ran.demo.checks {
        match &check.mismatch {
            None => ui.line(format_args!("  check  {}", check.what))?,
            Some(mismatch) => ui.line(format_args!("  WRONG  {}: {mismatch}", check.what))?,
        }
    }
    let (word, color) = match ran.outcome {
        Outcome::Passed => ("passed", AnsiColor::Green),
        Outcome::Failed => ("failed", AnsiColor::Red),
        Outcome::Wrong => ("wrong", AnsiColor::Red),
        Outcome::Unavailable => ("unavailable", AnsiColor::Yellow),
    };
    let word = ui.paint(Style::new().fg_color(Some(color.into())), word);
    let took = units::nanoseconds(ran.nanoseconds as f64);
    match &ran.error {
        None => ui.line(format_args!("  {word} in {took}")),
        Some(why) => ui.line(format_args!("  {word}: {why}")),
    }
}

fn summary(report: &RunReport) -> String {
    let interrupted = if report.interrupted { ", interrupted" } else { "" };
    format!(
        "{} passed, {} failed, {} unavailable on this host{interrupted}",
        report.passed, report.failed, report.unavailable
    )
}
