//! The kernel against a library: AES-GCM of 4 KiB, encrypted and decrypted again and again (cheat sheet 3.2.32, "Compare
//! the performance of AF_ALG to cryptography").
//!
//! The cheat sheet does it a million times (`--full` does that too) and prints 15.3 s for AF_ALG against 50.3 s for
//! Python's cryptography: what is compared there is the price of Python's calls. Here both sides are called from Rust.
//! It is one run of each, one after the other, and no measurement: `syskit bench af_alg` is one, with sizes, ciphers and
//! an interval for every ratio.

use nix::errno::Errno;

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::need;
use crate::recipe::Recipe;
use crate::recipes::crypt::{algorithm, backend};
use crate::sys::af_alg::Aead;

const LEN: usize = 4 << 10;
const TAG: usize = 16;
/// The cheat sheet's number of times, and what shows the same in a moment.
const FULL: u64 = 1_000_000;
const SHORT: u64 = 2_000;
const AAD: &[u8] = b"associated data";

/// Seals and opens the message: `times`, each time with a nonce of its own. What is opened is the next one's message, so
/// that nothing can be left out.
fn again_and_again(
    times: u64,
    mut seal: impl FnMut(&[u8], &[u8], &mut [u8]) -> Result<()>,
    mut open: impl FnMut(&[u8], &[u8], &mut [u8]) -> Result<()>,
) -> Result<(Vec<u8>, Vec<u8>)> {
    let (mut text, mut sealed) = (message(), vec![0; LEN + TAG]);
    for n in 0..times {
        if n % 1024 == 0 && interrupt::asked() {
            return Err(Error::failed(format!("interrupted after {n} times")));
        }
        let nonce = &u128::from(n).to_be_bytes()[4..];
        seal(nonce, &text, &mut sealed)?;
        text.fill(0);
        open(nonce, &sealed, &mut text)?;
    }
    Ok((text, sealed))
}

fn message() -> Vec<u8> {
    (0..LEN).map(|i| (i * 31) as u8).collect()
}

/// `syskit run af-alg-compare`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-compare",
    title: "Compare AES-GCM by the kernel to AES-GCM by OpenSSL",
    sections: &["3.2.32"],
    needs: &[&need::AF_ALG_AEAD],
    source: include_str!("af_alg_compare.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let key = [0x2b; 16];
    let times = if demo.full { FULL } else { SHORT };
    let bytes = Some(2 * times * LEN as u64);
    let cannot = || "cannot have the kernel compute gcm(aes)".to_owned();
    let kernel = Aead::open("gcm(aes)", &key, 12, TAG).sys("bind or setsockopt", cannot)?;
    let kernel = std::cell::RefCell::new(kernel);
    let by_kernel = demo.time(&format!("{times} times by AF_ALG"), bytes, || {
        again_and_again(
            times,
            |iv, text, out| kernel.borrow_mut().seal(iv, AAD, text, out).sys("AF_ALG", cannot),
            |iv, sealed, out| kernel.borrow_mut().unseal(iv, AAD, sealed, out).sys("AF_ALG", cannot),
        )
    })?;
    let known = algorithm::find("aes-128-gcm").zip(backend::find("openssl"));
    let (algorithm, openssl) = known.ok_or_else(|| Error::failed("OpenSSL and AES-GCM are not in the tables"))?;
    let library = std::cell::RefCell::new(openssl.aead(algorithm, &key, TAG)?);
    let by_library = demo.time(&format!("{times} times by OpenSSL"), bytes, || {
        again_and_again(
            times,
            |iv, text, out| library.borrow_mut().seal(iv, AAD, text, out),
            |iv, sealed, out| library.borrow_mut().open(iv, AAD, sealed, out),
        )
    })?;
    if let [kernel, library] = &demo.timings[..] {
        let ratio = kernel.nanoseconds as f64 / library.nanoseconds.max(1) as f64;
        demo.say(format!(
            "{times} times encrypt and decrypt of 4 KiB: AF_ALG takes {ratio:.2} times as long as OpenSSL"
        ));
    }
    demo.check("the message is what it was", by_kernel.0 == message(), || "another".to_owned())?;
    demo.check("both made the same ciphertext and tag", by_kernel == by_library, || "different ones".to_owned())?;
    // What the kernel sealed the library opens, and neither opens what was changed.
    let (iv, mut out) = (&u128::from(times - 1).to_be_bytes()[4..], vec![0; LEN]);
    library.borrow_mut().open(iv, AAD, &by_kernel.1, &mut out)?;
    let mut changed = by_kernel.1;
    changed[LEN / 2] ^= 1;
    let refused = kernel.borrow_mut().unseal(iv, AAD, &changed, &mut out);
    demo.check_eq("a changed bit is seen by the kernel", Err(Errno::EBADMSG), refused)?;
    let refused = library.borrow_mut().open(iv, AAD, &changed, &mut out).map_err(|e| e.errno);
    demo.check_eq("and by OpenSSL", Err(Some(Errno::EBADMSG)), refused)
}
