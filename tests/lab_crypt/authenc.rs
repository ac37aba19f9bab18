//! authenc: a cipher and a MAC as one, with a key of two parts. What its tag covers, and what it does not.

use nix::errno::Errno;
use syskit::need::af_alg::{Call, error};
use syskit::recipes::crypt::algorithm::Algorithm;
use syskit::recipes::crypt::backend::{self, Backend, Direction, af_alg::KERNEL};
use syskit::sys::af_alg::{Aead, Transform};

use super::in_lab;
use super::interface::{algorithm, noise};

const NAMES: [&str; 2] = ["aes-128-cbc-hmac-sha256", "aes-256-cbc-hmac-sha256"];

/// By parts: OpenSSL's cbc, then RustCrypto's HMAC over associated data and ciphertext.
fn sealed_by_parts(algorithm: &Algorithm, key: &[u8], iv: &[u8], aad: &[u8], text: &[u8], tag_len: usize) -> Vec<u8> {
    let (cipher, mac) = algorithm.parts().unwrap();
    let (mac_key, key) = key.split_at(32);
    let library = |name| backend::find(name).unwrap();
    let mut sealed = vec![0; text.len()];
    library("openssl").cipher(cipher, key, Direction::Encrypt).unwrap().once(iv, text, &mut sealed).unwrap();
    let mut tag = [0; 32];
    let mut hmac = library("rustcrypto").digest(mac, mac_key).unwrap();
    hmac.once(&[aad, &sealed].concat(), &mut tag).unwrap();
    sealed.extend_from_slice(&tag[..tag_len]);
    sealed
}

#[test]
fn it_is_encryption_and_then_a_mac_of_associated_data_and_ciphertext() {
    in_lab("authenc::it_is_encryption_and_then_a_mac_of_associated_data_and_ciphertext", || {
        for (name, tag_len) in NAMES.into_iter().flat_map(|name| [12, 16, 32].map(|len| (name, len))) {
            let algorithm = algorithm(name);
            let (key, iv) = (noise(algorithm.key_len.unwrap()), noise(16));
            let mut kernel = KERNEL.aead(algorithm, &key, tag_len).unwrap();
            for (aad, text) in [(0, 0), (0, 16), (24, 0), (24, 64), (13, 4096)] {
                let (aad, text) = (noise(aad), noise(text));
                let by_parts = sealed_by_parts(algorithm, &key, &iv, &aad, &text, tag_len);
                let about = format!("{name} tag {tag_len}, {} and {}", aad.len(), text.len());
                let mut sealed = vec![0; by_parts.len()];
                kernel.seal(&iv, &aad, &text, &mut sealed).unwrap();
                assert!(sealed == by_parts, "{about}");
                let mut out = vec![0; text.len()];
                kernel.open(&iv, &aad, &by_parts, &mut out).unwrap();
                assert!(out == text, "{about}");
            }
        }
    });
}

#[test]
fn a_changed_bit_of_what_the_tag_covers_gives_no_plaintext() {
    in_lab("authenc::a_changed_bit_of_what_the_tag_covers_gives_no_plaintext", || {
        for tag_len in [12, 16, 32] {
            let algorithm = algorithm(NAMES[0]);
            let (key, iv, aad, text) = (noise(48), noise(16), noise(9), noise(48));
            let mut kernel = KERNEL.aead(algorithm, &key, tag_len).unwrap();
            let whole = [&aad[..], &sealed_by_parts(algorithm, &key, &iv, &aad, &text, tag_len)].concat();
            for bit in 0..whole.len() * 8 {
                let mut changed = whole.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                let mut out = vec![0xaa; text.len()];
                let refused = kernel.open(&iv, &changed[..9], &changed[9..], &mut out).unwrap_err();
                assert_eq!(refused.errno, Some(Errno::EBADMSG), "tag {tag_len} bit {bit}: {refused}");
                assert!(out.iter().all(|b| *b == 0), "tag {tag_len} bit {bit} leaves plaintext");
            }
            let mut out = vec![0; text.len()];
            kernel.open(&iv, &whole[..9], &whole[9..], &mut out).unwrap();
            assert_eq!(out, text, "the right one still opens");
        }
    });
}

/// The warning at [`Algorithm::parts`] holds, and so does its remedy.
#[test]
fn the_iv_is_covered_only_where_the_caller_adds_it_to_the_associated_data() {
    in_lab("authenc::the_iv_is_covered_only_where_the_caller_adds_it_to_the_associated_data", || {
        for backend in ["af_alg", "openssl", "aws_lc", "rustcrypto"] {
            let mut aead = backend::find(backend).unwrap().aead(algorithm(NAMES[1]), &noise(64), 16).unwrap();
            let (iv, text) = (noise(16), noise(32));
            let mut other = iv.clone();
            other[3] ^= 0x40;
            let (mut sealed, mut out) = (vec![0; 48], vec![0; 32]);
            aead.seal(&iv, b"header", &text, &mut sealed).unwrap();
            aead.open(&other, b"header", &sealed, &mut out).unwrap();
            let mut bent = text.clone();
            bent[3] ^= 0x40;
            assert_eq!(out, bent, "{backend}: the same bit of the plaintext is changed");

            let with = |iv: &[u8]| [b"header", iv].concat();
            aead.seal(&iv, &with(&iv), &text, &mut sealed).unwrap();
            let refused = aead.open(&other, &with(&other), &sealed, &mut out).unwrap_err();
            assert_eq!(refused.errno, Some(Errno::EBADMSG), "{backend}: {refused}");
            aead.open(&iv, &with(&iv), &sealed, &mut out).unwrap();
            assert_eq!(out, text);
        }
    });
}

#[test]
fn lengths_that_do_not_fit_are_clear_errors() {
    in_lab("authenc::lengths_that_do_not_fit_are_clear_errors", || {
        let algorithm = algorithm(NAMES[0]);
        for len in [0, 16, 32, 47, 49, 64] {
            let told = KERNEL.aead(algorithm, &noise(len), 16).err().unwrap().to_string();
            assert!(told.contains(&format!("takes a key of 48 bytes, not {len}")), "{told}");
        }
        let mut kernel = KERNEL.aead(algorithm, &noise(48), 16).unwrap();
        let told = kernel.seal(&noise(16), &[], &noise(33), &mut [0; 49]).unwrap_err().to_string();
        assert!(told.contains("takes whole blocks of 16 bytes, not 33"), "{told}");
        let mut out = [7; 33];
        let cut = kernel.open(&noise(16), &[], &noise(49), &mut out).unwrap_err();
        assert!(cut.errno == Some(Errno::EBADMSG) && out == [0; 33], "{cut}");

        // What the kernel itself says, to who asks it without the backend.
        let transform = || Transform::open("aead", algorithm.kernel).unwrap();
        let (raw, packed) = (transform(), transform());
        assert_eq!(raw.set_key(&noise(48)), Err(Errno::EINVAL), "a key that is not packed");
        let errno = packed.set_authenc_keys(&noise(32), &noise(17)).unwrap_err();
        let told = error("aead", algorithm.kernel, Call::SetKey(49), errno).to_string();
        assert!(told.contains("a length that the cipher takes (AES: 16, 24, 32)"), "{told}");
        let told = packed.set_authsize(33).map_err(|e| error("aead", algorithm.kernel, Call::SetTagLength(33), e));
        let told = told.unwrap_err().to_string();
        assert!(told.contains("not a length of tag that it takes (at most 32)"), "{told}");
        packed.set_authenc_keys(&noise(32), &noise(16)).unwrap();
        packed.set_authsize(16).unwrap();
        let mut aead = Aead::of(packed, 16, 16).unwrap();
        assert_eq!(aead.seal(&noise(16), &[], &noise(33), &mut [0; 49]), Err(Errno::EINVAL));
        assert_eq!(aead.seal(&noise(16), &[], &noise(32), &mut [0; 48]), Ok(()), "the next one works");
    });
}
