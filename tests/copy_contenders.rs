//! Every contender of the copy race, driven as the engine drives it: right over all sizes, unavailable where it
//! says so, and held to what it claims.
#![allow(clippy::print_stderr)]

mod common;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::Path;

use clap::Command;
use common::mounts::Mounted;
use syskit::error::Kind;
use syskit::race::{Course, Race, Track, Work, Workload};
use syskit::recipes::copy::RACE;

const SIZES: [u64; 8] = [0, 1, 4095, 4096, 4097, (1 << 20) + 3, 5 << 20, (5 << 20) + 4095];

fn course(args: &[&str]) -> Box<dyn Course> {
    let command = RACE.flags(Command::new("copy").no_binary_name(true));
    RACE.configure(&command.get_matches_from(args)).unwrap()
}

fn once(track: &mut dyn Track, index: usize, operations: u64) -> syskit::Result<()> {
    track.reset(operations)?;
    let done = track.run(index, operations)?;
    track.verify(index, operations, done)
}

/// Runs every entrant over every size; the names of those that could do all.
fn race_all(course: &dyn Course, operations: u64) -> BTreeSet<&'static str> {
    let mut able: BTreeSet<_> = RACE.entrants().iter().map(|e| e.name).collect();
    for size in SIZES {
        let workload = Workload { size };
        let mut track = course.prepare(&workload).unwrap();
        let operations = operations.min(course.most_operations(&workload));
        for (index, entrant) in RACE.entrants().iter().enumerate() {
            match track.enter(index) {
                Err(e) if e.kind == Kind::Unavailable => {
                    able.remove(entrant.name);
                    continue;
                }
                entered => entered.unwrap_or_else(|e| panic!("{} at {size}: {e}", entrant.name)),
            }
            for _ in 0..2 {
                once(&mut *track, index, operations).unwrap_or_else(|e| panic!("{} at {size}: {e}", entrant.name));
            }
        }
    }
    able
}

fn race_in(directory: &Path) -> BTreeSet<&'static str> {
    race_all(&*course(&["--dir", directory.to_str().unwrap()]), 3)
}

#[test]
fn every_contender_copies_every_size_on_some_file_system() {
    let mut able = race_all(&*course(&[]), 3);
    for kind in ["xfs", "btrfs"] {
        match Mounted::on_loop(kind) {
            Ok(mounted) => {
                let here = race_in(mounted.path());
                assert!(here.contains("reflink") && here.contains("direct"), "{kind}: {here:?}");
                able.extend(here);
            }
            Err(why) => common::skip(&format!("{kind}: {why}")),
        }
    }
    for entrant in RACE.entrants().iter().filter(|e| !able.contains(e.name)) {
        common::skip(&format!("{} is unavailable on every file system at hand", entrant.name));
    }
}

#[test]
fn tmpfs_has_no_direct_io_and_no_reflink_and_all_else() {
    match Mounted::tmpfs(64 << 20) {
        Ok(mounted) => {
            let all: BTreeSet<_> = RACE.entrants().iter().map(|e| e.name).collect();
            let unable: Vec<_> = all.difference(&race_in(mounted.path())).copied().collect();
            assert_eq!(unable, ["direct", "reflink"]);
        }
        Err(why) => common::skip(&why),
    }
}

#[test]
fn a_full_disk_is_an_error_that_says_what_to_do() {
    match Mounted::tmpfs(1 << 20) {
        Ok(mounted) => {
            let course = course(&["--dir", mounted.path().to_str().unwrap()]);
            let Err(e) = course.prepare(&Workload { size: 8 << 20 }) else { panic!("8 MiB fit into 1 MiB") };
            assert!(e.to_string().contains("no room") && e.to_string().contains("--dir"), "{e}");
            // The source fits, and so does the copy until someone else takes its room.
            let mut track = course.prepare(&Workload { size: 480 << 10 }).unwrap();
            std::fs::write(mounted.path().join("other"), vec![0; 300 << 10]).unwrap();
            for index in 0..RACE.entrants().len() - 1 {
                let e = track.enter(index).unwrap_err();
                let full = e.to_string().contains("ENOSPC") || e.kind == Kind::Unavailable;
                assert!(full, "{}: {e}", RACE.entrants()[index].name);
            }
        }
        Err(why) => common::skip(&why),
    }
}

#[test]
fn a_cold_race_starts_every_copy_from_the_disk() {
    let course = course(&["--cold"]);
    let workload = Workload { size: 1 << 20 };
    assert_eq!(course.most_operations(&workload), 1);
    let mut track = course.prepare(&workload).unwrap();
    match track.enter(0) {
        Err(e) if e.kind == Kind::Unavailable || e.kind == Kind::Denied => common::skip(&e.to_string()),
        entered => {
            entered.unwrap();
            once(&mut *track, 0, 1).unwrap();
        }
    }
}

#[test]
fn work_that_was_not_done_is_wrong() {
    let course = course(&[]);
    let mut track = course.prepare(&Workload { size: 8192 }).unwrap();
    for index in 0..RACE.entrants().len() {
        if track.enter(index).is_err() {
            continue;
        }
        track.reset(2).unwrap();
        let once = track.run(index, 1).unwrap();
        let claimed = Work { bytes: once.bytes * 2 };
        assert_eq!(track.verify(index, 2, claimed).unwrap_err().kind, Kind::Wrong, "one copy claimed as two");
        assert_eq!(track.verify(index, 2, once).unwrap_err().kind, Kind::Wrong, "too few bytes claimed");
        assert!(track.verify(index, 1, once).is_ok());
    }
}

#[test]
fn a_pipe_that_takes_little_at_a_time_gets_every_byte() {
    let content = common::noise((1 << 20) + 77);
    let bench = common::Bench::new();
    let path = bench.write("source", &content);
    let mut copied = Vec::new();
    for contender in RACE.contenders {
        let src = File::open(&path).unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let read = std::thread::spawn(move || {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).map(|_| got)
        });
        let dst = File::from(std::os::fd::OwnedFd::from(writer));
        let done = contender.approach.start().unwrap().copy(&src, &dst, u64::MAX);
        drop(dst);
        let got = read.join().unwrap().unwrap();
        match done {
            Ok(n) => {
                assert!(n == content.len() as u64 && got == content, "{}", contender.name);
                copied.push(contender.name);
            }
            Err(e) => assert!(e.kind == Kind::Unavailable && got.is_empty(), "{}: {e}", contender.name),
        }
    }
    for name in ["read_write", "read_write_256k", "sendfile_4k", "sendfile", "splice"] {
        assert!(copied.contains(&name), "{name} cannot write to a pipe: {copied:?}");
    }
}

#[test]
fn more_than_a_call_moves_is_copied_by_several() {
    let len = 3 << 30;
    for contender in RACE.contenders.iter().filter(|c| ["sendfile", "splice", "read_write_256k"].contains(&c.name)) {
        let zero = File::open("/dev/zero").unwrap();
        let null = OpenOptions::new().write(true).open("/dev/null").unwrap();
        assert_eq!(contender.approach.start().unwrap().copy(&zero, &null, len).unwrap(), len, "{}", contender.name);
    }
}

#[test]
fn copies_go_on_from_the_offsets_and_move_them() {
    let content = common::noise(40_000);
    let bench = common::Bench::new();
    let path = bench.write("source", &content);
    for contender in RACE.contenders {
        let mut copier = contender.approach.start().unwrap();
        let src = File::open(&path).unwrap();
        let dst =
            OpenOptions::new().create(true).truncate(true).read(true).write(true).open(bench.path("copy")).unwrap();
        let mut parts = [8192, 4096, 100_000].map(|len| copier.copy(&src, &dst, len));
        if let Err(e) = &mut parts[0] {
            assert_eq!(e.kind, Kind::Unavailable, "{}: {e}", contender.name);
            continue;
        }
        let parts = parts.map(|p| p.unwrap_or_else(|e| panic!("{}: {e}", contender.name)));
        assert_eq!(parts, [8192, 4096, 40_000 - 12_288], "{}", contender.name);
        assert!(bench.read("copy") == content, "{}", contender.name);
    }
}

#[test]
fn every_recipe_runs_or_names_what_is_missing() {
    for recipe in syskit::recipes::copy::FAMILY.recipes {
        if let Some(finding) = syskit::need::first_missing(recipe.needs) {
            eprintln!("{finding}");
            continue;
        }
        let mut demo = syskit::demo::Demo::new();
        let done = (recipe.run)(&mut demo);
        eprintln!("== {}\n{}", recipe.id, demo.output.join("\n"));
        done.unwrap_or_else(|e| panic!("{}: {e}", recipe.id));
        assert!(demo.checks.len() >= 4 && demo.checks.iter().all(|c| c.passed), "{}", recipe.id);
        assert!(demo.timings.iter().all(|t| t.bytes.is_some()), "{}", recipe.id);
    }
}

#[test]
fn the_reflink_recipe_runs_where_blocks_can_be_shared() {
    let mounted = match Mounted::on_loop("xfs") {
        Ok(mounted) => mounted,
        Err(why) => return common::skip(&why),
    };
    // The recipe copies in $TMPDIR, and only a process of its own can have another.
    let mut again = std::process::Command::new("/proc/self/exe");
    again.args(["--exact", "every_recipe_runs_or_names_what_is_missing", "--nocapture"]);
    let done = common::Ran::of(again.env("TMPDIR", mounted.path()).output().unwrap());
    assert!(done.ok().err.contains("== reflink-copy"), "{}", done.err);
    assert_eq!(common::names(mounted.path()), [""; 0], "litter");
}

#[test]
fn a_size_without_room_is_refused_before_anything_is_written() {
    for size in [99_999 << 40, u64::MAX] {
        let Err(e) = course(&[]).prepare(&Workload { size }) else { panic!("there is no room for {size} bytes") };
        assert!(e.what.contains("needs ") && e.what.contains(" free") && e.fix.is_some(), "{e}");
        assert_eq!((e.kind, e.errno), (Kind::Failed, None));
    }
    let mounted = match Mounted::tmpfs(8 << 20) {
        Ok(mounted) => mounted,
        Err(why) => return common::skip(&why),
    };
    let course = course(&["--dir", mounted.path().to_str().unwrap()]);
    let Err(e) = course.prepare(&Workload { size: 5 << 20 }) else { panic!("8 MiB have no room for 10") };
    assert!(e.what.contains("needs 10 MiB") && e.what.contains("has 8 MiB free"), "{e}");
    course.prepare(&Workload { size: 4 << 20 }).unwrap();
}

#[test]
fn a_directory_that_takes_no_files_is_an_error_of_the_command_line() {
    for directory in ["/nonexist", "/dev/null", "/proc", "/nonexist/\x1b[31m"] {
        let command = RACE.flags(Command::new("copy").no_binary_name(true));
        let Err(e) = RACE.configure(&command.get_matches_from(["--dir", directory])) else {
            panic!("{directory} was taken");
        };
        assert_eq!((e.kind, e.call), (Kind::Usage, Some("open")), "{e}");
        assert!(e.fix.as_ref().is_some_and(|fix| fix.contains("--dir")) && !e.to_string().contains('\x1b'), "{e}");
    }
}
