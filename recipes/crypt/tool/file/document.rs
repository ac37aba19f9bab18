//! What `syskit crypt encrypt --json` and `decrypt --json` print, and the same in a line.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use super::seal::Done;
use crate::units;

/// The document that `syskit crypt encrypt --json` and `decrypt --json` print.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// The source, as it was named; what is no UTF-8 is replaced.
    pub source: String,
    /// The output, as messages name it.
    pub output: String,
    /// The algorithm.
    pub algorithm: &'static str,
    /// Whether changes of the ciphertext are detected; not so in raw modes.
    pub authenticated: bool,
    /// Where the key came from: "key_file" or "passphrase".
    pub key_source: &'static str,
    /// The backend that computed.
    pub via: &'static str,
    /// Plaintext bytes in a full chunk; null in raw modes.
    pub chunk_bytes: Option<u64>,
    /// Chunks; null in raw modes.
    pub chunks: Option<u64>,
    /// Bytes of the plaintext.
    pub plaintext_bytes: u64,
    /// Bytes of the ciphertext, with its header.
    pub ciphertext_bytes: u64,
    /// Wall-clock time of the whole, in nanoseconds; where a passphrase was asked for, from its end on.
    pub duration_ns: u64,
    /// `plaintext_bytes` by that; null where there were none.
    pub bytes_per_second: Option<f64>,
}

/// How a file was encrypted or decrypted.
pub struct How {
    /// The algorithm.
    pub algorithm: &'static str,
    /// Whether changes of the ciphertext are detected.
    pub authenticated: bool,
    /// Where the key came from.
    pub key_source: &'static str,
    /// The backend that computed.
    pub via: &'static str,
    /// Plaintext bytes in a full chunk; None in raw modes.
    pub chunk: Option<usize>,
}

impl FileDocument {
    pub(super) fn new((source, output): (String, String), how: &How, done: Done, took: Duration) -> Self {
        FileDocument {
            schema: 1,
            source,
            output,
            algorithm: how.algorithm,
            authenticated: how.authenticated,
            key_source: how.key_source,
            via: how.via,
            chunk_bytes: how.chunk.map(|c| c as u64),
            chunks: how.chunk.map(|_| done.chunks),
            plaintext_bytes: done.plaintext,
            ciphertext_bytes: done.ciphertext,
            duration_ns: took.as_nanos() as u64,
            bytes_per_second: (done.plaintext > 0 && !took.is_zero())
                .then(|| done.plaintext as f64 / took.as_secs_f64()),
        }
    }

    /// "encrypted 1 MiB to x.syskit by openssl (aes-256-gcm) in 812 us, 1.29 GB/s".
    pub(super) fn summary(&self, verb: &str) -> String {
        let ns = self.duration_ns as f64;
        let rate = match self.bytes_per_second {
            Some(_) => format!(", {}", units::rate(self.plaintext_bytes, ns)),
            None => String::new(),
        };
        let (amount, took) = (units::bytes(self.plaintext_bytes), units::nanoseconds(ns));
        format!("{verb} {amount} to {} by {} ({}) in {took}{rate}", self.output, self.via, self.algorithm)
    }
}
