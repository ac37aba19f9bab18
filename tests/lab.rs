//! What the host's kernel lacks, tested in the lab (scripts/lab): a virtual machine with Debian's full kernel.
//!
//! A boot costs many seconds under emulation, so all scripts share one. To add a test: a line in [`SCRIPTS`], which runs
//! as root in the lab with this build's `syskit` on the PATH, and a `#[test]` that judges what [`ran`] gives for it. A
//! script undoes what it did to the machine, since others follow it.

mod common;

use std::process::{Command, Output};

use common::lab::{Lab, Ran, available, command as lab};
use common::skip;
use serde_json::Value;

/// Name and text of each script, in the order they run.
static SCRIPTS: &[(&str, &str)] = &[
    ("doctor", "syskit doctor --json"),
    ("sha256", AF_ALG_SHA256),
    (
        "blocked type",
        "rmmod algif_aead; mkdir -p /etc/modprobe.d; printf '\\ninstall algif_aead /bin/false\\n' >/etc/modprobe.d/block.conf
         syskit doctor --json af-alg-aead af-alg-hash; code=$?; rm /etc/modprobe.d/block.conf; exit $code",
    ),
    (
        "blocked algorithm",
        "rmmod gcm; printf 'install gcm /bin/false\\nblacklist aesni_intel\\n' >/etc/modprobe.d/block.conf; rmmod aesni_intel
         syskit doctor --json af-alg-aead; code=$?; rm /etc/modprobe.d/block.conf; exit $code",
    ),
    (
        "blacklisted type",
        "rmmod algif_hash; echo 'blacklist algif_hash' >/etc/modprobe.d/block.conf
         syskit doctor --json af-alg-hash; code=$?; rm /etc/modprobe.d/block.conf; exit $code",
    ),
    (
        "blacklisted family",
        "rmmod algif_aead algif_hash algif_skcipher algif_rng af_alg; echo 'blacklist af_alg' >/etc/modprobe.d/block.conf
         syskit doctor --json af-alg; code=$?; rm /etc/modprobe.d/block.conf; exit $code",
    ),
    ("unblocked", "syskit doctor --json af-alg af-alg-hash af-alg-skcipher af-alg-aead af-alg-rng"),
    (
        "module not loaded",
        "rmmod tls; setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all syskit doctor --json ktls net-raw",
    ),
];

/// An oracle that knows nothing of syskit: Python's own AF_ALG, and the digest it is known to give.
const AF_ALG_SHA256: &str = r#"python3 -c '
import socket
s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
s.bind(("hash", "sha256"))
op, _ = s.accept()
op.sendall(b"Python is awesome!")
print(op.recv(512).hex())'"#;

static LAB: Lab = Lab::new(SCRIPTS, "600");

#[track_caller]
fn ran(name: &str) -> Option<&'static Ran> {
    LAB.ran(name)
}

#[track_caller]
fn need(ran: &Ran, id: &str) -> Value {
    let document: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
    let needs = document["needs"].as_array().expect("needs");
    needs.iter().find(|n| n["id"] == id).unwrap_or_else(|| panic!("no {id} in {document}")).clone()
}

#[track_caller]
fn holds(value: &Value, words: &[&str]) {
    let text = value.to_string();
    for word in words {
        assert!(text.contains(word), "no '{word}' in {text}");
    }
}

#[test]
fn the_lab_has_what_the_host_may_lack() {
    let Some(doctor) = ran("doctor") else { return };
    assert_eq!(doctor.code, 0, "{}", doctor.err);
    let ids = [
        "af-alg",
        "af-alg-hash",
        "af-alg-skcipher",
        "af-alg-aead",
        "af-alg-rng",
        "ktls",
        "kprobes",
        "uprobes",
        "btf",
    ];
    for id in ids {
        assert_eq!(need(doctor, id)["ready"], true, "{}", need(doctor, id));
    }
}

#[test]
fn af_alg_in_the_lab_gives_the_right_digest() {
    let Some(sha256) = ran("sha256") else { return };
    assert_eq!(
        sha256.out.trim(),
        "9d50bcac2d5e33f936ec2db7dc7b6579cba8e1b099d77c31d8564df46f66bdf5",
        "{}",
        sha256.err
    );
}

#[test]
fn a_blocked_type_names_the_modprobe_rule() {
    let Some(ran) = ran("blocked type") else { return };
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let finding = &need(ran, "af-alg-aead")["finding"];
    assert_eq!(finding["errno"], "ENOENT");
    let rule = "install algif_aead /bin/false\\\" in /etc/modprobe.d/block.conf line 2";
    holds(finding, &["the algorithm type aead is absent", rule, "CVE-2026-31431"]);
    assert_eq!(need(ran, "af-alg-hash")["ready"], true);
}

#[test]
fn a_blocked_algorithm_is_told_from_a_blocked_type() {
    let Some(ran) = ran("blocked algorithm") else { return };
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let words = ["the algorithm gcm(aes) is absent, the type aead is there", "install gcm /bin/false"];
    holds(&need(ran, "af-alg-aead")["finding"], &words);
}

/// The kernel asks for a type by the module's own name, for the family by an alias: blacklist rules hide aliases alone.
#[test]
fn a_blacklist_hides_the_family_but_not_a_type() {
    let Some(kind) = ran("blacklisted type") else { return };
    assert_eq!(kind.code, 0, "{}{}", kind.out, kind.err);
    let Some(family) = ran("blacklisted family") else { return };
    assert_eq!(family.code, 3, "{}{}", family.out, family.err);
    let finding = &need(family, "af-alg")["finding"];
    assert_eq!(finding["errno"], "EAFNOSUPPORT");
    holds(finding, &["the family is absent", "blacklist af_alg", "/etc/modprobe.d/block.conf line 1"]);
}

#[test]
fn what_was_blocked_is_ready_when_the_rule_is_gone() {
    let Some(ran) = ran("unblocked") else { return };
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
}

#[test]
fn a_module_that_only_root_may_load_and_a_bounding_set_without_the_capability() {
    let Some(ran) = ran("module not loaded") else { return };
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    holds(&need(ran, "ktls")["finding"], &["setsockopt(IPPROTO_TCP, TCP_ULP", "ENOENT", "modprobe tls"]);
    holds(&need(ran, "net-raw")["finding"], &["lacks CAP_NET_RAW", "bounding set"]);
}

#[test]
fn output_status_arguments_and_kernel_words_come_through() {
    if !available() {
        return;
    }
    let script = "printf '%s|' \"$@\"; cat; echo words >&2; syskit doctor --json af-alg-aead af-alg-skcipher 2>/dev/null; exit 255";
    let options =
        ["--quiet", "--append", "initcall_blacklist=algif_aead_init", "--append", "module_blacklist=algif_skcipher"];
    let arguments = ["sh", "-c", script, "x", "a b", "it's", "$HOME `id`", "", "two\nlines"];
    let done = with_input(lab(&options).args(arguments), b"from outside");
    let out = String::from_utf8_lossy(&done.stdout).into_owned();
    let (through, document) = out.split_at(out.find('{').unwrap_or(out.len()));
    assert_eq!(through, "a b|it's|$HOME `id`||two\nlines|from outside");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "words\n");
    assert_eq!(done.status.code(), Some(255));
    let ran = Ran { code: 3, out: document.to_owned(), err: String::new() };
    holds(&need(&ran, "af-alg-aead")["finding"], &["type aead is absent", "initcall_blacklist=algif_aead_init"]);
    holds(&need(&ran, "af-alg-skcipher")["finding"], &["type skcipher is absent", "module_blacklist=algif_skcipher"]);
}

fn with_input(command: &mut Command, input: &[u8]) -> Output {
    use std::io::Write;
    use std::process::Stdio;
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.stdin.take().expect("a pipe").write_all(input).expect("it reads");
    child.wait_with_output().expect("it ends")
}

/// The processes whose command line holds `word`.
fn processes(word: &str) -> Vec<String> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let lines = all.filter_map(|e| std::fs::read(e.path().join("cmdline")).ok());
    lines.map(|l| String::from_utf8_lossy(&l).replace('\0', " ")).filter(|l| l.contains(word)).collect()
}

#[test]
fn a_time_limit_and_ctrl_c_end_the_machine_and_leave_nothing() {
    if !available() {
        return;
    }
    let started = |args: &[&str]| lab(args).stdout(std::process::Stdio::null()).spawn().expect("it starts");
    let mut limited = started(&["--timeout", "4", "sleep", "1001"]);
    let mut interrupted = started(&["sleep", "1002"]);
    assert_eq!(limited.wait().expect("it ends").code(), Some(124));
    // The other one has been up for as long: its machine runs.
    let pid = nix::unistd::Pid::from_raw(interrupted.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it is there");
    assert_eq!(interrupted.wait().expect("it ends").code(), Some(143));
    for word in ["sleep 1001", "sleep 1002"] {
        assert_eq!(processes(word), Vec::<String>::new());
    }
}

#[test]
fn wrong_usage_is_told_from_a_failing_command() {
    for args in [&[][..], &["--no-such-option", "true"], &["--timeout", "soon", "true"], &["--timeout"]] {
        let done = lab(args).output().expect("it starts");
        assert_eq!(done.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    let help = lab(&["--help"]).output().expect("it starts");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("Exit status"));
}

#[test]
fn who_may_not_install_packages_is_told_the_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    for program in ["bash", "env", "cat", "uname", "sort", "dirname", "mkdir", "flock", "apt-get", "python3", "id"] {
        let Some(real) = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
            .map(|p| p.join(program))
            .find(|p| p.exists())
        else {
            return skip(&format!("needs {program}"));
        };
        std::os::unix::fs::symlink(real, bin.join(program)).expect("a link");
    }
    // A user who is not root, whoever runs this test.
    std::fs::remove_file(bin.join("id")).expect("it was linked");
    std::fs::write(bin.join("id"), "#!/bin/sh\necho 1000\n").expect("a file");
    std::fs::set_permissions(bin.join("id"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let done = lab(&["true"]).env("PATH", &bin).env("XDG_CACHE_HOME", folder.path()).output().expect("it starts");
    let errors = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(3), "{errors}");
    assert!(
        errors.contains("sudo apt-get install --no-install-recommends") && errors.contains("qemu-system-x86"),
        "{errors}"
    );
}
