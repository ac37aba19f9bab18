//! Ciphers without authentication by the kernel.
//!
//! The socket of a block mode (cbc) goes on from the IV it keeps. A stream mode loses what is left of a block of key
//! stream at the end of each call, and chacha20 keeps no counter at all; so for those the IV of each call is computed
//! here from the place in the message, and a call that begins inside a block sends zeros before it and drops what comes
//! of them.

use zeroize::Zeroize;

use super::failed;
use crate::error::Result;
use crate::need::af_alg::Call;
use crate::recipes::crypt::algorithm::{Algorithm, Shape};
use crate::recipes::crypt::backend::{Cipher, check};
use crate::sys::af_alg::{Direction, Skcipher, Transform};

pub(super) struct KernelCipher {
    algorithm: &'static Algorithm,
    shape: Shape,
    cipher: Skcipher,
    stream: Option<Stream>,
}

impl KernelCipher {
    pub(super) fn new(
        algorithm: &'static Algorithm,
        shape: Shape,
        transform: Transform,
        direction: Direction,
    ) -> Result<Self> {
        let cipher = Skcipher::of(transform, algorithm.iv_len, direction);
        let cipher = cipher.map_err(|e| failed(algorithm, Call::Accept, e))?;
        let counter = match (shape.block == 1 && !shape.whole, algorithm.kernel) {
            (true, "chacha20") => Some(Counter::Chacha20),
            (true, _) => Some(Counter::Ctr),
            _ => None,
        };
        let stream = counter.map(|counter| Stream { counter, iv: [0; 16], at: 0 });
        Ok(KernelCipher { algorithm, shape, cipher, stream })
    }

    #[inline]
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        match &mut self.stream {
            Some(stream) => stream.run(&mut self.cipher, input, output),
            None if self.shape.whole => self.cipher.process_whole(input, output),
            None => self.cipher.process(input, output),
        }
    }
}

impl Cipher for KernelCipher {
    fn start(&mut self, iv: &[u8]) -> Result<()> {
        check::iv(iv, self.algorithm.iv_len)?;
        match &mut self.stream {
            Some(stream) => {
                stream.iv.copy_from_slice(iv);
                stream.at = 0;
            }
            None => self.cipher.start(iv),
        }
        Ok(())
    }

    fn process(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        check::text(self.shape, input, output)?;
        let done = self.run(input, output);
        done.map_err(|e| {
            output.zeroize();
            failed(self.algorithm, Call::Send { len: input.len(), limit: self.cipher.capacity() }, e)
        })
    }
}

/// The place in a message of a stream mode.
struct Stream {
    counter: Counter,
    iv: [u8; 16],
    /// Bytes of the message that are done.
    at: u64,
}

/// How a stream mode counts its blocks in the IV.
#[derive(Clone, Copy)]
enum Counter {
    /// NIST SP 800-38A: all of the IV, the most significant byte first; blocks of 16 bytes.
    Ctr,
    /// RFC 8439 as the kernel has it: the first 4 bytes, the least significant first; blocks of 64 bytes.
    Chacha20,
}

impl Counter {
    fn block(self) -> u64 {
        match self {
            Counter::Ctr => 16,
            Counter::Chacha20 => 64,
        }
    }

    /// The IV of a block; `None` where the counter comes to its end, after which it would repeat.
    fn iv(self, first: &[u8; 16], block: u64) -> Option<[u8; 16]> {
        match self {
            Counter::Ctr => Some(u128::from_be_bytes(*first).wrapping_add(u128::from(block)).to_be_bytes()),
            Counter::Chacha20 => {
                let mut iv = *first;
                let start = u32::from_le_bytes([first[0], first[1], first[2], first[3]]);
                let counter = start.checked_add(u32::try_from(block).ok()?)?;
                iv[..4].copy_from_slice(&counter.to_le_bytes());
                Some(iv)
            }
        }
    }
}

impl Stream {
    #[inline]
    fn run(&mut self, cipher: &mut Skcipher, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        let block = self.counter.block();
        let inside = (self.at % block) as usize;
        let (mut input, mut output) = (input, output);
        if inside > 0 {
            let len = input.len().min(block as usize - inside);
            self.rest_of_block(cipher, inside, &input[..len], &mut output[..len])?;
            (input, output) = (&input[len..], &mut output[len..]);
        }
        // Whole blocks a call, so that each one begins with a block.
        let most = cipher.capacity() / block as usize * block as usize;
        for (input, output) in input.chunks(most).zip(output.chunks_mut(most)) {
            self.call(cipher, 0, input, output)?;
            self.at += input.len() as u64;
        }
        Ok(())
    }

    fn rest_of_block(
        &mut self,
        cipher: &mut Skcipher,
        inside: usize,
        input: &[u8],
        output: &mut [u8],
    ) -> nix::Result<()> {
        let (mut padded, mut out) = ([0; 64], [0; 64]);
        let end = inside + input.len();
        padded[inside..end].copy_from_slice(input);
        let done = self.call(cipher, inside, &padded[..end], &mut out[..end]);
        output.copy_from_slice(&out[inside..end]);
        padded.zeroize();
        out.zeroize();
        done?;
        self.at += input.len() as u64;
        Ok(())
    }

    /// One call, which begins `inside` bytes before the place in the message.
    #[inline]
    fn call(&self, cipher: &mut Skcipher, inside: usize, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        let first = (self.at - inside as u64) / self.counter.block();
        let last = first + (input.len() as u64).div_ceil(self.counter.block()).saturating_sub(1);
        self.counter.iv(&self.iv, last).ok_or(nix::errno::Errno::EOVERFLOW)?;
        cipher.start(&self.counter.iv(&self.iv, first).ok_or(nix::errno::Errno::EOVERFLOW)?);
        cipher.process(input, output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_go_on_as_their_modes_say() {
        let high = [0xff; 16];
        assert_eq!(Counter::Ctr.iv(&high, 1), Some([0; 16]));
        assert_eq!(Counter::Ctr.iv(&[0; 16], 256).unwrap()[14..], [1, 0]);
        assert_eq!(Counter::Chacha20.iv(&[0; 16], 256).unwrap()[..4], [0, 1, 0, 0]);
        assert_eq!(Counter::Chacha20.iv(&high, 1), None);
        assert_eq!(Counter::Chacha20.iv(&[0; 16], 1 << 32), None);
    }
}
