//! The content that copies are tried with, and the oracle for it: known at every offset without a second file.

use std::fs::File;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;

use crate::error::{Context, Error, Result};
use crate::interrupt;

/// Longer than the window of file-system compression, and prime: no two block-aligned places look alike.
const PERIOD: usize = 262_147;

/// Bytes that look random, reproducible from a seed.
pub struct Content {
    block: Vec<u8>,
}

impl Content {
    /// The content of this seed.
    pub fn new(seed: u64) -> Self {
        let mut block = vec![0; PERIOD];
        fastrand::Rng::with_seed(seed).fill(&mut block);
        Content { block }
    }

    /// The bytes from `offset` on, up to where the block ends.
    fn from(&self, offset: u64) -> &[u8] {
        &self.block[(offset % PERIOD as u64) as usize..]
    }

    /// Writes the first `len` bytes to `file`, from its start; Ctrl-C ends it as EINTR.
    pub fn write(&self, file: &File, len: u64) -> Result<()> {
        let mut offset = 0;
        while offset < len {
            go_on("pwrite", "the source was not written to its end")?;
            let piece = self.from(offset);
            let piece = &piece[..piece.len().min((len - offset) as usize)];
            file.write_all_at(piece, offset)
                .sys("pwrite", || format!("cannot write {} of source", crate::units::bytes(len)))?;
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// Fills `bytes` with the begin of it; Ctrl-C ends it as EINTR.
    pub fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        let mut at = 0;
        while at < bytes.len() {
            go_on("memcpy", "the source was not filled to its end")?;
            let piece = self.from(at as u64);
            let count = piece.len().min(bytes.len() - at);
            bytes[at..at + count].copy_from_slice(&piece[..count]);
            at += count;
        }
        Ok(())
    }

    /// Holds `file` against the first `len` bytes: an error of kind wrong names the first difference. Ctrl-C ends it as EINTR.
    pub fn check(&self, file: &File, len: u64) -> Result<()> {
        let has = file.metadata().sys("fstat", || "cannot see the length of the copy".to_owned())?.len();
        if has != len {
            return Err(Error::wrong(format!("the copy has {has} bytes, the source {len}")));
        }
        let mut buffer = vec![0; PERIOD.min(len as usize)];
        let mut offset = 0;
        while offset < len {
            go_on("pread", "the copy was not compared to its end")?;
            let expected = self.from(offset);
            let count = expected.len().min((len - offset) as usize);
            let got = &mut buffer[..count];
            file.read_exact_at(got, offset).sys("pread", || format!("cannot read the copy back at byte {offset}"))?;
            if let Some(at) = first_difference(got, &expected[..count]) {
                return Err(Error::wrong(format!("the copy differs from the source at byte {}", offset + at)));
            }
            offset += count as u64;
        }
        Ok(())
    }
}

/// An error (EINTR) once the user asked for the end: files can be longer than anybody wants to wait for.
fn go_on(call: &'static str, left: &str) -> Result<()> {
    if interrupt::asked() { Err(Error::sys(format!("interrupted: {left}"), call, Errno::EINTR)) } else { Ok(()) }
}

/// Where two slices of one length first differ.
pub fn first_difference(a: &[u8], b: &[u8]) -> Option<u64> {
    // Equality of slices is memcmp, which a search for the place is not.
    if a == b {
        return None;
    }
    a.iter().zip(b).position(|(x, y)| x != y).map(|at| at as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_difference_is_found_and_placed() {
        let content = Content::new(1);
        let len = PERIOD as u64 * 2 + 77;
        let file = tempfile::tempfile().unwrap();
        content.write(&file, len).unwrap();
        content.check(&file, len).unwrap();
        for at in [0, PERIOD as u64 - 1, PERIOD as u64, len - 1] {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at).unwrap();
            file.write_all_at(&[byte[0] ^ 1], at).unwrap();
            let e = content.check(&file, len).unwrap_err();
            assert_eq!((e.exit_code(), e.what), (5, format!("the copy differs from the source at byte {at}")));
            file.write_all_at(&byte, at).unwrap();
        }
        assert_eq!(content.check(&file, len - 1).unwrap_err().exit_code(), 5);
        assert_eq!(content.check(&file, len + 1).unwrap_err().exit_code(), 5);
    }

    #[test]
    fn another_seed_is_another_content() {
        assert!(first_difference(&Content::new(1).block, &Content::new(2).block).is_some_and(|at| at < 16));
    }
}
