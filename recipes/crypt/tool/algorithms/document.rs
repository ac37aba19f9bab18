//! What `syskit crypt algorithms --json` prints; the text is a view of the same.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::super::algorithm::{Algorithm, Kind};
use super::work::{self, Work};
use crate::need::af_alg::registered::Registered;

/// The document that `syskit crypt algorithms --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlgorithmsDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// The algorithms of this family; none with --kernel.
    pub algorithms: Vec<Entry>,
    /// With --kernel: what /proc/crypto lists; null without.
    pub kernel: Option<Vec<Implementation>>,
    /// How many implementations /proc/crypto lists.
    pub registered: usize,
    /// Why /proc/crypto could not be read.
    pub not_read: Option<String>,
    /// Who may offer them.
    pub libraries: Vec<Library>,
}

/// The kernel, or a library in user space.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Library {
    /// What `--via` takes.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Its version, where it tells.
    pub version: Option<String>,
    /// Why it cannot be used on this host.
    pub finding: Option<String>,
}

/// An algorithm. Lengths are in bytes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entry {
    /// Its name here and in OpenSSL.
    pub name: &'static str,
    /// Its name in the kernel.
    pub kernel_name: &'static str,
    /// "digest", "mac", "cipher" or "aead".
    pub kind: &'static str,
    /// The key; 0 for none, null for any length.
    pub key: Option<usize>,
    /// The initialisation vector or nonce.
    pub iv: usize,
    /// What a message is a multiple of.
    pub block: usize,
    /// The digest or MAC; 0 for ciphers.
    pub digest: usize,
    /// The authentication tags that it may have.
    pub tags: &'static [usize],
    /// Who offers it here.
    pub offers: Vec<Offer>,
    /// The kernel's implementation that AF_ALG gives; null where there is none or no AF_ALG.
    pub kernel: Option<Implementation>,
}

/// That a library has an algorithm.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Offer {
    /// The library's name.
    pub library: &'static str,
    /// What it does it with: an object, a crate, a driver.
    pub with: String,
}

/// An implementation in the kernel: a block of /proc/crypto. Lengths are in bytes; null where the kernel does not say.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Implementation {
    /// The algorithm.
    pub name: String,
    /// The implementation's own name.
    pub driver: String,
    /// The module; "kernel" where it is built in.
    pub module: String,
    /// Of one name, the kernel takes the highest.
    pub priority: i64,
    /// The kernel's type: "skcipher", "aead", "shash", ...
    pub kind: String,
    /// The least key.
    pub min_key: Option<usize>,
    /// The longest key.
    pub max_key: Option<usize>,
    /// The initialisation vector.
    pub iv: Option<usize>,
    /// A block.
    pub block: Option<usize>,
    /// The digest.
    pub digest: Option<usize>,
    /// The longest authentication tag.
    pub max_tag: Option<usize>,
    /// The seed of a generator of random numbers.
    pub seed: Option<usize>,
    /// A part of others, which user space cannot have.
    pub internal: bool,
    /// It may complete later.
    pub asynchronous: bool,
    /// Whether its self-test was passed.
    pub tested: bool,
    /// Who does the work, by the driver's name.
    pub work: Work,
}

impl From<&Registered> for Implementation {
    fn from(r: &Registered) -> Self {
        Implementation {
            work: work::of(&r.driver, &r.module),
            name: r.name.clone(),
            driver: r.driver.clone(),
            module: r.module.clone(),
            priority: r.priority,
            kind: r.kind.clone(),
            min_key: r.number("min keysize"),
            max_key: r.number("max keysize"),
            iv: r.number("ivsize"),
            block: r.number("blocksize"),
            digest: r.number("digestsize"),
            max_tag: r.number("maxauthsize"),
            seed: r.number("seedsize"),
            internal: r.internal,
            asynchronous: r.asynchronous,
            tested: r.tested,
        }
    }
}

impl Implementation {
    /// Whether every word is found in it.
    pub fn has(&self, words: &[String]) -> bool {
        found(words, &format!("{} {} {} {}", self.name, self.driver, self.module, self.kind))
    }
}

impl Entry {
    /// Of the table, with who offers it.
    pub fn new(algorithm: &'static Algorithm, offers: Vec<Offer>, kernel: Option<Implementation>) -> Self {
        let (kind, tags): (_, &[usize]) = match algorithm.kind {
            Kind::Digest(_) => ("digest", &[]),
            Kind::Mac(_) => ("mac", &[]),
            Kind::Cipher(_) => ("cipher", &[]),
            Kind::Aead(tags) => ("aead", tags),
        };
        Entry {
            name: algorithm.name,
            kernel_name: algorithm.kernel,
            kind,
            key: algorithm.key_len,
            iv: algorithm.iv_len,
            block: algorithm.block(),
            digest: algorithm.digest_len(),
            tags,
            offers,
            kernel,
        }
    }

    /// Whether every word is found in it.
    pub fn has(&self, words: &[String]) -> bool {
        let offers: Vec<_> = self.offers.iter().map(|o| format!("{} {}", o.library, o.with)).collect();
        found(words, &format!("{} {} {} {}", self.name, self.kernel_name, self.kind, offers.join(" ")))
    }
}

fn found(words: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}
