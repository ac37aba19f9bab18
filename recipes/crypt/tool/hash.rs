//! `syskit crypt hash`: digests of files in the form of sha256sum(1), and the check of such lists.

mod check;
mod digester;
mod document;
mod in_order;
mod input;
mod kernel;
mod line;
mod names;
mod output;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use digester::{Digested, Digester, Plan};
pub use document::HashDocument;
use line::Style;
pub use line::hex;
use output::Output;

use super::file::key_file;
use crate::error::{Error, Result};
use crate::progress::Bar;
use crate::recipes::crypt::algorithm::{Algorithm, Kind};
use crate::sys::secret::Secret;
use crate::ui::Ui;
use crate::verb::{Document, Verb};

/// The action.
pub static VERB: Verb = Verb { name: "hash", command, run, schemas: &[SCHEMA] };

/// The document of `--json`.
pub const SCHEMA: Document = ("crypt-hash", || schemars::schema_for!(HashDocument));

/// Digests of files in the form of sha256sum, and the check of such lists
///
/// What cannot be read is reported and the rest is done (exit 1). Lists that this writes are read by sha256sum, b2sum
/// and their like, and the other way round.
#[derive(Args)]
struct Hash {
    /// What to digest; with --check, lists of checksums. - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<OsString>,
    /// The digest, by its name in OpenSSL, coreutils or the kernel (sha256, BLAKE2b, sha3-256, "hmac(sha256)")
    #[arg(long, short, value_name = "NAME")]
    algorithm: Option<String>,
    /// For hmac and cmac: the file with the key, which only its owner may read
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Who computes: the kernel (af_alg) or a library
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = PossibleValuesParser::new(digester::names()))]
    via: String,
    /// Lines in BSD's form: SHA256 (FILE) = DIGEST
    #[arg(long, conflicts_with_all = ["check", "text"])]
    tag: bool,
    /// Mark names with *, as sha256sum --binary does (the digest is the same)
    #[arg(long, short, overrides_with = "text")]
    binary: bool,
    /// No mark (the default)
    #[arg(long, short, overrides_with = "binary")]
    text: bool,
    /// End lines in NUL instead of newline, and escape no names
    #[arg(long, short, conflicts_with = "check")]
    zero: bool,
    /// Read FILEs as lists of checksums and check what they list
    #[arg(long, short)]
    check: bool,
    /// With --check: no line for what matches
    #[arg(long, requires = "check", overrides_with_all = ["status", "warn"])]
    quiet: bool,
    /// With --check: no output, the exit status tells
    #[arg(long, requires = "check", overrides_with_all = ["quiet", "warn"])]
    status: bool,
    /// With --check: a line that is no checksum is a failure
    #[arg(long, requires = "check")]
    strict: bool,
    /// With --check: leave out files that do not exist
    #[arg(long, requires = "check")]
    ignore_missing: bool,
    /// With --check: say which lines are no checksums
    #[arg(long, short, requires = "check", overrides_with_all = ["quiet", "status"])]
    warn: bool,
    /// Print a JSON document instead of lines
    #[arg(long, conflicts_with_all = ["tag", "zero", "binary", "text"])]
    json: bool,
}

/// A file to digest, and what is expected of it.
struct Job {
    algorithm: &'static Algorithm,
    name: OsString,
    expected: Option<Vec<u8>>,
    /// Not a regular file: such are read one after the other, by the thread that sees Ctrl-C.
    apart: bool,
}

fn command(command: Command) -> Command {
    Hash::augment_args(command)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Hash::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let algorithm = names::named(args.algorithm.as_deref().unwrap_or("sha256"))?;
    let key = match (algorithm.kind, &args.key_file) {
        (Kind::Mac(_), Some(path)) => Some(key(path, algorithm)?),
        (Kind::Mac(_), None) => {
            return Err(Error::usage(format!("{} needs a key", algorithm.name))
                .fix("name a file that holds it: --key-file FILE"));
        }
        (_, Some(_)) => {
            return Err(
                Error::usage(format!("{} takes no key", algorithm.name)).fix("choose one that does: -a hmac-sha256")
            );
        }
        (_, None) => None,
    };
    let total = (ui.progress && !args.check).then(|| total_size(&args.files)).flatten();
    let plan = Plan::new(&args.via, key, Bar::new(ui.progress && !args.status, total));
    let via = plan.backend_of(algorithm)?;
    let mut digester = Digester::new(&plan)?;
    digester.ready(algorithm)?;
    let mut output = Output::new(&args, ui, &plan, HashDocument::new(algorithm, via));
    if args.check {
        check::lists(&args, algorithm, &mut digester, &plan, &mut output)?;
    } else {
        let jobs: Vec<Job> = args.files.iter().map(|name| Job::new(algorithm, name.clone(), None)).collect();
        digest_all(&jobs, &mut digester, &plan, &mut |job, done| output.file(job, done))?;
    }
    output.end()
}

/// Digests every job and hands the results on in order.
fn digest_all<'a>(
    jobs: &[Job],
    own: &mut Digester<'a>,
    plan: &'a Plan,
    sink: &mut dyn FnMut(&Job, Result<Digested>) -> Result<()>,
) -> Result<()> {
    let work = |digester: &mut Digester<'a>, job: &Job| digester.digest(job.algorithm, &job.name);
    for run in jobs.chunk_by(|a, b| !a.apart && !b.apart) {
        in_order::in_order(run, plan.processors - 1, own, || Digester::new(plan), work, &mut *sink)?;
    }
    Ok(())
}

impl Job {
    fn new(algorithm: &'static Algorithm, name: OsString, expected: Option<Vec<u8>>) -> Self {
        let apart = name == "-" || std::fs::metadata(&name).is_ok_and(|m| !m.is_file());
        Job { algorithm, name, expected, apart }
    }
}

/// The bytes of all files together, where all are regular files.
fn total_size(names: &[OsString]) -> Option<u64> {
    let size = |name: &OsString| std::fs::metadata(name).ok().filter(|m| m.is_file() && *name != *OsStr::new("-"));
    names.iter().map(|name| size(name).map(|m| m.len())).sum()
}

fn key(path: &Path, algorithm: &Algorithm) -> Result<Secret> {
    key_file::guard_memory();
    match algorithm.key_len {
        Some(len) => key_file::load(path, len),
        None => key_file::load_any(path),
    }
}
