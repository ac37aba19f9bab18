//! Which backend computes: the one that was named, or the first in user space that has the algorithm.

use crate::error::{Error, Result};
use crate::need::first_missing;
use crate::recipes::crypt::algorithm::Algorithm;
use crate::recipes::crypt::backend::{BACKENDS, Backend, find, library};

/// What `--via` takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("auto").chain(BACKENDS.iter().map(|b| b.name()))
}

/// The backend for `via` and this algorithm.
///
/// # Errors
/// `Unavailable` where it, or under `auto` none, has the algorithm here.
pub fn choose(via: &str, algorithm: &'static Algorithm) -> Result<&'static dyn Backend> {
    if via == "auto" {
        return library(algorithm);
    }
    let backend = find(via).ok_or_else(|| Error::usage(format!("no backend '{via}'")))?;
    if let Some(finding) = first_missing(backend.needs()) {
        return Err(Error::finding(&finding));
    }
    backend.offers(algorithm)?;
    Ok(backend)
}
