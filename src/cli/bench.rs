//! `syskit bench RACE`: races a family's contenders on this host.

mod desk;
mod list;
mod options;
mod why;

use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};

use crate::cpus;
use crate::error::{Error, Kind, Result};
use crate::host;
use crate::interrupt;
use crate::race::clock::{Clock, Monotonic};
use crate::race::engine::Engine;
use crate::race::plan::Plan;
use crate::race::result::{Outcome, SizeResult};
use crate::race::self_test::{self, SelfTest};
use crate::race::{self, Course, Race, crossover, sides, sweep};
use crate::report::{ContenderRecord, Method, Report, SCHEMA, Setting};
use crate::ui::Ui;
use crate::verb::Verb;

use super::suggest::suggested;
use desk::Desk;
use options::{Options, Output};

/// The verb.
pub static VERB: Verb = Verb { name: "bench", command, run, schemas: crate::report::SCHEMAS };

fn command(command: Command) -> Command {
    let command = command
        .about("Race the contenders of a family: verified, paired, with intervals, limit and reasons")
        .arg_required_else_help(true)
        .args_conflicts_with_subcommands(true)
        .allow_external_subcommands(true)
        .subcommand_value_name("RACE")
        .subcommand_help_heading("Races")
        .disable_help_subcommand(true)
        .arg(list_flag())
        .arg(
            Arg::new("json").long("json").action(ArgAction::SetTrue).requires("list").help("List as a JSON document"),
        );
    race::all().fold(command, |command, race| command.subcommand(race_command(race)))
}

fn race_command(race: &'static dyn Race) -> Command {
    let command = Command::new(race.name()).about(race.title()).after_help(options::AFTER_HELP);
    let names: Vec<&str> = race.entrants().iter().filter(|e| !e.limit).map(|e| e.name).collect();
    let measuring = Options::augment(command.next_help_heading("Measuring"))
        .mut_arg("only", |a| suggested(a, names.clone()))
        .mut_arg("baseline", |a| suggested(a, names));
    race.flags(measuring.arg(list_flag()).next_help_heading("This race"))
}

fn list_flag() -> Arg {
    Arg::new("list")
        .long("list")
        .action(ArgAction::SetTrue)
        .help("List races and contenders, and whether they can run")
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let Some((name, matches)) = matches.subcommand() else {
        return list::show(race::all(), matches.get_flag("json"), ui);
    };
    if let Some(race) = race::all().find(|r| r.name() == name) {
        return run_race(race, matches, ui);
    }
    // The family's name will do for its first race; its words were not parsed yet.
    let names = || race::all().map(|r| r.name());
    let race = race::find(name).ok_or_else(|| super::unknown("race", name, names()))?;
    let words = matches.get_many::<std::ffi::OsString>("").into_iter().flatten().cloned();
    let parsed = race_command(race)
        .no_binary_name(true)
        .try_get_matches_from(words)
        .map_err(|e| Error::usage(e.to_string().trim_start_matches("error: ").trim_end().to_owned()))?;
    run_race(race, &parsed, ui)
}

fn run_race(race: &'static dyn Race, matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let options = Options::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    if matches.get_flag("list") {
        return list::show(std::iter::once(race), options.output()? == Output::JsonOnly, ui);
    }
    if let Some(cpus) = &options.cpu {
        cpus::pin(cpus)?;
    }
    let course = race.configure(matches)?;
    if let Some((contender, size)) = why::asked_for() {
        return why::child(race, &*course, &contender, size);
    }
    let output = options.output()?;
    let plan = options.plan(race)?;
    options.refuse_unavailable(race)?;
    let mut report = hold(race, &*course, &plan, &options, ui);
    if !report.interrupted && options.why() {
        report.why = why::explain_all(race, matches, &options, &report, ui);
    }
    show(&report, &output, &options, ui)?;
    verdict(&report, &options)
}

/// Holds the race, and gathers what there is to report about it.
fn hold(race: &'static dyn Race, course: &dyn Course, plan: &Plan, options: &Options, ui: &mut Ui) -> Report {
    let host = host::fingerprint();
    let clock = Monotonic::new();
    let entrants = race.entrants();
    let mut desk = Desk::open(race, ui.progress);
    let began_unix_seconds = host.recorded_unix_s;
    let test_plan = self_test::plan(plan);
    let plan_used = if options.self_test { &test_plan } else { plan };
    let mut engine = Engine::new(course, race.axis(), &entrants, plan_used, &clock, &mut desk);
    let (sizes, self_test): (Vec<SizeResult>, Option<SelfTest>) = match (options.self_test, options.sweep) {
        (true, _) => (Vec::new(), Some(self_test::run(&mut engine, &plan.lanes[plan.baseline].name))),
        (_, true) => (sweep::run(&mut engine), None),
        (_, false) => (engine.run(), None),
    };
    let elapsed_ns = engine.elapsed_ns();
    let lanes = plan.lanes.iter().map(|l| &entrants[l.entrant]);
    Report {
        schema: SCHEMA,
        syskit: env!("CARGO_PKG_VERSION").to_owned(),
        began_unix_seconds,
        race: race.name().to_owned(),
        title: race.title().to_owned(),
        axis: race.axis(),
        settings: course.settings().into_iter().map(|(name, value)| Setting { name, value }).collect(),
        method: Method::of(plan_used, options.sweep, options.cpu.clone(), clock.resolution_ns()),
        interrupted: interrupt::asked(),
        elapsed_ns,
        host,
        noise: desk.close(),
        contenders: lanes
            .map(|e| ContenderRecord {
                name: e.name.to_owned(),
                title: e.title.to_owned(),
                limit: e.limit,
                group: e.group.map(str::to_owned),
            })
            .collect(),
        crossovers: crossover::find(&sizes),
        sides: sides::find(&sizes),
        sizes,
        why: Vec::new(),
        self_test,
    }
}

fn show(report: &Report, output: &Output, options: &Options, ui: &mut Ui) -> Result<()> {
    match output {
        Output::JsonOnly => ui.json(report),
        Output::Text => options.view()(report, ui),
        Output::TextAndFile(path) => {
            // Whichever of the two fails, the other is not lost: a race takes its time.
            let saved = crate::report::save(report, path);
            options.view()(report, ui).and(saved)
        }
    }
}

/// The exit code: a wrong result outranks a failure, that a contender that was named and is not available.
fn verdict(report: &Report, options: &Options) -> Result<()> {
    let find = |wanted: fn(&Outcome) -> bool| report.outcomes().find(|(_, _, o)| wanted(o));
    let at = |size: &SizeResult| race::axis_value(report.axis, size.size);
    if let Some((size, who, Outcome::Wrong { mismatch })) = find(|o| matches!(o, Outcome::Wrong { .. })) {
        return Err(Error::wrong(format!("{who} at {}: {mismatch}", at(size))));
    }
    if let Some((size, who, Outcome::Failed { error })) = find(|o| matches!(o, Outcome::Failed { .. })) {
        return Err(Error::failed(format!("{who} at {}: {error}", at(size))));
    }
    let measured = |name: &str| report.outcomes().any(|(_, who, o)| who == name && o.measured().is_some());
    let missed = report.outcomes().find(|(_, who, o)| match o {
        Outcome::Unavailable { .. } => options.names(who) && !measured(who),
        _ => false,
    });
    let nobody = || report.outcomes().next().filter(|_| report.outcomes().all(|(.., o)| o.measured().is_none()));
    match missed.or_else(nobody) {
        Some((_, who, Outcome::Unavailable { finding, denied })) => {
            let mut e = Error::unavailable(format!("{who}: {finding}"));
            e.kind = if *denied { Kind::Denied } else { Kind::Unavailable };
            Err(e)
        }
        _ => Ok(()),
    }
}
