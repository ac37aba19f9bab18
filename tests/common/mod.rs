//! What integration tests share.
#![allow(dead_code)]

pub mod capture_file;

/// Says loudly that a test cannot run here, and why; where SYSKIT_MUST_RUN is set, that is a failure.
pub fn skip(why: &str) {
    if std::env::var_os("SYSKIT_MUST_RUN").is_some() {
        panic!("SYSKIT_MUST_RUN is set, and this test cannot run: {why}");
    }
    eprintln!("SKIPPED: {why}");
}

pub mod live;
