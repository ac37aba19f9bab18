//! The crypt family: digests, ciphers and random numbers, by the kernel (AF_ALG) and by libraries in user space.
//!
//! `algorithm` is the one table of algorithms, `backend` who computes them, `tool` is `syskit crypt`.

use crate::recipe::Family;

pub mod algorithm;
pub mod backend;
pub mod padding;
pub mod race;
pub mod tool;

mod in_flight;
mod send_read;
mod sendfile;
mod sendmsg;
mod splice;

/// The family.
pub static FAMILY: Family = Family {
    name: "crypt",
    title: "digests, ciphers and random numbers, by the kernel and by libraries",
    page: include_str!("README.md"),
    recipes: &[],
    tool: Some(&tool::VERB),
    races: &[&race::RACE],
};
