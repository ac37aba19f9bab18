//! The options that every race has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Command};
use nix::unistd::{AccessFlags, access};

use crate::cpus;
use crate::error::{Context, Error, Result};
use crate::need;
use crate::race::plan::{Plan, lanes};
use crate::race::{Axis, Race};
use crate::report::{FORMATS, View};
use crate::units;

pub(super) const AFTER_HELP: &str = "Exit codes: 0 done, 1 a contender failed, 2 usage, 3 a contender that was \
                                     named is not available here, 4 not permitted, 5 a contender's result was wrong.";

/// The budget of `--quick`.
const QUICK: Duration = Duration::from_secs(2);
/// `--quick` and `--self-test` leave out what is larger.
const QUICK_BYTES: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Race only these contenders (the limit is always measured along)
    #[arg(long, value_name = "A,B,...", value_delimiter = ',')]
    pub(super) only: Vec<String>,
    /// Form ratios against this contender [default: the race's first]
    #[arg(long, value_name = "NAME")]
    pub(super) baseline: Option<String>,
    /// Race at these sizes or concurrencies: 4KiB,64KiB,1M or 1,8,64
    #[arg(long, value_name = "N,...", value_delimiter = ',')]
    sizes: Vec<String>,
    /// Add sizes where the winner changes, to find the crossover
    #[arg(long, conflicts_with = "self_test")]
    pub(super) sweep: bool,
    /// Time for the whole race, verification included [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = units::parse_duration)]
    budget: Option<Duration>,
    /// Stop a size when every interval is this narrow (half its width over the ratio)
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = parse_percent)]
    precision: f64,
    /// Keep this process and its children on these CPUs: 0,2 or 0-3 or 0-14:2
    #[arg(long, value_name = "LIST", value_parser = parse_cpus)]
    pub(super) cpu: Option<CpuList>,
    /// Seed of the order within rounds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write the report with its raw samples to FILE too; with -, print only that
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// How the report is shown
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|(name, _)| *name)))]
    format: String,
    /// A first impression: three sizes of 16 MiB at most, 2 seconds, no why lines
    #[arg(long)]
    quick: bool,
    /// Race the baseline against itself: the smallest difference that can be seen on this host now
    #[arg(long, conflicts_with = "only")]
    pub(super) self_test: bool,
    /// Leave out the pass that counts system calls, switches and faults
    #[arg(long)]
    no_why: bool,
}

/// A parsed list; an alias because clap takes a bare `Vec` for an option that may be repeated.
type CpuList = Vec<usize>;

/// Where the report goes.
#[derive(Debug, PartialEq)]
pub(super) enum Output {
    Text,
    TextAndFile(PathBuf),
    JsonOnly,
}

impl Options {
    pub(super) fn augment(command: Command) -> Command {
        Self::augment_args(command)
    }

    pub(super) fn output(&self) -> Result<Output> {
        Ok(match &self.json {
            None => Output::Text,
            Some(path) if path.as_os_str() == "-" => Output::JsonOnly,
            Some(path) if path.is_dir() || path.file_name().is_none() => {
                return Err(Error::usage(format!("{} is a directory", path.display())).fix("name a file"));
            }
            Some(path) => {
                writable(path)?;
                Output::TextAndFile(path.clone())
            }
        })
    }

    /// Whether the user named this contender, so that its absence is an answer and not a remark.
    pub(super) fn names(&self, contender: &str) -> bool {
        self.only.iter().chain(&self.baseline).any(|n| n == contender)
    }

    /// Whether the why pass is wanted.
    pub(super) fn why(&self) -> bool {
        !(self.no_why || self.quick || self.self_test)
    }

    pub(super) fn view(&self) -> View {
        let named = FORMATS.iter().find(|(name, _)| *name == self.format);
        named.unwrap_or(&FORMATS[0]).1
    }

    /// The plan for `race`.
    pub(super) fn plan(&self, race: &dyn Race) -> Result<Plan> {
        let (lanes, baseline) = lanes(&race.entrants(), &self.only, self.baseline.as_deref(), race.baseline())?;
        let mut plan = Plan::new(lanes, baseline, self.sizes_of(race)?);
        let quick = self.quick.then_some(QUICK);
        if let Some(budget) = self.budget.or(quick) {
            plan.budget_ns = u64::try_from(budget.as_nanos()).unwrap_or(u64::MAX);
        }
        (plan.precision, plan.seed) = (self.precision, self.seed);
        Ok(plan)
    }

    fn sizes_of(&self, race: &dyn Race) -> Result<Vec<u64>> {
        let mut sizes = self.sizes.iter().map(|text| parse_size(race.axis(), text)).collect::<Result<Vec<_>>>()?;
        if sizes.is_empty() {
            sizes = race.sizes().to_vec();
            if self.quick || self.self_test {
                sizes = few(&sizes, race.axis());
            }
        }
        sizes.sort_unstable();
        sizes.dedup();
        Ok(sizes)
    }

    /// What was named and cannot run is an error before anything is timed.
    pub(super) fn refuse_unavailable(&self, race: &dyn Race) -> Result<()> {
        let named = race.entrants().into_iter().filter(|e| self.names(e.name));
        match named.filter_map(|e| Some((e.name, need::first_missing(e.needs)?))).next() {
            Some((name, finding)) => Err(Error::finding(&finding).within(name)),
            None => Ok(()),
        }
    }
}

/// A race takes its time: where its report cannot be written is found out before.
fn writable(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    access(parent, AccessFlags::W_OK | AccessFlags::X_OK)
        .sys("access", || format!("cannot make {}", path.display()))
        .map_err(|e| e.fix("name a file in a directory that exists and can be written"))
}

/// The first, the middle and the last of the sizes that take no long time.
fn few(sizes: &[u64], axis: Axis) -> Vec<u64> {
    let small = sizes.iter().filter(|s| axis != Axis::Bytes || **s <= QUICK_BYTES).count().max(1).min(sizes.len());
    match &sizes[..small] {
        [] => Vec::new(),
        small => vec![small[0], small[small.len() / 2], small[small.len() - 1]],
    }
}

fn parse_size(axis: Axis, text: &str) -> Result<u64> {
    match axis {
        Axis::Bytes => units::parse_bytes(text),
        Axis::Concurrency => text.trim().parse().ok().filter(|n| *n > 0).ok_or_else(|| {
            Error::usage(format!("'{text}' is not a concurrency")).fix("write whole numbers from 1 on: 1,8,64")
        }),
    }
}

/// "1%", "0.5 %", or "1": percent.
fn parse_percent(text: &str) -> Result<f64> {
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>();
    match number {
        Ok(percent) if percent > 0.0 && percent < 100.0 => Ok(percent / 100.0),
        _ => Err(Error::usage(format!("'{text}' is not a precision")).fix("write 1% or 0.5%")),
    }
}

fn parse_cpus(text: &str) -> Result<CpuList> {
    cpus::parse(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_a_percentage() {
        assert_eq!(["1%", "0.5 %", "2"].map(|t| parse_percent(t).unwrap()), [0.01, 0.005, 0.02]);
        for bad in ["", "0", "-1%", "100%", "NaN", "x", "inf"] {
            assert!(parse_percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_few_sizes_stand_for_many() {
        assert_eq!(few(&[4096, 65536, 1 << 20, 16 << 20, 1 << 30], Axis::Bytes), [4096, 1 << 20, 16 << 20]);
        assert_eq!(few(&[1 << 30], Axis::Bytes), [1 << 30, 1 << 30, 1 << 30]);
        assert_eq!(few(&[1, 8, 64], Axis::Concurrency), [1, 8, 64]);
        assert!(few(&[], Axis::Bytes).is_empty());
    }

    #[test]
    fn sizes_follow_the_axis() {
        assert_eq!(parse_size(Axis::Bytes, "64KiB").unwrap(), 65536);
        assert_eq!(parse_size(Axis::Concurrency, " 8").unwrap(), 8);
        assert!(parse_size(Axis::Concurrency, "4KiB").is_err() && parse_size(Axis::Concurrency, "0").is_err());
    }
}
