//! The limit: the cipher that the kernel's generator is made of, ChaCha20, in this process, with nothing around it: no
//! system call, no lock, no fresh key after each request. No source of random bytes, and none to choose.

use ::chacha20::ChaCha20;
use ::chacha20::cipher::{KeyIvInit, StreamCipher};

use super::{Random, Start};
use crate::error::{Error, Result};
use crate::race::Contender;

/// The key stream.
pub static CHACHA20: Contender<Start> =
    Contender { name: "chacha20", title: "a ChaCha20 key stream in memory", needs: &[], approach: &(start as Start) };

/// A stream repeats after 256 GiB: then it begins anew with another nonce.
const STREAM: u64 = 128 << 30;

fn start() -> Result<Box<dyn Random>> {
    let mut key = [0; 32];
    super::getrandom::fill(&mut key)?;
    let stream = move |number: u64| {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&number.to_le_bytes());
        ChaCha20::new(&key.into(), &nonce.into())
    };
    let (mut cipher, mut number, mut used) = (stream(0), 0, 0);
    Ok(Box::new(move |out: &mut [u8]| {
        used += out.len() as u64;
        if used > STREAM {
            (number, used) = (number + 1, out.len() as u64);
            cipher = stream(number);
        }
        out.fill(0);
        cipher.try_apply_keystream(out).map_err(|e| Error::failed(format!("ChaCha20: {e}")))
    }))
}
