//! Times in words of the user's choosing: [strftime(3)](https://man7.org/linux/man-pages/man3/strftime.3.html).
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::mem;

/// As much text as a path may hold.
const LONGEST: usize = libc::PATH_MAX as usize;

/// `pattern` with its directives replaced by the local time at `seconds` since the epoch, in the C locale; `None` where
/// that is longer than a path (PATH_MAX), empty, or no time.
pub fn local(pattern: &CStr, seconds: i64) -> Option<Vec<u8>> {
    // SAFETY: tm is plain old data (its zone name a pointer, which may be null), for which all zeros is a value.
    let mut tm: libc::tm = unsafe { mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types; localtime_r writes only to `tm`.
    if unsafe { libc::localtime_r(&seconds, &mut tm) }.is_null() {
        return None;
    }
    let mut text = vec![0_u8; LONGEST];
    // SAFETY: strftime writes at most `text.len()` bytes to `text`, reads `pattern` up to its NUL, and `tm`, whose zone
    // name localtime_r set to static storage of the C library.
    let length = unsafe { libc::strftime(text.as_mut_ptr().cast(), text.len(), pattern.as_ptr(), &tm) };
    text.truncate(length);
    (length > 0).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_replaced() {
        let of = |pattern: &CStr| local(pattern, 1_700_000_000).map(|text| String::from_utf8(text).expect("ASCII"));
        // Every zone has whole minutes these days.
        assert_eq!(of(c"a-%S%%").as_deref(), Some("a-20%"));
        assert_eq!(of(c"%s").as_deref(), Some("1700000000"));
        assert_eq!(of(c""), None);
        let long = std::ffi::CString::new("%c".repeat(4000)).expect("no NUL");
        assert_eq!(local(&long, 0), None);
    }
}
