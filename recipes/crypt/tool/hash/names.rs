//! The names of digests: ours, the kernel's, OpenSSL's, those of coreutils' programs and of BSD tags.

use crate::error::{Error, Result};
use crate::recipe::nearest;
use crate::recipes::crypt::algorithm::{ALGORITHMS, Algorithm, Kind};

/// Digests and MACs: what has a line of its own in a list of checksums.
pub fn known() -> impl Iterator<Item = &'static Algorithm> + Clone {
    ALGORITHMS.iter().filter(|a| matches!(a.kind, Kind::Digest(_) | Kind::Mac(_)))
}

/// The digest or MAC that a user calls `text`: "sha256", "SHA2-256", "sha256sum", "hmac(sha256)", "b2sum".
pub fn named(text: &str) -> Result<&'static Algorithm> {
    let wanted = plain(text);
    let is = |a: &&Algorithm| {
        let program = format!("{}sum", a.name);
        let more: &[&str] = if a.name == "blake2b512" { &["blake2b", "b2sum"] } else { &[] };
        [a.name, a.kernel, &tag(a), &openssl_tag(a), &program].iter().chain(more).any(|name| plain(name) == wanted)
    };
    known().find(is).ok_or_else(|| {
        let fix = match nearest(&text.to_lowercase(), known().map(|a| a.name)) {
            Some(near) => format!("did you mean '{near}'?"),
            None => format!("there are: {}", known().map(|a| a.name).collect::<Vec<_>>().join(", ")),
        };
        Error::usage(format!("no digest '{}'", text.escape_debug())).fix(fix)
    })
}

/// Without case and separators.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The tag before a name in BSD's form, as coreutils writes it: "SHA256", "BLAKE2b".
pub fn tag(algorithm: &Algorithm) -> String {
    match algorithm.name {
        "blake2b512" => "BLAKE2b".to_owned(),
        name => name.to_uppercase(),
    }
}

/// The tag that `openssl dgst` writes: "SHA2-256", "BLAKE2B-512", "HMAC-SHA2-256".
fn openssl_tag(algorithm: &Algorithm) -> String {
    let tag = algorithm.name.to_uppercase();
    let (before, digest) = tag.split_at(tag.find('-').filter(|_| tag.starts_with("HMAC")).map_or(0, |i| i + 1));
    match digest {
        "SHA224" | "SHA256" | "SHA384" | "SHA512" => format!("{before}SHA2-{}", &digest[3..]),
        "BLAKE2B512" => "BLAKE2B-512".to_owned(),
        _ => tag,
    }
}

/// The algorithm with this very tag, of coreutils or OpenSSL.
pub fn tagged(tag_text: &[u8]) -> Option<&'static Algorithm> {
    let spelled = |a: &&Algorithm| tag(a).as_bytes() == tag_text || openssl_tag(a).as_bytes() == tag_text;
    match tag_text {
        b"BLAKE2b-512" => known().find(|a| a.name == "blake2b512"),
        _ => known().find(spelled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_is_known_by_each_of_its_names() {
        for (name, texts) in [
            ("sha256", &["sha256", "SHA256", "SHA2-256", "sha-256", "sha256sum"][..]),
            ("sha3-512", &["SHA3-512", "sha3-512"]),
            ("blake2b512", &["blake2b-512", "BLAKE2b", "b2sum", "BLAKE2B-512", "blake2b512"]),
            ("hmac-sha256", &["hmac(sha256)", "HMAC-SHA256", "HMAC-SHA2-256"]),
            ("md5", &["MD5", "md5sum"]),
        ] {
            for text in texts {
                assert_eq!(named(text).unwrap().name, name, "{text}");
            }
        }
        for a in known() {
            assert_eq!([named(a.name).unwrap().name, tagged(tag(a).as_bytes()).unwrap().name], [a.name; 2]);
        }
        assert!(named("aes-128-gcm").is_err() && named("").is_err() && named("\u{1b}[31m").is_err());
    }

    #[test]
    fn tags_are_exact() {
        assert_eq!(tagged(b"SHA2-512").map(|a| a.name), Some("sha512"));
        assert_eq!(tagged(b"HMAC-SHA2-256").map(|a| a.name), Some("hmac-sha256"));
        for not in [&b"sha256"[..], b"SHA256 ", b"BLAKE2b-256", b""] {
            assert!(tagged(not).is_none(), "{not:?}");
        }
    }
}
