//! Cryptography by the kernel, tested in the lab (scripts/lab): a virtual machine with Debian's full kernel, since many a
//! host has no AF_ALG. All of it shares one boot. There are two ways to add a test:
//!
//! 1. A script: a line in [`SCRIPTS`], which runs as root in the lab, and a `#[test]` that judges what [`ran`] gives for
//!    it (`code`, `out`, `err`). In a script `syskit` is this build's, `$TESTS` is this test executable, and `$(test_exe
//!    NAME)` that of tests/NAME.rs (so `"$(test_exe crypt_vectors)" af_alg` runs its tests there, with
//!    SYSKIT_MUST_RUN=all). A script undoes what it did to the machine, since others follow it.
//! 2. A test in Rust that calls the kernel itself: in a module here (a file in this folder),
//!    `#[test] fn name() { in_lab("module::name", || { ... }) }`. In the lab, where the script "tests" starts this
//!    executable anew, the body runs; elsewhere the test looks up whether it passed there. The file system is the
//!    host's own, so paths are the same; what is written there does not come back.

mod authenc;
mod blocked;
#[path = "../common/mod.rs"]
mod common;
mod hash;
mod interface;
mod interface_aead;
mod race;
mod random;
mod recipes;
mod ways_in;

use common::lab::{Lab, Ran};

/// Name and text of each script, in the order they run.
static SCRIPTS: &[(&str, &str)] = &[
    // Every test of this executable that goes by `in_lab`; the others have nothing to do there.
    ("tests", "\"$TESTS\""),
    ("zero copy", ways_in::PYTHON_ZERO_COPY),
    ("doctor", "syskit doctor --json af-alg-hash af-alg-skcipher af-alg-aead af-alg-rng"),
    (
        "unprivileged",
        "setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all \"$TESTS\" --exact interface_aead::the_limit_of_who_may_not_widen_it",
    ),
    ("recipes", recipes::SCRIPT),
    ("hash", hash::SCRIPT),
    ("random", random::SCRIPT),
    (
        "crypt file",
        "\"$(test_exe crypt_file)\" --exact all_backends_read_what_the_others_wrote --nocapture; syskit crypt keygen /run/key -q; \
         syskit crypt encrypt /proc/version -o /run/v --via af_alg --key-file /run/key --json",
    ),
    ("blocked types", blocked::TYPES),
    ("races", race::RACES),
    ("race", race::ONE),
    ("race too long", race::TOO_LONG),
    ("digest", "printf 'Python is awesome!' >/run/m; openssl dgst -sha256 -r /run/m"),
    // The kernel's backend alone; the libraries' are tested everywhere.
    ("vectors", "\"$(test_exe crypt_vectors)\" af_alg"),
    ("agree", "\"$(test_exe crypt_agree)\""),
    ("algorithms", "syskit crypt algorithms --json"),
    ("registered", "syskit crypt algorithms --kernel gcm"),
];

static LAB: Lab = Lab::new(SCRIPTS, "1800");

/// The result of a script; `None` (and a word) where there is no lab. In the lab itself there is nothing to judge.
#[track_caller]
#[allow(dead_code)]
fn ran(name: &str) -> Option<&'static Ran> {
    if common::lab::inside() { None } else { LAB.ran(name) }
}

/// A test whose body runs in the lab; `test` is its name with its modules.
#[track_caller]
fn in_lab(test: &str, body: fn()) {
    LAB.test("tests", test, body);
}

mod backend {
    use super::*;

    #[test]
    fn the_kernel_computes_the_published_vectors() {
        let Some(ran) = ran("vectors") else { return };
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let counts = ran.out.lines().filter(|l| l.starts_with("af_alg ") && l.contains("vectors agree"));
        assert!(counts.count() > 20, "{}", ran.out);
    }

    #[test]
    fn the_kernel_agrees_with_every_library() {
        let Some(ran) = ran("agree") else { return };
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    }

    #[test]
    fn the_algorithms_of_a_kernel_with_af_alg_have_their_drivers() {
        let (Some(ran), Some(registered)) = (ran("algorithms"), ran("registered")) else { return };
        let document: serde_json::Value = serde_json::from_str(&ran.out).expect("a JSON document");
        let entries = document["algorithms"].as_array().expect("a list");
        let gcm = entries.iter().find(|e| e["name"] == "aes-128-gcm").expect("it is listed");
        let driver = gcm["kernel"]["driver"].as_str().expect("a driver");
        assert!(driver.contains("gcm") && gcm["kernel"]["priority"].is_i64(), "{gcm}");
        // Only bound sockets register what is made of parts: the second command sees what the first bound.
        assert!(registered.code == 0 && registered.out.contains(driver), "{}{}", registered.out, registered.err);
    }
}

mod harness {
    use super::*;

    #[test]
    fn a_script_runs_there() {
        let Some(ran) = ran("digest") else { return };
        let digest = "9d50bcac2d5e33f936ec2db7dc7b6579cba8e1b099d77c31d8564df46f66bdf5";
        assert!(ran.code == 0 && ran.out.starts_with(digest), "{}{}", ran.out, ran.err);
    }

    #[test]
    fn files_by_the_kernel_and_by_libraries_are_one_form() {
        let Some(ran) = ran("crypt file") else { return };
        assert!(ran.code == 0 && ran.out.contains("1 passed"), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("\"via\": \"af_alg\""), "{}{}", ran.out, ran.err);
    }

    #[test]
    fn a_test_runs_there() {
        in_lab("harness::a_test_runs_there", || {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("a release");
            assert!(release.contains("amd64"), "{release}");
            let transform = syskit::sys::af_alg::Transform::open("hash", "sha256");
            assert!(transform.is_ok(), "{transform:?}");
        });
    }
}
