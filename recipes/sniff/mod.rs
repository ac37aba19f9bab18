//! The sniff family.

use crate::recipe::Family;

/// The family.
pub static FAMILY: Family =
    Family { name: "sniff", title: "sniff", page: include_str!("README.md"), recipes: &[], tool: None, races: &[] };
