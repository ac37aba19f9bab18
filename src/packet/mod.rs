//! Pure decoding of frames: functions over byte slices, no I/O, no panic, no allocation that grows with a lie.
//!
//! A frame is a stack of layers. [`walk()`] starts at the link and yields one [`Layer`] after the other, each a view of
//! the captured bytes (nothing is copied); where it cannot go on, its [`End`] says why: nothing more inside,
//! a protocol without decoder, a later fragment, bytes cut off by the capture, or a header that contradicts itself.
//!
//! A new protocol is one file with a type that implements [`Protocol`], and its line in [`protocols`]: the walk,
//! the text forms and the JSON document (with its schema) grow from that line.
//!
//! Every decoder is given two lengths: the bytes that were captured, and what the layer measured on the wire.
//! It reads the first and reasons with the second, so that a short capture is never taken for a short packet.

pub mod arp;
pub mod calendar;
pub mod checksum;
pub mod cooked;
pub mod dhcp;
pub mod dhcp6;
pub mod dns;
pub mod esp;
pub mod ethernet;
pub mod geneve;
pub mod gre;
pub mod http;
pub mod icmp;
pub mod icmp6;
pub mod igmp;
pub mod ip_protocol;
pub mod ipip;
pub mod ipv4;
pub mod ipv6;
pub mod layer;
pub mod line;
pub mod llc;
pub mod loopback;
pub mod ntp;
pub mod protocols;
pub mod quote;
pub mod reassembly;
#[cfg(test)]
mod sample;
pub mod sctp;
pub mod tcp;
pub mod text;
pub mod tls;
pub mod udp;
pub mod vxlan;
pub mod walk;

pub use layer::{Addresses, Application, Carried, Code, Decoded, Link, Part, Protocol, Trouble};
pub use line::{Detail, Line};
pub use protocols::{Document, Layer};
pub use text::Text;
pub use walk::{End, Walk, walk};
