//! `syskit copy`: copy a file so that it can be trusted, by any of the family's methods.

mod document;
mod extents;
mod method;
mod mode;
mod pour;
mod stream;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};

pub use document::{Changed, CopyDocument, PassedOver};
use method::Methods;
use pour::{Pour, Poured};

use crate::draft::{Draft, Publish};
use crate::error::{Error, Result};
use crate::source::Source;
use crate::target::Target;
use crate::ui::Ui;
use crate::units;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb =
    Verb { name: "copy", command, run, schemas: &[("copy", || schemars::schema_for!(CopyDocument))] };

/// Copy a file: holes stay holes, the mode is kept, DST is replaced in one step or not at all
#[derive(Args)]
struct Copy {
    /// What to copy: a file, a FIFO, a device, a file of /proc; - is standard input
    #[arg(value_name = "SRC")]
    src: PathBuf,
    /// Where to: a new name, a file to replace, a directory to copy into, a device or FIFO to write to; - is standard
    /// output
    #[arg(value_name = "DST")]
    dst: PathBuf,
    /// How to move the bytes; auto takes the first that these two files can do
    #[arg(long, value_name = "METHOD", default_value = "auto", value_parser = PossibleValuesParser::new(method::names()))]
    via: String,
    /// Read source and copy again (the copy from its disk, where that can be had) and compare before DST is replaced
    #[arg(long)]
    verify: bool,
    /// Return only when the copy and its name are on the disk
    #[arg(long)]
    fsync: bool,
    /// Print a JSON document about the copy on standard output
    #[arg(long)]
    json: bool,
    /// Say nothing unless it fails
    #[arg(long, short)]
    quiet: bool,
}

const AFTER: &str = "\
DST gets a new file of yours: other hard links to the old one keep the old content. The mode is the source's; \
set-user-ID and set-group-ID bits only where owner and group are the same too. Extended attributes, ACLs and times \
are not copied. A source that grows is copied up to the size it had at the start; one that shrinks is an error.";

fn command(command: Command) -> Command {
    Copy::augment_args(command).after_help(AFTER)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Copy::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    // A file-size limit (RLIMIT_FSIZE) is to be an errno (EFBIG) with words to it, not the end of the process.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
    copy(&args, ui).map_err(|e| e.within("copy"))
}

fn copy(args: &Copy, ui: &mut Ui) -> Result<()> {
    let start = Instant::now();
    let source = Source::open(&args.src)?;
    let target = Target::resolve(&args.dst, Some(&source))?;
    if args.json && matches!(&target, Target::InPlace { standard_output: true, .. }) {
        return Err(Error::usage("the copy and --json cannot both go to standard output"));
    }
    let poured = match target {
        Target::InPlace { file, name, .. } => {
            if args.verify || args.fsync {
                return Err(Error::usage(format!("--verify and --fsync need a regular file; {name} is none")));
            }
            let names = (name, "part of it was written".to_owned());
            pour_into(args, &source, &file, names, false, ui)?
        }
        Target::Place(place) => {
            let draft = Draft::new(&place, mode::first(&source))?;
            let poured = pour_into(args, &source, draft.file(), (place.shown.clone(), place.left()), true, ui)?;
            mode::keep(&draft, &source)?;
            if args.verify {
                verify::same(&source, draft.file(), &place.left())?;
            }
            draft.publish(&place, Publish { replace: true, durable: args.fsync })?;
            poured
        }
    };
    let document = CopyDocument::new(&source, poured, args.verify, start.elapsed());
    if args.json {
        ui.json(&document)?;
    }
    if !args.quiet {
        document.notes.iter().for_each(|note| ui.note(format_args!("syskit: copy: {note}")));
        if !args.json {
            ui.note(document.summary());
        }
    }
    Ok(())
}

fn pour_into(
    args: &Copy,
    source: &Source,
    dst: &std::fs::File,
    (name, left): (String, String),
    ours: bool,
    ui: &Ui,
) -> Result<Poured> {
    let methods = Methods::new(&args.via, source, ours);
    let progress = ui.progress && !args.quiet;
    Pour { source, dst, name, left, ours, methods, progress }.run()
}

/// "1 MiB", and bytes where that is shorter.
fn amount(bytes: u64) -> String {
    units::bytes(bytes)
}
