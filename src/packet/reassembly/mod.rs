//! What was cut up, put together again: [`fragments`] of IP packets, [`stream`]s of TCP.
//!
//! Pure state over packets that come from outside: no I/O, no panic, and no more memory than the limits each file names,
//! whatever comes.

pub mod fragments;
mod headers;
mod pieces;
pub mod stream;

#[cfg(test)]
mod fragment_tests;
#[cfg(test)]
mod stream_tests;
