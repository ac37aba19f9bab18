#![no_main]

use libfuzzer_sys::fuzz_target;
use syskit::recipes::crypt::format::KeySource;
use syskit::recipes::crypt::format::header::{Argon2id, COVERED, Header};

// What is accepted is written again as it was, and asks for no more than its bounds.
fuzz_target!(|input: &[u8]| {
    let Ok(header) = Header::parse(input) else { return };
    assert_eq!(header.covered(), input[..COVERED]);
    assert!((4 << 10..=1 << 20).contains(&header.chunk_len()));
    if let KeySource::Passphrase(argon) = &header.key_source {
        assert!(argon.memory <= Argon2id::MEMORY && argon.passes <= 10 && argon.lanes <= 4);
    }
});
