//! The limit of the kernel's side: one block through an AF_ALG socket that computes next to nothing: the cipher that
//! leaves everything as it is, or for digests, whose sockets are cheaper, a check sum.

use super::approach::{Approach, Message, Process, fact};
use super::job::Job;
use super::kernel::accept;
use crate::error::{Error, Result};
use crate::need;
use crate::need::af_alg::{Call, error};
use crate::race::Contender;
use crate::sys::af_alg::{Operation, Transform};
use crate::sys::eintr::retry;

/// Type and name of the kernel's cipher that leaves everything as it is, and of its quickest digest.
const NULL: (&str, &str) = ("skcipher", "ecb(cipher_null)");
const SUM: (&str, &str) = ("hash", "crc32c");
const BLOCK: usize = 16;
const SUM_LEN: usize = 4;

/// Accepted once; send and read of a block.
pub static NULL_ROUND_TRIP: Contender<Approach> = Contender {
    name: "null_round_trip",
    title: "AF_ALG send and read of one block, next to nothing computed",
    needs: &[&need::AF_ALG],
    approach: &Approach::NullRoundTrip,
};

struct Null {
    operation: Operation,
    _transform: Transform,
    algorithm: &'static str,
    /// Sent and received last; of a check sum only its own bytes.
    sent: [u8; BLOCK],
    received: Vec<u8>,
    trips: u64,
}

/// Sets it up; of the job it matters only whether it is a digest.
pub fn start(job: &Job) -> Result<Box<dyn Process>> {
    let ((kind, algorithm), len) = if job.is_digest() { (SUM, SUM_LEN) } else { (NULL, BLOCK) };
    let transform = Transform::open(kind, algorithm).map_err(|e| error(kind, algorithm, Call::Open, e))?;
    let operation = accept(&transform)?;
    let (sent, received) = ([0; BLOCK], vec![0; len]);
    Ok(Box::new(Null { operation, _transform: transform, algorithm, sent, received, trips: 0 }))
}

/// CRC-32C ([RFC 3720](https://www.rfc-editor.org/rfc/rfc3720#section-12.1)), bit by bit.
fn sum(bytes: &[u8]) -> [u8; SUM_LEN] {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step));
    (!crc).to_le_bytes()
}

impl Process for Null {
    fn process(&mut self, _: &Message<'_>, _: &mut [u8]) -> Result<()> {
        self.trips += 1;
        self.sent[..8].copy_from_slice(&self.trips.to_le_bytes());
        retry(|| self.operation.send_data(&self.sent, false, true))
            .map_err(|e| Error::sys("cannot send a block to AF_ALG", "send", e))?;
        retry(|| self.operation.read(&mut self.received))
            .map_err(|e| Error::sys("cannot read a block from AF_ALG", "read", e))?;
        Ok(())
    }
    fn end_sample(&mut self, _: u64) -> Result<()> {
        let right = match self.algorithm == SUM.1 {
            true => self.received == sum(&self.sent),
            false => self.received == self.sent,
        };
        if !right {
            return Err(Error::wrong(format!("{} gave a wrong answer", self.algorithm)));
        }
        self.received.fill(0);
        Ok(())
    }
    fn facts(&mut self) -> Vec<(String, String)> {
        vec![fact("algorithm", self.algorithm)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_the_one_of_the_standard() {
        assert_eq!(u32::from_le_bytes(sum(b"123456789")), 0xe306_9283);
    }
}
