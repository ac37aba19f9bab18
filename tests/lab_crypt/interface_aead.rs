//! Authenticated encryption by the kernel: tags of every length, each changed bit refused, messages that are too long.

use nix::errno::Errno;
use syskit::need::af_alg::{Call, error};
use syskit::recipes::crypt::algorithm::{ALGORITHMS, Kind};
use syskit::recipes::crypt::backend::{Backend, af_alg::KERNEL};
use syskit::sys::af_alg::{Aead, Transform};

use super::interface::{algorithm, noise, oracle};
use super::{LAB, in_lab};

/// The tag's length is set on its own: never equal to that of the associated data here.
#[test]
fn every_tag_length_agrees_with_user_space() {
    in_lab("interface_aead::every_tag_length_agrees_with_user_space", || {
        for algorithm in ALGORITHMS {
            let Kind::Aead(tags) = algorithm.kind else { continue };
            let key = noise(algorithm.key_len.unwrap());
            let nonce = noise(algorithm.iv_len);
            for &tag in tags {
                let mut ours = KERNEL.aead(algorithm, &key, tag).unwrap();
                let Ok(mut theirs) = oracle(algorithm).aead(algorithm, &key, tag) else { continue };
                for (aad, text) in [(0, 0), (0, 33_usize), (20, 0), (tag + 1, 16), (100, 5000), (4097, 150_000)] {
                    let (aad, text) = (noise(aad), noise(text.next_multiple_of(algorithm.block())));
                    let (mut a, mut b) = (vec![0; text.len() + tag], vec![0; text.len() + tag]);
                    ours.seal(&nonce, &aad, &text, &mut a).unwrap();
                    theirs.seal(&nonce, &aad, &text, &mut b).unwrap();
                    assert!(a == b, "{} tag {tag}, {} and {}", algorithm.name, aad.len(), text.len());
                    let mut out = vec![1; text.len()];
                    ours.open(&nonce, &aad, &b, &mut out).unwrap();
                    assert!(out == text, "{} tag {tag}", algorithm.name);
                }
            }
        }
    });
}

#[test]
fn a_changed_bit_anywhere_gives_no_plaintext() {
    in_lab("interface_aead::a_changed_bit_anywhere_gives_no_plaintext", || {
        for (name, tag) in [("aes-128-gcm", 12), ("aes-256-ccm", 8), ("chacha20-poly1305", 16)] {
            let algorithm = algorithm(name);
            let mut aead = KERNEL.aead(algorithm, &noise(algorithm.key_len.unwrap()), tag).unwrap();
            for text in [noise(33), Vec::new()] {
                let parts = [noise(12), noise(20)];
                let mut sealed = vec![0; text.len() + tag];
                aead.seal(&parts[0], &parts[1], &text, &mut sealed).unwrap();
                let whole = [&parts[0][..], &parts[1][..], &sealed[..]].concat();
                for bit in 0..whole.len() * 8 {
                    let mut changed = whole.clone();
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let mut out = vec![0xaa; text.len()];
                    let refused = aead.open(&changed[..12], &changed[12..32], &changed[32..], &mut out).unwrap_err();
                    assert_eq!(refused.errno, Some(Errno::EBADMSG), "{name} bit {bit}: {refused}");
                    assert!(out.iter().all(|b| *b == 0), "{name} bit {bit} leaves plaintext");
                }
                let mut out = vec![0; text.len()];
                aead.open(&whole[..12], &whole[12..32], &whole[32..], &mut out).unwrap();
                assert_eq!(out, text, "the right one still opens");
            }
            let cut = aead.open(&[0; 12], &[], &noise(tag - 1), &mut []).unwrap_err();
            assert_eq!(cut.errno, Some(Errno::EBADMSG));
        }
    });
}

#[test]
fn wrong_tag_lengths_are_refused() {
    in_lab("interface_aead::wrong_tag_lengths_are_refused", || {
        for (name, len) in [("gcm(aes)", 5), ("gcm(aes)", 17), ("ccm(aes)", 5), ("rfc7539(chacha20,poly1305)", 12)] {
            let errno = Transform::open("aead", name).unwrap().set_authsize(len).unwrap_err();
            let told = error("aead", name, Call::SetTagLength(len), errno).to_string();
            assert!(told.contains("not a length of tag that it takes (at most 16)"), "{told}");
        }
    });
}

/// Root widens the socket, as far as the kernel's memory for the list of pages goes.
#[test]
fn a_message_too_long_is_an_error_and_the_next_one_works() {
    in_lab("interface_aead::a_message_too_long_is_an_error_and_the_next_one_works", || {
        let aes = algorithm("aes-128-gcm");
        let mut aead = KERNEL.aead(aes, &[1; 16], 16).unwrap();
        let mut theirs = oracle(aes).aead(aes, &[1; 16], 16).unwrap();
        for (len, passes) in [(421_872, true), (1 << 20, true), (32 << 20, false), (1000, true)] {
            let text = noise(len);
            let mut out = vec![0; len + 16];
            match aead.seal(&[2; 12], b"aad", &text, &mut out) {
                Ok(()) => {
                    let mut wanted = vec![0; len + 16];
                    theirs.seal(&[2; 12], b"aad", &text, &mut wanted).unwrap();
                    assert!(passes && out == wanted, "{len}");
                }
                Err(told) => assert!(!passes && told.to_string().contains("net.core.optmem_max"), "{len}: {told}"),
            }
        }
    });
}

#[test]
fn the_limit_of_who_may_not_widen_it() {
    let test = "interface_aead::the_limit_of_who_may_not_widen_it";
    // The script starts this as nobody, without CAP_NET_ADMIN.
    if super::common::lab::inside() && super::common::root() {
        return;
    }
    LAB.test("unprivileged", test, || {
        let open = || Aead::open("gcm(aes)", &[1; 16], 12, 16).unwrap();
        assert_eq!(open().limit(), 208_896);
        let mut aead = open();
        let seal = |aead: &mut Aead, len: usize| aead.seal(&[2; 12], &[], &vec![3; len], &mut vec![0; len + 16]);
        assert_eq!(seal(&mut aead, 421_888 - 16), Ok(()));
        assert_eq!(seal(&mut aead, 421_888 - 15), Err(Errno::EMSGSIZE));
        assert_eq!(aead.limit(), 421_888);
        assert_eq!(seal(&mut aead, 100), Ok(()));
        let aes = algorithm("aes-128-gcm");
        let told = KERNEL.aead(aes, &[1; 16], 16).unwrap().seal(
            &[2; 12],
            &[],
            &noise(1 << 20),
            &mut vec![0; (1 << 20) + 16],
        );
        let told = told.unwrap_err().to_string();
        assert!(told.contains("holds 421888 (net.core.wmem_max 212992"), "{told}");
    });
}
