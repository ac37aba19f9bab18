//! What a failed call on an AF_ALG socket means: absent, a wrong length, FIPS, a limit.

use nix::errno::Errno;

use super::registered::{self, Registered};
use super::{AF_ALG, cannot_bind, kind_named};
use crate::error::{Error, Kind};
use crate::need::diagnose::{Reason, filter_fix};
use crate::need::evidence::Evidence;
use crate::need::{Finding, Fix};

/// A call on an AF_ALG socket, with what it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// socket and bind.
    Open,
    /// setsockopt(ALG_SET_KEY), with a key (for type "rng": a seed) of so many bytes.
    SetKey(usize),
    /// setsockopt(ALG_SET_KEY_BY_KEY_SERIAL).
    SetKeyBySerial,
    /// add_key, with a key of so many bytes.
    AddKey(usize),
    /// setsockopt(ALG_SET_AEAD_AUTHSIZE), so many bytes.
    SetTagLength(usize),
    /// setsockopt(ALG_SET_DRBG_ENTROPY), so many bytes.
    SetEntropy(usize),
    /// accept.
    Accept,
    /// sendmsg of a message of `len` bytes, to a socket that takes `limit` at most.
    Send {
        /// Bytes of the message, associated data and all.
        len: usize,
        /// Bytes that the socket takes ([`crate::sys::af_alg::Aead::limit`]).
        limit: usize,
    },
    /// read.
    Read,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Call::Open => "bind",
            Call::SetKey(_) => "setsockopt(ALG_SET_KEY)",
            Call::SetKeyBySerial => "setsockopt(ALG_SET_KEY_BY_KEY_SERIAL)",
            Call::AddKey(_) => "add_key",
            Call::SetTagLength(_) => "setsockopt(ALG_SET_AEAD_AUTHSIZE)",
            Call::SetEntropy(_) => "setsockopt(ALG_SET_DRBG_ENTROPY)",
            Call::Accept => "accept",
            Call::Send { .. } => "sendmsg",
            Call::Read => "read",
        }
    }

    fn what(self, algorithm: &str) -> String {
        match self {
            Call::Open => format!("cannot bind a socket to {algorithm}"),
            Call::SetKey(len) => format!("cannot set a key of {len} bytes for {algorithm}"),
            Call::SetKeyBySerial => format!("cannot set the key of {algorithm} by its serial number"),
            Call::AddKey(len) => format!("cannot give the kernel a key of {len} bytes"),
            Call::SetTagLength(len) => format!("cannot have tags of {len} bytes with {algorithm}"),
            Call::SetEntropy(len) => format!("cannot set {len} bytes of entropy for {algorithm}"),
            Call::Accept => format!("cannot begin to compute {algorithm}"),
            Call::Send { len, .. } => format!("cannot send {len} bytes to {algorithm}"),
            Call::Read => format!("cannot read the result of {algorithm}"),
        }
    }
}

/// Why `call` on a socket of type `kind` ("aead") for `algorithm` ("gcm(aes)") gave `errno` on this host, as a finding of
/// the need of that type.
pub fn finding(kind: &str, algorithm: &str, call: Call, errno: Errno) -> Finding {
    let known = kind_named(kind);
    if call == Call::Open
        && let Some(known) = known
    {
        return cannot_bind(known, algorithm, errno);
    }
    let (cause, fix) = reason(kind, algorithm, call, errno, &Evidence::of_this_host());
    Finding::new(known.map_or(&AF_ALG, |k| k.need), call.name(), Some(errno), cause, fix)
}

/// The same as an error: exit 3 for what is absent, 4 for what is forbidden, 1 for what was asked wrongly.
pub fn error(kind: &str, algorithm: &str, call: Call, errno: Errno) -> Error {
    let found = finding(kind, algorithm, call, errno);
    if call == Call::Open {
        return Error::finding(&found);
    }
    let mut error =
        Error::sys(call.what(algorithm), call.name(), errno).fix(format!("{}; {}", found.cause, found.fix));
    if matches!(errno, Errno::ENOPROTOOPT | Errno::ENOSYS | Errno::EOPNOTSUPP) {
        error.kind = Kind::Unavailable;
    }
    error
}

/// Why, in words, and what to do: pure.
fn reason(kind: &str, algorithm: &str, call: Call, errno: Errno, host: &Evidence) -> Reason {
    let all = registered::parse(&host.crypto);
    let own = registered::chosen(&all, kind, algorithm);
    match (call, errno) {
        (Call::SetKey(len), Errno::EINVAL) => wrong_key(kind, algorithm, len, own, &all, host),
        (Call::SetKey(len), Errno::ENOMEM) => too_long_for_optmem("key", len, host),
        (Call::SetKey(_), Errno::ENOSYS | Errno::ENOPROTOOPT) => fix("it takes no key", "set none"),
        (Call::SetTagLength(_), Errno::EINVAL) => {
            let most = own.and_then(|r| r.number("maxauthsize")).map_or(String::new(), |n| format!(" (at most {n})"));
            fix(format!("not a length of tag that it takes{most}"), "gcm takes 4, 8 and 12 to 16, ccm even ones from 4 on, authenc up to its digest")
        }
        (Call::SetKeyBySerial, Errno::ENOPROTOOPT) => {
            fix("a kernel before 6.2, or a key of another type", "give a key of type user, logon, trusted or encrypted")
        }
        (Call::SetKeyBySerial, Errno::ENOKEY | Errno::EKEYREVOKED | Errno::EKEYEXPIRED | Errno::EACCES) => {
            fix("no such key that this process may search", "keyctl show lists those it possesses")
        }
        (Call::SetKeyBySerial, Errno::EINVAL) => fix("the key has not a length that it takes", "add one of another length"),
        (Call::AddKey(_), Errno::EDQUOT) => quota(host),
        (Call::SetEntropy(_), Errno::ENOPROTOOPT) => (
            "it is no DRBG, or the kernel was built without CONFIG_CRYPTO_USER_API_RNG_CAVP, which is for tests with known answers alone"
                .to_owned(),
            Fix::CannotBeEnabledHere("seed it with ALG_SET_KEY instead".to_owned()),
        ),
        (Call::SetEntropy(_), Errno::EACCES) => fix("this process lacks CAP_SYS_ADMIN", "run as root"),
        (Call::Send { len, limit }, Errno::EMSGSIZE | Errno::EAGAIN) => too_long(len, limit, host),
        (Call::Send { len, .. }, Errno::ENOMEM | Errno::ENOBUFS) => too_long_for_optmem("message", len, host),
        (Call::Send { .. } | Call::Read, Errno::ENOKEY) => fix("it has no key", "set one (ALG_SET_KEY) before"),
        (Call::Read, Errno::EINVAL) if kind == "rng" => fix("it was not seeded", "set a seed (ALG_SET_KEY), be it empty"),
        (Call::Read, Errno::EINVAL) => {
            fix("the message is no whole number of blocks, or shorter than its tag", "pad it, or use a mode without blocks")
        }
        (Call::SetKey(_) | Call::SetTagLength(_), Errno::EBUSY) => {
            fix("operations of this socket are open", "close what was accepted from it first, or open another socket")
        }
        (_, Errno::EPERM | Errno::EACCES) if host.filtered() => {
            ("a seccomp filter refuses the call (Seccomp: 2 in /proc/self/status)".to_owned(), filter_fix(host))
        }
        _ => fix(crate::error::describe(errno), "dmesg may tell more"),
    }
}

fn fix(cause: impl Into<String>, what: impl Into<String>) -> Reason {
    (cause.into(), Fix::Do(what.into()))
}

/// EINVAL for a key: its length, or a key that FIPS mode calls weak.
fn wrong_key(
    kind: &str,
    algorithm: &str,
    len: usize,
    own: Option<&Registered>,
    all: &[Registered],
    host: &Evidence,
) -> Reason {
    let lengths = own.and_then(Registered::key_lengths).or_else(|| inner_key_lengths(algorithm, all));
    let fips = host.sysctl("crypto.fips_enabled") == Some(1);
    match lengths {
        _ if algorithm.starts_with("authenc(") => fix(
            "it takes the MAC's key and the cipher's packed into one, and the cipher's must be of a length that the cipher takes (AES: 16, 24, 32)",
            "give a key of another length",
        ),
        Some(l) if !l.contains(&len) => {
            let told = match (l.start(), l.end()) {
                (least, most) if least == most => format!("{least} bytes"),
                (least, most) => format!("{least} to {most} bytes"),
            };
            fix(format!("a key of {algorithm} has {told} (/proc/crypto)"), "give a key of that length")
        }
        _ if fips => {
            fix("FIPS mode (crypto.fips_enabled is 1) refuses short and weak keys", "give a key that it approves")
        }
        Some(l) => fix(
            format!(
                "of {} to {} bytes not every length goes (AES: 16, 24, 32; xts: twice as many, in two halves)",
                l.start(),
                l.end()
            ),
            "give a key of another length",
        ),
        None if kind == "rng" => {
            let seed = own.and_then(|r| r.number("seedsize")).unwrap_or(0);
            fix(
                format!("not a seed that it takes (/proc/crypto: seedsize {seed})"),
                "give a seed of at least that length",
            )
        }
        None => fix("not a length of key that it takes", "give a key of another length"),
    }
}

/// Where /proc/crypto does not tell a mode's key lengths (aead, MACs): those of the cipher inside, if it has just one.
fn inner_key_lengths(algorithm: &str, all: &[Registered]) -> Option<std::ops::RangeInclusive<usize>> {
    if algorithm.starts_with("rfc7539(") {
        return Some(32..=32);
    }
    let (_, inner) = algorithm.split_once('(')?;
    let inner = inner.strip_suffix(')')?;
    all.iter().filter(|r| r.name == inner && r.kind == "cipher").find_map(Registered::key_lengths)
}

fn too_long(len: usize, limit: usize, host: &Evidence) -> Reason {
    let sysctl = |name: &str| host.sysctl(name).map_or("?".to_owned(), |n| n.to_string());
    fix(
        format!(
            "the kernel wants the {len} bytes in the socket at once, which holds {limit} (net.core.wmem_max {}, net.core.rmem_max {})",
            sysctl("net.core.wmem_max"),
            sysctl("net.core.rmem_max")
        ),
        format!(
            "cut it into messages of at most {limit} bytes, or as root raise both: sysctl net.core.wmem_max={len} net.core.rmem_max={len}"
        ),
    )
}

fn too_long_for_optmem(what: &str, len: usize, host: &Evidence) -> Reason {
    let now = host.sysctl("net.core.optmem_max").map_or("?".to_owned(), |n| n.to_string());
    fix(
        format!(
            "the kernel's memory for the options of a socket (net.core.optmem_max, {now}) does not suffice for a {what} of {len} bytes"
        ),
        format!("use a shorter {what}, or as root raise net.core.optmem_max"),
    )
}

fn quota(host: &Evidence) -> Reason {
    let prefix = if host.status.euid == 0 { "root_" } else { "" };
    let value = |name: &str| {
        let name = format!("kernel.keys.{prefix}{name}");
        format!("{name} is {}", host.sysctl(&name).map_or("?".to_owned(), |n| n.to_string()))
    };
    fix(
        format!("this user's quota of keys is used up ({}, {})", value("maxkeys"), value("maxbytes")),
        format!("keyctl purge, or as root raise kernel.keys.{prefix}maxkeys and kernel.keys.{prefix}maxbytes"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Evidence {
        let crypto =
            "name : cbc(aes)\ndriver : cbc-aes\npriority : 1\ntype : skcipher\nmin keysize : 16\nmax keysize : 32\n
name : aes\ndriver : aes-generic\npriority : 1\ntype : cipher\nmin keysize : 16\nmax keysize : 32\n
name : gcm(aes)\ndriver : gcm-x\npriority : 1\ntype : aead\nmaxauthsize : 16\n";
        let mut host = Evidence { crypto: crypto.to_owned(), ..Evidence::default() };
        host.sysctls.insert("net.core.wmem_max".to_owned(), "212992".to_owned());
        host.sysctls.insert("net.core.optmem_max".to_owned(), "20480".to_owned());
        host.sysctls.insert("kernel.keys.maxkeys".to_owned(), "200".to_owned());
        host.status.euid = 1000;
        host
    }

    #[track_caller]
    fn says(kind: &str, algorithm: &str, call: Call, errno: Errno, host: &Evidence, words: &[&str]) {
        let (cause, fix) = reason(kind, algorithm, call, errno, host);
        let text = format!("{cause}; {fix}");
        for word in words {
            assert!(text.contains(word), "no '{word}' in {text}");
        }
    }

    #[test]
    fn a_wrong_key_length_names_those_that_the_kernel_has() {
        let host = host();
        let set = |len| (Call::SetKey(len), Errno::EINVAL);
        let (call, errno) = set(33);
        says("skcipher", "cbc(aes)", call, errno, &host, &["16 to 32 bytes (/proc/crypto)"]);
        says("aead", "gcm(aes)", call, errno, &host, &["16 to 32 bytes (/proc/crypto)"]);
        says("aead", "rfc7539(chacha20,poly1305)", call, errno, &host, &["has 32 bytes"]);
        says("aead", "authenc(hmac(sha256),cbc(aes))", set(49).0, errno, &host, &["packed", "(AES: 16, 24, 32)"]);
        says("skcipher", "cbc(aes)", set(17).0, errno, &host, &["not every length goes"]);
        says("hash", "hmac(sha256)", set(17).0, errno, &host, &["not a length of key"]);
    }

    #[test]
    fn fips_mode_is_named_where_the_length_is_right() {
        let mut host = host();
        host.sysctls.insert("crypto.fips_enabled".to_owned(), "1".to_owned());
        says("skcipher", "cbc(aes)", Call::SetKey(16), Errno::EINVAL, &host, &["FIPS mode"]);
    }

    #[test]
    fn limits_are_named_with_their_values() {
        let host = host();
        let send = Call::Send { len: 1_000_000, limit: 208_896 };
        says(
            "aead",
            "gcm(aes)",
            send,
            Errno::EMSGSIZE,
            &host,
            &["holds 208896", "net.core.wmem_max 212992", "cut it"],
        );
        says("aead", "gcm(aes)", send, Errno::ENOMEM, &host, &["net.core.optmem_max, 20480"]);
        says("hash", "hmac(sha256)", Call::SetKey(30000), Errno::ENOMEM, &host, &["a key of 30000 bytes"]);
        says("hash", "hmac(sha256)", Call::AddKey(9), Errno::EDQUOT, &host, &["kernel.keys.maxkeys is 200"]);
    }

    #[test]
    fn what_is_asked_wrongly_fails_and_what_is_absent_is_unavailable() {
        assert_eq!(error("aead", "gcm(aes)", Call::SetTagLength(5), Errno::EINVAL).kind, Kind::Failed);
        assert_eq!(error("rng", "stdrng", Call::SetEntropy(5), Errno::ENOPROTOOPT).kind, Kind::Unavailable);
        let text = error("skcipher", "cbc(aes)", Call::SetKey(17), Errno::EINVAL).to_string();
        assert!(text.starts_with("cannot set a key of 17 bytes for cbc(aes): setsockopt(ALG_SET_KEY)"), "{text}");
    }
}
