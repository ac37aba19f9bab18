//! AES-XTS (IEEE 1619, NIST SP 800-38E). The crate works in place, block by block: the text is copied first.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use xts_mode::Xts128;

use super::super::{Cipher, Direction, check};
use super::block::keyed;
use crate::error::Result;
use crate::recipes::crypt::algorithm::Shape;

pub struct Xts<C> {
    cipher: Xts128<C>,
    direction: Direction,
    shape: Shape,
    tweak: [u8; 16],
}

impl<C: KeyInit + BlockCipherEncrypt<BlockSize = U16>> Xts<C> {
    pub fn new(key: &[u8], direction: Direction, shape: Shape) -> Result<Self> {
        let (text, tweak) = key.split_at(key.len() / 2);
        Ok(Xts { cipher: Xts128::new(keyed(text)?, keyed(tweak)?), direction, shape, tweak: [0; 16] })
    }
}

impl<C> Cipher for Xts<C>
where
    C: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt,
{
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, 16)?;
        self.tweak.copy_from_slice(iv);
        Ok(())
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        output.copy_from_slice(input);
        match self.direction {
            Direction::Encrypt => self.cipher.encrypt_sector(output, self.tweak.into()),
            Direction::Decrypt => self.cipher.decrypt_sector(output, self.tweak.into()),
        }
        Ok(())
    }
}
