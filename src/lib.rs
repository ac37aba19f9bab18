//! syskit: a cookbook of systems recipes that run, verify themselves and race each other on this host.
//!
//! Crate map (dependencies point one way: recipes -> engine -> [`sys`]):
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`recipes`] | the cookbook: one folder per family, mounted from `recipes/` |
//! | [`recipe`] | [`recipe::Recipe`] and [`recipe::Family`] |
//! | [`demo`] | [`demo::Demo`], what a recipe's run is given |
//! | [`verb`] | a verb of the command line, generic or a family's own |
//! | [`limit`] | limits of the host that bite recipes |
//! | [`need`] | what a recipe requires of the host, how that is probed, and findings |
//! | [`race`] | the paired comparison of a family's contenders |
//! | [`report`] | the versioned data of a run, and its views |
//! | [`host`] | the fingerprint of this machine |
//! | [`source`], [`target`] | what a tool reads, and where its output goes |
//! | [`draft`] | a new file that takes its name in one step |
//! | [`escape`] | names of files as a terminal may be shown them |
//! | [`cpus`] | lists of CPUs, as taskset(1) writes them |
//! | [`capture_file`] | capture files (pcap, pcapng), read and written |
//! | [`packet`] | pure decoding of frames, no I/O |
//! | [`netlink`] | interfaces made and set up by messages to the kernel |
//! | [`filter`] | filter expressions, compiled to classic BPF and interpreted |
//! | [`progress`] | the progress line of work that takes a while |
//! | [`sys`] | the only home of `unsafe`: one kernel interface per file |
//! | [`cli`] | one file per generic verb; views print, the library does not |

pub mod capture_file;
pub mod cli;
pub mod cpus;
pub mod demo;
pub mod draft;
pub mod error;
pub mod escape;
pub mod filter;
pub mod host;
pub mod interrupt;
pub mod limit;
pub mod need;
pub mod netlink;
pub mod packet;
pub mod progress;
pub mod race;
pub mod recipe;
pub mod report;
pub mod source;
pub mod sys;
pub mod target;
pub mod ui;
pub mod units;
pub mod verb;

#[path = "../recipes/mod.rs"]
pub mod recipes;

pub use error::{Error, Result};
