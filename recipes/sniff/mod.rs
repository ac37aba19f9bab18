//! The sniff family: what is on the wire.

pub mod af_packet;
pub mod af_xdp;
mod analysis;
pub mod capture;
mod ebpf;
pub mod fanout;
mod files;
pub mod filter;
mod follow;
mod form;
pub mod interface;
pub mod interfaces;
pub mod io_uring;
pub mod live;
pub mod losses;
mod merge;
pub mod offline;
pub mod overhear;
pub mod packet;
pub mod pcap;
pub mod print;
pub mod privilege;
mod process;
pub mod race;
pub mod raw;
mod reassembled;
pub mod receive;
pub mod recvmmsg;
pub mod ring;
mod rotation;
mod sandbox;
pub mod save;
pub mod selection;
pub mod sink;
pub mod sniff_arp;
pub mod sniff_dns;
pub mod sniff_icmp;
pub mod sniff_ip;
pub mod sniff_tcp;
pub mod sniff_udp;
mod stats;
pub mod timestamp;
pub mod tool;
pub mod traffic;
mod wanted;
pub mod who;
pub mod wire;

#[cfg(test)]
mod filter_tests;

use crate::recipe::Family;

/// The family.
pub static FAMILY: Family = Family {
    name: "sniff",
    title: "What is on the wire: capture and decode packets",
    page: include_str!("README.md"),
    recipes: &[
        &sniff_ip::RECIPE,
        &sniff_tcp::RECIPE,
        &sniff_arp::RECIPE,
        &sniff_udp::RECIPE,
        &sniff_icmp::RECIPE,
        &sniff_dns::RECIPE,
    ],
    tool: Some(&tool::VERB),
    races: &[&race::RACE],
};
