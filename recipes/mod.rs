//! The cookbook: a folder per family, a line each.

use crate::recipe::Family;

pub mod copy;
pub mod crypt;
pub mod sniff;

/// Every family, in the cookbook's order.
pub static FAMILIES: &[&Family] = &[&copy::FAMILY, &sniff::FAMILY, &crypt::FAMILY];
