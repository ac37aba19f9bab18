//! Ciphers without authentication (EVP_CIPHER, no padding).

use super::super::{Cipher, check};
use super::failed;
use crate::error::Result;
use crate::recipes::crypt::algorithm::Shape;
use crate::sys::evp_cipher::CipherContext;

pub struct EvpCipher {
    pub context: CipherContext,
    pub shape: Shape,
}

impl Cipher for EvpCipher {
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, self.context.iv_len())?;
        self.context.start(iv).map_err(|e| failed(&e))
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        self.context.update(input, output).map_err(|e| failed(&e))
    }
}
