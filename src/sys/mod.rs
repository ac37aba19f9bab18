//! The only home of `unsafe`: one kernel interface per file, where nix has no safe call.
//!
//! Wrappers take `AsFd`, return owned values, say what they do about EINTR and short transfers, hold no policy,
//! and link the man page. A file that needs `unsafe` says `#![allow(unsafe_code)]` at its top.

pub mod cpuid;
pub mod inherit;
pub mod perf_event;
pub mod ptrace;
