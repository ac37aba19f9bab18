//! What a contender of the crypt race is.

use std::fs::File;

use super::job::Job;
use crate::error::Result;

/// The side of the kernel.
pub const KERNEL: &str = "AF_ALG";
/// The side of the libraries.
pub const USER_SPACE: &str = "user space";

/// What the crypt race compares.
pub enum Approach {
    /// The kernel, through an AF_ALG socket; does the whole set-up for a job.
    Kernel(fn(&Job) -> Result<Box<dyn Process>>),
    /// The backend of this name.
    Library(&'static str),
    /// A limit that bounds everybody: a stream without beginning and end.
    InRegister,
    /// A limit that bounds the kernel's side: an AF_ALG socket and nothing to compute.
    NullRoundTrip,
}

/// One message.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    /// Which of the sample, from 0.
    pub number: usize,
    /// Whether it is the last of the sample: what is under way must then be done.
    pub last: bool,
    /// Initialisation vector or nonce; empty for a digest.
    pub iv: &'a [u8],
    /// Plaintext, or ciphertext and tag. Empty where the contender reads the file itself.
    pub text: &'a [u8],
    /// The file that holds the text, for those who have the kernel read it.
    pub file: &'a File,
    /// Where in the file.
    pub at: u64,
}

/// A contender at work, with the job's key, and the sockets, pipes and contexts that it needs once for any number of
/// messages.
pub trait Process {
    /// Processes one message into `out`, which is as long as the result.
    fn process(&mut self, message: &Message<'_>, out: &mut [u8]) -> Result<()>;
    /// Whether it has the kernel read the message from the file, so that nobody must read it into memory before.
    fn reads_file(&self) -> bool {
        false
    }
    /// The results of a sample, one after the other, where it keeps them in memory of its own.
    fn results(&self) -> Option<&[u8]> {
        None
    }
    /// A sample of so many messages is over and its results were held against the oracle: they are overwritten, so that
    /// work left undone shows in the next. Who has no results of that kind says here whether it was right.
    fn end_sample(&mut self, _operations: u64) -> Result<()> {
        Ok(())
    }
    /// See [`crate::race::Task::facts`].
    fn facts(&mut self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A fact.
pub fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}
