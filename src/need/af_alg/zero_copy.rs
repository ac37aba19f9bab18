//! Whether the kernel processes pages that come by splice(2) or sendfile(2) in their place, or copies them: found out by
//! what it does. A page is sent and then changed before the result is read; the result tells which content was processed.
//!
//! Kernels up to 6.4 took references to the pages (MSG_SPLICE_PAGES from 6.5 on); since the fix of CVE-2026-31431, which
//! stable kernels of all series have as well, data is copied, and sendfile goes on working. So the release is a hint only.

use std::fmt;
use std::fs::File;
use std::io::IoSlice;
use std::os::unix::fs::FileExt;

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::sys::af_alg::{Direction, Operation, Parameters, Transform};

/// What became of a page that was sent by reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was processed in its place.
    ZeroCopy,
    /// It was copied when it was sent.
    Copied,
    /// There is no telling.
    CannotTell,
}

/// A [`Verdict`], and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copying {
    /// What became of the page.
    pub verdict: Verdict,
    /// How that was seen, or why it cannot be.
    pub why: String,
}

impl fmt::Display for Copying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::ZeroCopy => f.write_str("sendfile without a copy"),
            Verdict::Copied => f.write_str("sendfile copies"),
            Verdict::CannotTell => write!(f, "sendfile: cannot tell if it copies, {}", self.why),
        }
    }
}

const PAGE: usize = 4096;
/// The key, IV and contents mean nothing: nobody's data is processed.
const KEY: [u8; 16] = [1; 16];

/// What this kernel does with pages for a socket of type `kind`: "hash", "skcipher" (cbc(aes)) or "aead" (gcm(aes)).
///
/// Takes about a millisecond, and a page of memory.
pub fn detect(kind: &str) -> Copying {
    let cannot = |why: &str| Copying { verdict: Verdict::CannotTell, why: why.to_owned() };
    let seen = match kind {
        // The digest takes its data in during the send: there is no later moment to change the page at.
        "hash" => return cannot("a digest is done with a page before the send returns"),
        "skcipher" => changed_page(&Probe { kind, algorithm: "cbc(aes)", iv_len: 16, tag_len: 0 }),
        "aead" => changed_page(&Probe { kind, algorithm: "gcm(aes)", iv_len: 12, tag_len: 16 }),
        _ => return cannot("pages cannot be sent to this type"),
    };
    match seen {
        Ok(verdict) => Copying { verdict, why: why(verdict).to_owned() },
        Err(errno) => cannot(&format!("the probe failed ({errno:?})")),
    }
}

fn why(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ZeroCopy => "a page changed after sendfile and before the read was processed as changed",
        Verdict::Copied => "a page changed after sendfile and before the read was processed as it was",
        Verdict::CannotTell => "a page changed after sendfile gave the result of neither content",
    }
}

struct Probe<'a> {
    kind: &'a str,
    algorithm: &'a str,
    iv_len: usize,
    tag_len: usize,
}

/// Sends a page of a file in memory, changes it, reads the result, and compares with that of either content.
fn changed_page(probe: &Probe) -> nix::Result<Verdict> {
    let transform = Transform::open(probe.kind, probe.algorithm)?;
    transform.set_key(&KEY)?;
    if probe.tag_len > 0 {
        transform.set_authsize(probe.tag_len)?;
    }
    let (before, after) = ([0x61; PAGE], [0x62; PAGE]);
    let file = File::from(memfd_create(c"syskit-page", MFdFlags::MFD_CLOEXEC)?);
    let write = |content: &[u8]| file.write_all_at(content, 0).map_err(|_| Errno::EIO);
    write(&before)?;
    let seen = result(probe, &transform, |operation| {
        let (mut offset, mut sent) = (0, 0);
        while sent < PAGE {
            match operation.send_file(&file, &mut offset, PAGE - sent)? {
                0 => return Err(Errno::EIO),
                n => sent += n,
            }
        }
        operation.end()?;
        write(&after)
    })?;
    let of = |content: &[u8; PAGE]| {
        result(probe, &transform, |operation| operation.send_data(content, false, false).map(drop))
    };
    Ok(judge(&seen, &of(&before)?, &of(&after)?))
}

fn result(
    probe: &Probe,
    transform: &Transform,
    send: impl FnOnce(&Operation) -> nix::Result<()>,
) -> nix::Result<Vec<u8>> {
    let operation = transform.accept()?;
    let iv = vec![0; probe.iv_len];
    let assoclen = (probe.tag_len > 0).then_some(0);
    let parameters = Parameters { direction: Some(Direction::Encrypt), iv: Some(&iv), assoclen };
    operation.send(&parameters, &[IoSlice::new(&[])], true)?;
    send(&operation)?;
    let mut out = vec![0; PAGE + probe.tag_len];
    let read = operation.read(&mut out)?;
    if read == out.len() { Ok(out) } else { Err(Errno::EIO) }
}

fn judge(seen: &[u8], of_before: &[u8], of_after: &[u8]) -> Verdict {
    match (seen == of_before, seen == of_after) {
        (true, false) => Verdict::Copied,
        (false, true) => Verdict::ZeroCopy,
        _ => Verdict::CannotTell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_tells_which_content_was_processed() {
        assert_eq!(judge(b"old", b"old", b"new"), Verdict::Copied);
        assert_eq!(judge(b"new", b"old", b"new"), Verdict::ZeroCopy);
        assert_eq!(judge(b"mix", b"old", b"new"), Verdict::CannotTell);
        assert_eq!(judge(b"old", b"old", b"old"), Verdict::CannotTell);
    }

    #[test]
    fn what_cannot_be_found_out_says_why() {
        assert_eq!(detect("hash").verdict, Verdict::CannotTell);
        assert!(detect("rng").why.contains("cannot be sent"));
        if Transform::open("aead", "gcm(aes)").is_err() {
            let told = detect("aead");
            assert!(told.verdict == Verdict::CannotTell && told.why.contains("the probe failed"), "{told}");
        }
    }
}
