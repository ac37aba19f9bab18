//! `syskit doctor` as a user meets it: ready, refused by permission, by a filter, by a limit.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::skip;
use serde_json::Value;

const SYSKIT: &str = env!("CARGO_BIN_EXE_syskit");

fn doctor(args: &[&str]) -> Command {
    let mut command = Command::new(SYSKIT);
    command.arg("doctor").args(args);
    command
}

/// The exit code and the document of a `doctor --json ...`.
#[track_caller]
fn document(command: &mut Command) -> (Option<i32>, Value) {
    let done = command.output().expect("it starts");
    (done.status.code(), json(&done))
}

#[track_caller]
fn json(done: &Output) -> Value {
    let errors = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{errors}", String::from_utf8_lossy(&done.stdout)))
}

/// The need with this id in a document.
#[track_caller]
fn need<'a>(document: &'a Value, id: &str) -> &'a Value {
    let needs = document["needs"].as_array().expect("needs");
    needs.iter().find(|n| n["id"] == id).unwrap_or_else(|| panic!("no {id} in {document}"))
}

#[track_caller]
fn holds(value: &Value, words: &[&str]) {
    let text = value.to_string();
    for word in words {
        assert!(text.contains(word), "no '{word}' in {text}");
    }
}

/// The program where any user can reach it.
fn shared_copy(folder: &Path) -> PathBuf {
    let copy = folder.join("syskit");
    std::fs::copy(SYSKIT, &copy).expect("a copy");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).expect("open to all");
    copy
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|o| o.status.success())
}

#[test]
fn every_need_is_ready_or_says_call_cause_and_fix() {
    let (code, document) = document(&mut doctor(&["--json"]));
    assert_eq!(code, Some(0));
    assert_eq!(document["schema"], 1);
    assert_eq!(document["needs"].as_array().map(Vec::len), Some(syskit::need::ALL.len()));
    for need in document["needs"].as_array().expect("needs") {
        assert_eq!(need["ready"], need["finding"].is_null(), "{need}");
        if need["ready"] == false {
            let finding = &need["finding"];
            for text in [&finding["call"], &finding["cause"], &finding["fix"]["text"]] {
                assert!(text.as_str().is_some_and(|t| t.len() > 5), "{need}");
            }
        }
    }
    assert!(document["limits"].as_array().is_some_and(|l| l.len() > 5), "{}", document["limits"]);
}

#[test]
fn text_in_a_pipe_is_plain_and_narrow() {
    let done = doctor(&[]).output().expect("it starts");
    assert_eq!(done.status.code(), Some(0));
    let text = String::from_utf8(done.stdout).expect("UTF-8");
    assert!(!text.contains('\x1b'));
    for id in syskit::need::ALL.iter().map(|n| n.id) {
        assert!(text.contains(id), "no {id} in {text}");
    }
    assert!(text.contains("RLIMIT_NOFILE"), "{text}");
    // A path may be longer than a line; nothing else is.
    let long = text.lines().find(|l| l.chars().count() > 100 && !l.contains('/'));
    assert_eq!(long, None);
}

#[test]
fn named_needs_decide_the_exit_code() {
    let done = doctor(&["memfd", "splice"]).output().expect("it starts");
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
    let done = doctor(&["af-alg-hahs"]).output().expect("it starts");
    assert_eq!(done.status.code(), Some(2));
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.contains("no need 'af-alg-hahs'; did you mean 'af-alg-hash'?"), "{errors}");
}

#[test]
fn a_program_that_is_not_on_the_path_names_its_package() {
    let empty = tempfile::tempdir().expect("a folder");
    let (code, document) = document(doctor(&["--json", "qemu", "gdb"]).env("PATH", empty.path()));
    assert_eq!(code, Some(3));
    holds(
        &need(&document, "qemu")["finding"],
        &["qemu-system-x86_64", "ENOENT", "sudo apt-get install qemu-system-x86"],
    );
    // A folder, and a file that may not be run, are no programs.
    std::fs::create_dir(empty.path().join("qemu-system-x86_64")).expect("a folder");
    std::fs::write(empty.path().join("gdb"), "").expect("a file");
    let (code, _) = self::document(doctor(&["--json", "qemu", "gdb"]).env("PATH", empty.path()));
    assert_eq!(code, Some(3));
}

#[test]
fn probes_leave_nothing_behind_and_name_the_folder_they_tried() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, whole) = document(doctor(&["--json"]).env("TMPDIR", folder.path()));
    assert_eq!(code, Some(0));
    assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
    holds(need(&whole, "reflink"), &[&folder.path().display().to_string()]);
    let gone = folder.path().join("gone");
    let (code, document) = document(doctor(&["--json", "direct-io", "reflink"]).env("TMPDIR", &gone));
    assert_eq!(code, Some(3));
    holds(need(&document, "direct-io"), &["no temporary file can be made in", "ENOENT", "set TMPDIR"]);
}

#[test]
fn without_privilege_the_capability_and_the_command_are_named() {
    if !nix::unistd::geteuid().is_root() || !has("setpriv") {
        return skip("needs root and setpriv (package util-linux)");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let copy = shared_copy(folder.path());
    let nobody = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).env("TMPDIR", "/");
        command
    };
    let (code, document) = document(nobody().args(["doctor", "--json", "net-raw"]));
    assert_eq!(code, Some(4));
    let fix = format!("sudo setcap cap_net_raw+ep {}", copy.display());
    holds(
        need(&document, "net-raw"),
        &["socket(AF_INET, SOCK_RAW, IPPROTO_TCP)", "EPERM", "lacks CAP_NET_RAW", &fix],
    );
    // TMPDIR is a folder that this user may not write to.
    let (code, document) = self::document(nobody().args(["doctor", "--json", "copy-file-range"]));
    assert_eq!(code, Some(4));
    holds(need(&document, "copy-file-range"), &["EACCES", "set TMPDIR"]);
    let whole = nobody().args(["doctor"]).output().expect("it starts");
    assert_eq!(whole.status.code(), Some(0), "{}", String::from_utf8_lossy(&whole.stderr));
}

/// A `doctor` under a seccomp filter, as tests/common/deny.py sets it; `None` (and a word) where that cannot be.
fn filtered(syscall: i64, first: &str, answer: &str, args: &[&str]) -> Option<Command> {
    if !has("python3") {
        skip("needs python3 to set a seccomp filter");
        return None;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/common/deny.py");
    let mut command = Command::new("python3");
    command.args([script, &syscall.to_string(), first, answer, SYSKIT, "doctor"]).args(args);
    Some(command)
}

#[test]
fn a_filter_that_hides_a_family_is_told_from_a_kernel_without_it() {
    let family = libc::AF_PACKET.to_string();
    let errno = libc::EAFNOSUPPORT.to_string();
    let Some(mut command) = filtered(libc::SYS_socket, &family, &errno, &["--json", "packet-socket"]) else { return };
    let (code, document) = document(&mut command);
    assert_eq!(code, Some(3));
    let finding = &need(&document, "packet-socket")["finding"];
    assert_eq!(finding["errno"], "EAFNOSUPPORT");
    // Where the configuration is not to be read the filter is still the cause.
    holds(&finding["cause"], &["a seccomp filter refuses the call", "Seccomp: 2", "RestrictAddressFamilies"]);
}

#[test]
fn a_filter_that_refuses_a_call_is_named() {
    let errno = libc::EPERM.to_string();
    let Some(mut command) = filtered(libc::SYS_memfd_create, "any", &errno, &["--json", "memfd"]) else { return };
    let (code, document) = document(&mut command);
    assert_eq!(code, Some(4));
    holds(need(&document, "memfd"), &["memfd_create", "EPERM", "a seccomp filter refuses the call"]);
}

#[test]
fn a_filter_that_kills_does_not_kill_the_doctor() {
    for (id, syscall) in [("memfd", libc::SYS_memfd_create), ("io-uring", libc::SYS_io_uring_setup)] {
        let Some(mut command) = filtered(syscall, "any", "kill", &["--json", id]) else { return };
        let (code, document) = document(&mut command);
        assert_eq!(code, Some(3), "{id}");
        holds(need(&document, id), &["a seccomp filter kills the process"]);
    }
}

#[test]
fn every_system_call_that_a_probe_makes_may_be_refused() {
    use libc::*;
    let calls = [
        SYS_socket,
        SYS_bind,
        SYS_setsockopt,
        SYS_io_uring_setup,
        SYS_inotify_init1,
        SYS_fanotify_init,
        SYS_bpf,
        SYS_perf_event_open,
        SYS_userfaultfd,
        SYS_memfd_create,
        SYS_copy_file_range,
        SYS_splice,
        SYS_pipe2,
        SYS_ptrace,
        SYS_unshare,
        SYS_statfs,
        SYS_ioctl,
        SYS_prlimit64,
        SYS_uname,
        SYS_readlinkat,
    ];
    for call in calls {
        for errno in [EPERM, ENOSYS] {
            let Some(mut command) = filtered(call, "any", &errno.to_string(), &["--json"]) else { return };
            // Nothing is killed, so that no process need go first.
            let (code, document) = document(command.env("SYSKIT_DOCTOR_TRYING", "1"));
            assert_eq!(code, Some(0), "system call {call} refused with {errno}");
            assert_eq!(document["needs"].as_array().map(Vec::len), Some(syskit::need::ALL.len()));
        }
    }
}

#[test]
fn a_low_limit_bites_and_running_out_of_descriptors_is_no_panic() {
    let under = |files: u32| {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" doctor --json"), SYSKIT]);
        command
    };
    let (_, document) = document(&mut under(256));
    let limit = document["limits"].as_array().and_then(|l| l.iter().find(|l| l["name"] == "RLIMIT_NOFILE"));
    holds(limit.expect("the limit"), &["256", "\"biting\":true", "prlimit"]);
    for files in 4..12 {
        let done = under(files).output().expect("it starts");
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(!errors.contains("panicked"), "with {files} descriptors: {errors}");
    }
}

/// The kernel's own configuration is the oracle.
#[test]
fn a_kernel_without_af_alg_is_the_cause_that_is_named() {
    let unpacked = Command::new("zcat").arg("/proc/config.gz").output();
    let config = unpacked.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    if config.is_empty() {
        return skip("/proc/config.gz is not to be read");
    }
    if config.contains("\nCONFIG_CRYPTO_USER_API=") {
        return skip("this kernel has AF_ALG; the lab's tests show it ready");
    }
    let (code, document) = document(&mut doctor(&["--json", "af-alg-aead"]));
    assert_eq!(code, Some(3));
    let finding = &need(&document, "af-alg-aead")["finding"];
    assert_eq!(finding["errno"], "EAFNOSUPPORT");
    assert_eq!(finding["fix"]["kind"], "cannot_be_enabled_here");
    holds(
        finding,
        &[
            "socket(AF_ALG, SOCK_SEQPACKET, 0)",
            "built without CONFIG_CRYPTO_USER_API (/proc/config.gz)",
            "scripts/lab",
        ],
    );
}
