//! Raw modes: a cipher without authentication and without a header, as `openssl enc -K -iv` reads and writes it.

use super::Job;
use crate::error::{Error, Result};
use crate::recipes::crypt::algorithm::Algorithm;
use crate::ui::Ui;

/// Encrypts or decrypts all of the input.
///
/// # Errors
/// Those of reading, writing and the cipher.
pub fn raw(_job: Job, algorithm: &'static Algorithm, _ui: &mut Ui) -> Result<()> {
    Err(Error::unavailable(format!("{} is not done yet", algorithm.name)))
}
