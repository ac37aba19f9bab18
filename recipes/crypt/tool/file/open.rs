//! Decrypts chunks, and says what is wrong with a file that cannot be.

use zeroize::Zeroizing;

use super::input::Input;
use super::output::Output;
use super::seal::{BATCH, Done};
use crate::error::{Error, Result};
use crate::progress::Bar;
use crate::recipes::crypt::format::{Position, Stream, TAG};

/// What is wrong with a file whose chunk could not be opened.
const CHANGED: &str = "it was changed after it was encrypted: fetch it again from where it came";

/// Opens all chunks of `chunk` bytes of plaintext that `input` still has; to `output`, or only to see whether they
/// are whole. Each chunk is verified before a byte of it is written.
///
/// # Errors
/// Those of reading and writing, and everything that is not what was sealed: a changed, missing, moved or repeated chunk,
/// a last chunk that is missing, and anything behind it.
pub fn open(
    input: &Input,
    mut output: Option<&mut Output>,
    stream: &mut Stream,
    chunk: usize,
    bar: &mut Bar,
) -> Result<Done> {
    let unit = chunk + TAG;
    let mut sealed = vec![0; (BATCH + 1) * unit];
    let mut plain = Zeroizing::new(vec![0; (BATCH + 1) * chunk]);
    let (mut have, mut done) = (0, Done::default());
    loop {
        have += input.fill(&mut sealed[have..])?;
        let ended = have < sealed.len();
        let ready = if ended { have } else { BATCH * unit };
        let mut written = 0;
        let mut start = 0;
        while start < ready || (ended && done.chunks == 0) {
            let end = ready.min(start + unit);
            let position = Position { number: done.chunks, last: ended && end == ready };
            written += open_chunk(stream, position, &sealed[start..end], &mut plain[written..], chunk)?;
            (start, done.chunks) = (end, done.chunks + 1);
        }
        if let Some(output) = output.as_deref_mut() {
            output.write(&plain[..written])?;
        }
        done.plaintext += written as u64;
        done.ciphertext += ready as u64;
        bar.at(done.ciphertext);
        if ended {
            return Ok(done);
        }
        sealed.copy_within(ready.., 0);
        have -= ready;
    }
}

/// Opens one chunk into the start of `plain`: how many bytes.
fn open_chunk(
    stream: &mut Stream,
    position: Position,
    sealed: &[u8],
    plain: &mut [u8],
    chunk: usize,
) -> Result<usize> {
    let Some(len) = sealed.len().checked_sub(TAG) else {
        return Err(Error::failed(cut(position)).fix(CHANGED));
    };
    // Nothing writes an empty chunk behind others, so there is one way only to write a file.
    if len == 0 && position.number > 0 {
        return Err(Error::failed(format!("its chunk {} is empty", position.number)).fix(CHANGED));
    }
    let plain = &mut plain[..len];
    let Err(error) = stream.open(position, sealed, plain) else { return Ok(len) };
    if error.errno != Some(nix::errno::Errno::EBADMSG) {
        return Err(error);
    }
    // The same chunk with the other flag tells a file that was cut or that goes on from one that was changed.
    let other = Position { last: !position.last, ..position };
    let opens = stream.open(other, sealed, plain).is_ok();
    plain.fill(0);
    let what = match (opens, position.last) {
        (true, true) if len == chunk => cut(position),
        (true, false) => format!("it goes on behind its last chunk, number {}", position.number),
        _ => format!("its chunk {} is not what was encrypted", position.number),
    };
    Err(Error::failed(what).fix(CHANGED))
}

fn cut(position: Position) -> String {
    match position.number {
        0 => "it ends before its first chunk does".to_owned(),
        number => format!("it was cut off: it ends at chunk {number} with more to come"),
    }
}
