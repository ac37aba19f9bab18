//! The crypt family: digests, ciphers and random numbers, by the kernel (AF_ALG) and by libraries in user space.
//!
//! `format` is the form of an encrypted file, `algorithm` the one table of algorithms, `backend` who computes them, `tool` is `syskit crypt`.

use crate::recipe::Family;

mod af_alg_cbc;
mod af_alg_compare;
mod af_alg_gcm;
mod af_alg_gcm_file;
mod af_alg_hash;
mod af_alg_hmac;
mod af_alg_rng;

pub mod algorithm;
pub mod backend;
pub mod format;
pub mod padding;
pub mod race;
pub mod random;
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
    recipes: &[
        &af_alg_hash::RECIPE,
        &af_alg_hmac::RECIPE,
        &af_alg_cbc::RECIPE,
        &af_alg_gcm::RECIPE,
        &af_alg_gcm_file::RECIPE,
        &af_alg_compare::RECIPE,
        &af_alg_rng::RECIPE,
    ],
    tool: Some(&tool::VERB),
    races: &[&race::RACE, &random::RACE],
};
