//! The why pass: every contender once more in a process of its own, counted instead of timed.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::desk;
use super::options::Options;
use crate::cpus;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::race::result::SizeResult;
use crate::race::sampling::sample;
use crate::race::{Axis, Course, Race, Workload, axis_value, clock, why};
use crate::report::{Report, WhyRecord};
use crate::ui::Ui;

/// One size stands for all: the largest up to this, where an operation still is many system calls and no long time.
const MOST_BYTES: u64 = 1 << 20;
/// Operations that one pass counts at most.
const OPERATIONS: u64 = 64;
/// Tells the other process what to do, as NAME:SIZE: not a flag, for no user types it.
const CHILD: &str = "SYSKIT_WHY_CHILD";

/// The contender and size that this process was started to run for the why pass, if it was.
pub(super) fn asked_for() -> Option<(String, u64)> {
    let text = std::env::var(CHILD).ok()?;
    let (name, size) = text.rsplit_once(':')?;
    Some((name.to_owned(), size.parse().ok()?))
}

/// Explains every contender that was measured at the representative size.
pub(super) fn explain_all(
    race: &'static dyn Race,
    matches: &ArgMatches,
    options: &Options,
    report: &Report,
    ui: &mut Ui,
) -> Vec<WhyRecord> {
    let Some(result) = representative(&report.sizes, report.axis) else { return Vec::new() };
    let measured = result.lanes.iter().filter(|l| l.outcome.measured().is_some()).map(|l| l.contender.as_str());
    let bar = ui.progress.then(desk::line);
    let mut records = Vec::new();
    for contender in measured {
        if interrupt::asked() {
            break;
        }
        if let Some(bar) = &bar {
            bar.set_message(format!("why: {contender} at {}", axis_value(report.axis, result.size)));
            bar.tick();
        }
        let found = why::explain(again(race, matches, options, contender, result.size));
        let (why, trouble) = match found {
            Ok(why) => (Some(why), None),
            Err(e) => (None, Some(e.to_string())),
        };
        records.push(WhyRecord { contender: contender.to_owned(), size: result.size, why, trouble });
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    records
}

/// The largest size that is not too large, without those that a sweep added.
fn representative(sizes: &[SizeResult], axis: Axis) -> Option<&SizeResult> {
    let raced = || sizes.iter().filter(|s| !s.swept && s.contenders().next().is_some());
    raced().rfind(|s| axis != Axis::Bytes || s.size <= MOST_BYTES).or_else(|| raced().next())
}

/// This program again, with the same race flags, for one contender at one size.
fn again(race: &'static dyn Race, matches: &ArgMatches, options: &Options, contender: &str, size: u64) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg("bench").arg(race.name()).env(CHILD, format!("{contender}:{size}"));
    if let Some(list) = &options.cpu {
        command.arg("--cpu").arg(cpus::list(list));
    }
    command.args(race_flags(race, matches)).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// The race's own flags as they were given.
fn race_flags(race: &'static dyn Race, matches: &ArgMatches) -> Vec<OsString> {
    let known = race.flags(clap::Command::new("flags"));
    let mut words = Vec::new();
    for arg in known.get_arguments() {
        let id = arg.get_id().as_str();
        let (Some(long), Some(ValueSource::CommandLine)) = (arg.get_long(), matches.value_source(id)) else {
            continue;
        };
        match matches.get_raw(id) {
            Some(values) if arg.get_action().takes_values() => {
                for value in values {
                    let mut word = OsString::from(format!("--{long}="));
                    word.push(value);
                    words.push(word);
                }
            }
            _ => words.push(format!("--{long}").into()),
        }
    }
    words
}

/// The other process: readies one contender, lets it run once verified, and hands it over to be counted.
pub(super) fn child(race: &'static dyn Race, course: &dyn Course, contender: &str, size: u64) -> Result<()> {
    let entrant = race.entrants().iter().position(|e| e.name == contender);
    let entrant = entrant.ok_or_else(|| Error::usage(format!("no contender '{contender}'")))?;
    let workload = Workload { size };
    let mut track = course.prepare(&workload)?;
    track.enter(entrant)?;
    sample(&mut *track, &clock::Monotonic::new(), entrant, 1)?;
    why::child(&mut *track, entrant, course.most_operations(&workload).clamp(1, OPERATIONS))
}
