//! The local time zone: localtime_r(3).
#![allow(unsafe_code)]

use std::mem;

/// Seconds that local time is ahead of UTC at `seconds` since the epoch; 0 where the zone cannot be told.
///
/// localtime_r(3) reads the zone once; a program that wants a later change of TZ must be restarted.
pub fn offset(seconds: i64) -> i64 {
    // SAFETY: tm is plain old data (its zone name a pointer, which may be null), for which all zeros is a value.
    let mut tm: libc::tm = unsafe { mem::zeroed() };
    // SAFETY: both pointers are to live values of the right types; localtime_r writes only to `tm`.
    let done = unsafe { libc::localtime_r(&seconds, &mut tm) };
    if done.is_null() { 0 } else { tm.tm_gmtoff }
}
