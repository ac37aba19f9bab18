//! OpenSSL's generator ([RAND_bytes(3ssl)](https://docs.openssl.org/3.0/man3/RAND_bytes/)): a DRBG in this process,
//! seeded from the kernel's and seeded anew after a fork.

use super::{Random, Start};
use crate::error::{Error, Result};
use crate::race::Contender;

/// The library.
pub static OPENSSL_RAND: Contender<Start> =
    Contender { name: "openssl_rand", title: "OpenSSL RAND_bytes", needs: &[], approach: &(start as Start) };

fn start() -> Result<Box<dyn Random>> {
    Ok(Box::new(|out: &mut [u8]| openssl::rand::rand_bytes(out).map_err(|e| Error::failed(format!("OpenSSL: {e}")))))
}
