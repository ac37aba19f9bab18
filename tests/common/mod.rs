//! What integration tests share.
#![allow(dead_code, clippy::print_stderr)]

/// Says loudly that a test cannot run here, and why; with SYSKIT_MUST_RUN set that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("SYSKIT_MUST_RUN").is_none(), "SKIPPED although SYSKIT_MUST_RUN is set: {why}");
    eprintln!("SKIPPED: {why}");
}
