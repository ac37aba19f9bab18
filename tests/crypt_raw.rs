//! Raw modes: what `openssl enc -K -iv` wrote is read and the other way round. Tool: openssl.

mod common;

use std::process::Command;

use common::crypt::Vault;
use common::{Ran, have, noise, skip};
use syskit::recipes::crypt::algorithm::{ALGORITHMS, Algorithm, Kind};
use syskit::recipes::crypt::backend::BACKENDS;

const IV: &str = "000102030405060708090a0b0c0d0e0f";

fn ciphers() -> impl Iterator<Item = &'static Algorithm> {
    ALGORITHMS.iter().filter(|a| matches!(a.kind, Kind::Cipher(_)))
}

fn key(algorithm: &Algorithm) -> Vec<u8> {
    // xts refuses two halves that are alike.
    (0..algorithm.key_len.unwrap() as u8).map(|i| i.wrapping_mul(37) ^ 0xa5).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn iv(algorithm: &Algorithm) -> &'static [&'static str] {
    if algorithm.iv_len == 0 { &[] } else { &["--iv", IV] }
}

fn raw(vault: &Vault, verb: &str, algorithm: &Algorithm, args: &[&str]) -> Ran {
    vault.run(&[&[verb, "--raw", "-a", algorithm.name, "--key-file", "raw.key"], iv(algorithm), args].concat())
}

fn openssl(vault: &Vault, algorithm: &Algorithm, args: &[&str]) -> Ran {
    let mut command = Command::new("openssl");
    command.args(["enc", &format!("-{}", algorithm.name), "-K", &hex(&key(algorithm))]);
    if algorithm.iv_len > 0 {
        command.args(["-iv", IV]);
    }
    Ran::of(command.args(args).current_dir(vault.bench.dir()).output().unwrap())
}

#[test]
fn openssl_reads_what_we_write_and_the_other_way_round() {
    if !have("openssl") {
        return skip("openssl is not installed");
    }
    let vault = Vault::new();
    let mut tried = 0;
    for algorithm in ciphers().filter(|a| !a.name.ends_with("xts")) {
        vault.key("raw.key", &key(algorithm));
        let lengths = if algorithm.name == "aes-256-cbc" {
            &[0, 1, 15, 16, 17, 1 << 20, (2 << 20) + 16, (3 << 20) + 5][..]
        } else {
            &[0, 1, 16, (1 << 20) + 33]
        };
        for len in lengths {
            let text = noise(*len);
            vault.bench.write("text", &text);
            raw(&vault, "encrypt", algorithm, &["text", "-o", "ours", "-f"]).ok();
            openssl(&vault, algorithm, &["-e", "-in", "text", "-out", "theirs"]).ok();
            assert!(vault.bench.read("ours") == vault.bench.read("theirs"), "{} {len}", algorithm.name);
            raw(&vault, "decrypt", algorithm, &["theirs", "-o", "back", "-f"]).ok();
            assert!(vault.bench.read("back") == text, "{} {len}", algorithm.name);
            let piped = raw_output(&vault, algorithm, &["theirs", "-o", "-"]);
            assert!(piped == text, "{} {len} to standard output", algorithm.name);
            openssl(&vault, algorithm, &["-d", "-in", "ours", "-out", "back"]).ok();
            assert!(vault.bench.read("back") == text, "{} {len}", algorithm.name);
            tried += 1;
        }
    }
    assert!(tried >= 30, "{tried}");
}

fn raw_output(vault: &Vault, algorithm: &Algorithm, args: &[&str]) -> Vec<u8> {
    let all = [&["decrypt", "--raw", "-a", algorithm.name, "--key-file", "raw.key"], iv(algorithm), args].concat();
    vault.output(&all).stdout
}

#[test]
fn without_padding_whole_blocks_go_and_others_are_refused() {
    if !have("openssl") {
        return skip("openssl is not installed");
    }
    let vault = Vault::new();
    for algorithm in ciphers().filter(|a| a.name.ends_with("cbc") || a.name.ends_with("ecb")) {
        vault.key("raw.key", &key(algorithm));
        for len in [0, 16, 4096] {
            vault.bench.write("text", &noise(len));
            raw(&vault, "encrypt", algorithm, &["text", "-o", "ours", "-f", "--no-padding"]).ok();
            openssl(&vault, algorithm, &["-e", "-nopad", "-in", "text", "-out", "theirs"]).ok();
            vault.bench.cmp("ours", "theirs");
            raw(&vault, "decrypt", algorithm, &["theirs", "-o", "back", "-f", "--no-padding"]).ok();
            vault.bench.cmp("back", "text");
        }
        vault.bench.write("text", &noise(17));
        raw(&vault, "encrypt", algorithm, &["text", "-o", "x", "--no-padding"])
            .fails(1, &["whole block", "16 bytes"]);
    }
}

#[test]
fn every_backend_gives_the_same() {
    let vault = Vault::new();
    vault.bench.write("text", &noise((1 << 20) + 48));
    for algorithm in ciphers() {
        vault.key("raw.key", &key(algorithm));
        let mut first: Option<Vec<u8>> = None;
        for backend in BACKENDS.iter().filter(|b| b.offers(algorithm).is_ok()).map(|b| b.name()) {
            raw(&vault, "encrypt", algorithm, &["text", "-o", "sealed", "-f", "--via", backend]).ok();
            let sealed = vault.bench.read("sealed");
            assert!(*first.get_or_insert_with(|| sealed.clone()) == sealed, "{} by {backend}", algorithm.name);
            raw(&vault, "decrypt", algorithm, &["sealed", "-o", "back", "-f", "--via", backend]).ok();
            vault.bench.cmp("back", "text");
        }
        assert!(first.is_some(), "nobody has {}", algorithm.name);
    }
}

#[test]
fn wrong_padding_leaves_no_output() {
    let vault = Vault::new();
    let cbc = ciphers().find(|a| a.name == "aes-256-cbc").unwrap();
    vault.key("raw.key", &key(cbc));
    vault.bench.write("text", &noise(3 << 20));
    raw(&vault, "encrypt", cbc, &["text", "-o", "sealed"]).ok();
    vault.key("raw.key", &[9; 32]);
    let names = vault.bench.names();
    // Of 256 wrong keys one gives padding that looks right; this one does not.
    raw(&vault, "decrypt", cbc, &["sealed", "-o", "x"]).fails(1, &["padding is wrong", "x was not made"]);
    assert!(raw_output(&vault, cbc, &["sealed", "-o", "-"]).is_empty());
    let sealed = vault.bench.read("sealed");
    for len in [0, 15, 17] {
        vault.bench.write("cut", &sealed[..len]);
        raw(&vault, "decrypt", cbc, &["cut", "-o", "x"]).fails(1, &["whole block", "x was not made"]);
    }
    std::fs::remove_file(vault.bench.path("cut")).unwrap();
    assert_eq!(vault.bench.names(), names);
}

#[test]
fn raw_modes_warn_and_refuse_what_makes_no_sense() {
    let vault = Vault::new();
    let cbc = ciphers().find(|a| a.name == "aes-256-cbc").unwrap();
    vault.key("raw.key", &key(cbc));
    vault.bench.write("text", b"x");
    vault.bench.write("iv", IV.as_bytes());
    let ran = raw(&vault, "encrypt", cbc, &["text", "-o", "sealed"]);
    assert!(ran.ok().err.contains("warning") && ran.err.contains("not authenticated"), "{}", ran.err);
    let base = ["encrypt", "text", "-f", "-o", "x", "--raw", "--key-file", "raw.key"];
    let fails = |args: &[&str], code, words: &[&str]| vault.run(&[&base[..], args].concat()).fails(code, words);
    vault.run(&[&base[..], &["-a", "aes-256-cbc", "--iv-file", "iv"]].concat()).ok();
    assert!(vault.bench.read("x") == vault.bench.read("sealed"), "the IV of a file is another one");
    std::fs::remove_file(vault.bench.path("x")).unwrap();
    fails(&["-a", "aes-256-gcm"], 2, &["is no raw mode", "leave --raw away"]);
    fails(&["-a", "aes-256-cbc"], 2, &["needs an initialisation vector", "--iv"]);
    fails(&["-a", "aes-256-cbc", "--iv", "00"], 2, &["16 bytes, 32 hexadecimal digits"]);
    fails(&["-a", "aes-256-ecb", "--iv", IV], 2, &["has no initialisation vector"]);
    fails(&["-a", "aes-256-ctr", "--iv", IV, "--no-padding"], 2, &["has no padding"]);
    fails(&["-a", "aes-128-cbc", "--iv", IV], 1, &["key file raw.key", "16 bytes"]);
    fails(&[], 2, &["--algorithm"]);
    vault.run(&["encrypt", "text", "--raw", "-a", "aes-256-cbc", "--iv", IV, "-o", "x"]).fails(2, &["--key-file"]);
    vault.run(&["encrypt", "text", "-a", "aes-256-cbc", "-o", "x"]).fails(2, &["no authentication", "--raw"]);
    vault.run(&["encrypt", "text", "--raw", "-a", "aes-256-cbc", "--iv", IV]).fails(2, &["-o"]);
    assert_eq!(vault.bench.names(), ["iv", "key", "raw.key", "sealed", "text"]);
}

#[test]
fn xts_takes_one_data_unit() {
    let vault = Vault::new();
    let xts = ciphers().find(|a| a.name == "aes-256-xts").unwrap();
    vault.key("raw.key", &key(xts));
    for (len, word) in [(15, "needs 16 or more"), ((16 << 20) + 1, "16 MiB"), ((16 << 20) + 17, "16 MiB")] {
        vault.bench.write("text", &noise(len));
        raw(&vault, "encrypt", xts, &["text", "-o", "x"]).fails(1, &[word, "x was not made"]);
    }
    for len in [16, 17, 16 << 20] {
        vault.bench.write("text", &noise(len));
        raw(&vault, "encrypt", xts, &["text", "-o", "sealed", "-f"]).ok();
        raw(&vault, "decrypt", xts, &["sealed", "-o", "back", "-f"]).ok();
        vault.bench.cmp("back", "text");
    }
}
