//! The kernel's cryptography from user space: the kernel's
//! [AF_ALG](https://docs.kernel.org/crypto/userspace-if.html) page.
//!
//! Three things can be absent, and the kernel says ENOENT for two of them: the family (the socket call), the type of
//! algorithm (`hash`, `aead`, ...: a module `algif_*` each) and the algorithm itself (both: bind).

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::diagnose::{self, Asks, explain};
use super::evidence::Evidence;
use super::feature::{Feature, State};
use super::{Finding, Fix, Need, Readiness};
use crate::sys::af_alg::Transform;
pub use refusal::{Call, error, finding};
pub use registered::Registered;
pub use zero_copy::{Copying, Verdict};

mod parts;
mod refusal;
pub mod registered;
pub mod zero_copy;

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
    probe: || probe(&HASH, "sha256"),
};

/// Ciphers.
pub static AF_ALG_SKCIPHER: Need = Need {
    id: "af-alg-skcipher",
    title: "AF_ALG skcipher cbc(aes)",
    serves: "encryption by the kernel",
    probe: || probe(&SKCIPHER, "cbc(aes)"),
};

/// Authenticated encryption.
pub static AF_ALG_AEAD: Need = Need {
    id: "af-alg-aead",
    title: "AF_ALG aead gcm(aes)",
    serves: "authenticated encryption by the kernel",
    probe: || probe(&AEAD, "gcm(aes)"),
};

/// Random numbers.
pub static AF_ALG_RNG: Need = Need {
    id: "af-alg-rng",
    title: "AF_ALG rng stdrng",
    serves: "random numbers by the kernel's crypto API",
    probe: || probe(&RNG, "stdrng"),
};

/// A type of algorithm.
struct Kind {
    /// `salg_type`.
    name: &'static str,
    /// The need that stands for it.
    need: &'static Need,
    /// The part of the kernel that is the type.
    feature: Feature,
}

/// The family itself: built along with the first of its types.
const FAMILY: Feature =
    Feature { option: "CRYPTO_USER_API", module: "af_alg", by_alias: true, initcall: "af_alg_init" };

const fn kind_feature(option: &'static str, module: &'static str, initcall: &'static str) -> Feature {
    // The kernel asks for "algif-hash", which is the module's own name: a blacklist rule does not apply.
    Feature { option, module, by_alias: false, initcall }
}

static HASH: Kind = Kind {
    name: "hash",
    need: &AF_ALG_HASH,
    feature: kind_feature("CRYPTO_USER_API_HASH", "algif_hash", "algif_hash_init"),
};

static SKCIPHER: Kind = Kind {
    name: "skcipher",
    need: &AF_ALG_SKCIPHER,
    feature: kind_feature("CRYPTO_USER_API_SKCIPHER", "algif_skcipher", "algif_skcipher_init"),
};

static AEAD: Kind = Kind {
    name: "aead",
    need: &AF_ALG_AEAD,
    feature: kind_feature("CRYPTO_USER_API_AEAD", "algif_aead", "algif_aead_init"),
};

static RNG: Kind =
    Kind { name: "rng", need: &AF_ALG_RNG, feature: kind_feature("CRYPTO_USER_API_RNG", "algif_rng", "rng_init") };

fn kind_named(name: &str) -> Option<&'static Kind> {
    [&HASH, &SKCIPHER, &AEAD, &RNG].into_iter().find(|k| k.name == name)
}

const OPEN: &str = "socket(AF_ALG, SOCK_SEQPACKET, 0)";

fn open() -> nix::Result<OwnedFd> {
    socket(AddressFamily::Alg, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)
}

fn bind_to(kind: &str, algorithm: &str) -> nix::Result<()> {
    Transform::open(kind, algorithm).map(drop)
}

fn probe(kind: &Kind, algorithm: &str) -> Readiness {
    match bind_to(kind.name, algorithm) {
        Ok(()) => Readiness::Ready(detail(kind.name, algorithm)),
        Err(errno) => Readiness::Missing(cannot_bind(kind, algorithm, errno)),
    }
}

/// Which driver it is, and whether data can come in without a copy.
fn detail(kind: &str, algorithm: &str) -> Option<String> {
    let driver = registered::driver(kind, algorithm).map(|r| r.driver);
    let copies = (kind != "rng").then(|| format!("{}", zero_copy::detect(kind)));
    let told: Vec<String> = driver.into_iter().chain(copies).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// Why a socket of this kind could not be bound to `algorithm` on this host: the family, the type or the algorithm.
fn cannot_bind(kind: &Kind, algorithm: &str, errno: Errno) -> Finding {
    let host = Evidence::of_this_host();
    if let Err(errno) = open() {
        return no_family(kind.need, errno, &host);
    }
    let all = registered::parse(&host.crypto);
    let witnessed = witness(kind, algorithm, &all).is_some_and(|name| bind_to(kind.name, name).is_ok());
    no_bind(kind, algorithm, errno, witnessed, &host)
}

/// An algorithm of this kind that is surely there, other than the one we want: if it binds, the type is there.
fn witness<'a>(kind: &Kind, algorithm: &str, all: &'a [Registered]) -> Option<&'a str> {
    let mut names = all.iter().filter(|r| r.serves(kind.name)).map(|r| r.name.as_str());
    names.find(|name| *name != algorithm && name.len() < 64)
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
fn no_bind(kind: &Kind, algorithm: &str, errno: Errno, witnessed: bool, host: &Evidence) -> Finding {
    let call = format!("bind(AF_ALG socket, {{salg_type \"{}\", salg_name \"{algorithm}\"}})", kind.name);
    let finding = |(cause, fix): (String, Fix)| Finding::new(kind.need, call.clone(), Some(errno), cause, fix);
    // The kernel says EINVAL for one that it has, and ENOENT where it would have to make it first.
    if let Some(reason) = of_another_type(kind, algorithm, host).filter(|_| errno != Errno::ELIBBAD) {
        return finding((format!("the algorithm {algorithm} is not of type {}: {}", kind.name, reason.0), reason.1));
    }
    if !matches!(errno, Errno::ENOENT | Errno::ELIBBAD) {
        return explain(kind.need, &call, errno, &Asks::features(&[]), host);
    }
    let state = kind.feature.state(host);
    if !witnessed && let Some((cause, fix)) = diagnose::absent(&kind.feature, &state, host) {
        return finding((format!("the algorithm type {} is absent: {cause}", kind.name), fix));
    }
    let (cause, fix) = no_algorithm(algorithm, errno, host);
    finding((format!("the algorithm {algorithm} is absent, the type {} is there: {cause}", kind.name), fix))
}

/// The part of an algorithm that is not there, and why. One that is merely not loaded (`idle`) is the kernel's to load:
/// it counts only where nothing else explains.
fn lacking_part(algorithm: &str, idle: bool, host: &Evidence) -> Option<diagnose::Reason> {
    let all = registered::parse(&host.crypto);
    let parts = parts::of(algorithm).into_iter().filter(|(word, _)| all.iter().all(|r| r.name != *word));
    let mut states = parts.map(|(_, f)| (f, f.state(host))).filter(|(_, state)| (*state == State::NotLoaded) == idle);
    states.find_map(|(f, state)| diagnose::absent(&f, &state, host))
}

/// Where it is registered, but not as this type.
fn of_another_type(kind: &Kind, algorithm: &str, host: &Evidence) -> Option<diagnose::Reason> {
    let all = registered::parse(&host.crypto);
    let mut named = all.iter().filter(|r| r.name == algorithm && !r.internal).peekable();
    let first = named.peek()?.kind.clone();
    let elsewhere = named.all(|r| !r.serves(kind.name));
    let fix = Fix::Do("ask for it by the type that it is of (shash and ahash are hash)".to_owned());
    elsewhere.then(|| (format!("/proc/crypto has it as {first}"), fix))
}

/// Why the kernel could not make an algorithm.
fn no_algorithm(algorithm: &str, errno: Errno, host: &Evidence) -> diagnose::Reason {
    let fips = || {
        (host.sysctl("crypto.fips_enabled") == Some(1)).then(|| {
            (
                "the kernel is in FIPS mode (crypto.fips_enabled is 1), which allows approved algorithms alone"
                    .to_owned(),
                Fix::CannotBeEnabledHere("use an approved one, or start the kernel without fips=1".to_owned()),
            )
        })
    };
    let untested = || {
        (errno == Errno::ELIBBAD).then(|| {
            (
                "it failed the kernel's self-test".to_owned(),
                Fix::Do("dmesg tells which: \"alg: self-tests\"".to_owned()),
            )
        })
    };
    let lacking = || lacking_part(algorithm, false, host);
    let idle = || lacking_part(algorithm, true, host);
    let misspelt = || {
        parts::unknown(algorithm).map(|word| {
            (
                format!("the kernel has none in /proc/crypto and could not make one; is '{word}' spelt as there?"),
                Fix::Do("the kernel's names are those of /proc/crypto: sha256, cbc(aes), gcm(aes), ...".to_owned()),
            )
        })
    };
    let known = untested().or_else(fips);
    known.or_else(lacking).or_else(misspelt).or_else(idle).unwrap_or_else(|| {
        (
            format!("the kernel has no {algorithm} in /proc/crypto and could not make one"),
            Fix::Do("dmesg tells if a self-test failed, or FIPS mode forbids it (fips=1)".to_owned()),
        )
    })
}

#[cfg(test)]
mod tests;
