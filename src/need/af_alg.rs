//! The kernel's cryptography from user space: the kernel's
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html) page.
//!
//! Three things can be absent, and the kernel says ENOENT for two of them: the family (the socket call), the type of
//! algorithm (`hash`, `aead`, ...: a module `algif_*` each) and the algorithm itself (both: bind).

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, AlgAddr, SockFlag, SockType, bind, socket};

use super::diagnose::{self, Asks, explain};
use super::evidence::Evidence;
use super::feature::{Feature, State};
use super::{Finding, Fix, Need, Readiness};

/// The socket family.
pub static AF_ALG: Need = Need {
    id: "af-alg",
    title: "AF_ALG sockets",
    serves: "the kernel's cryptography from user space",
    probe: || match open() {
        Ok(_) => Readiness::Ready(None),
        Err(errno) => Readiness::Missing(no_family(&AF_ALG, errno, &Evidence::of_this_host())),
    },
};

/// Digests.
pub static AF_ALG_HASH: Need = Need {
    id: "af-alg-hash",
    title: "AF_ALG hash sha256",
    serves: "digests and HMAC by the kernel",
    probe: || probe(&AF_ALG_HASH, &HASH),
};

/// Ciphers.
pub static AF_ALG_SKCIPHER: Need = Need {
    id: "af-alg-skcipher",
    title: "AF_ALG skcipher cbc(aes)",
    serves: "encryption by the kernel",
    probe: || probe(&AF_ALG_SKCIPHER, &SKCIPHER),
};

/// Authenticated encryption.
pub static AF_ALG_AEAD: Need = Need {
    id: "af-alg-aead",
    title: "AF_ALG aead gcm(aes)",
    serves: "authenticated encryption by the kernel",
    probe: || probe(&AF_ALG_AEAD, &AEAD),
};

/// Random numbers.
pub static AF_ALG_RNG: Need = Need {
    id: "af-alg-rng",
    title: "AF_ALG rng stdrng",
    serves: "random numbers by the kernel's crypto API",
    probe: || probe(&AF_ALG_RNG, &RNG),
};

/// A type of algorithm and the algorithm we ask it for.
struct Kind {
    /// `salg_type`.
    name: &'static str,
    /// `salg_name`.
    algorithm: &'static str,
    /// What /proc/crypto calls such algorithms.
    registered: &'static [&'static str],
    /// The part of the kernel that is the type.
    feature: Feature,
    /// The parts of the kernel that are the algorithm.
    algorithm_features: &'static [Feature],
}

/// The family itself: built along with the first of its types.
const FAMILY: Feature =
    Feature { option: "CRYPTO_USER_API", module: "af_alg", by_alias: true, initcall: "af_alg_init" };

const fn kind_feature(option: &'static str, module: &'static str, initcall: &'static str) -> Feature {
    // The kernel asks for "algif-hash", which is the module's own name: a blacklist rule does not apply.
    Feature { option, module, by_alias: false, initcall }
}

const fn algorithm_feature(option: &'static str, module: &'static str) -> Feature {
    Feature { option, module, by_alias: true, initcall: "" }
}

const HASH: Kind = Kind {
    name: "hash",
    algorithm: "sha256",
    registered: &["shash", "ahash"],
    feature: kind_feature("CRYPTO_USER_API_HASH", "algif_hash", "algif_hash_init"),
    algorithm_features: &[algorithm_feature("CRYPTO_SHA256", "sha256_generic")],
};

const SKCIPHER: Kind = Kind {
    name: "skcipher",
    algorithm: "cbc(aes)",
    registered: &["skcipher", "lskcipher"],
    feature: kind_feature("CRYPTO_USER_API_SKCIPHER", "algif_skcipher", "algif_skcipher_init"),
    algorithm_features: &[algorithm_feature("CRYPTO_AES", "aes_generic"), algorithm_feature("CRYPTO_CBC", "cbc")],
};

const AEAD: Kind = Kind {
    name: "aead",
    algorithm: "gcm(aes)",
    registered: &["aead"],
    feature: kind_feature("CRYPTO_USER_API_AEAD", "algif_aead", "algif_aead_init"),
    algorithm_features: &[algorithm_feature("CRYPTO_AES", "aes_generic"), algorithm_feature("CRYPTO_GCM", "gcm")],
};

const RNG: Kind = Kind {
    name: "rng",
    algorithm: "stdrng",
    registered: &["rng"],
    feature: kind_feature("CRYPTO_USER_API_RNG", "algif_rng", "rng_init"),
    algorithm_features: &[algorithm_feature("CRYPTO_DRBG", "drbg")],
};

const OPEN: &str = "socket(AF_ALG, SOCK_SEQPACKET, 0)";

fn open() -> nix::Result<OwnedFd> {
    socket(AddressFamily::Alg, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
}

fn bind_to(kind: &str, algorithm: &str) -> nix::Result<()> {
    use std::os::fd::AsRawFd;
    let socket = open()?;
    bind(socket.as_raw_fd(), &AlgAddr::new(kind, algorithm))
}

fn probe(need: &Need, kind: &Kind) -> Readiness {
    if let Err(errno) = open() {
        return Readiness::Missing(no_family(need, errno, &Evidence::of_this_host()));
    }
    match bind_to(kind.name, kind.algorithm) {
        Ok(()) => Readiness::Ready(None),
        Err(errno) => {
            let host = Evidence::of_this_host();
            let witness = witness(kind, &host.crypto);
            let witnessed = witness.is_some_and(|name| bind_to(kind.name, name).is_ok());
            Readiness::Missing(no_bind(need, kind, errno, witnessed, &host))
        }
    }
}

/// An algorithm of this kind that is surely there, other than the one we want: if it binds, the type is there.
fn witness<'a>(kind: &Kind, crypto: &'a str) -> Option<&'a str> {
    let field = |block: &'a str, name: &str| {
        let value = |l: &'a str| l.split_once(':').filter(|(k, _)| k.trim() == name).map(|(_, v)| v.trim());
        block.lines().find_map(value)
    };
    crypto.split("\n\n").find_map(|block| {
        let name = field(block, "name").filter(|n| *n != kind.algorithm && n.len() < 64)?;
        let fits = kind.registered.contains(&field(block, "type")?) && field(block, "internal") != Some("yes");
        fits.then_some(name)
    })
}

/// Why there is no AF_ALG socket at all.
fn no_family(need: &Need, errno: Errno, host: &Evidence) -> Finding {
    let state = FAMILY.state(host);
    let Some((cause, fix)) = diagnose::absent(&FAMILY, &state, host) else {
        return explain(need, OPEN, errno, &Asks::features(&[FAMILY]), host);
    };
    // The option has no prompt of its own: whoever configures a kernel has to know what brings it.
    let brought_by = match state {
        State::NotBuilt => ", which CONFIG_CRYPTO_USER_API_HASH and its like bring",
        _ => "",
    };
    Finding::new(need, OPEN, Some(errno), format!("the family is absent: {cause}{brought_by}"), fix)
}

/// Why a socket could not be bound; `witnessed` says that another algorithm of the same type could.
fn no_bind(need: &Need, kind: &Kind, errno: Errno, witnessed: bool, host: &Evidence) -> Finding {
    let call = format!("bind(AF_ALG socket, {{salg_type \"{}\", salg_name \"{}\"}})", kind.name, kind.algorithm);
    let finding = |(cause, fix): (String, Fix)| Finding::new(need, call.clone(), Some(errno), cause, fix);
    if errno != Errno::ENOENT {
        return explain(need, &call, errno, &Asks::features(&[]), host);
    }
    let state = kind.feature.state(host);
    if !witnessed && let Some((cause, fix)) = diagnose::absent(&kind.feature, &state, host) {
        return finding((format!("the algorithm type {} is absent: {cause}", kind.name), fix));
    }
    let lacking = kind.algorithm_features.iter().find_map(|f| diagnose::absent(f, &f.state(host), host));
    let (cause, fix) = lacking.unwrap_or_else(|| {
        (
            format!("the kernel has no {} in /proc/crypto and could not make one", kind.algorithm),
            Fix::Do("dmesg tells if a self-test failed, or FIPS mode forbids it (fips=1)".to_owned()),
        )
    });
    finding((format!("the algorithm {} is absent, the type {} is there: {cause}", kind.algorithm, kind.name), fix))
}

#[cfg(test)]
mod tests;
