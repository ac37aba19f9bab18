//! A digest by the kernel (cheat sheet 3.2.28, "AF_ALG, using socket to compute a hash").
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html), Linux 2.6.38: a socket is bound to an algorithm, and each
//! socket accepted from it computes: what is sent goes in, what is read is the digest. Traps:
//! - a send without MSG_MORE ends the message: data in parts needs the flag, or each part is digested for itself.
//! - a send may take less than it was given: loop, and with MSG_MORE a short one does no harm.
//! - reading ends the message. For the digest so far, accept from the computing socket: that copies its state.

use crate::demo::Demo;
use crate::error::{Context, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::Transform;
use crate::sys::eintr::retry;

const MESSAGE: &[u8] = b"Python is awesome!";
/// What the cheat sheet's program prints.
const DIGEST: &str = "9d50bcac2d5e33f936ec2db7dc7b6579cba8e1b099d77c31d8564df46f66bdf5";

fn digest(algorithm: &str, len: usize, parts: &[&[u8]]) -> nix::Result<Vec<u8>> {
    let transform = Transform::open("hash", algorithm)?;
    let operation = transform.accept()?;
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            rest = &rest[retry(|| operation.send_data(rest, true, true))?..];
        }
    }
    let mut digest = vec![0; len];
    let got = retry(|| operation.read(&mut digest))?;
    digest.truncate(got);
    Ok(digest)
}

/// `syskit run af-alg-hash`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-hash",
    title: "Compute a digest by the kernel",
    sections: &["3.2.28"],
    needs: &[&need::AF_ALG_HASH],
    source: include_str!("af_alg_hash.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot have the kernel compute sha256".to_owned();
    let sha256 = |parts: &[&[u8]]| digest("sha256", 32, parts).sys("AF_ALG", cannot);
    let whole = demo.time("sha256 of a message", None, || sha256(&[MESSAGE]))?;
    demo.say(format!("sha256 of \"Python is awesome!\" = {}", hex(&whole)));
    demo.check_eq("the digest is the cheat sheet's", DIGEST.to_owned(), hex(&whole))?;
    demo.check_eq("parts sent with MSG_MORE are one message", &whole, &sha256(&[b"Python is ", b"", b"awesome!"])?)?;
    demo.check_eq("no data at all is an empty message", oracle(b""), sha256(&[])?)?;
    let million = vec![b'a'; 1_000_003];
    demo.check_eq("OpenSSL computes the same of a million bytes", oracle(&million), sha256(&[&million])?)?;

    // The traps.
    let operation = Transform::open("hash", "sha256").and_then(|t| t.accept()).sys("bind", cannot)?;
    let mut read = [0; 32];
    let mut step = |more, part: &[u8]| -> Result<[u8; 32]> {
        operation.send_data(part, more, true).sys("send", cannot)?;
        let from = if more { Some(operation.fork().sys("accept", cannot)?) } else { None };
        from.as_ref().unwrap_or(&operation).read(&mut read).sys("read", cannot)?;
        Ok(read)
    };
    demo.check_eq(
        "accept of a computing socket gives the digest so far",
        oracle(b"Python"),
        step(true, b"Python")?.to_vec(),
    )?;
    demo.check_eq("and the message goes on", whole, step(false, b" is awesome!")?.to_vec())?;
    step(false, b"Python")?;
    demo.check_eq(
        "without MSG_MORE each part is a message",
        oracle(b" is awesome!"),
        step(false, b" is awesome!")?.to_vec(),
    )
}

/// The same by a library that knows nothing of the kernel's.
fn oracle(message: &[u8]) -> Vec<u8> {
    openssl::sha::sha256(message).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
