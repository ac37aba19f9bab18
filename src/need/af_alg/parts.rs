//! What an algorithm is made of: the parts of the kernel behind the words of its name.

use crate::need::feature::Feature;

const fn part(option: &'static str, module: &'static str) -> Feature {
    Feature { option, module, by_alias: true, initcall: "" }
}

/// A word of an algorithm's name, the part of the kernel that it is.
static PARTS: &[(&str, Feature)] = &[
    ("md5", part("CRYPTO_MD5", "md5")),
    ("sha1", part("CRYPTO_SHA1", "sha1_generic")),
    ("sha224", part("CRYPTO_SHA256", "sha256_generic")),
    ("sha256", part("CRYPTO_SHA256", "sha256_generic")),
    ("sha384", part("CRYPTO_SHA512", "sha512_generic")),
    ("sha512", part("CRYPTO_SHA512", "sha512_generic")),
    ("sha3-224", part("CRYPTO_SHA3", "sha3_generic")),
    ("sha3-256", part("CRYPTO_SHA3", "sha3_generic")),
    ("sha3-384", part("CRYPTO_SHA3", "sha3_generic")),
    ("sha3-512", part("CRYPTO_SHA3", "sha3_generic")),
    ("blake2b-512", part("CRYPTO_BLAKE2B", "blake2b_generic")),
    ("hmac", part("CRYPTO_HMAC", "hmac")),
    ("cmac", part("CRYPTO_CMAC", "cmac")),
    ("aes", part("CRYPTO_AES", "aes_generic")),
    ("ecb", part("CRYPTO_ECB", "ecb")),
    ("cbc", part("CRYPTO_CBC", "cbc")),
    ("ctr", part("CRYPTO_CTR", "ctr")),
    ("xts", part("CRYPTO_XTS", "xts")),
    ("gcm", part("CRYPTO_GCM", "gcm")),
    ("ccm", part("CRYPTO_CCM", "ccm")),
    ("chacha20", part("CRYPTO_CHACHA20", "chacha_generic")),
    ("poly1305", part("CRYPTO_POLY1305", "poly1305_generic")),
    ("rfc7539", part("CRYPTO_CHACHA20POLY1305", "chacha20poly1305")),
    ("authenc", part("CRYPTO_AUTHENC", "authenc")),
    ("stdrng", part("CRYPTO_DRBG", "drbg")),
    ("ansi_cprng", part("CRYPTO_ANSI_CPRNG", "ansi_cprng")),
    ("jitterentropy_rng", part("CRYPTO_JITTERENTROPY", "jitterentropy_rng")),
];

/// The words of "authenc(hmac(sha256),cbc(aes))", innermost first: without what is inside, what is around it is nothing.
fn words(algorithm: &str) -> Vec<&str> {
    let mut words: Vec<&str> = algorithm.split(['(', ')', ',']).filter(|w| !w.is_empty()).collect();
    words.reverse();
    words
}

/// The parts of the kernel that `algorithm` is made of, as far as they are known, each with its word.
pub(super) fn of(algorithm: &str) -> Vec<(&str, Feature)> {
    let known = |word: &&str| PARTS.iter().find(|(name, _)| name == word).map(|(_, feature)| *feature);
    words(algorithm).into_iter().filter_map(|word| Some((word, known(&word)?))).collect()
}

/// A word of the name that is no part we know of, such as a misspelt one.
pub(super) fn unknown(algorithm: &str) -> Option<&str> {
    words(algorithm).into_iter().find(|word| PARTS.iter().all(|(name, _)| name != word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_known_parts_innermost_first() {
        let modules: Vec<&str> = of("authenc(hmac(sha256),cbc(aes))").iter().map(|(_, f)| f.module).collect();
        assert_eq!(modules, ["aes_generic", "cbc", "sha256_generic", "hmac", "authenc"]);
        assert_eq!(unknown("gcm(ase)"), Some("ase"));
        for algorithm in crate::recipes::crypt::algorithm::ALGORITHMS {
            assert_eq!(unknown(algorithm.kernel), None, "{}", algorithm.kernel);
        }
    }
}
