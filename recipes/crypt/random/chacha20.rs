//! The limit: the cipher that the kernel's generator is made of, ChaCha20, in this process (OpenSSL's), with nothing
//! around it: no system call, no lock, no fresh key after each request. No source of random bytes, and none to choose.

use super::{Random, Start};
use crate::error::{Error, Result};
use crate::race::Contender;
use crate::recipes::crypt::algorithm;
use crate::recipes::crypt::backend::{self, Direction};

/// The key stream.
pub static CHACHA20: Contender<Start> =
    Contender { name: "chacha20", title: "a ChaCha20 key stream in memory", needs: &[], approach: &(start as Start) };

/// The block counter has 32 bits: a stream repeats after 256 GiB, so another begins before.
const STREAM: u64 = 128 << 30;
/// What is enciphered: the key stream is what comes out.
static ZEROS: [u8; 16 << 10] = [0; 16 << 10];

fn start() -> Result<Box<dyn Random>> {
    let mut key = [0; 32];
    super::getrandom::fill(&mut key)?;
    let known = algorithm::find("chacha20").zip(backend::find("openssl"));
    let (algorithm, openssl) = known.ok_or_else(|| Error::failed("OpenSSL and ChaCha20 are not in the tables"))?;
    let mut cipher = openssl.cipher(algorithm, &key, Direction::Encrypt)?;
    let (mut number, mut used) = (0_u64, u64::MAX);
    Ok(Box::new(move |out: &mut [u8]| {
        for part in out.chunks_mut(ZEROS.len()) {
            if used > STREAM {
                // Four bytes of counter, then the nonce.
                let mut iv = [0; 16];
                iv[8..].copy_from_slice(&number.to_le_bytes());
                cipher.start(&iv)?;
                (number, used) = (number + 1, 0);
            }
            cipher.process(&ZEROS[..part.len()], part)?;
            used += part.len() as u64;
        }
        Ok(())
    }))
}
