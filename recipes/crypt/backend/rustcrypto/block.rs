//! AES by whole blocks: ecb and cbc.

use aes::cipher::array::Array;
use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, IvState, KeyInit,
};

use super::super::{Cipher, Direction, check};
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::Shape;

type Block = Array<u8, U16>;

pub fn keyed<C: KeyInit>(key: &[u8]) -> Result<C> {
    C::new_from_slice(key).map_err(|e| Error::usage(e.to_string()))
}

/// Both as blocks; whole blocks of one length by then.
fn blocks<'i, 'o>(input: &'i [u8], output: &'o mut [u8]) -> Result<InOutBuf<'i, 'o, Block>> {
    let both = InOutBuf::new(input, output).map_err(|_| Error::usage("buffers of two lengths"))?;
    Ok(both.into_chunks().0)
}

/// Each block for itself.
pub struct Ecb<C> {
    cipher: C,
    direction: Direction,
    shape: Shape,
}

impl<C: KeyInit> Ecb<C> {
    pub fn new(key: &[u8], direction: Direction, shape: Shape) -> Result<Self> {
        Ok(Ecb { cipher: keyed(key)?, direction, shape })
    }
}

impl<C> Cipher for Ecb<C>
where
    C: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt,
{
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, 0)
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        let blocks = blocks(input, output)?;
        match self.direction {
            Direction::Encrypt => self.cipher.encrypt_blocks_inout(blocks),
            Direction::Decrypt => self.cipher.decrypt_blocks_inout(blocks),
        }
        Ok(())
    }
}

/// Each block with the ciphertext of the one before.
pub struct Cbc<C> {
    cipher: C,
    direction: Direction,
    shape: Shape,
    chain: Block,
}

impl<C: KeyInit> Cbc<C> {
    pub fn new(key: &[u8], direction: Direction, shape: Shape) -> Result<Self> {
        Ok(Cbc { cipher: keyed(key)?, direction, shape, chain: Block::default() })
    }
}

impl<C> Cipher for Cbc<C>
where
    C: BlockCipherEncrypt<BlockSize = U16> + BlockCipherDecrypt,
{
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, self.chain.len())?;
        self.chain.copy_from_slice(iv);
        Ok(())
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        let blocks = blocks(input, output)?;
        match self.direction {
            Direction::Encrypt => {
                let mut mode = cbc::Encryptor::<&C>::inner_iv_init(&self.cipher, &self.chain);
                mode.encrypt_blocks_inout(blocks);
                self.chain = mode.iv_state();
            }
            Direction::Decrypt => {
                let mut mode = cbc::Decryptor::<&C>::inner_iv_init(&self.cipher, &self.chain);
                mode.decrypt_blocks_inout(blocks);
                self.chain = mode.iv_state();
            }
        }
        Ok(())
    }
}
