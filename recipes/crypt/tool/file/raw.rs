//! Raw modes: a cipher without authentication and without a header, as `openssl enc -K -iv` reads and writes it.

use std::fs::File;
use std::io::Read;

use zeroize::Zeroizing;

use super::seal::Done;
use super::{How, Job, choose, key_file};
use crate::error::{Context, Error, Result};
use crate::escape;
use crate::progress::Bar;
use crate::recipes::crypt::algorithm::{Algorithm, Kind, Shape};
use crate::recipes::crypt::backend::{Cipher, Direction};
use crate::recipes::crypt::padding;
use crate::ui::Ui;

/// Bytes between two reads; whole blocks of every cipher.
const BATCH: usize = 1 << 20;
/// A data unit of xts has at most 2^20 blocks (IEEE 1619-2018, 5.1).
const LONGEST_UNIT: usize = 16 << 20;

/// A cipher, and what is done at the end of a message.
struct Raw {
    cipher: Box<dyn Cipher>,
    algorithm: &'static Algorithm,
    shape: Shape,
    encrypt: bool,
    padded: bool,
}

/// Encrypts or decrypts all of the input.
///
/// # Errors
/// What is no cipher, a missing key or IV, a length or padding that cannot be, and those of reading and writing.
pub fn raw(job: &mut Job, algorithm: &'static Algorithm, ui: &mut Ui) -> Result<()> {
    let Kind::Cipher(shape) = algorithm.kind else {
        return Err(Error::usage(format!(
            "{} is no raw mode: its tag has no place without a format",
            algorithm.name
        ))
        .fix("leave --raw away"));
    };
    let args = job.args;
    if args.no_padding && shape.block == 1 {
        return Err(Error::usage(format!("{} has no padding to leave out", algorithm.name)));
    }
    let backend = choose(&args.via, algorithm)?;
    let Some(path) = job.key_file() else {
        return Err(Error::usage("a raw mode takes its key from a file").fix("name it with --key-file"));
    };
    let key = key_file::load(&path, algorithm.key_len.unwrap_or(0))?;
    let iv = iv(job, algorithm)?;
    if !args.quiet {
        ui.note(format_args!(
            "syskit: crypt: warning: raw {} is not authenticated: whoever changes the ciphertext changes the plaintext, \
             and nothing shows it",
            algorithm.name
        ));
    }
    let direction = if job.encrypt { Direction::Encrypt } else { Direction::Decrypt };
    let cipher = backend.cipher(algorithm, &key, direction)?;
    drop(key);
    let padded = shape.block > 1 && !args.no_padding;
    let mut raw = Raw { cipher, algorithm, shape, encrypt: job.encrypt, padded };
    let mut bar = job.bar(ui);
    let done = raw.all(job, &iv, &mut bar);
    drop(bar);
    let done = done.map_err(|e| job.about_source(e))?;
    let how = How {
        algorithm: algorithm.name,
        authenticated: false,
        key_source: "key_file",
        via: backend.name(),
        chunk: None,
    };
    job.finish(&how, done, ui)
}

/// The initialisation vector, from the command line or its file.
fn iv(job: &Job, algorithm: &Algorithm) -> Result<Vec<u8>> {
    let len = algorithm.iv_len;
    match (&job.args.iv, &job.args.iv_file) {
        (None, None) if len == 0 => Ok(Vec::new()),
        (None, None) => Err(Error::usage(format!("{} needs an initialisation vector", algorithm.name))
            .fix("give it with --iv or --iv-file, another one for every file")),
        _ if len == 0 => Err(Error::usage(format!("{} has no initialisation vector", algorithm.name))),
        (Some(hex), _) => key_file::parse_iv(hex, len),
        (None, Some(path)) => {
            let shown = escape::name(path);
            let mut text = Vec::new();
            let file = File::open(path).sys("open", || format!("cannot open {shown}"))?;
            file.take(2 * len as u64 + 2).read_to_end(&mut text).sys("read", || format!("cannot read {shown}"))?;
            match key_file::key_of(&text, len) {
                Ok(iv) => Ok(iv.to_vec()),
                Err(why) => Err(Error::failed(format!("the initialisation vector in {shown} {why}"))),
            }
        }
    }
}

impl Raw {
    fn all(&mut self, job: &mut Job, iv: &[u8], bar: &mut Bar) -> Result<Done> {
        // Whether the end is right is known at the end, when what is seen at once was seen.
        if !self.encrypt && self.shape.block > 1 && job.output.is_stream() {
            job.input.keep()?;
            self.pass(job, iv, false, bar)?;
            job.input.rewind(0)?;
        }
        self.pass(job, iv, true, bar)
    }

    fn pass(&mut self, job: &mut Job, iv: &[u8], write: bool, bar: &mut Bar) -> Result<Done> {
        self.cipher.start(iv)?;
        let batch = if self.shape.whole { LONGEST_UNIT } else { BATCH };
        // A block more than a batch, so that the last block is known when it is come to.
        let mut from = Zeroizing::new(vec![0; batch + self.shape.least.max(self.shape.block)]);
        let mut to = Zeroizing::new(vec![0; from.len()]);
        let (mut have, mut read, mut written) = (0, 0, 0);
        loop {
            have += job.input.fill(&mut from[have..])?;
            let ended = have < from.len();
            let ready = if ended { have } else { batch };
            if self.shape.whole && have > batch {
                return Err(Error::failed(format!(
                    "it is longer than a data unit of {}, 16 MiB",
                    self.algorithm.name
                ))
                .fix(
                    "disk encryption gives each sector an initialisation vector of its own: that is no file format",
                ));
            }
            read += ready as u64;
            let len = match ended {
                true => self.last(&mut from, ready, &mut to)?,
                false => self.process(&from[..ready], &mut to)?,
            };
            if write {
                job.output.write(&to[..len])?;
            }
            written += len as u64;
            bar.at(read);
            if ended {
                let (plaintext, ciphertext) = if self.encrypt { (read, written) } else { (written, read) };
                return Ok(Done { chunks: 0, plaintext, ciphertext });
            }
            from.copy_within(ready..have, 0);
            have -= ready;
        }
    }

    fn process(&mut self, from: &[u8], to: &mut [u8]) -> Result<usize> {
        if !from.is_empty() {
            self.cipher.process(from, &mut to[..from.len()])?;
        }
        Ok(from.len())
    }

    /// The end of a message, the first `have` bytes of `from`.
    fn last(&mut self, from: &mut Zeroizing<Vec<u8>>, have: usize, to: &mut [u8]) -> Result<usize> {
        let (name, block) = (self.algorithm.name, self.shape.block);
        if self.padded && self.encrypt {
            from.truncate(have);
            padding::pad(from, block);
            return self.process(&from[..], to);
        }
        if !have.is_multiple_of(block) || (self.padded && have == 0) {
            let what = format!("it does not end with a whole block of {name}, {block} bytes");
            return Err(Error::failed(what).fix(match self.encrypt {
                true => "leave --no-padding away",
                false => "it is cut off, or was encrypted otherwise",
            }));
        }
        if have < self.shape.least && self.shape.whole {
            return Err(Error::failed(format!("it has {have} bytes; {name} needs {} or more", self.shape.least)));
        }
        let len = self.process(&from[..have], to)?;
        if !self.padded {
            return Ok(len);
        }
        // Everything before the last block is right as it is.
        let text = padding::unpadded_len(&to[..len], block);
        text.ok_or_else(|| {
            Error::failed("its padding is wrong").fix("another key, initialisation vector or mode, or it was changed")
        })
    }
}
