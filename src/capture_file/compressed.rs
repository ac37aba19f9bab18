//! Compressed capture files, known by their first bytes: gzip (RFC 1952) by flate2 in Rust, and Zstandard (RFC 8878) by
//! ruzstd, because that is Rust too: the crate zstd is faster, but is C over bytes that nobody vouches for.
//! Members and frames may follow one another, as `cat a.gz b.gz` and pzstd make them.

use std::io::{BufRead, BufReader, Cursor, Error, ErrorKind, Read, Result};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window of a Zstandard frame, in bytes: what RFC 8878 wants decoders to take, and all levels but `--ultra`
/// and `--long` use. The decoder reserves what the frame says.
const WINDOW: u64 = 8 << 20;

/// How much compressed data is read at a time, in bytes.
const PIECE: usize = 1 << 16;

/// The input, decompressed where its first bytes say that it is compressed, and whether it is.
pub(super) fn open(mut input: Box<dyn Read>) -> Result<(Box<dyn Read>, bool)> {
    let mut magic = Vec::with_capacity(ZSTD.len());
    input.by_ref().take(ZSTD.len() as u64).read_to_end(&mut magic)?;
    let gzip = magic.starts_with(&GZIP);
    // A frame that is skipped may come first (RFC 8878, 3.1.2).
    let skippable = matches!(magic.as_slice(), [0x50..=0x5f, 0x2a, 0x4d, 0x18]);
    let zstd = magic == ZSTD || skippable;
    let whole = Cursor::new(magic).chain(input);
    Ok(match (gzip, zstd) {
        (true, _) => (Box::new(MultiGzDecoder::new(BufReader::with_capacity(PIECE, whole))), true),
        (_, true) => (Box::new(Zstd::new(whole)), true),
        _ => (Box::new(whole), false),
    })
}

/// Frame after frame.
struct Zstd<R> {
    input: BufReader<R>,
    decoder: FrameDecoder,
    in_frame: bool,
}

impl<R: Read> Zstd<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        Zstd { input: BufReader::with_capacity(PIECE, input), decoder, in_frame: false }
    }

    /// Begins the next frame; false where the input ends before one.
    fn begin(&mut self) -> Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    let length = u64::from(length);
                    let skipped = std::io::copy(&mut self.input.by_ref().take(length), &mut std::io::sink())?;
                    if skipped < length {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(e) => return Err(Error::other(e)),
            }
        }
        Ok(false)
    }
}

impl<R: Read> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        loop {
            if !self.in_frame {
                if !self.begin()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let decoded = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1));
                decoded.map_err(Error::other)?;
            }
            match self.decoder.read(out)? {
                0 if !out.is_empty() => self.in_frame = false,
                count => return Ok(count),
            }
        }
    }
}
