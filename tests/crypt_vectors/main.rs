//! Published test vectors, for every algorithm of every backend that is there: valid ones must give exactly what is
//! published, invalid ones must be refused. A test per backend and algorithm; the counts are printed at the end.
//!
//! What a backend cannot be asked (a tag of 13 bytes where it only knows 16, a nonce of 8 bytes) is not applicable; that
//! is decided by the lengths alone, never by the vector's number, and counted.
#![allow(clippy::print_stdout)] // The counts are what it is run for

mod cavp;
mod judge;
mod proof;

use std::sync::{Arc, Mutex};

use judge::{Tally, Vector, Verdict};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use syskit::need::first_missing;
use syskit::recipes::crypt::algorithm::{ALGORITHMS, Algorithm};
use syskit::recipes::crypt::backend::{self, BACKENDS, Backend};

/// Counts in the order of the tests' end.
type Counts = Arc<Mutex<Vec<(&'static str, &'static str, Tally)>>>;

fn main() {
    let args = Arguments::from_args();
    let counts = Counts::default();
    let mut trials = vec![Trial::test("every algorithm has vectors", every_algorithm_has_vectors)];
    trials.push(Trial::test("a changed vector is noticed", a_changed_vector_is_noticed));
    for backend in BACKENDS {
        if let Some(finding) = first_missing(backend.needs()) {
            trials.push(Trial::ignorable_test(backend.name(), move || missing(&finding.to_string())));
            continue;
        }
        for algorithm in ALGORITHMS.iter().filter(|a| backend.offers(a).is_ok()) {
            let counts = Arc::clone(&counts);
            let name = format!("{} {}", backend.name(), algorithm.name);
            trials.push(Trial::test(name, move || vectors_agree(*backend, algorithm, &counts)));
        }
    }
    let conclusion = libtest_mimic::run(&args, trials);
    if !args.list {
        print(&counts.lock().expect("no test panics with it"));
    }
    conclusion.exit();
}

/// A backend that is not on this host is left out loudly; where all must run that is a failure.
fn missing(finding: &str) -> Result<Completion, Failed> {
    if std::env::var_os("SYSKIT_MUST_RUN").is_some() {
        return Err(finding.into());
    }
    Ok(Completion::ignored_with(finding))
}

fn all(algorithm: &'static Algorithm) -> Vec<Vector> {
    let mut vectors = cavp::read(algorithm);
    vectors.extend(proof::of(algorithm));
    vectors
}

fn every_algorithm_has_vectors() -> Result<(), Failed> {
    match ALGORITHMS.iter().find(|a| all(a).is_empty()) {
        Some(without) => Err(format!("{} has none", without.name).into()),
        None => Ok(()),
    }
}

/// The judge itself: one bit of a published result is changed.
fn a_changed_vector_is_noticed() -> Result<(), Failed> {
    let backend = backend::find("openssl").ok_or("no OpenSSL")?;
    for algorithm in ALGORITHMS {
        let mut vector = all(algorithm).into_iter().find(|v| v.verdict == Verdict::Valid).ok_or("no valid vector")?;
        let result = if vector.tag.is_empty() { &mut vector.ciphertext } else { &mut vector.tag };
        *result.first_mut().ok_or("an empty result")? ^= 1;
        if judge::judge(backend, algorithm, &vector).is_ok() {
            return Err(format!("{}: {vector:?} passes", algorithm.name).into());
        }
    }
    Ok(())
}

fn vectors_agree(backend: &dyn Backend, algorithm: &'static Algorithm, counts: &Counts) -> Result<(), Failed> {
    let mut tally = Tally::default();
    for vector in all(algorithm) {
        let outcome = judge::judge(backend, algorithm, &vector).map_err(|e| format!("{}: {e}", vector.about))?;
        tally.add(outcome);
    }
    if tally.agree == 0 {
        return Err("not one vector applies".into());
    }
    counts.lock().expect("no test panics with it").push((backend.name(), algorithm.name, tally));
    Ok(())
}

/// A line per backend and algorithm, then a line per backend.
fn print(counts: &[(&str, &'static str, Tally)]) {
    let rank = |algorithm: &str| ALGORITHMS.iter().position(|a| a.name == algorithm);
    for backend in BACKENDS {
        let mut own: Vec<_> = counts.iter().filter(|c| c.0 == backend.name()).collect();
        own.sort_by_key(|c| rank(c.1));
        let mut sum = Tally::default();
        for (_, algorithm, tally) in &own {
            println!("{:<10} {algorithm:<23} {tally}", backend.name());
            sum.join(tally);
        }
        if !own.is_empty() {
            println!("{:<10} {:<23} {sum}", backend.name(), format!("{} algorithms", own.len()));
        }
    }
}
