//! A file encrypted by the kernel without its bytes in user space: AES-GCM and sendfile(2) (cheat sheet 3.2.31, "AF_ALG,
//! AES-GCM encrypt a file with sendfile").
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html): nonce and associated data are sent with MSG_MORE, then the
//! file by [sendfile(2)](https://man7.org/linux/man-pages/man2/sendfile.2.html), then ciphertext and tag are read. Traps:
//! - the socket must hold the message whole (SO_SNDBUF, 212,992 bytes by default). The cheat sheet's sendfile of a larger
//!   file is cut short there, and its next call waits for ever: what should read is the one that sends.
//! - a message that was cut short is no message: its tag is of other bytes than the file's.
//! - so either make the buffer as large as the file (SO_SNDBUFFORCE as root; else net.core.wmem_max is the bound), or cut
//!   the file into messages, each with a nonce of its own. `syskit crypt encrypt` does that so that nobody can reorder
//!   them or cut them off.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Write};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::{Direction, Operation, Parameters, Transform};
use crate::sys::eintr::retry;

const LEN: usize = 1 << 20;
const TAG: usize = 16;
const AAD: &[u8; 16] = b"associated data ";

/// Begins a message and sends `len` bytes of the file from `start` on: how many the socket took before it was full.
fn send(operation: &Operation, iv: &[u8], file: &File, start: usize, len: usize) -> nix::Result<usize> {
    let begin = Parameters { direction: Some(Direction::Encrypt), iv: Some(iv), assoclen: Some(AAD.len() as u32) };
    retry(|| operation.send(&begin, &[IoSlice::new(AAD)], true))?;
    let mut offset = start as i64;
    loop {
        let left = start + len - offset as usize;
        match retry(|| operation.send_file(file, &mut offset, left)) {
            Ok(taken) if taken > 0 && taken < left => {}
            Ok(_) | Err(Errno::EAGAIN) => return Ok(offset as usize - start),
            Err(errno) => return Err(errno),
        }
    }
}

/// A message of `len` bytes of the file, whole: ciphertext and tag.
fn seal(operation: &Operation, iv: &[u8], file: &File, start: usize, len: usize) -> nix::Result<Vec<u8>> {
    if send(operation, iv, file, start, len)? != len {
        return Err(Errno::EMSGSIZE);
    }
    operation.end()?;
    let (mut echo, mut out) = ([0; AAD.len()], vec![0; len + TAG]);
    let got = retry(|| operation.read_vectored(&mut [IoSliceMut::new(&mut echo), IoSliceMut::new(&mut out)]))?;
    if got == AAD.len() + out.len() { Ok(out) } else { Err(Errno::EIO) }
}

/// `syskit run af-alg-gcm-file`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-gcm-file",
    title: "Encrypt a file by the kernel, sent by sendfile",
    sections: &["3.2.31"],
    needs: &[&need::AF_ALG_AEAD],
    source: include_str!("af_alg_gcm_file.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot have the kernel encrypt a file by gcm(aes)".to_owned();
    let content: Vec<u8> = (0..LEN as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = unnamed(&content)?;
    let key = [7; 16];
    let nonce = |n: usize| (n as u128).to_be_bytes()[4..].to_vec();
    let transform = Transform::open("aead", "gcm(aes)").sys("bind", cannot)?;
    transform.set_key(&key).sys("setsockopt(ALG_SET_KEY)", cannot)?;
    transform.set_authsize(TAG).sys("setsockopt(ALG_SET_AEAD_AUTHSIZE)", cannot)?;
    // A full socket is to say so (EAGAIN) instead of waiting for a reader.
    let accept = || -> nix::Result<Operation> {
        let operation = transform.accept()?;
        fcntl(&operation, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(operation)
    };
    let operation = || accept().sys("accept", cannot);

    let taken = send(&operation()?, &nonce(0), &file, 0, LEN).sys("sendfile", cannot)?;
    demo.say(format!("sendfile of {LEN} bytes into a fresh socket = {taken}"));
    demo.check("a fresh socket does not hold the file", taken < LEN, || "it does".to_owned())?;
    let small = seal(&operation()?, &nonce(1), &file, 0, 200_000).sys("sendfile", cannot)?;
    demo.check_eq("of 200000 bytes OpenSSL makes the same", oracle(&key, &nonce(1), &content[..200_000])?, small)?;

    // As large a buffer as the file, for who may have one.
    let large = operation()?;
    let room = large.set_capacity(AAD.len() + LEN + TAG).sys("setsockopt(SO_SNDBUF)", cannot)?;
    demo.say(format!("a socket that was asked to hold the file holds {room} bytes"));
    if room >= AAD.len() + LEN + TAG {
        let whole = demo.time("the file, one message", Some(LEN as u64), || {
            seal(&large, &nonce(2), &file, 0, LEN).sys("sendfile", cannot)
        })?;
        demo.check_eq("of the whole file OpenSSL makes the same", oracle(&key, &nonce(2), &content)?, whole)?;
    }

    // As many messages as it takes.
    let one = operation()?;
    let piece = 128 << 10;
    let sealed = demo.time("the file, 128 KiB a message", Some(LEN as u64), || {
        let pieces = (0..LEN).step_by(piece);
        pieces
            .map(|at| seal(&one, &nonce(3 + at), &file, at, piece))
            .collect::<nix::Result<Vec<_>>>()
            .sys("sendfile", cannot)
    })?;
    for (i, (sealed, plain)) in sealed.iter().zip(content.chunks(piece)).enumerate() {
        let expected = oracle(&key, &nonce(3 + i * piece), plain)?;
        demo.check(&format!("of piece {i} OpenSSL makes the same"), *sealed == expected, || "another".to_owned())?;
    }
    Ok(())
}

fn unnamed(content: &[u8]) -> Result<File> {
    let cannot = || "cannot make a file to encrypt".to_owned();
    let mut file = crate::recipes::copy::place::Place::usual().unnamed()?;
    file.write_all(content).sys("write", cannot)?;
    Ok(file)
}

/// The same by a library that knows nothing of the kernel's.
fn oracle(key: &[u8], iv: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
    let (cipher, mut tag) = (openssl::symm::Cipher::aes_128_gcm(), [0; TAG]);
    let sealed = openssl::symm::encrypt_aead(cipher, key, Some(iv), AAD, plaintext, &mut tag);
    sealed.map(|text| [&text[..], &tag].concat()).map_err(|e| Error::failed(format!("OpenSSL: {e}")))
}
