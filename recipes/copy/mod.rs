//! The copy family: one file into another, in every way Linux has.
//!
//! One file per way; what they share is in `method`. `race` sets them against each other, `content` is the oracle,
//! `trial` is what their recipes do alike, `tool` is `syskit copy`.

use crate::race::{Axis, TaskRace};
use crate::recipe::Family;

pub mod content;
pub mod method;
pub mod place;
pub mod race;
pub mod tool;

mod copy_file_range;
mod direct;
mod io_uring;
mod memory;
mod mmap;
mod read_write;
mod reflink;
mod sendfile;
mod splice;
mod trial;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The family.
pub static FAMILY: Family = Family {
    name: "copy",
    title: "copy a file into another",
    page: include_str!("README.md"),
    recipes: &[
        &sendfile::RECIPE,
        &read_write::RECIPE,
        &mmap::RECIPE,
        &splice::RECIPE,
        &copy_file_range::RECIPE,
        &io_uring::RECIPE,
        &direct::RECIPE,
        &reflink::RECIPE,
    ],
    tool: Some(&tool::VERB),
    races: &[&RACE],
};

/// The race of all ways to copy a file.
pub static RACE: TaskRace<race::CopyTask> = TaskRace {
    name: "copy",
    title: "copy a file into another, from two open descriptors",
    axis: Axis::Bytes,
    sizes: &[4 * KIB, 64 * KIB, MIB, 16 * MIB],
    contenders: &[
        &read_write::READ_WRITE,
        &read_write::READ_WRITE_256K,
        &read_write::READ_WRITE_HEAP,
        &mmap::MMAP,
        &sendfile::SENDFILE_4K,
        &sendfile::SENDFILE,
        &splice::SPLICE,
        &copy_file_range::COPY_FILE_RANGE,
        &io_uring::IO_URING,
        &direct::DIRECT,
        &reflink::REFLINK,
    ],
    limits: &[&memory::MEMCPY],
};
