//! What `syskit crypt encrypt` and `decrypt` share: their arguments, where keys come from, how input is read and output
//! written, and the two ways between them, the form of syskit and the raw modes.

mod document;
pub mod input;
pub mod key_file;
pub mod open;
pub mod output;
mod passphrase;
mod raw;
pub mod seal;
mod via;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::PossibleValuesParser;

pub use document::{FileDocument, How};
use input::{INTERRUPTED, Input};
use output::Output;
pub use passphrase::ask;
pub use raw::raw;
use seal::Done;
pub use via::choose;

use crate::draft::Publish;
use crate::error::{Error, Result};
use crate::progress::Bar;
use crate::ui::Ui;

/// What both take.
#[derive(Args, Debug)]
pub struct Common {
    /// The file; - is standard input
    #[arg(value_name = "SRC")]
    pub src: PathBuf,
    /// Where to; - is standard output
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// The file that holds the key: only its owner may read it; a pipe will do
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Who computes; auto takes the first library that has the algorithm
    #[arg(long, value_name = "BACKEND", default_value = "auto", value_parser = PossibleValuesParser::new(via::names()))]
    pub via: String,
    /// Replace an output that exists
    #[arg(long, short)]
    pub force: bool,
    /// Return only when the output and its name are on the disk
    #[arg(long)]
    pub fsync: bool,
    /// A bare cipher without authentication, as `openssl enc -K -iv` has it
    #[arg(long, requires = "algorithm", conflicts_with = "passphrase")]
    pub raw: bool,
    /// With --raw: the initialisation vector in hexadecimal digits
    #[arg(long, value_name = "HEX", requires = "raw", conflicts_with = "iv_file")]
    pub iv: Option<String>,
    /// With --raw: the file that holds the initialisation vector, as bytes or hexadecimal digits
    #[arg(long, value_name = "FILE", requires = "raw")]
    pub iv_file: Option<PathBuf>,
    /// With --raw: no padding (PKCS #7) of cbc and ecb; the length must be whole blocks
    #[arg(long, requires = "raw")]
    pub no_padding: bool,
    /// Print a JSON document about it on standard output
    #[arg(long)]
    pub json: bool,
    /// Say nothing unless it fails
    #[arg(long, short)]
    pub quiet: bool,
}

/// Everything that is open while a file is encrypted or decrypted.
pub struct Job<'a> {
    /// The arguments.
    pub args: &'a Common,
    /// Whether to encrypt.
    pub encrypt: bool,
    /// What is read.
    pub input: Input,
    /// What is written.
    pub output: Output,
    start: Instant,
}

impl<'a> Job<'a> {
    /// Opens the source and looks at the output, before a passphrase is asked for.
    pub fn new(args: &'a Common, encrypt: bool) -> Result<Self> {
        // A file-size limit (RLIMIT_FSIZE) is to be an errno (EFBIG) with words to it, not the end of the process.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
        key_file::guard_memory();
        let path = match &args.output {
            Some(path) => path.clone(),
            None if args.raw => return Err(Error::usage("a raw mode has no suffix").fix("name the output with -o")),
            None => output::default_name(&args.src, encrypt)?,
        };
        if args.key_file.as_ref().is_some_and(|k| k.as_os_str() == "-") && args.src.as_os_str() == "-" {
            return Err(Error::usage("the key and the source cannot both come from standard input"));
        }
        let input = Input::open(&args.src)?;
        let publish = Publish { replace: args.force, durable: args.fsync };
        let output = Output::resolve(&path, Some(input.source()), publish)?;
        let (standard, terminal) = output.standard();
        if standard && args.json {
            return Err(Error::usage("the result and --json cannot both go to standard output"));
        }
        if terminal && encrypt {
            return Err(Error::usage("what is encrypted is no text for a terminal").fix("name a file with -o"));
        }
        if output.is_stream() && args.fsync {
            return Err(Error::usage(format!("--fsync needs a regular file; {} is none", output.shown())));
        }
        Ok(Job { args, encrypt, input, output, start: Instant::now() })
    }

    /// The key file that was named, on the command line or in the environment.
    pub fn key_file(&self) -> Option<PathBuf> {
        self.args.key_file.clone().or_else(key_file::from_environment)
    }

    /// Starts the clock anew, when a passphrase has been typed.
    pub fn restart(&mut self) {
        self.start = Instant::now();
    }

    /// A progress line, where one is wanted.
    pub fn bar(&self, ui: &Ui) -> Bar {
        Bar::new(ui.progress && !self.args.quiet, self.input.size())
    }

    /// Adds what is left of the output to the error of an interruption.
    pub fn explained(&self, error: Error) -> Error {
        match error.what == INTERRUPTED {
            true => Error { what: format!("{INTERRUPTED}: {}", self.output.left()), ..error },
            false => error,
        }
    }

    /// Puts the source and what is left of the output into an error about the source's content.
    pub fn about_source(&self, error: Error) -> Error {
        if error.call.is_some() || !error.what.starts_with("it") {
            return error;
        }
        let verb = if self.encrypt { "encrypt" } else { "decrypt" };
        let what = format!("cannot {verb} {}: {}", self.input.source().shown(), error.what);
        let left = self.output.left();
        let fix = error.fix.as_ref().map_or(left.clone(), |fix| format!("{left}; {fix}"));
        Error { what, ..error }.fix(fix)
    }

    /// Gives the output its name and tells what was done.
    pub fn finish(&mut self, how: &How, done: Done, ui: &mut Ui) -> Result<()> {
        self.input.go_on()?;
        self.output.finish()?;
        let took: Duration = self.start.elapsed();
        let names = (self.input.source().named(), self.output.shown().to_owned());
        let document = FileDocument::new(names, how, done, took);
        if self.args.json {
            ui.json(&document)?;
        } else if !self.args.quiet {
            ui.note(document.summary(if self.encrypt { "encrypted" } else { "decrypted" }));
        }
        Ok(())
    }
}
