//! Where the sequence numbers of each connection began.

/// The connections met so far.
#[derive(Debug, Default)]
pub struct Flows {}
