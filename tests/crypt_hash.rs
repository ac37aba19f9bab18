//! `syskit crypt hash` against the real tools: sha256sum and its like, b2sum, openssl dgst.

mod common;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Bench, have, noise, skip, syskit};

/// Our name of a digest, and the program of coreutils that computes it.
const PROGRAMS: [(&str, &str); 6] = [
    ("md5", "md5sum"),
    ("sha1", "sha1sum"),
    ("SHA224", "sha224sum"),
    ("sha256", "sha256sum"),
    ("SHA2-512", "sha512sum"),
    ("blake2b", "b2sum"),
];

fn ours<I: AsRef<OsStr>>(dir: &Path, args: impl IntoIterator<Item = I>) -> Output {
    syskit(dir).args(["crypt", "hash"]).args(args).output().unwrap()
}

fn theirs<I: AsRef<OsStr>>(dir: &Path, program: &str, args: impl IntoIterator<Item = I>) -> Output {
    Command::new(program).args(args).current_dir(dir).env("LC_ALL", "C").output().unwrap()
}

/// `count` files of odd sizes with odd names.
fn odd_files(bench: &Bench, count: usize) -> Vec<OsString> {
    const SIZES: [usize; 22] =
        [0, 1, 2, 3, 55, 56, 57, 63, 64, 65, 111, 112, 113, 127, 128, 129, 135, 136, 4095, 4097, 131_072, 131_073];
    const PIECES: [&[u8]; 12] =
        [b"\n", b"\\", b"\r", b" ", b"*", b"-", b"\xff\xfe", b"(", b") = ", b"\\n", b"\xe6\x97\xa5", b"\x1b[31m"];
    let mut rng = fastrand::Rng::with_seed(20);
    let content = noise(200_000);
    (0..count)
        .map(|i| {
            // The first byte is often an odd one too, a dash among them.
            let mut name = Vec::new();
            for _ in 0..rng.usize(0..4) {
                name.extend_from_slice(rng.choice(PIECES).unwrap());
            }
            name.extend_from_slice(i.to_string().as_bytes());
            for _ in 0..rng.usize(0..3) {
                name.extend_from_slice(rng.choice(PIECES).unwrap());
            }
            let size = SIZES.get(i).copied().unwrap_or_else(|| rng.usize(0..200_000) >> rng.u32(0..12));
            let start = rng.usize(0..=content.len() - size);
            let name = OsString::from_vec(name);
            std::fs::write(bench.dir().join(&name), &content[start..start + size]).unwrap();
            name
        })
        .collect()
}

fn with<'a>(options: &[&'a str], names: &'a [OsString]) -> Vec<&'a OsStr> {
    let options = options.iter().map(|o| OsStr::new(*o));
    options.chain([OsStr::new("--")]).chain(names.iter().map(|n| n.as_os_str())).collect()
}

#[test]
fn a_thousand_odd_files_give_byte_for_byte_what_coreutils_gives_and_each_checks_the_other() {
    let bench = Bench::new();
    let names = odd_files(&bench, 1000);
    for (name, program) in PROGRAMS {
        for style in [&[][..], &["--binary"], &["--tag"], &["-z"]] {
            let our = ours(bench.dir(), with(&[&["-a", name], style].concat(), &names));
            let their = theirs(bench.dir(), program, with(style, &names));
            assert!(our.status.success() && their.status.success(), "{name} {style:?}");
            assert!(our.stdout == their.stdout, "{name} {style:?} differs from {program}");
            assert!(our.stderr.is_empty());
            if style == ["-z"] {
                continue; // No list that either of them checks
            }
            bench.write("list", &our.stdout);
            let our = ours(bench.dir(), ["-a", name, "--check", "list"]);
            let their = theirs(bench.dir(), program, ["--check", "list"]);
            assert_eq!((our.status.code(), their.status.code()), (Some(0), Some(0)), "{name} {style:?}");
            assert!(our.stdout == their.stdout, "check of {name} {style:?} differs from {program}");
        }
    }
}

#[test]
fn every_digest_is_that_of_openssl_by_every_backend() {
    if !have("openssl") {
        return skip("openssl is not installed");
    }
    let bench = Bench::new();
    // No newline in a name: openssl dgst does not escape them as coreutils does.
    let names: Vec<OsString> =
        odd_files(&bench, 60).into_iter().filter(|n| !n.as_bytes().iter().any(|b| b"\n\r\\".contains(b))).collect();
    let names: Vec<OsString> = names.iter().map(|n| Path::new(".").join(n).into_os_string()).collect();
    for name in [
        "md5",
        "sha1",
        "sha224",
        "sha256",
        "sha384",
        "sha512",
        "sha3-224",
        "sha3-256",
        "sha3-384",
        "sha3-512",
        "blake2b512",
    ] {
        let args = ["dgst", &format!("-{name}"), "-r"];
        let their =
            theirs(bench.dir(), "openssl", args.iter().map(OsStr::new).chain(names.iter().map(|n| n.as_os_str())));
        assert!(their.status.success(), "{}", String::from_utf8_lossy(&their.stderr));
        for backend in syskit::recipes::crypt::backend::BACKENDS {
            let our = ours(bench.dir(), with(&["-a", name, "--binary", "--via", backend.name()], &names));
            if our.status.code() == Some(3) {
                common::skip(&format!(
                    "{name} by {}: {}",
                    backend.name(),
                    String::from_utf8_lossy(&our.stderr).trim()
                ));
                continue;
            }
            assert!(
                our.stdout == their.stdout,
                "{name} by {}: {}",
                backend.name(),
                String::from_utf8_lossy(&our.stderr)
            );
        }
        // The form that openssl writes without -r carries its own tag: SHA2-256(./name)= digest.
        let args = ["dgst", &format!("-{name}")];
        let list =
            theirs(bench.dir(), "openssl", args.iter().map(OsStr::new).chain(names.iter().map(|n| n.as_os_str())));
        bench.write("list", &list.stdout);
        let checked = ours(bench.dir(), ["--check", "--quiet", "--strict", "list"]);
        assert_eq!((checked.status.code(), checked.stdout.len()), (Some(0), 0), "{name}");
    }
}

/// A list of checksums, harmed in one of the ways that lists are.
fn harmed(list: &[u8], rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut harmed = list.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..harmed.len());
        match rng.u8(0..7) {
            0 => harmed[at] ^= 1 << rng.u8(0..7),
            1 => drop(harmed.remove(at)),
            2 => harmed.insert(at, *rng.choice(b" *\\\n\r#(=0g\t)").unwrap()),
            3 => harmed.truncate(at.max(1)),
            4 => harmed.splice(at..at, *b"# words\n\n").for_each(drop),
            5 => harmed[at] = harmed[at].to_ascii_uppercase(),
            _ => harmed.splice(at..at, *b"\r\n").for_each(drop),
        }
        if harmed.is_empty() {
            harmed.push(b'x');
        }
    }
    harmed
}

/// Their words on stderr with our name before them.
fn as_ours(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr).replace("sha256sum: ", "syskit: crypt hash: ");
    // A file that cannot be opened is named by each in its own words.
    let told = |line: &&str| line.contains("WARNING") || line.contains("checksum line") || line.contains("verified");
    text.lines().filter(told).map(str::to_owned).collect()
}

#[test]
fn damaged_lists_are_judged_as_sha256sum_judges_them() {
    let bench = Bench::new();
    for name in ["a", "b c", "d\ne", "f\\", "g\r", "*h", " i"] {
        bench.write(name, name.as_bytes());
    }
    let names: Vec<OsString> = ["a", "b c", "d\ne", "f\\", "g\r", "*h", " i"].iter().map(OsString::from).collect();
    let mut rng = fastrand::Rng::with_seed(9);
    let options = [
        &[][..],
        &["--quiet"],
        &["--status"],
        &["--strict"],
        &["--ignore-missing"],
        &["-w"],
        &["--strict", "-w", "--quiet"],
    ];
    for round in 0..280 {
        let style: &[&str] = [&[][..], &["--binary"], &["--tag"]][round % 3];
        let list = theirs(bench.dir(), "sha256sum", with(style, &names)).stdout;
        bench.write("list", &harmed(&list, &mut rng));
        let args = [options[round % options.len()], &["--check", "list"]].concat();
        // With the algorithm named, as in sha256sum: its own tag and no other.
        let our = ours(bench.dir(), [&["-a", "sha256"][..], &args].concat());
        let their = theirs(bench.dir(), "sha256sum", &args);
        let shown = || format!("{args:?} of\n{}", String::from_utf8_lossy(&bench.read("list")));
        assert_eq!(our.status.code(), their.status.code(), "{}", shown());
        assert!(
            our.stdout == their.stdout,
            "{}\n{}\nbut\n{}",
            shown(),
            String::from_utf8_lossy(&our.stdout),
            String::from_utf8_lossy(&their.stdout)
        );
        assert_eq!(as_ours(&our.stderr), as_ours(&their.stderr), "{}", shown());
    }
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_done() {
    let bench = Bench::new();
    bench.write("a", b"abc");
    std::fs::create_dir(bench.path("dir")).unwrap();
    let args = ["a", "none", "dir", "/proc/self/mem", "a"];
    let (our, their) = (ours(bench.dir(), args), theirs(bench.dir(), "sha256sum", args));
    assert_eq!((our.status.code(), &our.stdout), (their.status.code(), &their.stdout));
    let words = String::from_utf8(our.stderr).unwrap();
    for word in [
        "none: open: no such file or directory (ENOENT)",
        "dir: read: is a directory (EISDIR)",
        "/proc/self/mem: read: ",
    ] {
        assert!(words.contains(word), "{words}");
    }
    for usage in [
        &["-a", "sha257", "a"][..],
        &["-a", "hmac-sha256", "a"],
        &["--key-file", "a", "a"],
        &["--quiet", "a"],
        &["--tag", "--check", "a"],
    ] {
        let ran = ours(bench.dir(), usage);
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(2), 0), "{usage:?}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ran = syskit(bench.dir()).args(["crypt", "hash", "a"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(ran.code(), Some(1));
}

#[test]
fn lists_and_files_come_by_pipes_and_standard_input() {
    let bench = Bench::new();
    let script = |line: &str| {
        let line = line.replace("HASH", concat!(env!("CARGO_BIN_EXE_syskit"), " crypt hash"));
        let ran = Command::new("bash").args(["-c", &line]).current_dir(bench.dir()).output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stdout).unwrap())
    };
    // Bytes that come in parts, and a list whose lines come in parts.
    bench.write("big", &noise(300_001));
    let (code, list) = script("(head -c 1000 big; sleep 0.1; tail -c +1001 big) | HASH");
    assert_eq!((code, list.replace('-', "big")), (Some(0), script("sha256sum big").1));
    let parts = "sum=$(sha256sum big); (printf %s \"${sum:0:40}\"; sleep 0.1; printf '%s\\r\\n# end' \"${sum:40}\") | HASH -c";
    assert_eq!(script(parts), (Some(0), "big: OK\n".to_owned()));
    for line in [
        "HASH - - < big",
        "cat big | HASH big - big /dev/stdin",
        "HASH <(cat big) | cut -c 1-64",
        "mkfifo f; (cat big >f &); HASH f",
    ] {
        let ours = script(line);
        let theirs = script(&line.replace("HASH", "sha256sum").replace("mkfifo f;", ""));
        assert_eq!(ours, theirs, "{line}");
    }
    assert_eq!(script("sha256sum big | sed 's/big/-/' | HASH -c").0, Some(1));
}

#[test]
fn an_endless_line_takes_no_memory_and_is_no_checksum() {
    let bench = Bench::new();
    bench.write("a", b"abc");
    let list = "(sha256sum a; head -c 300000000 /dev/zero | tr '\\0' 'x'; echo; sha256sum a)";
    let line = format!("ulimit -v 2000000; {list} | {} crypt hash -c -w", env!("CARGO_BIN_EXE_syskit"));
    let ran = Command::new("bash").args(["-c", &line]).current_dir(bench.dir()).output().unwrap();
    assert_eq!((ran.status.code(), ran.stdout), (Some(0), b"a: OK\na: OK\n".to_vec()));
    let words = String::from_utf8(ran.stderr).unwrap();
    assert!(words.contains("standard input: 2: improperly formatted SHA256 checksum line"), "{words}");
}

#[test]
fn ctrl_c_ends_it_while_it_waits_and_while_it_reads() {
    use nix::sys::signal::{Signal, kill};
    let bench = Bench::new();
    for file in ["-", "/dev/zero"] {
        let mut child = syskit(bench.dir())
            .args(["crypt", "hash", file])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        std::thread::sleep(std::time::Duration::from_millis(300));
        kill(nix::unistd::Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
        let ran = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!((ran.status.code(), ran.stdout.len()), (Some(1), 0), "{file}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("interrupted"), "{file}");
    }
}

#[test]
fn macs_take_their_key_from_a_file_of_their_own() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let private = |name: &str, content: &[u8], mode| {
        std::fs::set_permissions(bench.write(name, content), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    bench.write("data", &noise(100_000));
    private("raw", b"any bytes\n", 0o600);
    private("hex", b"00ff10203040506070809010a0b0c0d0\n", 0o600);
    private("open", b"any bytes\n", 0o644);
    private("empty", b"", 0o600);
    for (name, key, options) in [
        ("hmac-sha256", "raw", &["-sha256", "-mac", "HMAC", "-macopt", "hexkey:616e792062797465730a"][..]),
        ("hmac(sha512)", "hex", &["-sha512", "-mac", "HMAC", "-macopt", "hexkey:00ff10203040506070809010a0b0c0d0"]),
    ] {
        let our = ours(bench.dir(), ["-a", name, "--key-file", key, "--binary", "data"]);
        let their = theirs(bench.dir(), "openssl", [&["dgst", "-r"], options, &["data"]].concat());
        assert!(
            our.status.success() && our.stdout == their.stdout,
            "{name}: {}",
            String::from_utf8_lossy(&our.stderr)
        );
        bench.write("list", &theirs(bench.dir(), "openssl", [&["dgst"], options, &["data"]].concat()).stdout);
        let checked = ours(bench.dir(), ["-a", name, "--key-file", key, "--check", "list"]);
        assert_eq!(checked.stdout, b"data: OK\n", "{}", String::from_utf8_lossy(&checked.stderr));
    }
    for (name, key, why) in [
        ("hmac-sha1", "open", "chmod 600"),
        ("hmac-sha1", "empty", "is empty"),
        ("cmac-aes-128", "raw", "needs 16 bytes"),
    ] {
        let ran = ours(bench.dir(), ["-a", name, "--key-file", key, "data"]);
        let words = String::from_utf8(ran.stderr).unwrap();
        assert!(ran.status.code() == Some(1) && words.contains(why) && !words.contains("any bytes"), "{words}");
    }
}
