//! A keyed digest by the kernel: HMAC (RFC 2104) with SHA-256. The cheat sheet has only the digest without a key.
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html): the key belongs to the bound socket and is set before
//! anything is computed; the sockets accepted from it share it. Traps:
//! - without a key, sending gives ENOKEY.
//! - a digest takes no key: setsockopt gives ENOSYS.
//! - who compares MACs byte by byte tells by the time how many bytes were right: compare in constant time.

use nix::errno::Errno;

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::Transform;
use crate::sys::eintr::retry;

fn hmac(algorithm: &str, key: Option<&[u8]>, message: &[u8]) -> nix::Result<Vec<u8>> {
    let transform = Transform::open("hash", algorithm)?;
    if let Some(key) = key {
        transform.set_key(key)?;
    }
    let operation = transform.accept()?;
    let mut rest = message;
    while !rest.is_empty() {
        rest = &rest[retry(|| operation.send_data(rest, true, true))?..];
    }
    let mut mac = vec![0; 32];
    let got = retry(|| operation.read(&mut mac))?;
    mac.truncate(got);
    Ok(mac)
}

/// `syskit run af-alg-hmac`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-hmac",
    title: "Compute an HMAC by the kernel",
    sections: &[],
    needs: &[&need::AF_ALG_HASH],
    source: include_str!("af_alg_hmac.rs"),
    run: demonstrate,
};

/// RFC 4231, test case 2.
const KEY: &[u8] = b"Jefe";
const MESSAGE: &[u8] = b"what do ya want for nothing?";
const MAC: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot have the kernel compute hmac(sha256)".to_owned();
    let of = |key: &[u8], message: &[u8]| hmac("hmac(sha256)", Some(key), message).sys("AF_ALG", cannot);
    let mac = demo.time("hmac(sha256) of a message", None, || of(KEY, MESSAGE))?;
    let hex: String = mac.iter().map(|b| format!("{b:02x}")).collect();
    demo.say(format!("hmac(sha256) of \"what do ya want for nothing?\" = {hex}"));
    demo.check_eq("the MAC is that of RFC 4231", MAC.to_owned(), hex)?;
    for (what, key, message) in [
        ("of a key longer than a block", &[0xaa; 131][..], &b"Test Using Larger Than Block-Size Key"[..]),
        ("of an empty message", KEY, b""),
    ] {
        demo.check_eq(&format!("OpenSSL computes the same {what}"), oracle(key, message)?, of(key, message)?)?;
    }
    demo.check("another key gives another MAC", of(b"jefe", MESSAGE)? != mac, || "the same".to_owned())?;
    let keyless = hmac("hmac(sha256)", None, MESSAGE);
    demo.say(format!("send without a key = {:?}", keyless.as_ref().err()));
    demo.check_eq("no MAC without a key", Err(Errno::ENOKEY), keyless)?;
    let keyed = hmac("sha256", Some(KEY), MESSAGE);
    demo.say(format!("setsockopt(ALG_SET_KEY) on a digest = {:?}", keyed.as_ref().err()));
    demo.check("a digest takes no key", keyed.is_err(), || format!("it gave {keyed:?}"))
}

/// The same by a library that knows nothing of the kernel's.
fn oracle(key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let compute = || {
        let key = openssl::pkey::PKey::hmac(key)?;
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(message)
    };
    compute().map_err(|e: openssl::error::ErrorStack| Error::failed(format!("OpenSSL: {e}")))
}
