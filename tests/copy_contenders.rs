//! Every contender of the copy race, driven as the engine drives it: right over all sizes, unavailable where it
//! says so, and held to what it claims.

mod common;

use clap::Command;
use syskit::error::Kind;
use syskit::race::{Course, Race, Work, Workload};
use syskit::recipes::copy::RACE;

const SIZES: [u64; 8] = [0, 1, 4095, 4096, 4097, (1 << 20) + 3, 5 << 20, (5 << 20) + 4095];

fn course(args: &[&str]) -> Box<dyn Course> {
    let command = RACE.flags(Command::new("copy").no_binary_name(true));
    RACE.configure(&command.get_matches_from(args)).unwrap()
}

/// Runs every entrant over every size; the names of those that were unavailable at some size.
fn race_all(course: &dyn Course, operations: u64) -> Vec<&'static str> {
    let mut unavailable = Vec::new();
    for size in SIZES {
        let workload = Workload { size };
        let mut track = course.prepare(&workload).unwrap();
        let operations = operations.min(course.most_operations(&workload));
        for (index, entrant) in RACE.entrants().iter().enumerate() {
            match track.enter(index) {
                Err(e) if e.kind == Kind::Unavailable => {
                    unavailable.push(entrant.name);
                    continue;
                }
                entered => entered.unwrap_or_else(|e| panic!("{} at {size}: {e}", entrant.name)),
            }
            for _ in 0..2 {
                track.reset(operations).unwrap();
                let mut done = Work::default();
                for _ in 0..operations {
                    done.bytes +=
                        track.run(index).unwrap_or_else(|e| panic!("{} at {size}: {e}", entrant.name)).bytes;
                }
                track.verify(index, operations, done).unwrap_or_else(|e| panic!("{} at {size}: {e}", entrant.name));
            }
        }
    }
    unavailable.dedup();
    unavailable
}

#[test]
fn every_contender_copies_every_size() {
    for name in race_all(&*course(&[]), 3) {
        common::skip(&format!("{name} is unavailable in the usual directory"));
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
        let once = track.run(index).unwrap();
        let claimed = Work { bytes: once.bytes * 2 };
        assert_eq!(track.verify(index, 2, claimed).unwrap_err().kind, Kind::Wrong, "one copy claimed as two");
        assert_eq!(track.verify(index, 2, once).unwrap_err().kind, Kind::Wrong, "too few bytes claimed");
        assert!(track.verify(index, 1, once).is_ok());
    }
}
