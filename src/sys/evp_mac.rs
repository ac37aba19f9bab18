//! OpenSSL's MACs, for which the `openssl` crate has no call: [EVP_MAC(3ssl)](https://docs.openssl.org/3.0/man3/EVP_MAC/)
//! (OpenSSL 3.0).
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::ptr::{NonNull, null, null_mut};

use openssl::error::ErrorStack;
use openssl_sys as ffi;

/// `OSSL_PARAM_UTF8_STRING`.
const UTF8_STRING: c_uint = 4;

/// A MAC with its key: `EVP_MAC_CTX`.
pub struct MacContext(NonNull<ffi::EVP_MAC_CTX>);

fn ok(status: c_int) -> Result<(), ErrorStack> {
    if status > 0 { Ok(()) } else { Err(ErrorStack::get()) }
}

impl MacContext {
    /// The MAC of this name ("HMAC", "CMAC") over what `parameter` names ("digest": "sha256", "cipher": "aes-128-cbc").
    /// Refused: unknown names, a key of a length that the cipher does not take.
    pub fn new(name: &CStr, parameter: &CStr, over: &CStr, key: &[u8]) -> Result<Self, ErrorStack> {
        // SAFETY: `name` ends in NUL; the other arguments may be null.
        let mac = unsafe { ffi::EVP_MAC_fetch(null_mut(), name.as_ptr(), null()) };
        if mac.is_null() {
            return Err(ErrorStack::get());
        }
        // SAFETY: a live MAC; null is looked for.
        let context = NonNull::new(unsafe { ffi::EVP_MAC_CTX_new(mac) }).map(MacContext);
        // SAFETY: fetched above; the context holds a reference of its own.
        unsafe { ffi::EVP_MAC_free(mac) };
        let context = context.ok_or_else(ErrorStack::get)?;
        let over: CString = over.into();
        let parameters = [
            ffi::OSSL_PARAM {
                key: parameter.as_ptr(),
                data_type: UTF8_STRING,
                data: over.as_ptr().cast_mut().cast(),
                data_size: over.as_bytes().len(),
                return_size: usize::MAX,
            },
            ffi::OSSL_PARAM { key: null::<c_char>(), data_type: 0, data: null_mut(), data_size: 0, return_size: 0 },
        ];
        // SAFETY: key and parameters live during the call, which copies them; the last parameter has no key.
        ok(unsafe { ffi::EVP_MAC_init(context.0.as_ptr(), key.as_ptr(), key.len(), parameters.as_ptr()) })?;
        Ok(context)
    }

    /// Begins a message with the same key.
    pub fn restart(&mut self) -> Result<(), ErrorStack> {
        // SAFETY: a null key keeps the one that was set; null parameters are none.
        ok(unsafe { ffi::EVP_MAC_init(self.0.as_ptr(), null(), 0, null()) })
    }

    /// Adds data.
    pub fn update(&mut self, data: &[u8]) -> Result<(), ErrorStack> {
        // SAFETY: `data` has that many bytes.
        ok(unsafe { ffi::EVP_MAC_update(self.0.as_ptr(), data.as_ptr(), data.len()) })
    }

    /// Writes the MAC, which must fill `out` or less of it; returns how many bytes.
    pub fn finish(&mut self, out: &mut [u8]) -> Result<usize, ErrorStack> {
        let mut written = 0;
        // SAFETY: `out` has room for as many bytes as are said.
        ok(unsafe { ffi::EVP_MAC_final(self.0.as_ptr(), out.as_mut_ptr(), &mut written, out.len()) })?;
        Ok(written)
    }
}

impl Drop for MacContext {
    fn drop(&mut self) {
        // SAFETY: ours, and not used again; OpenSSL wipes the key.
        unsafe { ffi::EVP_MAC_CTX_free(self.0.as_ptr()) }
    }
}
