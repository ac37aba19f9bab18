//! `syskit crypt decrypt`: what encrypt made, back as it was, or nothing.

use clap::builder::PossibleValuesParser;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::encrypt::algorithms;
use super::file::{self, Common, How, Job};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm;
use crate::recipes::crypt::format::header::{COVERED, LEN};
use crate::recipes::crypt::format::keys::{KEY, from_passphrase};
use crate::recipes::crypt::format::{FileKeys, Header, KeySource, Stream};
use crate::sys::secret::Secret;
use crate::ui::Ui;
use crate::verb::Verb;

/// The subcommand.
pub static DECRYPT: Verb = Verb { name: "decrypt", command, run, schemas: &[] };

/// Decrypt a file; what was changed since it was encrypted is refused, and nothing of it written
#[derive(Args, Debug)]
struct Decrypt {
    #[command(flatten)]
    common: Common,
    /// With --raw: the cipher; without, the file says it
    #[arg(long, short, value_name = "NAME", requires = "raw", value_parser = PossibleValuesParser::new(algorithms()))]
    algorithm: Option<String>,
    /// Ask for a passphrase even where SYSKIT_KEY_FILE names a key file; without, the file says what it needs
    #[arg(long, conflicts_with = "key_file")]
    passphrase: bool,
}

const AFTER: &str = "\
The file says whether it needs a key file (--key-file or SYSKIT_KEY_FILE) or a passphrase. The output is SRC without \
.syskit, has mode 0600 and comes into being when every chunk was verified. To standard output nothing is written before \
that either: a file is read twice, and what comes through a pipe is first kept, encrypted as it is, in an unnamed file \
in TMPDIR.";

fn command(command: Command) -> Command {
    Decrypt::augment_args(command).after_help(AFTER)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Decrypt::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let mut job = Job::new(&args.common, false)?;
    decrypt_file(&args, &mut job, ui).map_err(|e| job.explained(e))
}

fn decrypt_file(args: &Decrypt, job: &mut Job, ui: &mut Ui) -> Result<()> {
    if args.common.raw {
        let name = args.algorithm.as_deref().unwrap_or_default();
        let algorithm = algorithm::find(name).ok_or_else(|| Error::usage(format!("no algorithm '{name}'")))?;
        return file::raw(job, algorithm, ui);
    }
    if job.output.is_stream() {
        job.input.keep()?;
    }
    let mut head = [0; LEN];
    let got = job.input.fill(&mut head)?;
    let header = Header::parse(&head[..got]).map_err(|e| job.about_source(e))?;
    let backend = file::choose(&args.common.via, header.algorithm)?;
    let key = key(args, &header.key_source, job)?;
    let keys = FileKeys::derive(&key, &header)?;
    drop(key);
    if !keys.check(&head[COVERED..]) {
        let key = match header.key_source {
            KeySource::KeyFile => "key",
            KeySource::Passphrase(_) => "passphrase",
        };
        return Err(job
            .about_source(Error::failed(format!("it was encrypted with another {key}, or its header was changed"))));
    }
    let mut stream = Stream::new(backend, &header, &keys)?;
    let mut bar = job.bar(ui);
    let done = passes(job, &mut stream, header.chunk_len(), &mut bar);
    drop(bar);
    let mut done = done.map_err(|e| job.about_source(e))?;
    done.ciphertext += LEN as u64;
    let how = How {
        algorithm: header.algorithm.name,
        authenticated: true,
        key_source: header.key_source.name(),
        via: backend.name(),
        chunk: Some(header.chunk_len()),
    };
    job.finish(&how, done, ui)
}

/// What is seen at once is written in a second pass, in which each chunk is verified once more.
fn passes(
    job: &mut Job,
    stream: &mut Stream,
    chunk: usize,
    bar: &mut crate::progress::Bar,
) -> Result<file::seal::Done> {
    if job.output.is_stream() {
        file::open::open(&job.input, None, stream, chunk, bar)?;
        job.input.rewind(LEN)?;
    }
    file::open::open(&job.input, Some(&mut job.output), stream, chunk, bar)
}

fn key(args: &Decrypt, source: &KeySource, job: &mut Job) -> Result<Secret> {
    match source {
        KeySource::KeyFile if args.passphrase => {
            Err(job.about_source(Error::failed("it was encrypted with a key file, not with a passphrase")))
        }
        KeySource::KeyFile => match job.key_file() {
            Some(path) => file::key_file::load(&path, KEY),
            None => Err(job.about_source(
                Error::failed("it was encrypted with a key file").fix("name it with --key-file or SYSKIT_KEY_FILE"),
            )),
        },
        KeySource::Passphrase(_) if args.common.key_file.is_some() => {
            Err(job.about_source(Error::failed("it was encrypted with a passphrase, not with a key file")))
        }
        KeySource::Passphrase(argon) => {
            let passphrase = file::ask(false)?;
            job.restart();
            from_passphrase(&passphrase, argon)
        }
    }
}
