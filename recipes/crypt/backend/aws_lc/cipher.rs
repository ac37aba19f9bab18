//! AES without authentication. The crate works in place and a message at a time: the text is copied first, and the state
//! between calls (the last block of ciphertext, the counter) is kept here.

use aws_lc_rs::cipher::{
    Algorithm, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::super::counter::Counter;
use super::super::{Cipher, Direction, check};
use super::failed;
use crate::error::Result;
use crate::recipes::crypt::algorithm::Shape;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Ecb,
    Cbc,
    Ctr,
}

enum Key {
    Encrypting(EncryptingKey),
    Decrypting(DecryptingKey),
}

pub struct Aes {
    key: Key,
    mode: Mode,
    shape: Shape,
    /// cbc: the block before.
    chain: [u8; 16],
    /// ctr.
    counter: Counter,
}

impl Aes {
    pub fn new(
        which: &'static Algorithm,
        mode: Mode,
        shape: Shape,
        key: &[u8],
        direction: Direction,
    ) -> Result<Self, Unspecified> {
        let key = UnboundCipherKey::new(which, key)?;
        let key = match (mode, direction) {
            (Mode::Ecb, Direction::Encrypt) => Key::Encrypting(EncryptingKey::ecb(key)?),
            (Mode::Ecb, Direction::Decrypt) => Key::Decrypting(DecryptingKey::ecb(key)?),
            (Mode::Cbc, Direction::Encrypt) => Key::Encrypting(EncryptingKey::cbc(key)?),
            (Mode::Cbc, Direction::Decrypt) => Key::Decrypting(DecryptingKey::cbc(key)?),
            // Both directions are the same.
            (Mode::Ctr, _) => Key::Encrypting(EncryptingKey::ctr(key)?),
        };
        Ok(Aes { key, mode, shape, chain: [0; 16], counter: Counter::default() })
    }
}

/// `text` becomes its own cipher- or plaintext.
fn apply(key: &Key, iv: Option<[u8; 16]>, text: &mut [u8]) -> Result<(), Unspecified> {
    match key {
        Key::Encrypting(key) => {
            let context = iv.map_or(EncryptionContext::None, |iv| EncryptionContext::Iv128(FixedLength::from(iv)));
            key.less_safe_encrypt(text, context).map(drop)
        }
        Key::Decrypting(key) => {
            let context = iv.map_or(DecryptionContext::None, |iv| DecryptionContext::Iv128(FixedLength::from(iv)));
            key.decrypt(text, context).map(drop)
        }
    }
}

impl Cipher for Aes {
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, if self.mode == Mode::Ecb { 0 } else { 16 })?;
        if self.mode != Mode::Ecb {
            self.chain.copy_from_slice(iv);
            self.counter = Counter::new(self.chain);
        }
        Ok(())
    }
    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        let Some(last) = input.len().checked_sub(16).filter(|_| self.mode != Mode::Ctr) else {
            let mut done = Ok(());
            self.counter.apply(input, output, |iv, input, output| {
                output.copy_from_slice(input);
                done = done.and(apply(&self.key, Some(iv), output));
            });
            return done.map_err(failed);
        };
        output.copy_from_slice(input);
        let iv = (self.mode == Mode::Cbc).then_some(self.chain);
        apply(&self.key, iv, output).map_err(failed)?;
        let ciphertext = if matches!(self.key, Key::Encrypting(_)) { &*output } else { input };
        self.chain.copy_from_slice(&ciphertext[last..]);
        Ok(())
    }
}
