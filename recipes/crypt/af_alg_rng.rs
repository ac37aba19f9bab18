//! Random numbers of the kernel's crypto API: AF_ALG type rng (Linux 4.0). The cheat sheet has no such recipe.
//!
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html): `stdrng` is the default generator, a DRBG of NIST SP 800-90A
//! in today's kernels. For keys getrandom(2) is as good and faster (`syskit bench random`); this is for who must have that
//! very DRBG. Traps:
//! - the seed is set as a key (ALG_SET_KEY), and without one, be it an empty one, the read gives EINVAL.
//! - the seed is no entropy: the DRBG takes its own from the kernel, so the same seed gives other numbers.
//! - a read gives 128 bytes at most, whatever was asked for.

use nix::errno::Errno;

use super::random::task::credible;
use crate::demo::Demo;
use crate::error::{Context, Result};
use crate::need;
use crate::recipe::Recipe;
use crate::sys::af_alg::{Operation, Transform};
use crate::sys::eintr::retry;

fn open(seed: Option<&[u8]>) -> nix::Result<Operation> {
    let transform = Transform::open("rng", "stdrng")?;
    if let Some(seed) = seed {
        transform.set_key(seed)?;
    }
    transform.accept()
}

/// Fills `out`, however few bytes a read gives.
fn fill(generator: &Operation, out: &mut [u8]) -> nix::Result<()> {
    let mut done = 0;
    while done < out.len() {
        match retry(|| generator.read(&mut out[done..]))? {
            0 => return Err(Errno::EIO),
            got => done += got,
        }
    }
    Ok(())
}

/// `syskit run af-alg-rng`.
pub static RECIPE: Recipe = Recipe {
    id: "af-alg-rng",
    title: "Random numbers by the kernel's crypto API",
    sections: &[],
    needs: &[&need::AF_ALG_RNG],
    source: include_str!("af_alg_rng.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let cannot = || "cannot get random numbers from AF_ALG".to_owned();
    let generator = open(Some(b"any bytes")).sys("bind or setsockopt", cannot)?;
    let mut some = vec![0; 64 << 10];
    let len = some.len() as u64;
    demo.time("64 KiB", Some(len), || fill(&generator, &mut some).sys("read", cannot))?;
    let credible = credible(&some);
    demo.check("as many ones as zeros, and no part left zero", credible.is_ok(), || format!("{credible:?}"))?;
    let read = |generator: &Operation| retry(|| generator.read(&mut [0; 1000])).sys("read", cannot);
    let got = read(&generator)?;
    demo.say(format!("read(1000) = {got}"));
    demo.check_eq("a read gives 128 bytes at most", 128, got)?;
    let twin = open(Some(b"any bytes")).sys("bind or setsockopt", cannot)?;
    let (mut one, mut other) = ([0; 32], [0; 32]);
    fill(&generator, &mut one).and_then(|()| fill(&twin, &mut other)).sys("read", cannot)?;
    demo.check("the same seed gives other numbers", one != other, || "the same".to_owned())?;
    let unseeded = open(None).and_then(|generator| generator.read(&mut [0; 16]));
    demo.say(format!("read of one without a seed = {:?}", unseeded.err()));
    demo.check_eq("without a seed there are none", Err(Errno::EINVAL), unseeded)
}
