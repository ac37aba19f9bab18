//! `syskit crypt keygen`: a new random key in a file of its own.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::JsonSchema;
use serde::Serialize;

use super::file::key_file;
use super::file::output::Output;
use crate::draft::Publish;
use crate::error::{Error, Result};
use crate::recipes::crypt::format::keys::secret;
use crate::ui::Ui;
use crate::verb::{Document, Verb};

/// The subcommand.
pub static KEYGEN: Verb = Verb { name: "keygen", command, run, schemas: &[] };

/// Its document.
pub const SCHEMA: Document = ("crypt-keygen", || schemars::schema_for!(KeygenDocument));

/// Write a new random key to a file that only you may read; an existing file is never replaced
#[derive(Args, Debug)]
struct Keygen {
    /// The file to make
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Its length; the raw modes have ciphers for 16, 24, 32 and 64
    #[arg(long, value_name = "N", default_value = "32",
          value_parser = PossibleValuesParser::new(["16", "24", "32", "64"]).map(|n| n.parse::<usize>().unwrap_or(32)))]
    bytes: usize,
    /// Print a JSON document about it (never the key) on standard output
    #[arg(long)]
    json: bool,
    /// Say nothing unless it fails
    #[arg(long, short)]
    quiet: bool,
}

/// The document that `syskit crypt keygen --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
struct KeygenDocument {
    /// Version of this document's form.
    schema: u32,
    /// The file, as messages name it.
    file: String,
    /// Bytes of the key; the file has two hexadecimal digits for each, and a line feed.
    key_bytes: usize,
}

fn command(command: Command) -> Command {
    Keygen::augment_args(command)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Keygen::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    key_file::guard_memory();
    let publish = Publish { replace: false, durable: true };
    let mut output = Output::resolve(&args.file, None, publish).map_err(|e| match e.fix {
        Some(fix) if fix.starts_with("--force") => {
            Error { fix: None, ..e }.fix("what it encrypted would be lost without it; name a new file")
        }
        _ => e,
    })?;
    if output.is_stream() {
        return Err(Error::usage(format!("a key is written to a file, and {} is none", output.shown())));
    }
    let mut key = secret(args.bytes)?;
    getrandom::fill(&mut key).map_err(|e| Error::failed(format!("cannot get random bytes: getrandom: {e}")))?;
    let mut text = secret(2 * args.bytes + 1)?;
    for (pair, byte) in text.chunks_exact_mut(2).zip(key.iter()) {
        pair.copy_from_slice(&[
            b"0123456789abcdef"[usize::from(byte >> 4)],
            b"0123456789abcdef"[usize::from(byte & 15)],
        ]);
    }
    text[2 * args.bytes] = b'\n';
    output.write(&text)?;
    output.finish()?;
    let file = output.shown().to_owned();
    if args.json {
        ui.json(&KeygenDocument { schema: 1, file, key_bytes: args.bytes })?;
    } else if !args.quiet {
        ui.note(format_args!(
            "wrote a new key of {} bytes to {file}; without it what it encrypts is lost",
            args.bytes
        ));
    }
    Ok(())
}
