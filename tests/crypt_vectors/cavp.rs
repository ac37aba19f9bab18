//! NIST's vectors, and those that RFCs state: tests/data/cavp.

use std::path::Path;

use syskit::recipes::crypt::algorithm::Algorithm;

use crate::judge::{Vector, Verdict};

/// Those of an algorithm; none where there is no file.
pub fn read(algorithm: &Algorithm) -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cavp");
    let Ok(text) = std::fs::read_to_string(folder.join(format!("{}.txt", algorithm.name))) else { return Vec::new() };
    let mut from = "";
    let mut vectors = Vec::new();
    for (number, line) in text.lines().enumerate() {
        match line.strip_prefix("# ") {
            Some(file) => from = file,
            None => vectors.push(vector(format!("line {}, from {from}", number + 1), line)),
        }
    }
    vectors
}

fn vector(about: String, line: &str) -> Vector {
    let field = |name: &str| {
        let value = line.split(' ').find_map(|f| f.strip_prefix(name)?.strip_prefix('='));
        value.map(|v| hex::decode(v).unwrap_or_else(|e| panic!("{about}: {name}: {e}")))
    };
    let verdict = if line.split(' ').any(|f| f == "fail") { Verdict::Invalid } else { Verdict::Valid };
    Vector {
        key: field("key").unwrap_or_default(),
        iv: field("iv").unwrap_or_default(),
        aad: field("aad").unwrap_or_default(),
        text: field("msg").or_else(|| field("pt")),
        ciphertext: field("ct").unwrap_or_default(),
        tag: field("tag").or_else(|| field("digest")).unwrap_or_default(),
        verdict,
        padded: false,
        about,
    }
}
