//! The copy family.

use crate::recipe::Family;

/// The family.
pub static FAMILY: Family =
    Family { name: "copy", title: "copy", page: include_str!("README.md"), recipes: &[], tool: None, races: &[] };
