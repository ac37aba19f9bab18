//! Capture files: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), read and written.
//!
//! [`Reader`] goes through a file, a pipe or standard input record by record and holds no more than a buffer; gzip and
//! Zstandard are recognised by their first bytes. [`Writer`] writes whole records only, so that what was flushed stays
//! readable whatever happens next.
//!
//! Both formats are read by this module's own code. pcap is a header of 16 bytes a record: a crate would be longer to
//! call than that is to read. For pcapng the crate pcap-parser was considered: it gives blocks, but leaves the state
//! of sections and interfaces, time resolutions and the bounds of lengths to its caller, which is most of the work;
//! and what follows a growing file needs a parser that can stop at any byte and go on.
//!
//! What a file says is not believed: no length makes anything be allocated, a record of more than [`LONGEST_RECORD`]
//! bytes is an error that names its offset, as is a file that ends inside a record, after the records that are whole.

mod compressed;
mod pcap;
mod pcapng;
mod read;
mod window;
mod write;

#[cfg(test)]
mod tests;

pub use pcapng::Options;
pub use read::{Next, Reader, Record};
pub use write::{Form, Packet, Writer};

/// More bytes than a record may hold: what libpcap takes (MAXIMUM_SNAPLEN).
pub const LONGEST_RECORD: usize = 256 << 10;

/// More than a block of pcapng that is looked into may hold: a record and its options.
const LONGEST_BLOCK: usize = 2 * LONGEST_RECORD;

/// The two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

impl Format {
    /// Its name, as tools have it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Pcap => "pcap",
            Format::Pcapng => "pcapng",
        }
    }
}

/// Bits of the flags word of a packet (epb_flags of pcapng).
pub mod flags {
    /// Where the direction stands.
    pub const DIRECTION: u32 = 0b11;
    /// It came in.
    pub const INBOUND: u32 = 0b01;
    /// It went out.
    pub const OUTBOUND: u32 = 0b10;
    /// Where the kind of reception stands.
    pub const RECEPTION: u32 = 0b111 << 2;
    /// It was sent to this host alone.
    pub const UNICAST: u32 = 1 << 2;
    /// It was sent to a multicast group.
    pub const MULTICAST: u32 = 2 << 2;
    /// It was sent to all.
    pub const BROADCAST: u32 = 3 << 2;
    /// It was sent to another host.
    pub const PROMISCUOUS: u32 = 4 << 2;
}
