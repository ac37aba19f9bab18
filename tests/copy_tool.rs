//! `syskit copy`: what it copies, into what, and what it refuses. Oracles: cmp (diffutils), du and stat (coreutils).

mod common;

use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::process::{Command, Stdio};

use common::{Bench, Ran, noise, syskit};
use syskit::race::Race;
use syskit::recipes::copy::RACE;

fn mode(bench: &Bench, name: &str) -> u32 {
    bench.path(name).metadata().unwrap().mode() & 0o7777
}

fn chmod(bench: &Bench, name: &str, mode: u32) {
    std::fs::set_permissions(bench.path(name), PermissionsExt::from_mode(mode)).unwrap();
}

fn json(ran: &Ran) -> serde_json::Value {
    serde_json::from_str(&ran.ok().out).unwrap()
}

#[test]
fn every_method_copies_every_size_to_a_new_name_and_over_an_old_one() {
    let bench = Bench::new();
    for size in [0, 1, 4095, 4096, 4097, (1 << 20) + 3, 5 << 20] {
        bench.write("source", &noise(size));
        for name in ["auto"].into_iter().chain(RACE.entrants().iter().filter(|e| !e.limit).map(|e| e.name)) {
            bench.write("old", b"what was there before");
            let _ = std::fs::remove_file(bench.path("new"));
            let may_refuse = ["direct", "reflink"].contains(&name);
            for dst in ["new", "old"] {
                let ran = bench.copy(["source", dst, "--via", name]);
                if may_refuse && ran.code == Some(3) {
                    assert!(ran.err.contains("cannot copy"), "{}", ran.err);
                    assert_eq!(bench.read("old"), b"what was there before");
                    continue;
                }
                ran.ok();
                bench.cmp("source", dst);
            }
        }
    }
    bench.copy(["source", "new"]).ok();
    assert_eq!(bench.names(), ["new", "old", "source"]);
}

#[test]
fn the_mode_is_kept_whatever_the_umask() {
    let bench = Bench::new();
    bench.write("source", b"x");
    for bits in [0o644, 0o600, 0o777, 0o400, 0o4755, 0o1644] {
        chmod(&bench, "source", bits);
        for dst in ["new", "old"] {
            bench.copy(["source", dst]).ok();
            assert_eq!(mode(&bench, dst), bits, "{dst}");
            let owner = bench.path(dst).metadata().unwrap().uid();
            assert_eq!(owner, nix::unistd::geteuid().as_raw());
        }
    }
}

#[test]
fn holes_stay_holes_by_every_method() {
    let bench = Bench::new();
    let source = std::fs::File::create(bench.path("source")).unwrap();
    for at in [1 << 20, 5 << 20] {
        source.write_all_at(&noise(100_000), at).unwrap();
    }
    source.set_len(9 << 20).unwrap();
    for entrant in RACE.entrants().iter().filter(|e| !e.limit) {
        let ran = bench.copy(["source", "copy", "--json", "--via", entrant.name]);
        if ran.code == Some(3) {
            continue;
        }
        let document = json(&ran);
        bench.cmp("source", "copy");
        assert_eq!((document["schema"].as_u64(), document["bytes"].as_u64()), (Some(1), Some(9 << 20)));
        assert_eq!(document["via"], entrant.name);
        let [ours, theirs] = ["copy", "source"].map(|n| bench.path(n).metadata().unwrap().blocks());
        assert!(ours <= theirs + 16, "{}: {ours} blocks, the source has {theirs}", entrant.name);
        if entrant.name != "reflink" {
            assert_eq!(document["holes"], 3);
        }
    }
    source.set_len(0).unwrap();
    source.set_len(1 << 20).unwrap();
    assert_eq!(json(&bench.copy(["source", "copy", "--json"]))["hole_bytes"], 1 << 20);
    bench.cmp("source", "copy");
}

#[test]
fn five_gibibytes_of_hole_with_data_past_two() {
    let bench = Bench::new();
    let source = std::fs::File::create(bench.path("source")).unwrap();
    source.write_all_at(b"far out", 3 << 30).unwrap();
    source.set_len(5 << 30).unwrap();
    let document = json(&bench.copy(["source", "copy", "--json", "--verify"]));
    assert_eq!((document["bytes"].as_u64(), document["verified"].as_bool()), (Some(5 << 30), Some(true)));
    let du = Command::new("du").args(["-k", "copy"]).current_dir(bench.dir()).output().unwrap();
    let blocks: u64 = String::from_utf8(du.stdout).unwrap().split('\t').next().unwrap().parse().unwrap();
    assert!(blocks < 1024, "{blocks} KiB");
    let mut word = [0; 7];
    std::fs::File::open(bench.path("copy")).unwrap().read_exact_at(&mut word, 3 << 30).unwrap();
    assert_eq!(&word, b"far out");
}

#[test]
fn files_of_proc_and_sys_are_read_to_their_end() {
    let bench = Bench::new();
    bench.copy(["/proc/version", "version"]).ok();
    assert_eq!(bench.read("version"), std::fs::read("/proc/version").unwrap());
    let sys = "/sys/kernel/mm/transparent_hugepage/enabled";
    if std::path::Path::new(sys).exists() {
        bench.copy([sys, "enabled"]).ok();
        assert_eq!(bench.read("enabled"), std::fs::read(sys).unwrap());
    }
    // Big enough for several reads.
    bench.copy(["/proc/kallsyms", "kallsyms"]).ok();
    assert_eq!(bench.read("kallsyms").len(), std::fs::read("/proc/kallsyms").unwrap().len());
}

#[test]
fn a_method_that_cannot_says_why_and_leaves_the_old_file() {
    let bench = Bench::new();
    bench.write("old", b"old");
    for method in ["mmap", "copy_file_range"] {
        let ran = bench.copy(["/proc/version", "old", "--via", method]);
        ran.fails(3, &["/proc/version", &method[..4]]);
    }
    for method in ["mmap", "sendfile", "copy_file_range", "io_uring", "direct"] {
        let mut child = syskit(bench.dir());
        let mut child =
            child.args(["copy", "-", "old", "--via", method]).stdin(Stdio::piped()).stderr(Stdio::piped());
        child = child.stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(b"from a pipe");
        Ran::of(child.wait_with_output().unwrap()).fails(3, &["standard input"]);
    }
    assert_eq!(bench.read("old"), b"old");
    assert_eq!(bench.names(), ["old"]);
}

#[test]
fn pipes_and_fifos_are_read_and_written() {
    let bench = Bench::new();
    let content = noise((3 << 20) + 1);
    bench.write("source", &content);
    let shell = |script: &str| {
        let mut sh = Command::new("sh");
        let sh = sh.args(["-ec", script]).current_dir(bench.dir()).env("SYSKIT", env!("CARGO_BIN_EXE_syskit"));
        Ran::of(sh.output().unwrap()).ok();
    };
    shell("cat source | $SYSKIT copy - a; cmp a source");
    shell("cat source | $SYSKIT copy /dev/stdin b --via splice; cmp b source");
    shell("cat source | $SYSKIT copy /proc/self/fd/0 c --via read_write; cmp c source");
    shell("$SYSKIT copy source - | cmp - source");
    shell("$SYSKIT copy source /dev/stdout | cmp - source");
    shell("echo first > d; $SYSKIT copy source - >> d; (echo first; cat source) | cmp - d");
    shell("mkfifo f; $SYSKIT copy source f & cat f | cmp - source; wait $!; test -p f");
    shell("$SYSKIT copy f e & sleep 0.3; cat source > f; wait $!; cmp e source; test -p f");
    shell("$SYSKIT copy source /dev/null; test -c /dev/null");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    bench.write("source", &noise(1 << 20));
    let mut child = syskit(bench.dir())
        .args(["copy", "source", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = Ran::of(child.wait_with_output().unwrap());
    assert_eq!(ran.ok().err, "");
}

#[test]
fn the_same_file_is_refused_by_every_name_it_has() {
    let bench = Bench::new();
    bench.write("source", b"precious");
    std::fs::hard_link(bench.path("source"), bench.path("hard")).unwrap();
    symlink("source", bench.path("soft")).unwrap();
    for (src, dst) in [
        ("source", "source"),
        ("source", "./source"),
        ("source", "hard"),
        ("source", "soft"),
        ("soft", "source"),
        ("source", "."),
    ] {
        bench.copy([src, dst]).fails(1, &["are the same file"]);
    }
    assert_eq!(bench.read("source"), b"precious");
    std::fs::create_dir(bench.path("dir")).unwrap();
    bench.copy(["source", "dir", "-q"]).ok();
    bench.copy(["dir/source", "dir"]).fails(1, &["are the same file"]);
}

#[test]
fn directories_links_and_missing_things() {
    let bench = Bench::new();
    bench.write("source", b"new");
    bench.write("target", b"old");
    std::fs::create_dir(bench.path("dir")).unwrap();
    symlink("target", bench.path("link")).unwrap();
    symlink("nowhere", bench.path("dangling")).unwrap();
    bench.copy(["source", "dir"]).ok();
    bench.copy(["source", "dir/"]).ok();
    assert_eq!(bench.read("dir/source"), b"new");
    bench.copy(["source", "link"]).ok();
    assert!(bench.path("link").symlink_metadata().unwrap().is_symlink(), "the link itself stays");
    assert_eq!(bench.read("target"), b"new");
    bench.copy(["source", "dangling"]).fails(1, &["dangling", "nowhere", "does not exist"]);
    bench.copy(["dir", "x"]).fails(1, &["dir", "is a directory"]);
    bench.copy(["missing", "x"]).fails(1, &["missing", "open", "ENOENT"]);
    bench.copy(["source", "no/such"]).fails(1, &["no/such", "ENOENT"]);
    bench.copy(["source", "no/"]).fails(1, &["no such directory"]);
    bench.copy(["source", "source/x"]).fails(1, &["ENOTDIR"]);
    bench.copy(["source", ""]).fails(2, &["DST"]);
    bench.copy(["source", "x", "--via", "magic"]).fails(2, &["magic"]);
    bench.copy(["source", "-", "--json"]).fails(2, &["--json"]);
    bench.copy(["source", "/dev/null", "--verify"]).fails(2, &["--verify"]);
    std::fs::create_dir(bench.path("dir2")).unwrap();
    std::fs::create_dir(bench.path("dir2/source")).unwrap();
    bench.copy(["source", "dir2"]).fails(1, &["is a directory"]);
    assert_eq!(bench.names(), ["dangling", "dir", "dir2", "link", "source", "target"]);
}

#[test]
fn names_that_are_no_utf8_or_as_long_as_can_be() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    bench.write("source", &noise(5000));
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe name\n");
    let long = "n".repeat(255);
    for name in [odd, long.as_ref()] {
        for _ in 0..2 {
            bench.copy(["source".as_ref(), name]).ok();
        }
        assert_eq!(std::fs::read(bench.dir().join(name)).unwrap(), noise(5000));
    }
    bench.copy(["source", &"n".repeat(256)]).fails(1, &["ENAMETOOLONG"]);
    assert_eq!(std::fs::read_dir(bench.dir()).unwrap().count(), 3);
}

#[test]
fn names_reach_the_terminal_escaped() {
    use std::os::unix::ffi::OsStrExt;
    let bench = Bench::new();
    let odd = std::ffi::OsStr::from_bytes(b"\x1b[2J\xff\n");
    let written = "\\x1b[2J\\xff\\n";
    bench.copy([odd, "x".as_ref()]).fails(1, &["cannot open", written]);
    bench.write("source", b"new");
    std::fs::create_dir(bench.dir().join(odd)).unwrap();
    bench.copy([odd, "x".as_ref()]).fails(1, &[written, "is a directory"]);
    let inside = bench.dir().join(odd).join("no/y");
    let ran = bench.copy(["source".as_ref(), inside.as_os_str()]);
    ran.fails(1, &[written, "ENOENT"]);
    assert!(!ran.err.contains('\x1b') && ran.err.lines().count() == 1, "{:?}", ran.err);
}

#[test]
fn holes_and_rate_are_said_as_they_are() {
    let bench = Bench::new();
    let source = std::fs::File::create(bench.path("source")).unwrap();
    source.set_len(1 << 20).unwrap();
    let ran = bench.copy(["source", "copy", "--via", "read_write"]);
    assert!(ran.ok().err.starts_with("copied 1 MiB (1 MiB of it in 1 hole, kept) by read_write in "), "{}", ran.err);
    assert!(!ran.err.contains("B/s"), "nothing was moved: {}", ran.err);
    let document = json(&bench.copy(["source", "copy", "--json", "--via", "read_write"]));
    assert_eq!((&document["data_bytes"], &document["bytes_per_second"]), (&0.into(), &serde_json::Value::Null));
    source.write_all_at(&noise(1 << 16), 1 << 19).unwrap();
    let ran = bench.copy(["source", "copy", "--via", "read_write"]);
    assert!(ran.ok().err.contains(" of it in 2 holes, kept)") && ran.err.contains("B/s"), "{}", ran.err);
}

#[test]
fn quiet_says_nothing_and_the_summary_is_no_data() {
    let bench = Bench::new();
    bench.write("source", &noise(5000));
    let ran = bench.copy(["source", "copy", "-q"]);
    assert_eq!((ran.ok().out.as_str(), ran.err.as_str()), ("", ""));
    let ran = bench.copy(["source", "copy", "--verify", "--fsync"]);
    assert_eq!(ran.ok().out, "");
    assert!(ran.err.starts_with("copied 4.9 KiB by ") && ran.err.trim_end().ends_with("verified"), "{}", ran.err);
}
