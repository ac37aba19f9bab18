//! /proc/crypto: the algorithms that are registered, see [proc_crypto(5)](https://man7.org/linux/man-pages/man5/proc_crypto.5.html).
//!
//! Read leniently: a block with an unknown type or without a field must not hide the others.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// One implementation of an algorithm.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registered {
    /// The algorithm ("gcm(aes)"); many drivers may have one name.
    pub name: String,
    /// The implementation ("generic-gcm-aesni").
    pub driver: String,
    /// The module it is in; "kernel" where it is built in.
    pub module: String,
    /// Which of one name the kernel takes: the highest.
    pub priority: i64,
    /// "skcipher", "aead", "shash", "ahash", "rng", "lskcipher", ...
    pub kind: String,
    /// A part of other drivers, that user space cannot have.
    pub internal: bool,
    /// Whether it may complete later: hardware, or a queue of the kernel (cryptd).
    pub asynchronous: bool,
    /// Whether its self-test was passed; what has none counts as such.
    pub tested: bool,
    /// Everything that the block says ("min keysize", "digestsize", ...).
    pub fields: BTreeMap<String, String>,
}

impl Registered {
    /// Bytes that a key may have, where the kernel tells (skcipher).
    pub fn key_lengths(&self) -> Option<RangeInclusive<usize>> {
        Some(self.number("min keysize")?..=self.number("max keysize")?)
    }

    /// A field that is a number ("blocksize", "ivsize", "maxauthsize", "digestsize", "seedsize").
    pub fn number(&self, field: &str) -> Option<usize> {
        self.fields.get(field)?.parse().ok()
    }

    /// Whether a socket of type `kind` ("hash", "skcipher", "aead", "rng") can be bound to it.
    pub fn serves(&self, kind: &str) -> bool {
        let kinds: &[&str] = match kind {
            "hash" => &["shash", "ahash"],
            "skcipher" => &["skcipher", "lskcipher"],
            "aead" => &["aead"],
            "rng" => &["rng"],
            _ => &[],
        };
        !self.internal && kinds.contains(&self.kind.as_str())
    }
}

/// The blocks of /proc/crypto's `text`, in its order. What has no name is left out.
pub fn parse(text: &str) -> Vec<Registered> {
    let blocks = text.split("\n\n").map(|block| {
        let pairs = block.lines().filter_map(|l| l.split_once(':'));
        let fields: BTreeMap<String, String> =
            pairs.map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned())).collect();
        let text = |name: &str| fields.get(name).cloned().unwrap_or_default();
        Registered {
            name: text("name"),
            driver: text("driver"),
            module: text("module"),
            priority: text("priority").parse().unwrap_or(0),
            kind: text("type"),
            internal: text("internal") == "yes",
            asynchronous: text("async") == "yes",
            tested: !matches!(text("selftest").as_str(), "failed" | "unknown"),
            fields,
        }
    });
    blocks.filter(|b| !b.name.is_empty()).collect()
}

/// What the kernel takes for `algorithm` of type `kind`: the one with the highest priority, or the one driver that is
/// so named. `None` where nothing of that name is registered (yet: binding a socket may register it).
pub fn chosen<'a>(all: &'a [Registered], kind: &str, algorithm: &str) -> Option<&'a Registered> {
    let named = |r: &&Registered| r.serves(kind) && (r.name == algorithm || r.driver == algorithm);
    // Of two with one priority the kernel takes the one registered last, which stands first.
    all.iter().filter(named).reduce(|best, r| if r.priority > best.priority { r } else { best })
}

/// What this kernel takes for `algorithm`, after a socket was bound to it.
pub fn driver(kind: &str, algorithm: &str) -> Option<Registered> {
    let text = std::fs::read("/proc/crypto").ok()?;
    chosen(&parse(&String::from_utf8_lossy(&text)), kind, algorithm).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "name : cbc(aes)\ndriver : cbc(ecb(aes-generic))\npriority : 101\ninternal : no\ntype : lskcipher
min keysize : 16\nmax keysize : 32\n\nname : cbc(aes)\ndriver : cbc-aes-aesni\nmodule : aesni_intel\npriority : 400
selftest : passed\ninternal : no\ntype : skcipher\nasync : yes\nmin keysize : 16\nmax keysize : 32\n
name : cbc(aes)\ndriver : __cbc-aes-aesni\npriority : 900\ninternal : yes\ntype : skcipher\n\nnonsense\n
name : cbc(aes)\ndriver : cbc-hash\npriority : many\ntype : shash\n";

    #[test]
    fn the_highest_priority_that_user_space_can_have_is_chosen() {
        let all = parse(TEXT);
        assert_eq!(all.len(), 4);
        let best = chosen(&all, "skcipher", "cbc(aes)").unwrap();
        assert_eq!(
            (best.driver.as_str(), best.module.as_str(), best.asynchronous),
            ("cbc-aes-aesni", "aesni_intel", true)
        );
        assert_eq!(best.key_lengths(), Some(16..=32));
        assert_eq!(chosen(&all, "hash", "cbc(aes)").map(|r| r.driver.as_str()), Some("cbc-hash"));
        let named = chosen(&all, "skcipher", "cbc(ecb(aes-generic))").unwrap();
        assert_eq!(named.kind, "lskcipher");
        assert_eq!(chosen(&all, "aead", "cbc(aes)"), None);
        assert_eq!(chosen(&all, "skcipher", "__cbc-aes-aesni"), None);
    }
}
