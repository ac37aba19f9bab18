//! Authenticated encryption by the kernel: AES-GCM (cheat sheet 3.2.30, "AF_ALG, AES-GCM encrypt and decrypt").
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html), type aead, Linux 3.19: associated data and text are sent in
//! a row, with the length of the first as a control message; associated data, text and tag are read in a row. Traps:
//! - the tag's length is set once for the socket (ALG_SET_AEAD_AUTHSIZE). The cheat sheet sets it from the length of the
//!   associated data: what is 20 bytes long is refused then, and what is 4 bytes long gives a tag that can be guessed.
//! - the whole message must be there before the read, and the read must have room for all of it.
//! - EBADMSG says that the message is not authentic. Wipe the buffer: it may hold what was deciphered.
//! - never use a nonce twice with a key.

use std::io::{IoSlice, IoSliceMut};

use nix::errno::Errno;

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::{Direction, Parameters, Transform};
use crate::sys::eintr::retry;

/// `text` becomes ciphertext and tag, or, decrypting, ciphertext and tag become the text.
fn gcm(
    transform: &Transform,
    direction: Direction,
    (iv, aad): (&[u8], &[u8]),
    text: &[u8],
    out_len: usize,
) -> nix::Result<Vec<u8>> {
    let operation = transform.accept()?;
    let begin = Parameters { direction: Some(direction), iv: Some(iv), assoclen: Some(aad.len() as u32) };
    let sent = retry(|| operation.send(&begin, &[IoSlice::new(aad), IoSlice::new(text)], false))?;
    if sent != aad.len() + text.len() {
        return Err(Errno::EMSGSIZE); // More than the socket holds: af-alg-gcm-file
    }
    let (mut echo, mut out) = (vec![0; aad.len()], vec![0; out_len]);
    retry(|| operation.read_vectored(&mut [IoSliceMut::new(&mut echo), IoSliceMut::new(&mut out)]))?;
    Ok(out)
}

/// `syskit run af-alg-gcm`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-gcm",
    title: "Encrypt and decrypt with AES-GCM by the kernel",
    sections: &["3.2.30"],
    needs: &[&need::AF_ALG_AEAD],
    source: include_str!("af_alg_gcm.rs"),
    run: demonstrate,
};

/// The specification's test case 4: key, nonce, associated data (20 bytes), plaintext, ciphertext and tag (16 bytes).
const VECTOR: [&str; 5] = [
    "feffe9928665731c6d6a8f9467308308",
    "cafebabefacedbaddecaf888",
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47",
];

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot have the kernel compute gcm(aes)".to_owned();
    let [key, iv, aad, plaintext, expected] = VECTOR.map(unhex);
    let header = (&iv[..], &aad[..]);
    let keyed = || Transform::open("aead", "gcm(aes)").and_then(|t| t.set_key(&key).map(|()| t)).sys("bind", cannot);
    for tag_len in [16, 12, 4] {
        let transform = keyed()?;
        transform.set_authsize(tag_len).sys("setsockopt(ALG_SET_AEAD_AUTHSIZE)", cannot)?;
        let sealed_len = plaintext.len() + tag_len;
        let sealed = gcm(&transform, Direction::Encrypt, header, &plaintext, sealed_len).sys("AF_ALG", cannot)?;
        let (text, tag) = sealed.split_at(plaintext.len());
        let unit = format!("{} bytes of associated data, a tag of {tag_len}", aad.len());
        demo.say(format!("{unit}: tag = {}", hex(tag)));
        demo.check_eq(
            &format!("{unit}: ciphertext and tag are the specification's"),
            &expected[..sealed_len],
            &sealed,
        )?;
        demo.check_eq(&format!("{unit}: OpenSSL opens it"), &plaintext, &oracle(&key, header, text, tag)?)?;
        let open = |sealed: &[u8]| gcm(&transform, Direction::Decrypt, header, sealed, plaintext.len());
        demo.check_eq(&format!("{unit}: opened it is the plaintext"), Ok(&plaintext), open(&sealed).as_ref())?;
        for changed in [0, plaintext.len() - 1, sealed_len - 1] {
            let mut sealed = sealed.clone();
            sealed[changed] ^= 1;
            demo.check_eq(&format!("{unit}: byte {changed} changed"), Err(Errno::EBADMSG), open(&sealed))?;
        }
    }
    // The cheat sheet's slip.
    let refused = keyed()?.set_authsize(aad.len());
    demo.say(format!("a tag as long as the associated data ({}) = {:?}", aad.len(), refused.err()));
    demo.check_eq("20 bytes are no length of a tag", Err(Errno::EINVAL), refused)
}

/// The same by a library that knows nothing of the kernel's.
fn oracle(key: &[u8], (iv, aad): (&[u8], &[u8]), text: &[u8], tag: &[u8]) -> Result<Vec<u8>> {
    let opened = openssl::symm::decrypt_aead(openssl::symm::Cipher::aes_128_gcm(), key, Some(iv), aad, text, tag);
    opened.map_err(|e| Error::failed(format!("OpenSSL: {e}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let value = |pair: &[u8]| pair.iter().fold(0, |n, d| n << 4 | char::from(*d).to_digit(16).unwrap_or(0) as u8);
    digits.as_bytes().chunks(2).map(value).collect()
}
