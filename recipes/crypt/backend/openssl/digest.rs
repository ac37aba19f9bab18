//! Digests (EVP_MD) and MACs (EVP_MAC).

use openssl::md::Md;
use openssl::md_ctx::MdCtx;

use super::super::{Digest, check};
use super::failed;
use crate::error::Result;
use crate::sys::evp_mac::MacContext;

pub struct EvpDigest {
    pub md: Md,
    pub context: MdCtx,
    pub len: usize,
}

impl Digest for EvpDigest {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.digest_update(data).map_err(|e| failed(&e))
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.len, out.len())?;
        self.context.digest_final(out).map_err(|e| failed(&e))?;
        self.context.digest_init(&self.md).map_err(|e| failed(&e))
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
