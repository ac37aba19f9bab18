//! Where keys of `syskit crypt` come from, and that they go nowhere. Tools: python3 (a terminal), setsid (util-linux).

mod common;

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use common::crypt::{Vault, typed};
use common::trial::{signal, wait_for};
use common::{Ran, root, skip};
use nix::sys::signal::Signal;

fn vault() -> Vault {
    let vault = Vault::new();
    vault.bench.write("text", b"attack at dawn");
    vault
}

#[test]
fn keygen_writes_a_key_that_works_and_replaces_nothing() {
    let vault = vault();
    for (bytes, len) in [("16", 33), ("24", 49), ("32", 65), ("64", 129)] {
        let ran = vault.run(&["keygen", bytes, "--bytes", bytes, "--json"]);
        let text = String::from_utf8(vault.bench.read(bytes)).unwrap();
        assert!(text.len() == len && text.trim_end().bytes().all(|b| b.is_ascii_hexdigit()), "{text}");
        assert!(!ran.ok().out.contains(text.trim_end()) && !ran.err.contains(text.trim_end()));
        assert_eq!(vault.mode(bytes), 0o600);
    }
    let before = vault.bench.read("32");
    vault.run(&["keygen", "32"]).fails(1, &["32 exists", "would be lost"]);
    assert!(vault.bench.read("32") == before);
    vault.run(&["keygen", "-"]).fails(2, &["a key is written to a file"]);
    vault.run(&["keygen", "."]).fails(2, &["is a directory"]);
    vault.run(&["encrypt", "text", "--key-file", "32"]).ok();
    vault.run(&["decrypt", "text.syskit", "-o", "back", "--key-file", "32"]).ok();
    vault.run(&["keygen", "other"]).ok();
    assert!(vault.bench.read("other") != before);
    vault
        .run(&["decrypt", "text.syskit", "-o", "x", "--key-file", "other"])
        .fails(1, &["another key", "x was not made"]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_fix() {
    let vault = vault();
    let set = |mode| std::fs::set_permissions(vault.bench.path("key"), PermissionsExt::from_mode(mode)).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o666, 0o610, 0o777] {
        set(mode);
        vault.with_key("encrypt", &["text"]).fails(1, &["key file key has mode", "chmod 600 key"]);
    }
    assert_eq!(vault.bench.names(), ["key", "text"]);
    for mode in [0o600, 0o400, 0o700] {
        set(mode);
        vault.with_key("encrypt", &["text", "-f"]).ok();
    }
    if !root() {
        return skip("a key file of another user: needs root");
    }
    std::os::unix::fs::chown(vault.bench.path("key"), Some(12345), None).unwrap();
    vault.with_key("encrypt", &["text", "-f"]).fails(1, &["belongs to user 12345"]);
}

#[test]
fn a_key_is_32_bytes_or_64_digits_and_is_in_no_message() {
    let vault = vault();
    for (content, word) in [
        (&b""[..], "is empty"),
        (b"swordfish", "has 9 bytes"),
        (&[200; 31], "has 31 bytes"),
        (&[200; 33], "has 33 bytes"),
        (&[200; 5000], "is too long"),
        (b"00112233445566778899aabbccddeeff", "has 32 hexadecimal digits"),
    ] {
        vault.key("key", content);
        let ran = vault.with_key("encrypt", &["text"]);
        ran.fails(1, &["key file key", word, "keygen"]);
        assert!(!ran.err.contains("sword") && !ran.err.contains("0011"), "{}", ran.err);
    }
    vault.run(&["encrypt", "text", "--key-file", "nowhere"]).fails(1, &["nowhere", "ENOENT"]);
    vault.run(&["encrypt", "text", "--key-file", "/dev/zero"]).fails(1, &["neither a file nor a pipe"]);
    vault.run(&["encrypt", "text", "--key-file", "."]).fails(1, &["it is a directory"]);
    assert_eq!(vault.bench.names(), ["key", "text"]);
}

#[test]
fn a_key_comes_from_the_environment_and_through_pipes() {
    let vault = vault();
    let ran = vault.command(["encrypt", "text"]).env("SYSKIT_KEY_FILE", "key").output().unwrap();
    Ran::of(ran).ok();
    vault.with_key("decrypt", &["text.syskit", "-o", "back"]).ok();
    // Standard input is the key, then a FIFO that its writer opens later.
    let ran = vault.piped(&["decrypt", "text.syskit", "-o", "back", "-f", "--key-file", "-"], &[b'k'; 32]);
    assert!(ran.status.success(), "{}", common::err(&ran));
    nix::unistd::mkfifo(&vault.bench.path("fifo"), nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR)
        .unwrap();
    let reader = vault.command(["decrypt", "text.syskit", "-o", "back", "-f", "--key-file", "fifo"]).spawn().unwrap();
    std::fs::write(vault.bench.path("fifo"), [b'k'; 32]).unwrap();
    Ran::of(reader.wait_with_output().unwrap()).ok();
    assert_eq!(vault.bench.read("back"), b"attack at dawn");
    vault.run(&["encrypt", "-", "--key-file", "-"]).fails(2, &["cannot both come from standard input"]);
    vault.run(&["decrypt", "text.syskit", "-f", "-o", "back"]).fails(1, &["encrypted with a key file", "--key-file"]);
}

#[test]
fn a_passphrase_is_asked_for_twice_and_never_shown() {
    let vault = vault();
    let ran = typed(&vault, &["correct horse", "correct horse"], &["encrypt", "text"]);
    assert!(ran.ok().out.contains("Passphrase: ") && ran.out.contains("Again: "), "{}", ran.out);
    assert!(!ran.out.contains("horse"), "{}", ran.out);
    let ran = typed(&vault, &["correct horse"], &["decrypt", "text.syskit", "-o", "back"]);
    assert!(!ran.ok().out.contains("Again"), "{}", ran.out);
    assert_eq!(vault.bench.read("back"), b"attack at dawn");
    let fails = |lines: &[&str], args: &[&str], word: &str| {
        let ran = typed(&vault, lines, args);
        assert_eq!(ran.code, Some(1), "{}{}", ran.out, ran.err);
        assert!(ran.out.contains(word), "no '{word}' in {}", ran.out);
    };
    let names = vault.bench.names();
    fails(&["correct house"], &["decrypt", "text.syskit", "-o", "x"], "another passphrase");
    fails(&[""], &["encrypt", "text", "-o", "x"], "the passphrase is empty");
    fails(&["one", "two"], &["encrypt", "text", "-o", "x"], "the two passphrases differ");
    // The terminal shows what is typed again after Ctrl-C too, or this gives status 9.
    fails(&["^C"], &["encrypt", "text", "-o", "x"], "interrupted");
    fails(&["one", "^C"], &["encrypt", "text", "-o", "x"], "interrupted");
    vault.with_key("decrypt", &["text.syskit", "-o", "x"]).fails(1, &["with a passphrase, not with a key file"]);
    assert_eq!(vault.bench.names(), names);
}

#[test]
fn without_a_terminal_the_way_with_a_key_file_is_named() {
    let vault = vault();
    let mut command = std::process::Command::new("setsid");
    command.args(["--wait", env!("CARGO_BIN_EXE_syskit"), "crypt", "encrypt", "text"]).stdin(Stdio::null());
    let ran = command.current_dir(vault.bench.dir()).env_remove("SYSKIT_KEY_FILE").output().unwrap();
    Ran::of(ran).fails(1, &["no terminal", "/dev/tty", "ENXIO", "--key-file"]);
}

#[test]
fn a_key_is_not_in_the_command_line_nor_in_a_core_dump() {
    let vault = vault();
    let plain = vault.command(["encrypt", "-", "--key-file", "key"]);
    // A core limit of 0 to begin with would say nothing of what the program does to it.
    let raise = "ulimit -c unlimited 2>/dev/null || ulimit -S -c \"$(ulimit -H -c)\"";
    let raised = std::process::Command::new("sh").args(["-c", &format!("{raise}; ulimit -c")]).output().unwrap();
    if raised.stdout.trim_ascii() == b"0" {
        return skip("the hard limit of core files is 0 here: that the program lowers it cannot be seen");
    }
    let mut raised = std::process::Command::new("sh");
    raised.args(["-c", &format!("{raise}; exec \"$0\" \"$@\"")]).arg(plain.get_program()).args(plain.get_args());
    raised.current_dir(plain.get_current_dir().unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
    plain.get_envs().for_each(|(name, value)| match value {
        Some(value) => drop(raised.env(name, value)),
        None => drop(raised.env_remove(name)),
    });
    let (mut child, stdin) = waiting(raised);
    let of = |name: &str| std::fs::read(format!("/proc/{}/{name}", child.id())).unwrap();
    let key = [b'k'; 32];
    assert!(!of("cmdline").windows(32).any(|w| w == key) && !of("environ").windows(32).any(|w| w == key));
    let limits = String::from_utf8(of("limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    signal(&child, Signal::SIGKILL);
    drop(stdin);
    child.wait().unwrap();
}

/// A run that has its key and waits for its input.
fn waiting(mut command: std::process::Command) -> (std::process::Child, std::process::ChildStdin) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    wait_polling(&child);
    (child, stdin)
}

fn wait_polling(child: &std::process::Child) {
    let poll = format!("{} ", nix::libc::SYS_poll);
    let now = format!("/proc/{}/syscall", child.id());
    wait_for("poll", || std::fs::read_to_string(&now).is_ok_and(|s| s.starts_with(&poll)));
}

#[test]
fn another_process_of_the_user_may_not_read_the_memory() {
    if !root() {
        return skip("another user's view of a process: needs root to become one");
    }
    let vault = vault();
    // Without CAP_SYS_PTRACE root is as any other user here; cat shows that the way is open as such.
    let script = "\
        opens() { dd if=/proc/$1/mem of=/dev/null count=0 2>/dev/null; }\n\
        mkfifo wait; exec 3<>wait\n\
        cat <&3 & other=$!\n\
        \"$0\" crypt encrypt - -o out --key-file key <&3 & ours=$!\n\
        tries=0; while opens $ours && [ $tries -lt 300 ]; do sleep 0.05; tries=$((tries + 1)); done\n\
        opens $other; echo $?; kill -0 $ours && { opens $ours; echo $?; }\n\
        kill $other $ours";
    let ran = std::process::Command::new("setpriv")
        .args(["--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_syskit"))
        .current_dir(vault.bench.dir())
        .output()
        .unwrap();
    assert_eq!(common::out(&ran), "0\n1\n", "{}", common::err(&ran));
}

#[test]
fn an_existing_output_is_replaced_only_when_asked() {
    let vault = vault();
    vault.with_key("encrypt", &["text"]).ok();
    let before = vault.bench.read("text.syskit");
    vault.with_key("encrypt", &["text"]).fails(1, &["text.syskit exists", "--force"]);
    vault.with_key("decrypt", &["text.syskit"]).fails(1, &["text exists", "--force"]);
    assert!(vault.bench.read("text.syskit") == before && vault.bench.read("text") == b"attack at dawn");
    vault.with_key("encrypt", &["text", "--force"]).ok();
    assert!(vault.bench.read("text.syskit") != before);
    // A file that comes into being meanwhile is not replaced either.
    let args = ["encrypt", "-", "-o", "late", "--key-file", "key"];
    let mut child = vault.command(args).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    wait_polling(&child);
    vault.bench.write("late", b"theirs");
    drop(stdin);
    Ran::of(child.wait_with_output().unwrap()).fails(1, &["late exists"]);
    assert_eq!(vault.bench.read("late"), b"theirs");
    // Names.
    vault.with_key("decrypt", &["text"]).fails(2, &["does not end in .syskit", "-o"]);
    vault.with_key("encrypt", &["text", "-o", "text", "-f"]).fails(1, &["same file"]);
    vault.with_key("encrypt", &["text", "-o", "."]).fails(2, &["is a directory"]);
    vault.with_key("encrypt", &["."]).fails(1, &["it is a directory"]);
    vault.with_key("encrypt", &["text", "-o", "nowhere/x"]).fails(1, &["nowhere/x", "ENOENT"]);
    vault.with_key("encrypt", &["text", "-o", "-", "--json"]).fails(2, &["cannot both go to standard output"]);
}

#[test]
fn the_mode_is_0600_whatever_the_umask_and_the_source() {
    let vault = vault();
    std::fs::set_permissions(vault.bench.path("text"), PermissionsExt::from_mode(0o777)).unwrap();
    for umask in ["000", "077", "022"] {
        let script = format!("umask {umask}; \"$0\" crypt encrypt text -f --key-file key");
        let mut sh = std::process::Command::new("sh");
        sh.args(["-c", &script, env!("CARGO_BIN_EXE_syskit")]).current_dir(vault.bench.dir());
        Ran::of(sh.output().unwrap()).ok();
        assert_eq!(vault.mode("text.syskit"), 0o600);
    }
}
