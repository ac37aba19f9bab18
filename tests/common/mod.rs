//! What test programs share.

/// Says loudly that a test leaves something out; with SYSKIT_MUST_RUN set that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("SYSKIT_MUST_RUN").is_none(), "must run, and cannot: {why}");
    eprintln!("SKIPPED: {why}");
}
