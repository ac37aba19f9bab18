//! Encrypts the input into chunks.

use zeroize::Zeroizing;

use super::input::Input;
use super::output::Output;
use crate::error::Result;
use crate::progress::Bar;
use crate::recipes::crypt::format::{Position, Stream, TAG};

/// Chunks between two reads: enough that the calls do not count.
pub(super) const BATCH: usize = 16;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Chunks; none in raw modes.
    pub chunks: u64,
    /// Bytes of the plaintext.
    pub plaintext: u64,
    /// Bytes of the ciphertext, with its header.
    pub ciphertext: u64,
}

/// Seals all of `input` in chunks of `chunk` bytes and writes them; the header is written before by the caller.
///
/// # Errors
/// Those of reading, sealing and writing.
pub fn seal(input: &Input, output: &mut Output, stream: &mut Stream, chunk: usize, bar: &mut Bar) -> Result<Done> {
    // One chunk more than a batch, so that none is sealed before it is known whether it is the last.
    let mut plain = Zeroizing::new(vec![0; (BATCH + 1) * chunk]);
    let mut sealed = vec![0; (BATCH + 1) * (chunk + TAG)];
    let (mut have, mut done) = (0, Done::default());
    loop {
        have += input.fill(&mut plain[have..])?;
        let ended = have < plain.len();
        let ready = if ended { have } else { BATCH * chunk };
        let mut written = 0;
        let mut start = 0;
        // The last chunk has one byte or more; only an empty file has an empty one.
        while start < ready || (ended && done.chunks == 0) {
            let end = ready.min(start + chunk);
            let position = Position { number: done.chunks, last: ended && end == ready };
            let out = &mut sealed[written..written + (end - start) + TAG];
            stream.seal(position, &plain[start..end], out)?;
            (written, start, done.chunks) = (written + out.len(), end, done.chunks + 1);
        }
        output.write(&sealed[..written])?;
        done.plaintext += ready as u64;
        done.ciphertext += written as u64;
        bar.at(done.plaintext);
        if ended {
            return Ok(done);
        }
        plain.copy_within(ready.., 0);
        have -= ready;
    }
}
