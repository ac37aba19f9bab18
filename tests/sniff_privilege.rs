//! What `syskit sniff` may still do while it captures: nothing. Read from /proc/PID/status, and from strace.
//!
//! Debian packages: util-linux (setpriv, unshare), strace.

mod common;

use std::fs::{File, OpenOptions, Permissions, read_dir, read_to_string, set_permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::parent_id;
use std::path::Path;
use std::process::{Command, Stdio};

use common::live::{Running, Server, can_capture, has_program, listening, sniff};
use common::offline::small;
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use syskit::recipes::sniff::privilege::{Keep, Privileges};

/// A server on loopback, where packets can be captured by root; root alone has something to give up.
fn server() -> Option<Server> {
    if !nix::unistd::geteuid().is_root() {
        common::skip("not root: nothing to give up");
        return None;
    }
    can_capture().then(|| Server::start(Ipv4Addr::LOCALHOST.into(), b"reply").expect("a server on loopback"))
}

/// A line of the status of every thread of a process.
fn of_threads(pid: u32, field: &str) -> Vec<String> {
    let threads = read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let status = threads.map(|t| read_to_string(t.expect("a thread").path().join("status")).expect("its status"));
    let line = |status: String| {
        let found = status.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':').map(str::to_owned));
        found.unwrap_or_else(|| panic!("no {field}")).trim().to_owned()
    };
    status.map(line).collect()
}

/// That no thread of it has any privilege left.
fn is_powerless(running: &Running, what: &str) {
    let pid = running.child.id();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        let masks = of_threads(pid, set);
        assert!(masks.iter().all(|m| m == "0000000000000000"), "{what}: {set} {masks:?}");
    }
    for (field, value) in [("Groups", ""), ("NoNewPrivs", "1"), ("Seccomp", "2")] {
        let values = of_threads(pid, field);
        assert!(values.iter().all(|v| v == value), "{what}: {field} {values:?}");
    }
}

fn user(running: &Running) -> Vec<String> {
    let ids = of_threads(running.child.id(), "Uid").join("\t");
    let mut ids: Vec<String> = ids.split('\t').map(str::to_owned).collect();
    ids.dedup();
    ids
}

/// Captures three segments of loopback with these arguments, and looks at the process while it waits for them.
fn three_segments(server: &Server, command: &mut Command, user_id: &str, what: &str) -> (String, String) {
    let ours = listening(command);
    is_powerless(&ours, what);
    assert_eq!(user(&ours), [user_id], "{what}");
    server.ask(b"hello");
    let (code, out, words) = ours.finish();
    assert_eq!(code, Some(0), "{what}: {words}");
    assert!(words.contains("3 packets "), "{what}: {words}");
    (out, words)
}

#[test]
fn nothing_is_left_while_it_captures_in_any_form() {
    let Some(server) = server() else { return };
    let port = server.port();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("x.pcap");
    let file = file.to_str().expect("text");
    for form in [
        &[][..],
        &["-v"],
        &["--json"],
        &["-w", file],
        &["-w", "/dev/null"],
        &["--via", "raw"],
        &["--via", "io_uring"],
    ] {
        let base = ["-i", "lo", "--port", &port, "-c", "3"];
        let what = format!("{form:?}");
        let mut command = sniff(&[&base[..], form].concat());
        let (out, words) = three_segments(&server, command.env_remove("SUDO_UID"), "65534", &what);
        assert_eq!(words.lines().count(), 2, "no more words than ever: {words}");
        assert_eq!(out.is_empty(), form.first() == Some(&"-w"), "{what}: {out}");
    }
    let made = std::fs::metadata(file).expect("it was made");
    assert_eq!(made.uid(), 0, "nobody owns nothing");
    let (code, out, words) = {
        let output = sniff(&["-r", file]).output().expect("syskit");
        (output.status.code(), common::out(&output), common::err(&output))
    };
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{words}");
}

#[test]
fn it_becomes_who_called_sudo_or_who_is_named() {
    let Some(server) = server() else { return };
    let port = server.port();
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    for (name, arguments, environment, owner) in [
        ("sudo", &[][..], Some("12345"), 12345),
        ("root by sudo", &[], Some("0"), 65534),
        ("no user at all", &[], Some("4294967295"), 65534),
        ("named", &["-Z", "daemon"], Some("12345"), 1),
        ("numbered", &["-Z", "1"], None, 1),
        ("root", &["-Z", "root"], Some("12345"), 0),
    ] {
        let file = path(name);
        let base = ["-i", "lo", "--port", &port, "-c", "3", "-w", file.to_str().expect("text")];
        let mut command = sniff(&[&base[..], arguments].concat());
        command.env_remove("SUDO_UID");
        if let Some(id) = environment {
            command.env("SUDO_UID", id).env("SUDO_GID", id);
        }
        three_segments(&server, &mut command, &owner.to_string(), name);
        let owned = std::fs::metadata(&file).expect("it was made").uid();
        assert_eq!(owned, if owner == 65534 { 0 } else { owner }, "{name}");
    }
    // A file that was there stays whose it is.
    let file = path("sudo");
    std::os::unix::fs::chown(&file, Some(7), Some(7)).expect("root");
    let mut command = sniff(&["-i", "lo", "--port", &port, "-c", "3", "-w", file.to_str().expect("text")]);
    three_segments(&server, command.env("SUDO_UID", "12345").env("SUDO_GID", "12345"), "12345", "again");
    assert_eq!(std::fs::metadata(&file).expect("it is there").uid(), 7);
}

#[test]
fn a_user_that_cannot_be_become_is_an_error_where_he_was_asked_for_only() {
    let Some(_) = server() else { return };
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output().expect("it runs");
        (output.status.code(), common::err(&output))
    };
    let (code, words) = run(&mut sniff(&["-i", "lo", "-Z", "no\x1bone", "--for", "50ms"]));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains(r"-Z: there is no user 'no\u{1b}one'"), "{words}");
    if !has_program("setpriv", "util-linux") {
        return;
    }
    let syskit = env!("CARGO_BIN_EXE_syskit");
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let ambient = ["--inh-caps=+net_raw", "--ambient-caps=+net_raw", syskit, "sniff", "--for", "50ms"];
    let (code, words) = run(Command::new("setpriv").args(nobody).args(ambient).args(["-Z", "daemon"]));
    assert_eq!(code, Some(4), "{words}");
    assert!(words.contains("cannot become user 1: ") && words.contains("CAP_SETUID"), "{words}");
    // Root of a user namespace, where no other user is.
    if !Command::new("unshare").args(["--map-root-user", "true"]).status().is_ok_and(|s| s.success()) {
        return common::skip("no user namespace can be made (unshare of util-linux)");
    }
    let namespace = ["--map-root-user", "--net", syskit, "sniff", "--for", "50ms"];
    let (code, words) = run(Command::new("unshare").args(namespace).env_remove("SUDO_UID"));
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("staying user 0, without capabilities"), "{words}");
}

#[test]
fn a_capability_of_an_ordinary_user_is_given_up_too() {
    let Some(server) = server() else { return };
    if !has_program("setpriv", "util-linux") {
        return;
    }
    let port = server.port();
    for via in ["packet", "raw", "io_uring"] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=7", "--regid=7", "--clear-groups", "--inh-caps=+net_raw", "--ambient-caps=+net_raw"]);
        command.args(["--bounding-set=-all,+net_raw", env!("CARGO_BIN_EXE_syskit")]);
        let base = ["sniff", "tcp", "-i", "lo", "--port", &port, "-c", "3", "--via", via];
        let ours = listening(command.args(base).stdout(Stdio::piped()));
        for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
            assert_eq!(of_threads(ours.child.id(), set), ["0000000000000000"], "{via}: {set}");
        }
        assert_eq!((of_threads(ours.child.id(), "Seccomp"), user(&ours)), (vec!["2".into()], vec!["7".into()]));
        server.ask(b"hello");
        let (code, out, words) = ours.finish();
        assert_eq!((code, out.lines().count()), (Some(0), 3), "{via}: {words}");
    }
}

#[test]
fn a_file_is_read_without_privilege() {
    let Some(_) = server() else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let bytes = small(&[80, 81]);
    // Root alone can read the one; the other goes on while we look.
    let secret = directory.path().join("secret.pcap");
    std::fs::write(&secret, &bytes).expect("a file");
    set_permissions(&secret, Permissions::from_mode(0o600)).expect("a mode");
    let output = sniff(&["-r", secret.to_str().expect("text")]).output().expect("syskit");
    assert_eq!(output.status.code(), Some(0), "{}", common::err(&output));
    let pipe = directory.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let mut command = sniff(&["-r", pipe.to_str().expect("text")]);
    let writer = std::thread::spawn(move || {
        let mut writer: File = OpenOptions::new().write(true).open(pipe).expect("the pipe");
        writer.write_all(&bytes).expect("a reader");
        writer
    });
    let ours = listening_to_a_file(&mut command);
    let writer = writer.join().expect("the writer");
    is_powerless(&ours, "-r");
    assert_eq!(user(&ours), ["65534"]);
    drop(writer);
    let (code, _, words) = ours.finish();
    assert_eq!(code, Some(0), "{words}");
}

/// The words of `-r` hold no "listening on": wait for what they do hold.
fn listening_to_a_file(command: &mut Command) -> Running {
    common::live::saying(command.env_remove("SUDO_UID"), "reading from")
}

#[test]
fn no_call_is_made_that_is_refused() {
    let Some(server) = server() else { return };
    if !has_program("strace", "strace") {
        return;
    }
    let port = server.port();
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
    let (trace, file) = (path("trace"), path("x.pcapng"));
    for zone in [None, Some("Asia/Tokyo"), Some(":/no/such/zone")] {
        for form in
            [&["-v"][..], &["--json"], &["-w", &file], &["--via", "raw"], &["--via", "io_uring"], &["--stopped"]]
        {
            let stopped = form == ["--stopped"];
            let form = if stopped { &[] } else { form };
            let mut command = Command::new("strace");
            command
                .args(["-f", "-o", &trace, env!("CARGO_BIN_EXE_syskit"), "sniff", "tcp", "--port", &port])
                .args(form);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).env_remove("TZ");
            if let Some(zone) = zone {
                command.env("TZ", zone);
            }
            let mut ours = listening(if stopped { &mut command } else { command.args(["-c", "3"]) });
            server.ask(b"hello");
            if stopped {
                let mut line = String::new();
                BufReader::new(ours.child.stdout.as_mut().expect("a pipe")).read_line(&mut line).expect("a line");
                let traced = of_children(ours.child.id());
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(traced), Signal::SIGINT);
            }
            let (code, _, words) = ours.finish();
            assert_eq!(code, Some(0), "{zone:?} {form:?}: {words}");
            let trace = read_to_string(&trace).expect("a trace");
            let (_, confined) = trace.split_once("seccomp(SECCOMP_SET_MODE_FILTER").expect("the filter");
            let refused: Vec<&str> =
                confined.lines().filter(|l| l.contains("EPERM") || l.contains("ENOSYS")).collect();
            assert!(refused.is_empty(), "{zone:?} {form:?}: {refused:?}");
            assert!(confined.contains("getsockopt(") && confined.contains("exit_group(0)"), "{confined}");
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once_all_the_same() {
    let Some(_) = server() else { return };
    let ours = listening(&mut sniff(&["-i", "lo", "--port", "1"]));
    // Both are there when it goes on.
    for signal in [Signal::SIGSTOP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGCONT] {
        ours.signal(signal);
    }
    let (code, _, words) = ours.finish();
    assert_eq!(code, None, "{words}");
}

/// What the child of the next test does with what it keeps: a word and whether it could.
fn tried(directory: &Path) -> Vec<(&'static str, bool)> {
    let packet = socket(AddressFamily::Packet, SockType::Raw, SockFlag::empty(), None);
    vec![
        ("make", File::create(directory.join("made")).is_ok()),
        ("rename", std::fs::rename(directory.join("made"), directory.join("renamed")).is_ok()),
        ("read", File::open("/etc/passwd").is_ok()),
        ("see root's sockets", std::fs::read_link(format!("/proc/{}/fd/0", parent_id())).is_ok()),
        ("execute", Command::new("true").status().is_ok()),
        ("capture", packet.is_ok()),
        ("become root", nix::unistd::setuid(nix::unistd::Uid::from_raw(0)).is_ok()),
        ("start a thread", std::thread::Builder::new().spawn(|| {}).is_ok_and(|t| t.join().is_ok())),
        ("signal others", nix::sys::signal::kill(nix::unistd::getppid(), None).is_ok()),
    ]
}

const CHILD: &str = "SYSKIT_TEST_KEEP";

/// Not a test of its own: the process that the next one starts, as nothing that is given up comes back.
#[test]
fn in_a_process_of_its_own() {
    let Some(what) = std::env::var_os(CHILD) else { return };
    let what = what.into_string().expect("text");
    let (kind, directory) = what.split_once(':').expect("two parts");
    let directory = Path::new(directory);
    let keep = match kind {
        "nothing" => Keep::default(),
        "directory" => Keep { directory: Some(directory.to_owned()), ..Keep::default() },
        "reading" => Keep { reading: true, ..Keep::default() },
        "processes" => Keep { processes: true, ..Keep::default() },
        "children" => Keep { children: true, ..Keep::default() },
        other => panic!("{other}"),
    };
    let privileges = Privileges::becoming(None).expect("nobody");
    let words = privileges.drop(&keep).expect("all given up");
    let could: Vec<&str> = tried(directory).into_iter().filter(|(_, could)| *could).map(|(what, _)| what).collect();
    println!("COULD {could:?} AS {} SAID {words:?} END", nix::unistd::geteuid());
}

#[test]
fn what_is_kept_is_just_what_was_asked_for() {
    let Some(_) = server() else { return };
    // Nobody may be kept out of TMPDIR.
    let folder = tempfile::tempdir_in("/tmp").expect("a directory");
    let open = folder.path().join("open");
    let closed = folder.path().join("closed");
    for (path, mode) in [(&open, 0o777), (&closed, 0o755), (&folder.path().to_owned(), 0o755)] {
        let _ = std::fs::create_dir(path);
        set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
    }
    let say = |kind: &str, directory: &Path| {
        let mut child = Command::new(std::env::current_exe().expect("this program"));
        child.args(["--exact", "in_a_process_of_its_own", "--nocapture"]).env_remove("SUDO_UID");
        let output = child.env(CHILD, format!("{kind}:{}", directory.display())).output().expect("it runs");
        let out = common::out(&output);
        let (_, said) = out.split_once("COULD ").unwrap_or_else(|| panic!("{out}{}", common::err(&output)));
        said.split_once(" END").expect("the end").0.to_owned()
    };
    let thread = r#""start a thread""#;
    for (kind, could) in [
        ("nothing", format!("[{thread}]")),
        ("directory", format!(r#"["make", "rename", "read", {thread}]"#)),
        ("reading", format!(r#"["read", {thread}]"#)),
        ("processes", format!(r#"["read", "see root's sockets", {thread}]"#)),
        ("children", format!(r#"[{thread}, "signal others"]"#)),
    ] {
        assert_eq!(say(kind, &open), format!("{could} AS 65534 SAID []"), "{kind}");
    }
    // Root's own directory: it stays root, who may write there as its owner, but has no capability.
    let said = say("directory", &closed);
    assert!(
        said.starts_with(&format!(r#"["make", "rename", "read", {thread}] AS 0 SAID ["sniff: cannot become"#)),
        "{said}"
    );
    assert!(
        said.contains("could not make files in") && said.contains("staying user 0, without capabilities"),
        "{said}"
    );
}

/// The one child of a process.
fn of_children(pid: u32) -> i32 {
    let children = read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("a process");
    children.trim().parse().expect("one child")
}
