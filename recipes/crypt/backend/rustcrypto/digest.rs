//! Digests and MACs.

use digest::{FixedOutput, FixedOutputReset, KeyInit, Output, Update};
use hmac::digest;

use super::super::{Digest, check};
use crate::error::{Error, Result};

/// A digest.
#[derive(Default)]
pub struct Plain<D>(D);

impl<D: Update + FixedOutputReset> Digest for Plain<D> {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.0.update(data);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(D::output_size(), out.len())?;
        let Ok(out) = <&mut Output<D>>::try_from(out) else { return Ok(()) };
        self.0.finalize_into_reset(out);
        Ok(())
    }
}

/// A MAC: the next message begins with a copy of the one that has only seen the key.
pub struct Keyed<M> {
    fresh: M,
    now: M,
}

impl<M: KeyInit + Clone> Keyed<M> {
    pub fn new(key: &[u8]) -> Result<Self> {
        let fresh = M::new_from_slice(key).map_err(|e| Error::usage(e.to_string()))?;
        Ok(Keyed { now: fresh.clone(), fresh })
    }
}

impl<M: Update + FixedOutput + Clone> Digest for Keyed<M> {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.now.update(data);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(M::output_size(), out.len())?;
        let Ok(out) = <&mut Output<M>>::try_from(out) else { return Ok(()) };
        std::mem::replace(&mut self.now, self.fresh.clone()).finalize_into(out);
        Ok(())
    }
}
