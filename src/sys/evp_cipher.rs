//! OpenSSL's ciphers by raw calls: [EVP_EncryptInit(3ssl)](https://docs.openssl.org/3.0/man3/EVP_EncryptInit/) (OpenSSL 3.0).
//!
//! The `openssl` crate asks OpenSSL for the length of the IV before each message and wants a block more of room than
//! whole blocks need: at 16 bytes a message the first costs as much as the cipher. Both are known here once.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null, null_mut};

use openssl::error::ErrorStack;
use openssl_sys as ffi;

use super::af_alg::Direction;

/// A cipher with its key: `EVP_CIPHER_CTX`, without padding.
pub struct CipherContext {
    context: NonNull<ffi::EVP_CIPHER_CTX>,
    direction: Direction,
    /// The length of a block, a power of two, less one.
    mask: usize,
    iv_len: usize,
}

/// Lengths are `int` in this interface; what is longer goes in pieces of this many bytes (whole blocks).
const PIECE: usize = 1 << 30;

/// `EVP_MAX_BLOCK_LENGTH`.
const MAX_BLOCK: usize = 32;

fn ok(status: c_int) -> Result<(), ErrorStack> {
    if status > 0 { Ok(()) } else { Err(ErrorStack::get()) }
}

fn int(len: usize) -> Result<c_int, ErrorStack> {
    c_int::try_from(len).map_err(|_| ErrorStack::get())
}

/// Whether OpenSSL has the cipher of this name (in the providers that are loaded).
pub fn has_cipher(name: &CStr) -> bool {
    // SAFETY: `name` ends in NUL; the other arguments may be null.
    let cipher = unsafe { ffi::EVP_CIPHER_fetch(null_mut(), name.as_ptr(), null()) };
    // SAFETY: fetched above and not used again; null is allowed.
    unsafe { ffi::EVP_CIPHER_free(cipher) };
    // What a failed fetch leaves in the error queue is not for the next call.
    drop(ErrorStack::get());
    !cipher.is_null()
}

impl CipherContext {
    /// The cipher of this name with a key. Refused: an unknown name, a key of another length, what a mode forbids (xts
    /// with two equal keys). `ccm` has the lengths of nonce and tag, which that mode must know before the key.
    pub fn new(
        name: &CStr,
        direction: Direction,
        key: &[u8],
        ccm: Option<(usize, usize)>,
    ) -> Result<Self, ErrorStack> {
        // SAFETY: takes nothing; null is looked for.
        let context = NonNull::new(unsafe { ffi::EVP_CIPHER_CTX_new() }).ok_or_else(ErrorStack::get)?;
        let mut new = CipherContext { context, direction, mask: 0, iv_len: 0 };
        // SAFETY: `name` ends in NUL; the other arguments may be null.
        let cipher = unsafe { ffi::EVP_CIPHER_fetch(null_mut(), name.as_ptr(), null()) };
        if cipher.is_null() {
            return Err(ErrorStack::get());
        }
        let init = |cipher, key| {
            // SAFETY: the context is ours; cipher is fetched or null, key is null or as long as the cipher reads.
            let status = unsafe {
                match direction {
                    Direction::Encrypt => ffi::EVP_EncryptInit_ex(context.as_ptr(), cipher, null_mut(), key, null()),
                    Direction::Decrypt => ffi::EVP_DecryptInit_ex(context.as_ptr(), cipher, null_mut(), key, null()),
                }
            };
            ok(status)
        };
        let chosen = init(cipher, null());
        // SAFETY: a live cipher.
        let key_len = unsafe { ffi::EVP_CIPHER_get_key_length(cipher) };
        // SAFETY: a live cipher.
        let block: usize = unsafe { ffi::EVP_CIPHER_get_block_size(cipher) }.try_into().unwrap_or(1);
        new.mask = block.next_power_of_two() - 1;
        // SAFETY: a live cipher.
        new.iv_len = unsafe { ffi::EVP_CIPHER_get_iv_length(cipher) }.try_into().unwrap_or(0);
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_CIPHER_free(cipher) };
        chosen?;
        if usize::try_from(key_len) != Ok(key.len()) {
            return Err(ErrorStack::get());
        }
        if let Some((iv_len, tag_len)) = ccm {
            new.set_iv_len(iv_len)?;
            new.control(ffi::EVP_CTRL_GCM_SET_TAG, tag_len, null_mut())?;
        }
        init(null(), key.as_ptr())?;
        // SAFETY: the context is ours.
        ok(unsafe { ffi::EVP_CIPHER_CTX_set_padding(context.as_ptr(), 0) })?;
        Ok(new)
    }

    fn control(&mut self, what: c_int, len: usize, at: *mut u8) -> Result<(), ErrorStack> {
        let len = int(len)?;
        // SAFETY: `at` is null or points to `len` bytes, written only for GET_TAG (this function is private).
        ok(unsafe { ffi::EVP_CIPHER_CTX_ctrl(self.context.as_ptr(), what, len, at.cast()) })
    }

    /// Bytes of the IV or nonce.
    pub fn iv_len(&self) -> usize {
        self.iv_len
    }

    /// gcm: takes nonces of another length from now on. Refused: what the mode cannot take.
    pub fn set_iv_len(&mut self, len: usize) -> Result<(), ErrorStack> {
        self.control(ffi::EVP_CTRL_GCM_SET_IVLEN, len, null_mut())?;
        self.iv_len = len;
        Ok(())
    }

    /// Begins a message. `iv` must be of [`Self::iv_len`] bytes (panics).
    pub fn start(&mut self, iv: &[u8]) -> Result<(), ErrorStack> {
        assert_eq!(iv.len(), self.iv_len, "the IV's length");
        let (context, iv) = (self.context.as_ptr(), iv.as_ptr());
        // SAFETY: the context is ours and has cipher and key; `iv` has the length it reads.
        ok(unsafe {
            match self.direction {
                Direction::Encrypt => ffi::EVP_EncryptInit_ex(context, null(), null_mut(), null(), iv),
                Direction::Decrypt => ffi::EVP_DecryptInit_ex(context, null(), null_mut(), null(), iv),
            }
        })
    }

    /// ccm: how long the plaintext will be, before associated data.
    pub fn set_total(&mut self, len: usize) -> Result<(), ErrorStack> {
        self.raw_update(null(), null_mut(), int(len)?)
    }

    /// AEAD: associated data.
    pub fn aad(&mut self, aad: &[u8]) -> Result<(), ErrorStack> {
        self.raw_update(aad.as_ptr(), null_mut(), int(aad.len())?)
    }

    /// Goes on with the message: whole blocks, `output` as long as `input` (panics otherwise).
    pub fn update(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), ErrorStack> {
        // A mask: at 16 bytes a message a division is felt.
        assert!(input.len() == output.len() && input.len() & self.mask == 0, "whole blocks of one length");
        if let Ok(len) = c_int::try_from(input.len()) {
            return self.raw_update(input.as_ptr(), output.as_mut_ptr(), len);
        }
        for (input, output) in input.chunks(PIECE).zip(output.chunks_mut(PIECE)) {
            self.raw_update(input.as_ptr(), output.as_mut_ptr(), int(input.len())?)?;
        }
        Ok(())
    }

    fn raw_update(&mut self, input: *const u8, output: *mut u8, len: c_int) -> Result<(), ErrorStack> {
        let mut written = 0;
        let context = self.context.as_ptr();
        // SAFETY: both pointers are null or to `len` bytes, whole blocks without padding, so that exactly as many are
        // written and none are held back.
        ok(unsafe {
            match self.direction {
                Direction::Encrypt => ffi::EVP_EncryptUpdate(context, output, &mut written, input, len),
                Direction::Decrypt => ffi::EVP_DecryptUpdate(context, output, &mut written, input, len),
            }
        })
    }

    /// Ends the message; on decryption with a tag this is where it is compared.
    pub fn finish(&mut self) -> Result<(), ErrorStack> {
        let mut rest = MaybeUninit::<[u8; MAX_BLOCK]>::uninit();
        let mut written = 0;
        let (context, rest) = (self.context.as_ptr(), rest.as_mut_ptr().cast());
        // SAFETY: there is room for the largest block, of which nothing is read.
        ok(unsafe {
            match self.direction {
                Direction::Encrypt => ffi::EVP_EncryptFinal_ex(context, rest, &mut written),
                Direction::Decrypt => ffi::EVP_DecryptFinal_ex(context, rest, &mut written),
            }
        })
    }

    /// AEAD: the first bytes of the tag, after [`Self::finish`].
    pub fn tag(&mut self, tag: &mut [u8]) -> Result<(), ErrorStack> {
        self.control(ffi::EVP_CTRL_GCM_GET_TAG, tag.len(), tag.as_mut_ptr())
    }

    /// AEAD: the tag to compare with.
    pub fn set_tag(&mut self, tag: &[u8]) -> Result<(), ErrorStack> {
        self.control(ffi::EVP_CTRL_GCM_SET_TAG, tag.len(), tag.as_ptr().cast_mut())
    }
}

impl Drop for CipherContext {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again; OpenSSL wipes the key.
        unsafe { ffi::EVP_CIPHER_CTX_free(self.context.as_ptr()) }
    }
}
