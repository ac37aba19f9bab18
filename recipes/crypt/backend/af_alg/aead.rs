//! Authenticated encryption by the kernel.
//!
//! The kernel wants a message whole in the socket: associated data, text and tag together are bounded by the socket's
//! buffers, which this asks to be as large as is needed and allowed. By default that is 421,888 bytes (twice
//! net.core.wmem_max, whole pages, less one); for who has CAP_NET_ADMIN some 4 MiB (net.core.optmem_max, for the list of
//! pages). A longer message is an error that names the limit: cut it into messages, as `syskit crypt encrypt` does.

use nix::errno::Errno;

use super::failed;
use crate::error::{Error, Result};
use crate::need::af_alg::Call;
use crate::recipes::crypt::algorithm::Algorithm;
use crate::recipes::crypt::backend::{Aead, check, not_authentic};
use crate::sys::af_alg::{self, Transform};

pub(super) struct KernelAead {
    algorithm: &'static Algorithm,
    aead: af_alg::Aead,
    tag_len: usize,
    block: usize,
    ccm: bool,
}

impl KernelAead {
    pub(super) fn new(algorithm: &'static Algorithm, transform: Transform, tag_len: usize) -> Result<Self> {
        let ccm = algorithm.kernel.starts_with("ccm(");
        let iv_len = if ccm { 16 } else { algorithm.iv_len };
        let aead = af_alg::Aead::of(transform, iv_len, tag_len).map_err(|e| failed(algorithm, Call::Accept, e))?;
        Ok(KernelAead { algorithm, aead, tag_len, block: algorithm.block(), ccm })
    }

    fn failed(&self, aad: &[u8], len: usize, errno: Errno) -> Error {
        match errno {
            Errno::EBADMSG => not_authentic(),
            _ => failed(self.algorithm, Call::Send { len: aad.len() + len, limit: self.aead.limit() }, errno),
        }
    }
}

/// RFC 3610: what the kernel wants is not the nonce but the counter block, whose first byte is the length of the counter
/// less one, and whose counter is zero.
fn counter_block(nonce: &[u8]) -> [u8; 16] {
    let mut block = [0; 16];
    block[0] = (15 - nonce.len() - 1) as u8;
    block[1..=nonce.len()].copy_from_slice(nonce);
    block
}

impl Aead for KernelAead {
    fn seal(&mut self, nonce: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> Result<()> {
        check::iv(nonce, self.algorithm.iv_len)?;
        check::blocks(self.algorithm, self.block, plaintext.len())?;
        check::same(plaintext.len() + self.tag_len, out.len())?;
        let done = if self.ccm {
            self.aead.seal(&counter_block(nonce), aad, plaintext, out)
        } else {
            self.aead.seal(nonce, aad, plaintext, out)
        };
        done.map_err(|e| self.failed(aad, out.len(), e))
    }

    fn open(&mut self, nonce: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> Result<()> {
        check::iv(nonce, self.algorithm.iv_len)?;
        let (text, _) = check::split(sealed, self.tag_len).inspect_err(|_| out.fill(0))?;
        check::same(text.len(), out.len())?;
        if self.block > 1 && !text.len().is_multiple_of(self.block) {
            // Not for the kernel, which would say EINVAL: nobody sealed this.
            out.fill(0);
            return Err(not_authentic());
        }
        let done = if self.ccm {
            self.aead.unseal(&counter_block(nonce), aad, sealed, out)
        } else {
            self.aead.unseal(nonce, aad, sealed, out)
        };
        done.map_err(|e| self.failed(aad, sealed.len(), e))
    }
}

#[cfg(test)]
mod tests {
    use super::counter_block;

    #[test]
    fn the_counter_block_of_ccm_says_how_long_its_counter_is() {
        assert_eq!(counter_block(&[9; 12]), [2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0]);
        assert_eq!(counter_block(&[9; 7])[0], 7);
        assert_eq!(counter_block(&[9; 13])[0], 1);
    }
}
