//! The kernel's digests, ciphers and random numbers, against OpenSSL and against each other.

use nix::errno::Errno;
use syskit::error::Kind as Class;
use syskit::need::af_alg::{Call, error};
use syskit::recipes::crypt::algorithm::{ALGORITHMS, Algorithm, Kind, find};
use syskit::recipes::crypt::backend::{self, BACKENDS, Backend, Direction, af_alg::KERNEL};
use syskit::sys::af_alg::{Hash, Rng, Skcipher, Transform};
use syskit::sys::keyring::Key;

use super::in_lab;

/// `len` bytes that differ from each other.
pub fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fastrand::Rng::with_seed(len as u64 + 1).fill(&mut bytes);
    bytes
}

pub fn algorithm(name: &str) -> &'static Algorithm {
    find(name).expect("an algorithm of this name")
}

/// A library in user space that has the algorithm too.
pub fn oracle(algorithm: &'static Algorithm) -> &'static dyn Backend {
    let others = BACKENDS.iter().copied().filter(|b| b.name() != "af_alg");
    others.into_iter().find(|b| b.offers(algorithm).is_ok()).unwrap_or_else(|| panic!("{} nowhere", algorithm.name))
}

fn key_of(algorithm: &Algorithm) -> Vec<u8> {
    noise(algorithm.key_len.unwrap_or(20))
}

#[test]
fn every_algorithm_has_a_driver() {
    in_lab("interface::every_algorithm_has_a_driver", || {
        for algorithm in ALGORITHMS {
            let driver = KERNEL.offers(algorithm).unwrap_or_else(|e| panic!("{e}"));
            let text = std::fs::read_to_string("/proc/crypto").unwrap();
            assert!(text.contains(&format!(": {driver}\n")), "{}: {driver}", algorithm.name);
        }
    });
}

/// Longer than the socket's buffer too, whole, in pieces and after a message that was cut short by another start.
#[test]
fn digests_agree_with_user_space_at_any_length() {
    in_lab("interface::digests_agree_with_user_space_at_any_length", || {
        for algorithm in ALGORITHMS.iter().filter(|a| matches!(a.kind, Kind::Digest(_) | Kind::Mac(_))) {
            let key = key_of(algorithm);
            let mut ours = KERNEL.digest(algorithm, &key).unwrap();
            let mut theirs = oracle(algorithm).digest(algorithm, &key).unwrap();
            let (mut a, mut b) = (vec![0; algorithm.digest_len()], vec![0; algorithm.digest_len()]);
            for len in [0, 1, 63, 64, 4097, 1_500_001] {
                let data = noise(len);
                theirs.once(&data, &mut b).unwrap();
                ours.once(&data, &mut a).unwrap();
                assert_eq!(a, b, "{} of {len}", algorithm.name);
                data.chunks(100_003).for_each(|piece| ours.update(piece).unwrap());
                ours.finish(&mut a).unwrap();
                assert_eq!(a, b, "{} of {len} in pieces", algorithm.name);
            }
        }
    });
}

#[test]
fn a_partial_digest_does_not_end_the_message() {
    in_lab("interface::a_partial_digest_does_not_end_the_message", || {
        let mut hash = Hash::open("sha256", None).unwrap();
        let of = |data: &[u8]| {
            let mut out = [0; 32];
            backend::find("openssl").unwrap().digest(algorithm("sha256"), &[]).unwrap().once(data, &mut out).unwrap();
            out
        };
        let mut out = [0; 32];
        hash.update(b"Python ").unwrap();
        hash.partial(&mut out).unwrap();
        assert_eq!(out, of(b"Python "));
        hash.update(b"is awesome!").unwrap();
        hash.finish(&mut out).unwrap();
        assert_eq!(out, of(b"Python is awesome!"));
        hash.update(b"forgotten").unwrap();
        hash.reset().unwrap();
        hash.finish(&mut out).unwrap();
        assert_eq!(out, of(b""));
        let mut short = [0; 8];
        hash.once(b"x", &mut short).unwrap();
        assert_eq!(short, of(b"x")[..8]);
        assert_eq!(hash.finish(&mut [0; 33]), Err(Errno::EIO));
    });
}

/// Longer than the kernel takes at once, and in pieces: cbc goes on from its IV, ctr and chacha20 inside their blocks.
#[test]
fn ciphers_agree_with_user_space_and_go_on_between_calls() {
    in_lab("interface::ciphers_agree_with_user_space_and_go_on_between_calls", || {
        for algorithm in ALGORITHMS {
            let Kind::Cipher(shape) = algorithm.kind else { continue };
            let (key, iv) = (key_of(algorithm), vec![7; algorithm.iv_len]);
            for direction in [Direction::Encrypt, Direction::Decrypt] {
                let mut ours = KERNEL.cipher(algorithm, &key, direction).unwrap();
                let mut theirs = oracle(algorithm).cipher(algorithm, &key, direction).unwrap();
                for len in [16, 48, 4096, 700_000] {
                    let input = noise(len);
                    let (mut a, mut b) = (vec![0; len], vec![0; len]);
                    theirs.once(&iv, &input, &mut b).unwrap();
                    ours.once(&iv, &input, &mut a).unwrap();
                    assert!(a == b, "{} of {len}, {direction:?}", algorithm.name);
                    if shape.whole {
                        continue;
                    }
                    ours.start(&iv).unwrap();
                    let size = if shape.block == 1 { 29 } else { 32 };
                    let size = if len > 5000 { size * 1001 } else { size };
                    let size = size / shape.block * shape.block;
                    for (input, output) in input.chunks(size).zip(a.chunks_mut(size)) {
                        output.fill(0);
                        ours.process(input, output).unwrap();
                    }
                    assert!(a == b, "{} of {len} in pieces, {direction:?}", algorithm.name);
                }
            }
        }
    });
}

#[test]
fn a_cipher_survives_what_the_kernel_refuses() {
    in_lab("interface::a_cipher_survives_what_the_kernel_refuses", || {
        let mut cipher = Skcipher::open("cbc(aes)", &[1; 16], 16, Direction::Encrypt).unwrap();
        let (mut first, mut again) = ([0; 32], [0; 32]);
        cipher.start(&[2; 16]);
        cipher.process(&[3; 32], &mut first).unwrap();
        assert_eq!(cipher.process(&[3; 17], &mut [0; 17]), Err(Errno::EINVAL));
        cipher.start(&[2; 16]);
        cipher.process(&[3; 32], &mut again).unwrap();
        assert_eq!(first, again);
        // An empty message is no call at all; the next one still begins with its IV.
        cipher.start(&[2; 16]);
        cipher.process(&[], &mut []).unwrap();
        cipher.process(&[3; 32], &mut again).unwrap();
        assert_eq!(first, again);
    });
}

#[test]
fn keys_of_a_wrong_length_are_told_with_the_right_ones() {
    in_lab("interface::keys_of_a_wrong_length_are_told_with_the_right_ones", || {
        let cases = [
            ("skcipher", "cbc(aes)", 33, "16 to 32"),
            ("aead", "gcm(aes)", 8, "16 to 32"),
            ("skcipher", "xts(aes)", 65, "32 to 64"),
        ];
        for (kind, name, len, words) in cases {
            let transform = Transform::open(kind, name).unwrap();
            let errno = transform.set_key(&vec![5; len]).unwrap_err();
            let told = error(kind, name, Call::SetKey(len), errno);
            assert!(told.kind == Class::Failed && told.to_string().contains(words), "{told}");
        }
        let transform = Transform::open("hash", "hmac(sha256)").unwrap();
        let told =
            error("hash", "hmac(sha256)", Call::SetKey(1 << 18), transform.set_key(&vec![5; 1 << 18]).unwrap_err());
        assert!(told.to_string().contains("net.core.optmem_max"), "{told}");
        assert_eq!(Hash::open("sha256", Some(b"key")).err(), Some(Errno::ENOSYS));
        let absent = error("aead", "gcm(ase)", Call::Open, Transform::open("aead", "gcm(ase)").unwrap_err());
        assert!(
            absent.kind == Class::Unavailable && absent.to_string().contains("the type aead is there"),
            "{absent}"
        );
        let other = error("aead", "cbc(aes)", Call::Open, Transform::open("aead", "cbc(aes)").unwrap_err());
        assert!(other.to_string().contains("is not of type aead"), "{other}");
    });
}

#[test]
fn a_key_that_the_kernel_keeps_is_the_same_key() {
    in_lab("interface::a_key_that_the_kernel_keeps_is_the_same_key", || {
        let secret = noise(32);
        let mut wanted = [0; 32];
        let mac = |transform: Transform, out: &mut [u8]| Hash::of(transform).unwrap().once(b"message", out);
        let with_key = Transform::open("hash", "hmac(sha256)").unwrap();
        with_key.set_key(&secret).unwrap();
        mac(with_key, &mut wanted).unwrap();
        for kind in [c"user", c"logon"] {
            let key = Key::add(kind, c"syskit:lab", &secret).unwrap();
            let transform = Transform::open("hash", "hmac(sha256)").unwrap();
            transform.set_key_by_serial(key.serial()).unwrap();
            let serial = key.serial();
            drop(key);
            let mut out = [0; 32];
            mac(transform, &mut out).unwrap();
            assert_eq!(out, wanted, "{kind:?}");
            let gone = Transform::open("hash", "hmac(sha256)").unwrap().set_key_by_serial(serial).unwrap_err();
            assert!(matches!(gone, Errno::ENOKEY | Errno::EKEYREVOKED | Errno::EACCES), "{gone}");
            let told = error("hash", "hmac(sha256)", Call::SetKeyBySerial, gone).to_string();
            assert!(told.contains("no such key"), "{told}");
        }
    });
}

#[test]
fn random_numbers_come_seeded_and_in_any_amount() {
    in_lab("interface::random_numbers_come_seeded_and_in_any_amount", || {
        let unseeded = Rng::open("stdrng", None).unwrap().fill(&mut [0; 8]).unwrap_err();
        let told = error("rng", "stdrng", Call::Read, unseeded).to_string();
        assert!(told.contains("not seeded"), "{told}");
        let drbg = Rng::open("stdrng", Some(b"a seed")).unwrap();
        let (mut one, mut two) = (vec![0; 1000], vec![0; 1000]);
        drbg.fill(&mut one).unwrap();
        Rng::open("stdrng", Some(b"a seed")).unwrap().fill(&mut two).unwrap();
        // 1000 bytes with 256 values: each is in there with a chance of 98 %.
        let distinct = one.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert!(one != two && distinct > 200, "{distinct}");
        assert_eq!(drbg.add_input(b"more"), Err(Errno::EOPNOTSUPP));
        // One without entropy of its own gives the same numbers for the same seed.
        let numbers = |seed: &[u8]| {
            let mut out = vec![0; 300];
            Rng::open("ansi_cprng", Some(seed)).unwrap().fill(&mut out).unwrap();
            out
        };
        let seed = noise(32);
        assert_eq!(numbers(&seed), numbers(&seed));
        assert_ne!(numbers(&seed), numbers(&noise(33)[1..]));
        let transform = Transform::open("rng", "stdrng").unwrap();
        if let Err(errno) = transform.set_entropy(&[1; 48]) {
            let told = error("rng", "stdrng", Call::SetEntropy(48), errno);
            assert!(told.kind == Class::Unavailable && told.to_string().contains("CAVP"), "{told}");
        }
    });
}
