//! Digests and MACs. The crate's contexts end with their message: the next message copies a fresh one, which for a MAC
//! also saves the key's set-up.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{cmac, digest, hmac};

use super::super::{Digest, check};
use super::failed;
use crate::error::Result;

pub struct Plain {
    algorithm: &'static digest::Algorithm,
    context: digest::Context,
}

impl Plain {
    pub fn new(algorithm: &'static digest::Algorithm) -> Self {
        Plain { algorithm, context: digest::Context::new(algorithm) }
    }
}

impl Digest for Plain {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.update(data);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.algorithm.output_len(), out.len())?;
        let done = std::mem::replace(&mut self.context, digest::Context::new(self.algorithm));
        out.copy_from_slice(done.finish().as_ref());
        Ok(())
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(self.algorithm.output_len(), out.len())?;
        out.copy_from_slice(digest::digest(self.algorithm, data).as_ref());
        Ok(())
    }
}

pub struct Hmac {
    key: hmac::Key,
    context: hmac::Context,
    len: usize,
}

impl Hmac {
    pub fn new(algorithm: hmac::Algorithm, key: &[u8], len: usize) -> Self {
        let key = hmac::Key::new(algorithm, key);
        Hmac { context: hmac::Context::with_key(&key), key, len }
    }
}

impl Digest for Hmac {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.update(data);
        Ok(())
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        check::same(self.len, out.len())?;
        let done = std::mem::replace(&mut self.context, hmac::Context::with_key(&self.key));
        out.copy_from_slice(done.sign().as_ref());
        Ok(())
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(self.len, out.len())?;
        hmac::sign_to_buffer(&self.key, data, out).map(drop).map_err(failed)
    }
}

pub struct Cmac {
    key: cmac::Key,
    context: cmac::Context,
}

impl Cmac {
    pub fn new(algorithm: cmac::Algorithm, key: &[u8]) -> Result<Self, Unspecified> {
        let key = cmac::Key::new(algorithm, key)?;
        Ok(Cmac { context: cmac::Context::with_key(&key), key })
    }
}

impl Digest for Cmac {
    fn update(&mut self, data: &[u8]) -> Result<()> {
        self.context.update(data).map_err(failed)
    }
    fn finish(&mut self, out: &mut [u8]) -> Result<()> {
        let done = std::mem::replace(&mut self.context, cmac::Context::with_key(&self.key));
        let tag = done.sign().map_err(failed)?;
        check::same(tag.as_ref().len(), out.len())?;
        out.copy_from_slice(tag.as_ref());
        Ok(())
    }
    fn once(&mut self, data: &[u8], out: &mut [u8]) -> Result<()> {
        check::same(16, out.len())?;
        cmac::sign_to_buffer(&self.key, data, out).map(drop).map_err(failed)
    }
}
