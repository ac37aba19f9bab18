//! `syskit crypt random`: random bytes, from the source of one's choice.

use std::io::{IsTerminal, stdout};

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::JsonSchema;
use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use super::hash::hex;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::need;
use crate::progress::Bar;
use crate::recipes::crypt::random::{RACE, Random};
use crate::ui::{Ui, output_error};
use crate::units;
use crate::verb::{Document, Verb};

/// The action.
pub static VERB: Verb = Verb { name: "random", command, run, schemas: &[SCHEMA] };

/// The document of `--json`.
pub const SCHEMA: Document = ("crypt-random", || schemars::schema_for!(RandomDocument));

/// Random bytes from the kernel, raw or as text
///
/// All sources are fit for keys. `syskit bench random` compares them.
#[derive(Args)]
struct RandomArgs {
    /// How many bytes: 32, 4KiB, 1MiB
    #[arg(value_name = "N", default_value = "32", value_parser = |text: &str| units::parse_bytes(text).map_err(|e| e.to_string()))]
    count: u64,
    /// As hexadecimal digits and a newline
    #[arg(long, conflicts_with_all = ["base64", "json"])]
    hex: bool,
    /// As base64 (RFC 4648) on one line
    #[arg(long, conflicts_with = "json")]
    base64: bool,
    /// Where from: rng is the kernel's crypto API (AF_ALG)
    #[arg(long, value_name = "SOURCE", default_value = "getrandom", value_parser = PossibleValuesParser::new(names()))]
    via: String,
    /// Print a JSON document with the digits (1 MiB at most)
    #[arg(long)]
    json: bool,
}

/// The document that `syskit crypt random --json` prints.
#[derive(Serialize, JsonSchema)]
pub struct RandomDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// Where the bytes come from.
    pub via: &'static str,
    /// How many there are.
    pub bytes: u64,
    /// They themselves, in hexadecimal.
    pub hex: String,
}

/// Bytes at a time: a multiple of three, so that base64 is padded at the end only.
const PIECE: usize = 48 << 10;
/// The most that a document holds.
const MOST_JSON: u64 = 1 << 20;

fn names() -> impl Iterator<Item = &'static str> {
    RACE.contenders.iter().map(|c| c.name)
}

fn command(command: Command) -> Command {
    RandomArgs::augment_args(command)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = RandomArgs::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let raw = !args.hex && !args.base64 && !args.json;
    if raw && stdout().is_terminal() {
        return Err(
            Error::usage("raw bytes are not for a terminal").fix("add --hex or --base64, or redirect the output")
        );
    }
    if args.json && args.count > MOST_JSON {
        return Err(Error::usage(format!("a document holds {} at most", units::bytes(MOST_JSON))));
    }
    let source = RACE.contenders.iter().find(|c| c.name == args.via);
    let source = source.ok_or_else(|| Error::usage(format!("no source '{}'", args.via)))?;
    if let Some(finding) = need::first_missing(source.needs) {
        return Err(Error::finding(&finding));
    }
    let mut random = (source.approach)()?;
    if args.json {
        let mut bytes = Zeroizing::new(vec![0; args.count as usize]);
        random.fill(&mut bytes)?;
        return ui.json(&RandomDocument { schema: 1, via: source.name, bytes: args.count, hex: hex(&bytes) });
    }
    stream(&args, &mut *random, ui)?;
    if raw { Ok(()) } else { ui.line("") }
}

fn stream(args: &RandomArgs, random: &mut dyn Random, ui: &mut Ui) -> Result<()> {
    // A line that is drawn over the bytes on the same terminal is of no use.
    let mut bar = Bar::new(ui.progress && !stdout().is_terminal(), Some(args.count));
    let mut piece = Zeroizing::new(vec![0; PIECE]);
    let mut left = args.count;
    while left > 0 {
        if interrupt::asked() {
            return Err(Error::failed(format!("interrupted {} before the end", units::bytes(left))));
        }
        let len = left.min(PIECE as u64) as usize;
        let bytes = &mut piece[..len];
        random.fill(bytes)?;
        let written = if args.hex || args.base64 {
            let mut text = if args.hex { hex(bytes) } else { openssl::base64::encode_block(bytes) };
            let written = ui.out().write_all(text.as_bytes());
            text.zeroize();
            written
        } else {
            ui.out().write_all(bytes)
        };
        written.map_err(output_error)?;
        left -= len as u64;
        bar.at(args.count - left);
    }
    Ok(())
}
