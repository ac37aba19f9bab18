//! The versions of the crates that are linked in: looked up in Cargo.lock while this is compiled.

const LOCK: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock"));

macro_rules! versions {
    ($($name:literal)+) => {
        /// The version of a crate that is listed here; "" for others.
        pub fn of(name: &str) -> &'static str {
            match name {
                $($name => const { find(concat!("[[package]]\nname = \"", $name, "\"\nversion = \"").as_bytes()) },)+
                _ => "",
            }
        }
    };
}

versions!("aes" "aes-gcm" "blake2" "cbc" "ccm" "chacha20" "chacha20poly1305" "cmac" "ctr" "ecb" "hmac" "md-5" "sha1" "sha2" "sha3" "xts-mode");

/// What stands in the lock file between `before` and the next quotation mark.
const fn find(before: &[u8]) -> &'static str {
    let mut at = 0;
    while at + before.len() < LOCK.len() {
        let mut same = 0;
        while same < before.len() && LOCK[at + same] == before[same] {
            same += 1;
        }
        if same == before.len() {
            let (_, rest) = LOCK.split_at(at + same);
            let mut len = 0;
            while rest[len] != b'"' {
                len += 1;
            }
            let (version, _) = rest.split_at(len);
            return match std::str::from_utf8(version) {
                Ok(version) => version,
                Err(_) => "",
            };
        }
        at += 1;
    }
    ""
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_crate_has_a_version() {
        for algorithm in crate::recipes::crypt::algorithm::ALGORITHMS.iter().filter(|a| a.parts().is_none()) {
            let name = super::super::crate_of(algorithm);
            assert!(super::of(name).contains('.'), "{}: {name}", algorithm.name);
        }
    }
}
