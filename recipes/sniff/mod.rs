//! The sniff family: what is on the wire.

mod analysis;
pub mod capture;
mod files;
pub mod filter;
mod follow;
pub mod interface;
pub mod offline;
pub mod packet;
pub mod pcap;
pub mod print;
pub mod raw;
mod reassembled;
pub mod receive;
mod rotation;
pub mod save;
pub mod selection;
pub mod sink;
pub mod sniff_tcp;
mod stats;
pub mod timestamp;
pub mod tool;
mod wanted;

#[cfg(test)]
mod filter_tests;

use crate::recipe::Family;

/// The family.
pub static FAMILY: Family = Family {
    name: "sniff",
    title: "What is on the wire: capture and decode packets",
    page: include_str!("README.md"),
    recipes: &[&sniff_tcp::RECIPE],
    tool: Some(&tool::VERB),
    races: &[],
};
