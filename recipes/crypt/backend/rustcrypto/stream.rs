//! Stream ciphers: AES in counter mode, and ChaCha20.

use aes::cipher::consts::U16;
use aes::cipher::inout::InOutBuf;
use aes::cipher::{
    BlockCipherEncrypt, InnerIvInit, KeyInit, KeyIvInit, StreamCipher, StreamCipherCore, StreamCipherSeek,
};
use chacha20::ChaCha20;
use ctr::CtrCore;
use ctr::flavors::Ctr128BE;
use zeroize::Zeroizing;

use super::super::counter::Counter;
use super::super::{Cipher, check};
use super::block::keyed;
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::Shape;

/// AES in counter mode: both directions are the same.
pub struct Ctr<C> {
    cipher: C,
    counter: Counter,
    shape: Shape,
}

impl<C: KeyInit> Ctr<C> {
    pub fn new(key: &[u8], shape: Shape) -> Result<Self> {
        Ok(Ctr { cipher: keyed(key)?, counter: Counter::default(), shape })
    }
}

impl<C: BlockCipherEncrypt<BlockSize = U16>> Cipher for Ctr<C> {
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, 16)?;
        let mut block = [0; 16];
        block.copy_from_slice(iv);
        self.counter = Counter::new(block);
        Ok(())
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        self.counter.apply(input, output, |block, input, output| {
            let core = CtrCore::<&C, Ctr128BE>::inner_iv_init(&self.cipher, &block.into());
            if let Ok(both) = InOutBuf::new(input, output) {
                core.apply_keystream_partial(both);
            }
        });
        Ok(())
    }
}

/// ChaCha20 ([RFC 8439](https://www.rfc-editor.org/rfc/rfc8439)): the IV is a counter of 4 bytes, little-endian, and a nonce
/// of 12. At the counter's end (256 GiB) this crate refuses to go on.
pub struct Stream {
    key: Zeroizing<[u8; 32]>,
    stream: Option<ChaCha20>,
    shape: Shape,
}

impl Stream {
    /// `key` is of 32 bytes by then.
    pub fn new(key: &[u8], shape: Shape) -> Self {
        let mut copy = Zeroizing::new([0; 32]);
        copy.copy_from_slice(key);
        Stream { key: copy, stream: None, shape }
    }
}

impl Cipher for Stream {
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, 16)?;
        let (counter, nonce) = iv.split_at(4);
        let counter = counter.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let nonce: [u8; 12] = nonce.try_into().map_err(|_| Error::usage("a nonce of another length"))?;
        let mut stream = ChaCha20::new((&*self.key).into(), &nonce.into());
        stream.try_seek(counter * 64).map_err(|_| Error::usage("the counter is at its end"))?;
        self.stream = Some(stream);
        Ok(())
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        let stream = self.stream.as_mut().ok_or_else(|| Error::usage("a message begins with its IV"))?;
        let applied = stream.try_apply_keystream_b2b(input, output);
        applied.map_err(|_| Error::failed("RustCrypto's chacha20 has no key stream left for this nonce"))
    }
}
