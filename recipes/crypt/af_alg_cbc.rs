//! Encryption without authentication by the kernel: AES-CBC (cheat sheet 3.2.29, "AF_ALG, AES-CBC encrypt and decrypt").
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html), type skcipher: direction and IV go along as control
//! messages with the first data, and as many bytes as were sent can be read. Traps:
//! - input is whole blocks of 16 bytes: else the read gives EINVAL. Padding is yours (PKCS #7 is usual).
//! - the socket keeps the chaining value: without a new IV the next data goes on with the same message.
//! - whoever changes a ciphertext changes the plaintext, and nobody notices: see af-alg-gcm. Never use an IV twice.

use std::io::IoSlice;

use nix::errno::Errno;

use crate::demo::Demo;
use crate::error::{Context, Error, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::{Direction, Operation, Parameters, Transform};
use crate::sys::eintr::retry;

/// Begins a message where there are parameters, else goes on with it.
fn crypt(operation: &Operation, parameters: &Parameters, data: &[u8]) -> nix::Result<Vec<u8>> {
    let sent = retry(|| operation.send(parameters, &[IoSlice::new(data)], false))?;
    let mut out = vec![0; sent];
    let got = retry(|| operation.read(&mut out))?;
    out.truncate(got);
    Ok(out)
}

/// `syskit run af-alg-cbc`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-cbc",
    title: "Encrypt and decrypt with AES-CBC by the kernel",
    sections: &["3.2.29"],
    needs: &[&need::AF_ALG_SKCIPHER],
    source: include_str!("af_alg_cbc.rs"),
    run: demonstrate,
};

/// NIST SP 800-38A, F.2.1, first two blocks; key, IV, plaintext, ciphertext.
const VECTOR: [&str; 4] = [
    "2b7e151628aed2a6abf7158809cf4f3c",
    "000102030405060708090a0b0c0d0e0f",
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2",
];

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot have the kernel compute cbc(aes)".to_owned();
    let [key, iv, plaintext, expected] = VECTOR.map(unhex);
    let transform = Transform::open("skcipher", "cbc(aes)").sys("bind", cannot)?;
    transform.set_key(&key).sys("setsockopt(ALG_SET_KEY)", cannot)?;
    let operation = transform.accept().sys("accept", cannot)?;
    let begin = |direction| Parameters { direction: Some(direction), iv: Some(&iv), assoclen: None };
    let (encrypt, decrypt) = (begin(Direction::Encrypt), begin(Direction::Decrypt));
    let go_on = Parameters::default();
    let crypt = |parameters: &Parameters, data: &[u8]| crypt(&operation, parameters, data);

    let sealed = demo.time("two blocks encrypted", None, || crypt(&encrypt, &plaintext).sys("AF_ALG", cannot))?;
    demo.say(format!("ciphertext = {}", hex(&sealed)));
    demo.check_eq("the ciphertext is that of NIST SP 800-38A", &expected, &sealed)?;
    demo.check_eq("decrypted it is the plaintext", Ok(&plaintext), crypt(&decrypt, &sealed).as_ref())?;
    let message: Vec<u8> = (0..4096_u32).map(|i| (i * i) as u8).collect();
    let sealed = crypt(&encrypt, &message);
    demo.check_eq("OpenSSL encrypts 4 KiB to the same", Ok(oracle(&key, &iv, &message)?), sealed.clone())?;

    // The socket keeps the chaining value, so that parts make a message.
    let parts = [(&encrypt, &message[..1024]), (&go_on, &message[1024..])].map(|(p, data)| crypt(p, data));
    let [first, second] = parts;
    let joined = first.and_then(|first| Ok([first, second?].concat()));
    demo.check_eq("parts without a new IV go on with the message", sealed, joined)?;
    let odd = crypt(&encrypt, &plaintext[..15]);
    demo.say(format!("15 bytes = {:?}", odd.as_ref().err()));
    demo.check_eq("what is no whole block is refused", Err(Errno::EINVAL), odd)
}

/// The same by a library that knows nothing of the kernel's.
fn oracle(key: &[u8], iv: &[u8], plaintext: &[u8]) -> Result<Vec<u8>> {
    use openssl::symm::{Cipher, Crypter, Mode};
    let encrypt = || {
        let mut crypter = Crypter::new(Cipher::aes_128_cbc(), Mode::Encrypt, key, Some(iv))?;
        crypter.pad(false);
        let mut out = vec![0; plaintext.len() + 16];
        let len = crypter.update(plaintext, &mut out)?;
        out.truncate(len);
        Ok(out)
    };
    encrypt().map_err(|e: openssl::error::ErrorStack| Error::failed(format!("OpenSSL: {e}")))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    let value = |pair: &[u8]| pair.iter().fold(0, |n, d| n << 4 | char::from(*d).to_digit(16).unwrap_or(0) as u8);
    digits.as_bytes().chunks(2).map(value).collect()
}
