//! Digests (EVP_MD) and MACs (EVP_MAC).

use super::super::{Digest, check};
use super::failed;
use crate::error::Result;
use crate::sys::evp_digest::DigestContext;
use crate::sys::evp_mac::MacContext;

pub struct EvpDigest(pub DigestContext);

impl Digest for EvpDigest {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.0.update(data).map_err(|e| failed(&e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.0.output_len(), out.len())?;
        self.0.finish(out).map_err(|e| failed(&e))
    }
}

pub struct EvpMac {
    pub context: MacContext,
    pub len: usize,
}

impl Digest for EvpMac {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.update(data).map_err(|e| failed(&e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.len, out.len())?;
        self.context.finish(out).map_err(|e| failed(&e))?;
        self.context.restart().map_err(|e| failed(&e))
    }
}
