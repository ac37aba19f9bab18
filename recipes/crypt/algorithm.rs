//! The algorithms of this family: one table for the kernel and every library.
//!
//! Names are OpenSSL's, in lower case; the kernel's own name ("gcm(aes)") stands beside.

/// What an algorithm does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message digest of so many bytes.
    Digest(usize),
    /// A message authentication code: a digest of so many bytes with a key.
    Mac(usize),
    /// A cipher without authentication.
    Cipher(Shape),
    /// Authenticated encryption with associated data, and the lengths that its tag may have. Texts are of any length unless
    /// [`Algorithm::block`] says otherwise.
    Aead(&'static [usize]),
}

/// What a cipher without authentication asks of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Input is a multiple of this many bytes.
    pub block: usize,
    /// Bytes of a block of the underlying cipher; input is at least one of them.
    pub least: usize,
    /// Every message is processed in one call (xts: a data unit).
    pub whole: bool,
}

/// One algorithm, with the length of its key where it is part of the name.
#[derive(Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// What a user types: "aes-128-gcm".
    pub name: &'static str,
    /// `salg_name`: "gcm(aes)".
    pub kernel: &'static str,
    /// What it does.
    pub kind: Kind,
    /// Bytes of the key; 0 where there is none, `None` where any length goes (HMAC). Of two keys ([`Algorithm::parts`])
    /// the MAC's stands before the cipher's.
    pub key_len: Option<usize>,
    /// Bytes of the initialisation vector or nonce.
    pub iv_len: usize,
}

impl Algorithm {
    /// `salg_type`.
    pub fn kernel_type(&self) -> &'static str {
        match self.kind {
            Kind::Digest(_) | Kind::Mac(_) => "hash",
            Kind::Cipher(_) => "skcipher",
            Kind::Aead(_) => "aead",
        }
    }

    /// Bytes of the digest or MAC; 0 for what has none.
    pub fn digest_len(&self) -> usize {
        match self.kind {
            Kind::Digest(len) | Kind::Mac(len) => len,
            _ => 0,
        }
    }

    /// Bytes of the longest (and usual) authentication tag; 0 for what has none.
    pub fn tag_len(&self) -> usize {
        match self.kind {
            Kind::Aead(lengths) => lengths.iter().copied().max().unwrap_or(0),
            _ => 0,
        }
    }
}

impl Algorithm {
    /// The cipher and the MAC that an AEAD is made of, as the kernel's authenc is ("aes-128-cbc-hmac-sha256"); `None` for
    /// all others.
    ///
    /// The text is encrypted, then the MAC of associated data and ciphertext is the tag, as IPsec does
    /// ([RFC 4303](https://www.rfc-editor.org/rfc/rfc4303#section-3.2.3)). **The initialisation vector is not covered**: who changes
    /// it changes the first block of the plaintext unnoticed, unless the caller puts it into the associated data too. Nor
    /// is the border between associated data and ciphertext: a protocol must fix the length of the former. (OpenSSL's
    /// cipher AES-128-CBC-HMAC-SHA256 is another thing: TLS's, with the MAC inside.)
    pub fn parts(&self) -> Option<(&'static Algorithm, &'static Algorithm)> {
        let at = self.name.find("-hmac-")?;
        Some((find(&self.name[..at])?, find(&self.name[at + 1..])?))
    }

    /// What a text must be a multiple of, in bytes; 1 where any length goes.
    pub fn block(&self) -> usize {
        match (self.kind, self.parts()) {
            (Kind::Cipher(shape), _) => shape.block,
            (Kind::Aead(_), Some((cipher, _))) => cipher.block(),
            _ => 1,
        }
    }
}

/// The algorithm that is so named, by us or by the kernel (the first of that name).
pub fn find(name: &str) -> Option<&'static Algorithm> {
    ALGORITHMS.iter().find(|a| a.name == name).or_else(|| ALGORITHMS.iter().find(|a| a.kernel == name))
}

const fn digest(name: &'static str, kernel: &'static str, len: usize) -> Algorithm {
    Algorithm { name, kernel, kind: Kind::Digest(len), key_len: Some(0), iv_len: 0 }
}

const fn mac(name: &'static str, kernel: &'static str, len: usize, key_len: Option<usize>) -> Algorithm {
    Algorithm { name, kernel, kind: Kind::Mac(len), key_len, iv_len: 0 }
}

const fn cipher(name: &'static str, kernel: &'static str, key_len: usize, iv_len: usize, shape: Shape) -> Algorithm {
    Algorithm { name, kernel, kind: Kind::Cipher(shape), key_len: Some(key_len), iv_len }
}

const fn aead(
    name: &'static str,
    kernel: &'static str,
    key_len: usize,
    iv_len: usize,
    tags: &'static [usize],
) -> Algorithm {
    Algorithm { name, kernel, kind: Kind::Aead(tags), key_len: Some(key_len), iv_len }
}

const BLOCKS: Shape = Shape { block: 16, least: 16, whole: false };
const STREAM: Shape = Shape { block: 1, least: 1, whole: false };
const UNIT: Shape = Shape { block: 1, least: 16, whole: true };
/// NIST SP 800-38D.
const GCM_TAGS: &[usize] = &[4, 8, 12, 13, 14, 15, 16];
/// NIST SP 800-38C.
const CCM_TAGS: &[usize] = &[4, 6, 8, 10, 12, 14, 16];

/// HMAC-SHA-256 cut off: RFC 4868 has 16 bytes, earlier IPsec 12; the kernel takes any length up to 32.
const HMAC_SHA256_TAGS: &[usize] = &[12, 16, 20, 24, 28, 32];

/// Every algorithm.
pub static ALGORITHMS: &[Algorithm] = &[
    digest("md5", "md5", 16),
    digest("sha1", "sha1", 20),
    digest("sha224", "sha224", 28),
    digest("sha256", "sha256", 32),
    digest("sha384", "sha384", 48),
    digest("sha512", "sha512", 64),
    digest("sha3-224", "sha3-224", 28),
    digest("sha3-256", "sha3-256", 32),
    digest("sha3-384", "sha3-384", 48),
    digest("sha3-512", "sha3-512", 64),
    digest("blake2b512", "blake2b-512", 64),
    mac("hmac-sha1", "hmac(sha1)", 20, None),
    mac("hmac-sha256", "hmac(sha256)", 32, None),
    mac("hmac-sha512", "hmac(sha512)", 64, None),
    mac("cmac-aes-128", "cmac(aes)", 16, Some(16)),
    mac("cmac-aes-256", "cmac(aes)", 16, Some(32)),
    cipher("aes-128-ecb", "ecb(aes)", 16, 0, BLOCKS),
    cipher("aes-256-ecb", "ecb(aes)", 32, 0, BLOCKS),
    cipher("aes-128-cbc", "cbc(aes)", 16, 16, BLOCKS),
    cipher("aes-192-cbc", "cbc(aes)", 24, 16, BLOCKS),
    cipher("aes-256-cbc", "cbc(aes)", 32, 16, BLOCKS),
    cipher("aes-128-ctr", "ctr(aes)", 16, 16, STREAM),
    cipher("aes-192-ctr", "ctr(aes)", 24, 16, STREAM),
    cipher("aes-256-ctr", "ctr(aes)", 32, 16, STREAM),
    cipher("aes-128-xts", "xts(aes)", 32, 16, UNIT),
    cipher("aes-256-xts", "xts(aes)", 64, 16, UNIT),
    cipher("chacha20", "chacha20", 32, 16, STREAM),
    aead("aes-128-gcm", "gcm(aes)", 16, 12, GCM_TAGS),
    aead("aes-192-gcm", "gcm(aes)", 24, 12, GCM_TAGS),
    aead("aes-256-gcm", "gcm(aes)", 32, 12, GCM_TAGS),
    aead("aes-128-ccm", "ccm(aes)", 16, 12, CCM_TAGS),
    aead("aes-256-ccm", "ccm(aes)", 32, 12, CCM_TAGS),
    aead("chacha20-poly1305", "rfc7539(chacha20,poly1305)", 32, 12, &[16]),
    aead("aes-128-cbc-hmac-sha256", "authenc(hmac(sha256),cbc(aes))", 32 + 16, 16, HMAC_SHA256_TAGS),
    aead("aes-256-cbc-hmac-sha256", "authenc(hmac(sha256),cbc(aes))", 32 + 32, 16, HMAC_SHA256_TAGS),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_kernel_names_find_the_first_of_them() {
        for (i, a) in ALGORITHMS.iter().enumerate() {
            assert!(ALGORITHMS[..i].iter().all(|b| b.name != a.name), "{} twice", a.name);
        }
        assert_eq!(find("gcm(aes)").map(|a| a.name), Some("aes-128-gcm"));
        assert_eq!(find("aes-256-gcm").map(|a| a.key_len), Some(Some(32)));
        assert_eq!(find("gcm"), None);
    }

    #[test]
    fn what_is_made_of_a_cipher_and_a_mac_says_so() {
        for algorithm in ALGORITHMS {
            let parts = algorithm.parts();
            assert_eq!(parts.is_some(), algorithm.kernel.starts_with("authenc("), "{}", algorithm.name);
            let Some((cipher, mac)) = parts else { continue };
            assert_eq!(algorithm.kernel, format!("authenc({},{})", mac.kernel, cipher.kernel));
            assert_eq!((algorithm.iv_len, algorithm.block()), (cipher.iv_len, 16), "{}", algorithm.name);
            assert_eq!(algorithm.tag_len(), mac.digest_len(), "{}", algorithm.name);
            // RFC 4868: a MAC's key is as long as its digest.
            assert_eq!(algorithm.key_len, cipher.key_len.map(|len| len + mac.digest_len()), "{}", algorithm.name);
        }
        assert_eq!(find("aes-128-gcm").map(Algorithm::block), Some(1));
    }
}
