//! Ciphertexts that were changed: all are refused, with nothing written. The same changes are tried on every run;
//! SYSKIT_MUTATIONS sets how many.

mod common;

use clap::Command;
use common::crypt::Vault;
use common::noise;
use fastrand::Rng;
use syskit::error::{Error, Kind};
use syskit::recipes::crypt::format::header::{self, Header};
use syskit::recipes::crypt::tool::VERB;
use syskit::ui::Ui;

const CHUNK: usize = 64 << 10;
const UNIT: usize = CHUNK + 16;

fn count() -> usize {
    std::env::var("SYSKIT_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(1000)
}

/// `syskit crypt` in this process, which is much faster than starting it a thousand times.
fn crypt(args: &[&str]) -> Result<(), Error> {
    let command = (VERB.command)(Command::new("crypt"));
    let matches = command.try_get_matches_from([&["crypt"], args].concat()).unwrap();
    (VERB.run)(&matches, &mut Ui::plain(std::io::sink(), std::io::sink()))
}

/// Where in the body of a file chunk `number` is.
fn unit(bytes: &[u8], number: usize) -> std::ops::Range<usize> {
    let start = header::LEN + number * UNIT;
    start..bytes.len().min(start + UNIT)
}

fn units(bytes: &[u8]) -> usize {
    (bytes.len() - header::LEN).div_ceil(UNIT)
}

/// A changed `bytes`; `other` is another file of the same key.
fn mutated(rng: &mut Rng, bytes: &[u8], other: &[u8]) -> (&'static str, Vec<u8>) {
    let mut out = bytes.to_vec();
    let what = match rng.u32(..10) {
        0 | 1 => {
            let at = rng.usize(..out.len());
            out[at] ^= 1 << rng.u32(..8);
            "a bit"
        }
        2 => {
            let at = rng.usize(..header::LEN);
            out[at] = out[at].wrapping_add(rng.u8(1..));
            "the header"
        }
        3 => {
            out.truncate(rng.usize(..bytes.len()));
            "cut off"
        }
        4 => {
            let whole = rng.usize(..units(bytes));
            out.truncate(header::LEN + whole * UNIT);
            if out.len() == bytes.len() {
                out.push(0)
            }
            "cut at a border"
        }
        5 => {
            let more = rng.usize(1..2 * UNIT);
            out.extend(std::iter::repeat_with(|| rng.u8(..)).take(more));
            "extended"
        }
        6 => {
            let (a, b) = (rng.usize(..units(bytes)), rng.usize(..units(bytes)));
            let (first, second) = (bytes[unit(bytes, a.min(b))].to_vec(), bytes[unit(bytes, a.max(b))].to_vec());
            out.truncate(unit(bytes, a.min(b)).start);
            out.extend(&second);
            out.extend(
                &bytes[unit(bytes, a.min(b)).end.min(unit(bytes, a.max(b)).start)..unit(bytes, a.max(b)).start],
            );
            out.extend(&first);
            out.extend(&bytes[unit(bytes, a.max(b)).end..]);
            "swapped"
        }
        7 => {
            let again = bytes[unit(bytes, rng.usize(..units(bytes)))].to_vec();
            let at = unit(bytes, rng.usize(..units(bytes))).start;
            out.splice(at..at, again);
            "repeated"
        }
        8 => {
            out.drain(unit(bytes, rng.usize(..units(bytes))));
            "left out"
        }
        _ => {
            let theirs = unit(other, rng.usize(..units(other)));
            let ours = unit(bytes, rng.usize(..units(bytes)));
            out.splice(ours, other[theirs].iter().copied());
            "of another file"
        }
    };
    (what, out)
}

/// Files of one key: what they were sealed as.
fn sealed(vault: &Vault) -> Vec<Vec<u8>> {
    let lengths = [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK, 4 * CHUNK + 99, 18 * CHUNK];
    let seal = |len: &usize| {
        vault.bench.write("text", &noise(*len));
        let algorithm = if len.is_multiple_of(2) { "aes-256-gcm" } else { "chacha20-poly1305" };
        vault.with_key("encrypt", &["text", "-f", "-a", algorithm]).ok();
        vault.bench.read("text.syskit")
    };
    lengths.iter().map(seal).collect()
}

#[test]
fn every_change_is_refused_and_nothing_is_written() {
    let vault = Vault::new();
    let files = sealed(&vault);
    let (key, bad, out) = (vault.bench.path("key"), vault.bench.path("bad"), vault.bench.path("out"));
    let args = ["decrypt", "--key-file", key.to_str().unwrap(), bad.to_str().unwrap(), "-o", out.to_str().unwrap()];
    // What was not changed is read, so that a refusal means something.
    vault.bench.write("bad", &files[3]);
    crypt(&args).unwrap();
    std::fs::remove_file(&out).unwrap();

    let mut rng = Rng::with_seed(3);
    let names = vault.bench.names();
    let (mut tried, mut kinds) = (0, std::collections::BTreeMap::new());
    while tried < count() {
        let file = rng.usize(..files.len());
        let (what, bytes) = mutated(&mut rng, &files[file], &files[(file + 2) % files.len()]);
        if bytes == files[file] {
            continue;
        }
        vault.bench.write("bad", &bytes);
        let error = crypt(&args).expect_err(what);
        assert_eq!(error.kind, Kind::Failed, "{what}: {error}");
        assert!(error.to_string().contains("was not made"), "{what}: {error}");
        assert_eq!(vault.bench.names(), names, "{what}: something was left behind");
        (tried, *kinds.entry(what).or_insert(0)) = (tried + 1, kinds.get(what).copied().unwrap_or(0) + 1);
    }
    assert!(kinds.len() == 9 || count() < 1000, "not every kind of change was tried: {kinds:?}");
}

#[test]
fn an_existing_file_survives_and_standard_output_stays_empty() {
    let vault = Vault::new();
    let files = sealed(&vault);
    let mut rng = Rng::with_seed(5);
    vault.bench.write("out", b"old");
    for round in 0..30 {
        let file = round % files.len();
        let (what, bytes) = mutated(&mut rng, &files[file], &files[(file + 1) % files.len()]);
        if bytes == files[file] {
            continue;
        }
        vault.bench.write("bad", &bytes);
        vault.with_key("decrypt", &["bad", "-o", "out", "--force"]).fails(1, &["cannot decrypt bad", "as it was"]);
        assert_eq!(vault.bench.read("out"), b"old");
        let args = ["decrypt", "--key-file", "key", "-o", "-"];
        for ran in [vault.output(&[&args[..], &["bad"]].concat()), vault.piped(&[&args[..], &["-"]].concat(), &bytes)]
        {
            assert_eq!((ran.status.code(), ran.stdout.len()), (Some(1), 0), "{what}");
            assert!(common::err(&ran).contains("nothing was written"), "{}", common::err(&ran));
        }
    }
}

#[test]
fn what_is_wrong_is_said() {
    let vault = Vault::new();
    vault.bench.write("text", &noise(3 * CHUNK));
    vault.with_key("encrypt", &["text"]).ok();
    let good = vault.bench.read("text.syskit");
    let says = |bytes: &[u8], words: &[&str]| {
        vault.bench.write("bad", bytes);
        vault.with_key("decrypt", &["bad", "-o", "out"]).fails(1, words);
    };
    says(b"", &["does not begin as a file that syskit encrypted", "--raw"]);
    says(&good[..50], &["ends within its header"]);
    says(&good[..header::LEN], &["ends before its first chunk"]);
    says(&good[..header::LEN + UNIT], &["ends before its first chunk does", "out was not made"]);
    says(&good[..header::LEN + 2 * UNIT], &["cut off", "chunk 1 with more to come"]);
    says(&[&good[..], b"x"].concat(), &["goes on behind its last chunk, number 2"]);
    let mut bad = good.clone();
    bad[header::LEN + UNIT + 5] ^= 1;
    says(&bad, &["chunk 1 is not what was encrypted"]);
    let mut bad = good.clone();
    bad[50] ^= 1;
    says(&bad, &["another key, or its header was changed"]);
    let mut bad = good;
    bad[8] = 2;
    says(&bad, &["version 2", "newer"]);
}

/// Any bytes, and headers with a few of them changed: no panic, and what is accepted is written again as it was.
#[test]
fn the_header_parser_takes_anything() {
    let vault = Vault::new();
    vault.bench.write("text", b"x");
    vault.with_key("encrypt", &["text"]).ok();
    let good = vault.bench.read("text.syskit");
    let mut rng = Rng::with_seed(7);
    let mut accepted = 0;
    for round in 0..200_000 {
        let mut bytes = good[..header::LEN].to_vec();
        for _ in 0..rng.usize(..5) {
            let at = rng.usize(if round % 2 == 0 { 0..header::LEN } else { 9..24 });
            bytes[at] = if rng.bool() { rng.u8(..4) } else { rng.u8(..) };
        }
        bytes.truncate(rng.usize(..2 * header::LEN));
        if let Ok(header) = Header::parse(&bytes) {
            assert_eq!(header.covered(), bytes[..header::COVERED]);
            assert!(header.chunk_len() <= 1 << 20);
            accepted += 1;
        }
    }
    assert!(accepted > 100, "{accepted}");
}
