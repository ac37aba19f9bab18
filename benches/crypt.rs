//! The OpenSSL backend against `openssl speed -elapsed`, by turns: `cargo bench --bench crypt [-- ALGORITHM...]` prints the
//! rate of each and the median of the ratios of neighbouring slices.
//!
//! Each does the same work: a digest or MAC a message; for ciphers what follows the IV; for AEAD a message with nonce, 13
//! bytes of associated data and tag (which `openssl speed` computes and leaves where it is, while ours is written out).
//! With `--test` every piece of work is done once and nothing is compared.
#![allow(clippy::print_stdout)] // What a bench is for

use std::process::Command;
use std::time::{Duration, Instant};

use syskit::error::Result;
use syskit::recipes::crypt::algorithm::{Algorithm, Kind, find};
use syskit::recipes::crypt::backend::{self, Backend, Direction};

static ALGORITHMS: &[&str] = &[
    "sha256",
    "hmac-sha256",
    "aes-256-cbc",
    "aes-128-ctr",
    "aes-256-xts",
    "aes-128-gcm",
    "aes-256-gcm",
    "chacha20-poly1305",
];
static SIZES: &[usize] = &[16, 4096, 16_384, 65_536];
const ROUNDS: usize = 5;

/// One message of `size` bytes, again and again.
fn work(backend: &dyn Backend, algorithm: &'static Algorithm, size: usize) -> Result<Box<dyn FnMut() -> Result<()>>> {
    let key: Vec<u8> = (0..algorithm.key_len.unwrap_or(32) as u8).collect();
    let (input, iv) = (vec![0xa5; size], vec![0; algorithm.iv_len]);
    Ok(match algorithm.kind {
        Kind::Digest(len) | Kind::Mac(len) => {
            let (mut digest, mut out) = (backend.digest(algorithm, &key)?, vec![0; len]);
            Box::new(move || digest.once(&input, &mut out))
        }
        Kind::Cipher(_) => {
            let (mut cipher, mut out) = (backend.cipher(algorithm, &key, Direction::Encrypt)?, vec![0; size]);
            cipher.start(&iv)?;
            Box::new(move || cipher.process(&input, &mut out))
        }
        Kind::Aead(_) => {
            let (mut aead, mut out) = (backend.aead(algorithm, &key, 16)?, vec![0; size + 16]);
            Box::new(move || aead.seal(&iv, &[0xcc; 13], &input, &mut out))
        }
    })
}

/// Bytes per second of a slice of about a second.
fn ours(work: &mut dyn FnMut() -> Result<()>, size: usize) -> Result<f64> {
    let (start, mut messages) = (Instant::now(), 0u64);
    loop {
        for _ in 0..(65_536 / size).max(4) {
            work()?;
            messages += 1;
        }
        if start.elapsed() >= Duration::from_secs(1) {
            return Ok((messages * size as u64) as f64 / start.elapsed().as_secs_f64());
        }
    }
}

/// The same by `openssl speed`.
fn theirs(algorithm: &Algorithm, size: usize) -> Option<f64> {
    // OpenSSL's own cipher of such a name is another thing.
    if algorithm.parts().is_some() {
        return None;
    }
    let mut speed = Command::new("openssl");
    speed.args(["speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", &size.to_string()]);
    match (algorithm.name.strip_prefix("hmac-"), algorithm.kind) {
        (Some(digest), _) => speed.args(["-hmac", digest]),
        (None, Kind::Aead(_)) => speed.args(["-aead", "-evp", algorithm.name]),
        (None, _) => speed.args(["-evp", algorithm.name]),
    };
    let output = speed.output().ok()?;
    // +F:23:AES-128-GCM:1234567.00 (bytes a second)
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.strip_prefix("+F:")?.rsplit(':').next()?.parse().ok())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let once = arguments.iter().any(|a| a == "--test");
    let named: Vec<_> = arguments.iter().filter_map(|a| find(a)).collect();
    let all = || ALGORITHMS.iter().filter_map(|name| find(name)).collect();
    let backend = backend::find("openssl").expect("it is listed");
    for algorithm in if named.is_empty() { all() } else { named } {
        for &size in SIZES {
            let mut work = work(backend, algorithm, size).expect("it is offered");
            work().expect("it works");
            if once {
                continue;
            }
            let mut round = || Some((ours(&mut *work, size).expect("it works"), theirs(algorithm, size)?));
            let rounds: Option<Vec<_>> = (0..ROUNDS).map(|_| round()).collect();
            let Some(rounds) = rounds else {
                println!("{} {size}: openssl speed gives no figure", algorithm.name);
                continue;
            };
            let rate = |of: fn(&(f64, f64)) -> f64| median(rounds.iter().map(of).collect());
            let (own, other, ratio) = (rate(|r| r.0), rate(|r| r.1), rate(|r| r.0 / r.1));
            let (own, other) = (own / 1e6, other / 1e6);
            println!(
                "{:<18} {size:>6} B  {own:>8.1} MB/s  openssl speed {other:>8.1} MB/s  {ratio:.3}",
                algorithm.name
            );
        }
    }
}
