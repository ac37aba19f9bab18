//! `syskit crypt encrypt` and `decrypt`: what goes in comes out, by every way and backend, and a second implementation of
//! the form agrees. Tools: python3 with cryptography (python3-cryptography, python3-argon2).

mod common;

use std::process::Command;

use common::crypt::Vault;
use common::{Ran, noise, skip};
use serde_json::Value;
use syskit::recipes::crypt::algorithm;
use syskit::recipes::crypt::backend::BACKENDS;
use syskit::recipes::crypt::format::header::Header;

const CHUNK: usize = 64 << 10;
const HEADER: usize = 104;
const TAG: usize = 16;

/// Around every border there is, and across a batch of chunks.
const LENGTHS: [usize; 9] = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 16 * CHUNK, 17 * CHUNK, 33 * CHUNK + 5];

#[test]
fn every_length_comes_back_by_files_and_pipes() {
    let vault = Vault::new();
    for len in LENGTHS {
        let text = noise(len);
        vault.bench.write("text", &text);
        vault.with_key("encrypt", &["text", "--force"]).ok();
        let chunks = len.div_ceil(CHUNK).max(1);
        assert_eq!(vault.bench.read("text.syskit").len(), HEADER + len + chunks * TAG);
        vault.with_key("decrypt", &["text.syskit", "-o", "back", "--force"]).ok();
        assert!(vault.bench.read("back") == text, "{len}");
        assert_eq!((vault.mode("text.syskit"), vault.mode("back")), (0o600, 0o600));

        let sealed = vault.piped(&["encrypt", "-", "--key-file", "key"], &text);
        assert!(sealed.status.success());
        let opened = vault.piped(&["decrypt", "-", "--key-file", "key"], &sealed.stdout);
        assert!(opened.status.success() && opened.stdout == text, "{len}: {}", common::err(&opened));
        let opened = vault.output(&["decrypt", "text.syskit", "-o", "-", "--key-file", "key"]);
        assert!(opened.stdout == text, "{len}");
    }
}

#[test]
fn standard_input_may_be_a_file_that_was_read_in_part() {
    let vault = Vault::new();
    let text = noise(3 * CHUNK);
    vault.bench.write("text", &text);
    vault.with_key("encrypt", &["text"]).ok();
    vault.bench.write("two", &[b"0123456789", &vault.bench.read("text.syskit")[..]].concat());
    let script = "head -c 10 >/dev/null; exec \"$0\" crypt decrypt - --key-file key";
    let mut sh = Command::new("sh");
    sh.args(["-c", script, env!("CARGO_BIN_EXE_syskit")]).current_dir(vault.bench.dir());
    let ran = sh.stdin(std::fs::File::open(vault.bench.path("two")).unwrap()).output().unwrap();
    assert!(ran.stdout == text, "{}", common::err(&ran));
}

#[test]
fn two_files_of_one_text_and_key_share_nothing() {
    let vault = Vault::new();
    vault.bench.write("text", &[0; 1000]);
    for out in ["a", "b"] {
        vault.with_key("encrypt", &["text", "-o", out]).ok();
    }
    let (a, b) = (vault.bench.read("a"), vault.bench.read("b"));
    let same = a[40..].iter().zip(&b[40..]).filter(|(a, b)| a == b).count();
    // Of 1080 bytes of chance some four are alike.
    assert!(same < 40, "{same} bytes are alike");
}

#[test]
fn all_backends_read_what_the_others_wrote() {
    let vault = Vault::new();
    let text = noise(CHUNK + 77);
    vault.bench.write("text", &text);
    for name in Header::algorithms() {
        let algorithm = algorithm::find(name).unwrap();
        let able = || BACKENDS.iter().filter(|b| b.offers(algorithm).is_ok()).map(|b| b.name());
        assert!(able().count() > 0);
        for writer in able() {
            let wrote = ["text", "-a", name, "--via", writer, "-f", "--json"];
            let document: Value = serde_json::from_str(&vault.with_key("encrypt", &wrote).ok().out).unwrap();
            assert_eq!((document["via"].as_str(), document["algorithm"].as_str()), (Some(writer), Some(name)));
            for reader in able() {
                vault.with_key("decrypt", &["text.syskit", "-o", "back", "-f", "--via", reader]).ok();
                assert!(vault.bench.read("back") == text, "{name} from {writer} by {reader}");
            }
        }
    }
}

fn second(vault: &Vault, args: &[&str]) -> Ran {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crypt/second.py");
    Ran::of(Command::new("python3").arg(script).args(args).current_dir(vault.bench.dir()).output().unwrap())
}

fn no_python() -> bool {
    let test = ["-c", "import cryptography.hazmat.primitives.ciphers.aead"];
    !Command::new("python3").args(test).output().is_ok_and(|o| o.status.success())
}

#[test]
fn a_second_implementation_reads_and_writes_the_form() {
    if no_python() {
        return skip("python3 has no cryptography (python3-cryptography)");
    }
    let vault = Vault::new();
    vault.key("hex", b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff\n");
    for len in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK] {
        let text = noise(len);
        vault.bench.write("text", &text);
        for name in Header::algorithms() {
            let option = if name == "aes-256-gcm" { &[][..] } else { &[name] };
            vault.run(&["encrypt", "text", "-f", "-a", name, "--key-file", "hex"]).ok();
            second(&vault, &["decrypt", "hex", "text.syskit", "theirs"]).ok();
            assert!(vault.bench.read("theirs") == text, "{name} {len}: they read");
            second(&vault, &[&["encrypt", "hex", "text", "theirs.syskit"], option].concat()).ok();
            vault.run(&["decrypt", "theirs.syskit", "-f", "--key-file", "hex"]).ok();
            assert!(vault.bench.read("theirs") == text, "{name} {len}: we read");
        }
    }
}

#[test]
fn a_second_implementation_derives_the_same_key_from_a_passphrase() {
    let argon = "try:\n import cryptography.hazmat.primitives.kdf.argon2\nexcept ImportError:\n import argon2";
    let there = Command::new("python3").args(["-c", argon]).output().is_ok_and(|o| o.status.success());
    if no_python() || !there {
        return skip("python3 has no Argon2 (python3-argon2)");
    }
    let vault = Vault::new();
    vault.bench.write("text", b"attack at dawn");
    second(&vault, &["encrypt", "pass:correct horse", "text", "theirs.syskit"]).ok();
    common::crypt::typed(&vault, &["correct horse"], &["decrypt", "theirs.syskit"]).ok();
    assert_eq!(vault.bench.read("theirs"), b"attack at dawn");
    common::crypt::typed(&vault, &["correct horse", "correct horse"], &["encrypt", "text"]).ok();
    second(&vault, &["decrypt", "pass:correct horse", "text.syskit", "back"]).ok();
    assert_eq!(vault.bench.read("back"), b"attack at dawn");
}

#[test]
fn a_chunk_number_past_the_counter_is_an_error() {
    use syskit::recipes::crypt::format::{FileKeys, KeySource, Position, Stream};
    let header = Header {
        algorithm: algorithm::find("aes-256-gcm").unwrap(),
        chunk_log2: 12,
        key_source: KeySource::KeyFile,
        salt: [1; 32],
    };
    let keys = FileKeys::derive(&[2; 32], &header).unwrap();
    let mut stream = Stream::new(syskit::recipes::crypt::backend::find("openssl").unwrap(), &header, &keys).unwrap();
    let mut out = [0; 17];
    assert!(stream.seal(Position { number: u64::from(u32::MAX), last: true }, b"x", &mut out).is_ok());
    for last in [false, true] {
        let past = stream.seal(Position { number: 1 << 32, last }, b"x", &mut out);
        assert!(past.unwrap_err().to_string().contains("4294967296 chunks"));
    }
}
