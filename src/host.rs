//! The fingerprint of this machine: what a reader must know to place a number.
