//! `syskit crypt encrypt`: a file that only the holder of the key can read, and that nobody can change unnoticed.

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::file::{self, Common, FileDocument, How, Job};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::{self, Kind};
use crate::recipes::crypt::format::header::{Argon2id, CHUNK_LOG2, LEN};
use crate::recipes::crypt::format::keys::{KEY, from_passphrase};
use crate::recipes::crypt::format::{FileKeys, Header, KeySource, Stream};
use crate::sys::secret::Secret;
use crate::ui::Ui;
use crate::verb::{Document, Verb};

/// The subcommand.
pub static ENCRYPT: Verb = Verb { name: "encrypt", command, run, schemas: &[] };

/// The document of this subcommand and of decrypt.
pub const SCHEMA: Document = ("crypt-file", || schemars::schema_for!(FileDocument));

/// Encrypt a file, with a key file or a passphrase, so that changes are detected
#[derive(Args, Debug)]
struct Encrypt {
    #[command(flatten)]
    common: Common,
    /// The algorithm: aes-256-gcm (the default) or chacha20-poly1305; with --raw a cipher without authentication
    #[arg(long, short, value_name = "NAME", value_parser = PossibleValuesParser::new(algorithms()))]
    algorithm: Option<String>,
    /// Ask for a passphrase even where SYSKIT_KEY_FILE names a key file
    #[arg(long, conflicts_with = "key_file")]
    passphrase: bool,
}

const AFTER: &str = "\
Without --key-file the environment variable SYSKIT_KEY_FILE may name the file; without either a passphrase is asked for \
on the terminal. A key file holds 32 bytes, or 64 hexadecimal digits and a line feed, and only its owner may read it \
(chmod 600): syskit crypt keygen writes one. No key is ever taken from the command line, where ps would show it. The \
output is SRC.syskit, has mode 0600 and comes into being whole or not at all; SRC stays.";

/// What `-a` takes: what seals chunks, and every cipher for the raw modes.
pub(super) fn algorithms() -> impl Iterator<Item = &'static str> {
    let ciphers = algorithm::ALGORITHMS.iter().filter(|a| matches!(a.kind, Kind::Cipher(_)));
    Header::algorithms().chain(ciphers.map(|a| a.name))
}

fn command(command: Command) -> Command {
    Encrypt::augment_args(command).after_help(AFTER)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Encrypt::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let mut job = Job::new(&args.common, true)?;
    encrypt(&args, &mut job, ui).map_err(|e| job.explained(e))
}

fn encrypt(args: &Encrypt, job: &mut Job, ui: &mut Ui) -> Result<()> {
    let name = args.algorithm.as_deref().unwrap_or("aes-256-gcm");
    let algorithm = algorithm::find(name).ok_or_else(|| Error::usage(format!("no algorithm '{name}'")))?;
    if args.common.raw {
        return file::raw(job, algorithm, ui);
    }
    if !matches!(algorithm.kind, Kind::Aead(_)) {
        return Err(Error::usage(format!("{name} has no authentication")).fix("--raw takes it all the same"));
    }
    let backend = file::choose(&args.common.via, algorithm)?;
    let (key_source, key) = key(args, job)?;
    let header = Header { algorithm, chunk_log2: CHUNK_LOG2, key_source, salt: random()? };
    let keys = FileKeys::derive(&key, &header)?;
    drop(key);
    let mut stream = Stream::new(backend, &header, &keys)?;
    job.output.write(&keys.header())?;
    let mut bar = job.bar(ui);
    let done = file::seal::seal(&job.input, &mut job.output, &mut stream, header.chunk_len(), &mut bar);
    drop(bar);
    let mut done = done.map_err(|e| job.about_source(e))?;
    done.ciphertext += LEN as u64;
    let how = How {
        algorithm: algorithm.name,
        authenticated: true,
        key_source: header.key_source.name(),
        via: backend.name(),
        chunk: Some(header.chunk_len()),
    };
    job.finish(&how, done, ui)
}

fn key(args: &Encrypt, job: &mut Job) -> Result<(KeySource, Secret)> {
    if let Some(path) = job.key_file().filter(|_| !args.passphrase) {
        return Ok((KeySource::KeyFile, file::key_file::load(&path, KEY)?));
    }
    let argon = Argon2id::with_salt(random()?);
    let passphrase = file::ask(true)?;
    job.restart();
    let key = from_passphrase(&passphrase, &argon)?;
    Ok((KeySource::Passphrase(argon), key))
}

/// Bytes of getrandom(2).
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| Error::failed(format!("cannot get random bytes: getrandom: {e}")))?;
    Ok(bytes)
}
