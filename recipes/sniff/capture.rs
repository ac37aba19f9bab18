//! The contract of the capture methods, and the list of them: a file and a line each.

use std::time::Duration;

use libc::sock_filter;

use super::losses::Losses;
use super::{af_xdp, fanout, io_uring, packet, pcap, raw, receive, recvmmsg, ring};
use crate::capture_file::Options;
use crate::error::Result;
use crate::packet::{Carried, Link};
use crate::race::Contender;

/// Every capture method, the default first.
pub static METHODS: &[Contender<dyn Method>] = &[
    ring::CONTENDER,
    fanout::CONTENDER,
    packet::CONTENDER,
    recvmmsg::CONTENDER,
    io_uring::CONTENDER,
    raw::CONTENDER,
    pcap::CONTENDER,
    af_xdp::CONTENDER,
];

/// Those that are tried in turn where none was asked for, until the kernel has one.
pub static DEFAULTS: &[Contender<dyn Method>] = &[ring::CONTENDER, packet::CONTENDER, raw::CONTENDER];

/// A way to get at the packets of this host.
pub trait Method: Sync {
    /// Starts to capture what `setup` asks for.
    ///
    /// # Errors
    /// Where the socket cannot be had: see the method's needs.
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>>;
}

/// What to capture.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// The interface, or all of them.
    pub interface: Option<super::interface::Interface>,
    /// What of the packets is wanted.
    pub selection: super::selection::Selection,
    /// How many bytes of each packet are wanted, where not all.
    pub snaplen: Option<u32>,
    /// How much the kernel may hold for us, in bytes; the method's own measure where none was asked for.
    pub buffer: Option<usize>,
    /// Whether the interface shall give us what is not for this host; not done on all interfaces at once.
    pub promiscuous: bool,
    /// Whether packets shall come as soon as they are there, whatever that costs where there are many.
    pub immediate: bool,
}

impl Setup {
    /// The most bytes of a packet that are captured.
    pub fn longest(&self) -> usize {
        self.snaplen.map_or(receive::LARGEST, |n| receive::LARGEST.min(n as usize))
    }
}

/// A capture under way.
pub trait Capture {
    /// The next packet, waiting at most `wait` for it (not at all where that is zero); a signal ends the wait.
    ///
    /// # Errors
    /// Where the interface went away, or the socket fails.
    fn next(&mut self, wait: Duration) -> Result<Event<'_>>;

    /// Whether only what may be of the selection comes, as the kernel keeps the rest out; false for what comes as it is.
    fn is_filtered(&self) -> bool {
        true
    }

    /// Whether packets come cut to the snap length of the setup; false for those who leave that to the caller.
    fn is_cut(&self) -> bool {
        false
    }

    /// What was lost so far.
    ///
    /// # Errors
    /// Where the kernel does not tell.
    fn dropped(&mut self) -> Result<Losses>;

    /// Whether it opens files to read them while it goes on.
    fn reads_files(&self) -> bool {
        false
    }

    /// What a user must know of it before packets come.
    fn caution(&self) -> Option<String> {
        None
    }

    /// The link type (LINKTYPE_ value) of every packet to come, where that is known beforehand.
    fn linktype(&self) -> Option<u16> {
        None
    }

    /// What is to be said of the packets at the end, where there is anything.
    fn words(&self) -> Option<String> {
        None
    }
}

/// What waiting for a packet came to.
#[derive(Debug)]
pub enum Event<'a> {
    /// A packet.
    Packet(Captured<'a>),
    /// None came.
    Nothing,
    /// The interface went down; packets come again when it is up again.
    Down,
    /// There will be no more: the file ended.
    End,
}

/// A captured packet.
#[derive(Debug, Clone, Copy)]
pub struct Captured<'a> {
    /// When the kernel saw it: seconds since the epoch.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
    /// Which way it went.
    pub direction: Direction,
    /// Index of the interface; 0 where the method does not tell.
    pub interface: u32,
    /// What it begins with.
    pub link: Link,
    /// What was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire in bytes.
    pub length: usize,
    /// True where the kernel said that a checksum was left to the network device.
    pub offloaded: bool,
    /// What a capture file says of it besides; none where it is captured now.
    pub recorded: Option<Recorded<'a>>,
    /// Of how many fragments it was put together here; 0 where it came as it is.
    pub fragments: u16,
}

/// What a capture file says of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The link type (LINKTYPE_ value).
    pub linktype: u16,
    /// Name of the interface, unescaped.
    pub interface: Option<&'a str>,
    /// Its options: comments, flags.
    pub options: Options<'a>,
}

impl<'a> Captured<'a> {
    /// It, ready to be decoded.
    pub fn frame(&self) -> Carried<'a> {
        Carried::frame(self.link, self.bytes, self.length).offloaded(self.offloaded)
    }
}

/// Which way a packet went, as seen from this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To this host.
    In,
    /// From this host.
    Out,
    /// To a broadcast address.
    Broadcast,
    /// To a multicast group.
    Multicast,
    /// Between other hosts (promiscuous mode).
    Other,
    /// The method does not tell.
    Unknown,
}

impl Direction {
    /// The word that stands in the one-line form, as tcpdump has it.
    pub fn word(self) -> &'static str {
        match self {
            Direction::In => "In",
            Direction::Out => "Out",
            Direction::Broadcast => "B",
            Direction::Multicast => "M",
            Direction::Other => "P",
            Direction::Unknown => "?",
        }
    }
}

/// A filter that lets nothing through: for a socket that must not fill up before it is ready.
pub(super) const NOTHING: [sock_filter; 1] = [sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 }];
