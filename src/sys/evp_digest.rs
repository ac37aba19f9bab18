//! OpenSSL's digests by raw calls: [EVP_DigestInit(3ssl)](https://docs.openssl.org/3.0/man3/EVP_DigestInit/) (OpenSSL 3.0).
//!
//! The `openssl` crate ends a digest by `EVP_DigestFinal`, which also frees what the context holds: at 16 bytes a message
//! that costs half as much again as the digest.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int};
use std::ptr::{NonNull, null, null_mut};

use openssl::error::ErrorStack;
use openssl_sys as ffi;

/// A digest, begun: `EVP_MD_CTX`.
pub struct DigestContext {
    context: NonNull<ffi::EVP_MD_CTX>,
    len: usize,
}

fn ok(status: c_int) -> Result<(), ErrorStack> {
    if status > 0 { Ok(()) } else { Err(ErrorStack::get()) }
}

impl DigestContext {
    /// The digest of this name; refused where the providers that are loaded have none.
    pub fn new(name: &CStr) -> Result<Self, ErrorStack> {
        // SAFETY: takes nothing; null is looked for.
        let context = NonNull::new(unsafe { ffi::EVP_MD_CTX_new() }).ok_or_else(ErrorStack::get)?;
        let mut new = DigestContext { context, len: 0 };
        // SAFETY: `name` ends in NUL; the other arguments may be null.
        let md = unsafe { ffi::EVP_MD_fetch(null_mut(), name.as_ptr(), null()) };
        if md.is_null() {
            return Err(ErrorStack::get());
        }
        // SAFETY: a live digest.
        new.len = unsafe { ffi::EVP_MD_get_size(md) }.try_into().unwrap_or(0);
        // SAFETY: the context is ours and the digest live; no engine.
        let begun = ok(unsafe { ffi::EVP_DigestInit_ex(context.as_ptr(), md, null_mut()) });
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_MD_free(md) };
        begun.map(|()| new)
    }

    /// Bytes of the digest.
    pub fn output_len(&self) -> usize {
        self.len
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) -> Result<(), ErrorStack> {
        // SAFETY: `data` has that many bytes.
        ok(unsafe { ffi::EVP_DigestUpdate(self.context.as_ptr(), data.as_ptr().cast(), data.len()) })
    }

    /// Ends the message and begins the next. `out` must be of [`Self::output_len`] bytes (panics).
    pub fn finish(&mut self, out: &mut [u8]) -> Result<(), ErrorStack> {
        assert_eq!(out.len(), self.len, "the digest's length");
        // SAFETY: there is room for the digest; its length need not be told.
        ok(unsafe { ffi::EVP_DigestFinal_ex(self.context.as_ptr(), out.as_mut_ptr(), null_mut()) })?;
        // SAFETY: the context is ours; a null digest keeps the one that was set.
        ok(unsafe { ffi::EVP_DigestInit_ex(self.context.as_ptr(), null(), null_mut()) })
    }
}

impl Drop for DigestContext {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again.
        unsafe { ffi::EVP_MD_CTX_free(self.context.as_ptr()) }
    }
}
