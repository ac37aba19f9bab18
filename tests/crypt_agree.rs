//! Every pair of backends that has an algorithm: what one encrypts the other decrypts, digests are the same, for random
//! keys and texts of every size from 0 to 300 bytes and around 4 KiB and 64 KiB; and a message in pieces is the same as
//! in one.

mod common;

use fastrand::Rng;
use syskit::recipes::crypt::algorithm::{ALGORITHMS, Algorithm, Kind};
use syskit::recipes::crypt::backend::{BACKENDS, Backend, Direction};

/// Printed with every failure: the texts come from it.
const SEED: u64 = 20_268;

/// Under emulation every 13th of the small ones.
fn sizes() -> impl Iterator<Item = usize> {
    let step = if common::lab::inside() { 13 } else { 1 };
    (0..=300).step_by(step).chain([4095, 4096, 4097, 65_535, 65_536, 65_537])
}

fn bytes(random: &mut Rng, len: usize) -> Vec<u8> {
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// Those that offer it here.
fn offering(algorithm: &'static Algorithm) -> Vec<&'static dyn Backend> {
    BACKENDS.iter().copied().filter(|b| b.offers(algorithm).is_ok()).collect()
}

/// Algorithms of a kind that somebody offers, each with a generator of its own.
fn each(wanted: fn(Kind) -> bool) -> impl Iterator<Item = (&'static Algorithm, Vec<&'static dyn Backend>, Rng)> {
    ALGORITHMS.iter().filter(move |a| wanted(a.kind)).map(|algorithm| {
        let backends = offering(algorithm);
        assert!(!backends.is_empty(), "nobody offers {}", algorithm.name);
        (algorithm, backends, Rng::with_seed(SEED))
    })
}

/// `text` cut at random places into multiples of `block`.
fn pieces<'t>(random: &mut Rng, text: &'t [u8], block: usize) -> Vec<&'t [u8]> {
    let mut rest = text;
    let mut cut = Vec::new();
    while !rest.is_empty() {
        let most = (rest.len() / block).min(1 + 40 * 16 / block);
        let (piece, after) = rest.split_at(random.usize(0..=most) * block);
        cut.push(piece);
        rest = after;
    }
    cut
}

#[test]
fn digests_and_macs_agree() {
    for (algorithm, backends, mut random) in each(|k| matches!(k, Kind::Digest(_) | Kind::Mac(_))) {
        let key_len = algorithm.key_len.unwrap_or(random.usize(0..200));
        let key = bytes(&mut random, key_len);
        let mut all: Vec<_> = backends.iter().map(|b| b.digest(algorithm, &key).expect("a digest")).collect();
        for size in sizes() {
            let text = bytes(&mut random, size);
            let cut = pieces(&mut random, &text, 1);
            let mut expected = None;
            for (backend, digest) in backends.iter().zip(&mut all) {
                let mut once = vec![0; algorithm.digest_len()];
                digest.once(&text, &mut once).expect("once");
                let mut parts = vec![0; algorithm.digest_len()];
                cut.iter().for_each(|piece| digest.update(piece).expect("update"));
                digest.finish(&mut parts).expect("finish");
                let about = format!("{} {} of {size} bytes, seed {SEED}", backend.name(), algorithm.name);
                assert_eq!(once, parts, "{about}: in pieces");
                assert_eq!(&once, expected.get_or_insert(once.clone()), "{about}: the backends before");
            }
        }
    }
}

#[test]
fn ciphers_agree() {
    for (algorithm, backends, mut random) in each(|k| matches!(k, Kind::Cipher(_))) {
        let Kind::Cipher(shape) = algorithm.kind else { unreachable!() };
        let key = bytes(&mut random, algorithm.key_len.unwrap_or(0));
        let with = |direction| {
            let cipher = |b: &&'static dyn Backend| b.cipher(algorithm, &key, direction).expect("a cipher");
            backends.iter().map(cipher).collect::<Vec<_>>()
        };
        let (mut encrypt, mut decrypt) = (with(Direction::Encrypt), with(Direction::Decrypt));
        for size in sizes().filter(|s| s % shape.block == 0 && (!shape.whole || *s >= shape.least)) {
            let (text, mut iv) = (bytes(&mut random, size), bytes(&mut random, algorithm.iv_len));
            if algorithm.name == "chacha20" {
                iv[3] = 0; // What follows the last counter is not defined.
            }
            let cut = if shape.whole { vec![&*text] } else { pieces(&mut random, &text, shape.block) };
            let mut expected = None;
            for (i, backend) in backends.iter().enumerate() {
                let about = format!("{} {} of {size} bytes, seed {SEED}", backend.name(), algorithm.name);
                let mut once = vec![0; size];
                encrypt[i].once(&iv, &text, &mut once).expect("once");
                let mut parts = vec![0; size];
                encrypt[i].start(&iv).expect("start");
                let mut at = 0;
                for piece in &cut {
                    encrypt[i].process(piece, &mut parts[at..at + piece.len()]).expect("process");
                    at += piece.len();
                }
                assert_eq!(once, parts, "{about}: in pieces");
                assert_eq!(&once, expected.get_or_insert(once.clone()), "{about}: the backends before");
                let mut back = vec![0; size];
                decrypt[i].once(&iv, &once, &mut back).expect("decrypt");
                assert_eq!(back, text, "{about}: back");
                let mut parts = vec![0; size];
                decrypt[i].start(&iv).expect("start");
                let mut at = 0;
                for piece in &cut {
                    decrypt[i]
                        .process(&once[at..at + piece.len()], &mut parts[at..at + piece.len()])
                        .expect("process");
                    at += piece.len();
                }
                assert_eq!(parts, text, "{about}: back in pieces");
            }
        }
    }
}

#[test]
fn aeads_agree_and_refuse_a_changed_bit() {
    for (algorithm, backends, mut random) in each(|k| matches!(k, Kind::Aead(_))) {
        let Kind::Aead(tags) = algorithm.kind else { unreachable!() };
        let key = bytes(&mut random, algorithm.key_len.unwrap_or(0));
        for tag_len in tags {
            // A backend may have the algorithm and not this length.
            let take = |b: &&'static dyn Backend| Some((b.name(), b.aead(algorithm, &key, *tag_len).ok()?));
            let mut all: Vec<_> = backends.iter().filter_map(take).collect();
            assert!(!all.is_empty(), "nobody offers {} with a tag of {tag_len}", algorithm.name);
            for size in
                sizes().filter(|s| *tag_len == 16 || s % 7 == 0).map(|s| s.next_multiple_of(algorithm.block()))
            {
                let (text, nonce) = (bytes(&mut random, size), bytes(&mut random, algorithm.iv_len));
                let aad_len = random.usize(0..40);
                let aad = bytes(&mut random, aad_len);
                let mut expected = None;
                for (name, aead) in &mut all {
                    let about = format!("{name} {} tag {tag_len} of {size} bytes, seed {SEED}", algorithm.name);
                    let mut sealed = vec![0; size + tag_len];
                    aead.seal(&nonce, &aad, &text, &mut sealed).expect("seal");
                    assert_eq!(&sealed, expected.get_or_insert(sealed.clone()), "{about}: the backends before");
                    let mut back = vec![0; size];
                    aead.open(&nonce, &aad, &sealed, &mut back).expect("open");
                    assert_eq!(back, text, "{about}: back");
                    let at = random.usize(0..sealed.len());
                    sealed[at] ^= 1 << random.u8(0..8);
                    let refused = aead.open(&nonce, &aad, &sealed, &mut back).expect_err("a changed bit");
                    assert_eq!(refused.errno, Some(nix::errno::Errno::EBADMSG), "{about}: {refused}");
                    assert!(back.iter().all(|b| *b == 0), "{about}: plaintext of what is not authentic");
                }
            }
        }
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    for backend in BACKENDS {
        for algorithm in ALGORITHMS.iter().filter(|a| backend.offers(a).is_ok()) {
            let about = format!("{} {}", backend.name(), algorithm.name);
            let key = vec![1; algorithm.key_len.unwrap_or(16) + 1];
            let fits = &(1..=key.len() as u8).collect::<Vec<_>>()[..algorithm.key_len.unwrap_or(16)];
            match algorithm.kind {
                Kind::Digest(len) | Kind::Mac(len) => {
                    let refused = backend.digest(algorithm, &key).is_err();
                    assert_eq!(refused, algorithm.key_len.is_some(), "{about}: a key too long");
                    let mut digest = backend.digest(algorithm, fits).expect("a digest");
                    assert!(digest.once(b"text", &mut vec![0; len - 1]).is_err(), "{about}: too little room");
                }
                Kind::Cipher(_) => {
                    assert!(backend.cipher(algorithm, &key, Direction::Encrypt).is_err(), "{about}: a key too long");
                    let mut cipher = backend.cipher(algorithm, fits, Direction::Encrypt).expect("a cipher");
                    assert!(cipher.start(&vec![0; algorithm.iv_len + 1]).is_err(), "{about}: an IV too long");
                    cipher.start(&vec![0; algorithm.iv_len]).expect("start");
                    assert!(cipher.process(&[0; 32], &mut [0; 16]).is_err(), "{about}: too little room");
                }
                Kind::Aead(_) => {
                    assert!(backend.aead(algorithm, &key, 16).is_err(), "{about}: a key too long");
                    for tag_len in [0, 1, 17, 5000] {
                        assert!(backend.aead(algorithm, fits, tag_len).is_err(), "{about}: a tag of {tag_len}");
                    }
                    let mut aead = backend.aead(algorithm, fits, 16).expect("an aead");
                    let nonce = vec![0; algorithm.iv_len];
                    assert!(aead.seal(&nonce, &[], &[0; 32], &mut [0; 32]).is_err(), "{about}: no room for a tag");
                    assert!(aead.open(&nonce, &[], &[0; 15], &mut []).is_err(), "{about}: shorter than a tag");
                    assert!(aead.seal(&[], &[], &[0; 16], &mut [0; 32]).is_err(), "{about}: no nonce");
                    let odd = aead.seal(&nonce, &[], &[0; 17], &mut [0; 33]).map_err(|e| e.to_string());
                    match algorithm.block() {
                        1 => assert_eq!(odd, Ok(()), "{about}: any length"),
                        _ => assert!(
                            odd.is_err_and(|e| e.contains("whole blocks of 16 bytes, not 17")),
                            "{about}: odd"
                        ),
                    }
                    if algorithm.block() > 1 {
                        let odd = aead.open(&nonce, &[], &[0; 33], &mut [0; 17]).expect_err("never sealed");
                        assert_eq!(odd.errno, Some(nix::errno::Errno::EBADMSG), "{about}: {odd}");
                    }
                }
            }
        }
    }
}
