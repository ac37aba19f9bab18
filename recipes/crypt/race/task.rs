//! The job as the engine sees it: flags, fixture, sessions.

use std::os::unix::fs::FileExt;

use clap::builder::PossibleValuesParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::approach::{Approach, KERNEL, Message, Process, USER_SPACE, fact};
use super::job::Job;
use super::messages::{self, Messages};
use super::{in_register, library, null_round_trip};
use crate::error::{Context, Error, Result};
use crate::race::{Task, Work, Workload};
use crate::recipe::nearest;
use crate::recipes::crypt::algorithm::{self, ALGORITHMS, Algorithm};
use crate::recipes::crypt::backend::Direction;

/// The cheat sheet's (3.2.30).
const DEFAULT: &str = "aes-128-gcm";

/// The job: process messages.
pub struct CryptTask {
    algorithm: &'static Algorithm,
    direction: Direction,
    setup_each: bool,
    from_file: bool,
}

/// Messages, and where in the sample we are.
pub struct Sample {
    messages: Messages,
    next: usize,
    operations: usize,
}

/// What a contender keeps between operations.
pub struct Session {
    process: Box<dyn Process>,
    /// Where a message from a file is read to.
    buffer: Vec<u8>,
    /// What a message counts for.
    bytes: u64,
    /// False for a limit, which verifies itself.
    whole_results: bool,
}

fn choice(name: &'static str, values: &'static [&'static str], help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(values.join("|").to_uppercase())
        .hide_possible_values(true)
        .default_value(values[0])
        .value_parser(PossibleValuesParser::new(values))
        .help(help)
}

impl Task for CryptTask {
    type Contender = Approach;
    type Fixture = Sample;
    type Session = Session;

    fn flags(command: Command) -> Command {
        let algorithm = Arg::new("algorithm")
            .long("algorithm")
            .short('a')
            .value_name("NAME")
            .default_value(DEFAULT)
            .help("What to compute: aes-256-cbc, sha256, ..., or the kernel's name of it: 'cbc(aes)'");
        command
            .arg(algorithm)
            .arg(choice("direction", &["encrypt", "decrypt"], "Which way a cipher works"))
            .arg(choice(
                "setup",
                &["once", "each"],
                "Set up once and stay warm, or anew for each message: socket, key, accept; context and key",
            ))
            .arg(choice(
                "input",
                &["memory", "file"],
                "Messages are in memory, or in a file in the page cache, where zero-copy should pay",
            ))
    }

    fn configure(matches: &ArgMatches) -> Result<Self> {
        let text = |name: &str| matches.get_one::<String>(name).map_or("", |s| s.as_str());
        let name = text("algorithm");
        let algorithm = algorithm::find(&name.to_lowercase()).ok_or_else(|| unknown(name))?;
        let given = matches.value_source("direction") == Some(ValueSource::CommandLine);
        let direction = match text("direction") {
            "decrypt" if algorithm.digest_len() > 0 => {
                return Err(Error::usage(format!("{} has no way back", algorithm.name)).fix("leave out --direction"));
            }
            "decrypt" if given => Direction::Decrypt,
            _ => Direction::Encrypt,
        };
        let (setup_each, from_file) = (text("setup") == "each", text("input") == "file");
        Ok(CryptTask { algorithm, direction, setup_each, from_file })
    }

    fn settings(&self) -> Vec<(String, String)> {
        let named = format!("{} (the kernel's {})", self.algorithm.name, self.algorithm.kernel);
        let mut settings = vec![fact("algorithm", named)];
        if self.algorithm.digest_len() == 0 {
            let direction = if self.direction == Direction::Encrypt { "encrypt" } else { "decrypt" };
            settings.push(fact("direction", direction));
        }
        let setup = if self.setup_each { "for each message" } else { "once" };
        settings.push(fact("set-up", setup));
        settings.push(fact("input from", if self.from_file { "a file in the page cache" } else { "memory" }));
        settings
    }

    fn most_operations(&self, workload: &Workload) -> u64 {
        messages::most(workload.size)
    }

    fn prepare(&self, workload: &Workload) -> Result<Sample> {
        let mut job = Job::new(self.algorithm, self.direction, workload.size)?;
        job.messages = messages::most(workload.size) as usize;
        (job.from_file, job.setup_each) = (self.from_file, self.setup_each);
        let messages = Messages::new(job)?;
        Ok(Sample { messages, next: 0, operations: 0 })
    }

    fn enter(contender: &'static Approach, sample: &mut Sample) -> Result<Session> {
        let messages = &sample.messages;
        if let Approach::Library(name) = contender {
            alone(name, messages)?;
        }
        let process = start(contender, &messages.job)?;
        let whole_results = !matches!(contender, Approach::InRegister | Approach::NullRoundTrip);
        let buffer = if messages.job.from_file { vec![0; messages.job.input_len()] } else { Vec::new() };
        // A round trip of nothing has no rate.
        let bytes = if matches!(contender, Approach::NullRoundTrip) { 0 } else { messages.job.len as u64 };
        Ok(Session { process, buffer, bytes, whole_results })
    }

    fn reset(sample: &mut Sample, operations: u64) -> Result<()> {
        sample.operations = operations as usize;
        sample.messages.spoil(sample.operations);
        sample.next = 0;
        Ok(())
    }

    fn group(contender: &Approach) -> Option<&'static str> {
        match contender {
            Approach::Kernel(_) | Approach::NullRoundTrip => Some(KERNEL),
            Approach::Library(_) => Some(USER_SPACE),
            Approach::InRegister => None,
        }
    }

    fn facts(_: &'static Approach, session: &mut Session, _: &mut Sample) -> Vec<(String, String)> {
        session.process.facts()
    }

    fn run(contender: &'static Approach, session: &mut Session, sample: &mut Sample) -> Result<Work> {
        let (number, last) = (sample.next, sample.next + 1 == sample.operations);
        sample.next += 1;
        if sample.messages.job.setup_each && session.whole_results {
            session.process = start(contender, &sample.messages.job)?;
        }
        let from_file = sample.messages.job.from_file;
        let (text, iv, file, at, out) = sample.messages.parts(number);
        let mut text = text;
        if from_file && session.whole_results && !session.process.reads_file() {
            file.read_exact_at(&mut session.buffer, at).sys("pread", || "cannot read the messages".to_owned())?;
            text = &session.buffer;
        }
        session.process.process(&Message { number, last, iv, text, file, at }, out)?;
        Ok(Work { bytes: session.bytes })
    }

    fn verify(session: &mut Session, sample: &mut Sample, operations: u64, done: Work) -> Result<()> {
        let expected = session.bytes * operations;
        if done.bytes != expected {
            return Err(Error::wrong(format!("{expected} bytes were to be processed, {} were claimed", done.bytes)));
        }
        if session.whole_results {
            sample.messages.check(operations as usize, session.process.results())?;
        }
        session.process.end_sample(operations)
    }
}

/// The whole set-up of a contender.
fn start(contender: &Approach, job: &Job) -> Result<Box<dyn Process>> {
    match contender {
        Approach::Kernel(start) => start(job),
        Approach::Library(name) => library::start(name, job),
        Approach::InRegister => in_register::start(job),
        Approach::NullRoundTrip => null_round_trip::start(job),
    }
}

/// A library is no oracle of itself.
fn alone(name: &str, messages: &Messages) -> Result<()> {
    if messages.oracles == [name] {
        let algorithm = messages.job.algorithm.name;
        return Err(Error::unavailable(format!("no other library here has {algorithm}, to verify {name} against")));
    }
    Ok(())
}

fn unknown(name: &str) -> Error {
    let names = || ALGORITHMS.iter().flat_map(|a| [a.name, a.kernel]);
    let fix = match nearest(name, names()) {
        Some(near) => format!("did you mean '{near}'?"),
        None => format!("there are: {}", ALGORITHMS.iter().map(|a| a.name).collect::<Vec<_>>().join(", ")),
    };
    Error::usage(format!("no algorithm '{name}'")).fix(fix)
}
