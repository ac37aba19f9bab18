//! The kernel's crypto API: AF_ALG type "rng" (Linux 4.0), here its default, `stdrng`, a DRBG (NIST SP 800-90A). Every
//! read gives 128 bytes at most, so it takes 512 calls for what getrandom gives in one; the recipe af-alg-rng shows it.

use super::{Random, Start};
use crate::error::{Context, Result};
use crate::need;
use crate::race::Contender;
use crate::sys::af_alg::Rng;

/// Bytes of the seed. The DRBG takes entropy of its own, and mixes this in.
const SEED: usize = 48;

/// The crypto API.
pub static RNG: Contender<Start> = Contender {
    name: "rng",
    title: "AF_ALG rng stdrng, 128 bytes a read",
    needs: &[&need::AF_ALG_RNG],
    approach: &(start as Start),
};

fn start() -> Result<Box<dyn Random>> {
    let mut seed = [0; SEED];
    super::getrandom::fill(&mut seed)?;
    let rng =
        Rng::open("stdrng", Some(&seed)).sys("bind or setsockopt", || "cannot open AF_ALG rng stdrng".to_owned())?;
    Ok(Box::new(move |out: &mut [u8]| rng.fill(out).sys("read", || "cannot get random bytes from AF_ALG".to_owned())))
}
