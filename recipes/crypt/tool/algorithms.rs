//! `syskit crypt algorithms`: what the kernel offers through AF_ALG, beside what each library in user space offers.

mod document;
mod text;
mod work;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::schema_for;

use super::super::algorithm::{ALGORITHMS, Algorithm};
use super::super::backend::{BACKENDS, Backend};
use crate::error::{Context, Error, Result};
use crate::need::af_alg::registered::{self, Registered};
use crate::need::first_missing;
use crate::ui::Ui;
use crate::verb::Verb;
use document::{AlgorithmsDocument, Entry, Implementation, Library, Offer};

/// The subcommand.
pub static VERB: Verb =
    Verb { name: "algorithms", command, run, schemas: &[("crypt-algorithms", || schema_for!(AlgorithmsDocument))] };

/// List the algorithms, who offers them here, and what drives them in the kernel
#[derive(Args)]
struct Algorithms {
    /// Only what all of these words are found in: names, drivers, kinds (digest, mac, cipher, aead), libraries
    #[arg(value_name = "WORD")]
    words: Vec<String>,
    /// All that the kernel has (/proc/crypto), also what user space cannot reach
    #[arg(long)]
    kernel: bool,
    /// Print a JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// The backend that is the kernel.
const KERNEL: &str = "af_alg";

fn command(command: Command) -> Command {
    Algorithms::augment_args(command)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Algorithms::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let libraries: Vec<Library> = BACKENDS.iter().map(|b| library(*b)).collect();
    // Before /proc/crypto is read: to bind a socket makes the kernel load modules and build what is made of parts.
    let offers: Vec<Vec<Offer>> = ALGORITHMS.iter().map(|a| offers(a, &libraries)).collect();
    let listed = kernel_list();
    let (listed, unread) = match listed {
        Ok(all) => (all, None),
        Err(e) => (Vec::new(), Some(e.to_string())),
    };
    let algorithms = ALGORITHMS.iter().zip(offers).map(|(a, offers)| entry(a, offers, &listed));
    let document = AlgorithmsDocument {
        schema: 1,
        algorithms: algorithms.filter(|e| e.has(&args.words) && !args.kernel).collect(),
        kernel: implementations(&listed, &args),
        registered: listed.len(),
        not_read: unread,
        libraries,
    };
    if document.algorithms.is_empty() && document.kernel.as_ref().is_none_or(Vec::is_empty) {
        return Err(match (&document.not_read, args.words.is_empty()) {
            (Some(why), _) => Error::unavailable(why.clone()),
            (None, true) => Error::unavailable("/proc/crypto lists nothing"),
            (None, false) => Error::usage(format!("nothing has all of: {}", args.words.join(" "))),
        });
    }
    if args.json { ui.json(&document) } else { text::show(&document, ui) }
}

fn library(backend: &dyn Backend) -> Library {
    Library {
        name: backend.name(),
        title: backend.title(),
        version: backend.version(),
        finding: first_missing(backend.needs()).map(|finding| finding.to_string()),
    }
}

/// Those that have it. A library that is missing as a whole is not asked.
fn offers(algorithm: &'static Algorithm, libraries: &[Library]) -> Vec<Offer> {
    let here = BACKENDS.iter().zip(libraries).filter(|(_, library)| library.finding.is_none());
    here.filter_map(|(b, _)| Some(Offer { library: b.name(), with: b.offers(algorithm).ok()? })).collect()
}

fn kernel_list() -> Result<Vec<Registered>> {
    let text = std::fs::read("/proc/crypto").sys("read", || "cannot read /proc/crypto".to_owned())?;
    Ok(registered::parse(&String::from_utf8_lossy(&text)))
}

fn entry(algorithm: &'static Algorithm, offers: Vec<Offer>, listed: &[Registered]) -> Entry {
    let kernel = offers.iter().find(|o| o.library == KERNEL).and_then(|offer| {
        // By the driver that was bound, where that is what the offer names.
        let named = listed.iter().find(|r| r.driver == offer.with);
        named.or_else(|| registered::chosen(listed, algorithm.kernel_type(), algorithm.kernel))
    });
    Entry::new(algorithm, offers, kernel.map(Implementation::from))
}

/// With --kernel: all of /proc/crypto, by type and name, the best of each name first.
fn implementations(listed: &[Registered], args: &Algorithms) -> Option<Vec<Implementation>> {
    if !args.kernel {
        return None;
    }
    let mut all: Vec<Implementation> = listed.iter().map(Implementation::from).collect();
    all.retain(|i| i.has(&args.words));
    all.sort_by(|a, b| (&a.kind, &a.name, -a.priority).cmp(&(&b.kind, &b.name, -b.priority)));
    Some(all)
}
