//! The counter of a ctr mode between calls, for libraries whose calls begin at a whole block.

/// Where a message stands: the counter block (big-endian, NIST SP 800-38A) and how much of its key stream is used.
#[derive(Default, Clone, Copy)]
pub struct Counter {
    block: u128,
    used: usize,
}

/// Bytes of a block.
const BLOCK: usize = 16;

impl Counter {
    /// A message that begins with this counter block.
    pub fn new(iv: [u8; BLOCK]) -> Self {
        Counter { block: u128::from_be_bytes(iv), used: 0 }
    }

    /// XORs the key stream into a piece of the message; `apply` does so from the beginning of the block whose counter it
    /// is given.
    pub fn apply(&mut self, input: &[u8], output: &mut [u8], mut apply: impl FnMut([u8; BLOCK], &[u8], &mut [u8])) {
        let head = input.len().min((BLOCK - self.used) % BLOCK);
        if head > 0 {
            let mut block = [0; BLOCK];
            let mut result = [0; BLOCK];
            block[self.used..self.used + head].copy_from_slice(&input[..head]);
            apply(self.block.to_be_bytes(), &block, &mut result);
            output[..head].copy_from_slice(&result[self.used..self.used + head]);
            self.advance(head);
        }
        if input.len() > head {
            apply(self.block.to_be_bytes(), &input[head..], &mut output[head..]);
            self.advance(input.len() - head);
        }
    }

    fn advance(&mut self, len: usize) {
        self.block = self.block.wrapping_add(((self.used + len) / BLOCK) as u128);
        self.used = (self.used + len) % BLOCK;
    }
}
