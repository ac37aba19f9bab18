//! The form of an encrypted file, version 1, as the family's page has it to the byte: a [`header`], then chunks sealed by
//! the STREAM construction ([`stream`]) under keys of this one file ([`keys`]). No I/O here.

pub mod header;
pub mod keys;
pub mod stream;

pub use header::{Header, KeySource};
pub use keys::FileKeys;
pub use stream::{Position, Stream, TAG};
