//! Digests and MACs by the kernel, which digests what it is sent at once: messages of any length.

use super::failed;
use crate::error::Result;
use crate::need::af_alg::Call;
use crate::recipes::crypt::algorithm::Algorithm;
use crate::recipes::crypt::backend::{Digest, check};
use crate::sys::af_alg::{Hash, Transform};

pub(super) struct KernelDigest {
    algorithm: &'static Algorithm,
    hash: Hash,
    /// A message is under way.
    begun: bool,
}

impl KernelDigest {
    pub(super) fn new(algorithm: &'static Algorithm, transform: Transform) -> Result<Self> {
        let hash = Hash::of(transform).map_err(|e| failed(algorithm, Call::Accept, e))?;
        Ok(KernelDigest { algorithm, hash, begun: false })
    }

    fn sent(&self, len: usize, sent: nix::Result<()>) -> Result<()> {
        sent.map_err(|e| failed(self.algorithm, Call::Send { len, limit: usize::MAX }, e))
    }
}

impl Digest for KernelDigest {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.begun |= !data.is_empty();
        let sent = self.hash.update(data);
        self.sent(data.len(), sent)
    }

    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.algorithm.digest_len(), out.len())?;
        self.begun = false;
        self.hash.finish(out).map_err(|e| failed(self.algorithm, Call::Read, e))
    }

    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(self.algorithm.digest_len(), out.len())?;
        if self.begun {
            self.update(data)?;
            return self.finish(out);
        }
        let sent = self.hash.once(data, out);
        self.sent(data.len(), sent)
    }
}
