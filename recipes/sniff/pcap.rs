//! Capture by libpcap (pcap(3pcap)), where syskit was built with it (feature `libpcap`).

use super::capture::{Capture, Method, Setup};
use crate::error::Result;
use crate::need::LIBPCAP;
use crate::race::Contender;

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "pcap",
    title: "libpcap, which maps a TPACKET_V3 ring",
    needs: &[&LIBPCAP],
    approach: &Libpcap,
};

struct Libpcap;

#[cfg(not(feature = "libpcap"))]
impl Method for Libpcap {
    fn open(&self, _setup: &Setup) -> Result<Box<dyn Capture>> {
        let missing = crate::need::first_missing(CONTENDER.needs).expect("built without libpcap");
        Err(crate::error::Error::finding(&missing))
    }
}

#[cfg(feature = "libpcap")]
impl Method for Libpcap {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        linked::open(setup)
    }
}

#[cfg(feature = "libpcap")]
mod linked {
    use std::os::fd::AsFd;
    use std::time::Duration;

    use pcap::{Active, Linktype};

    use super::super::capture::{Capture, Captured, Direction, Event, Setup};
    use super::super::losses::Losses;
    use super::super::receive;
    use crate::error::{Context, Error, Kind, Result};
    use crate::packet::Link;

    /// How long libpcap's ring may hold a packet back, in milliseconds.
    const HOLD: i32 = 10;

    struct Open {
        capture: pcap::Capture<Active>,
        link: Link,
        interface: u32,
    }

    fn failed(what: String, error: pcap::Error) -> Error {
        let text = error.to_string().to_lowercase();
        let denied = ["permission", "not permitted"].iter().any(|word| text.contains(word));
        let mut error = Error::failed(format!("{what}: libpcap: {error}"));
        if denied {
            error.kind = Kind::Denied;
        }
        error
    }

    pub(super) fn open(setup: &Setup) -> Result<Box<dyn Capture>> {
        let Some(interface) = &setup.interface else {
            return Err(Error::unavailable("libpcap gives cooked frames for 'any', which are not decoded yet")
                .fix("name an interface with -i, or use --via packet"));
        };
        let what = || format!("cannot capture on {} with libpcap", interface.name);
        let device = pcap::Capture::from_device(interface.name.as_str()).map_err(|e| failed(what(), e))?;
        let device = match setup.buffer {
            Some(size) => device.buffer_size(i32::try_from(size).unwrap_or(i32::MAX)),
            None => device,
        };
        let capture = device
            .snaplen(setup.longest() as i32)
            .precision(pcap::Precision::Nano)
            .promisc(setup.promiscuous)
            .immediate_mode(setup.immediate)
            .timeout(HOLD)
            .open()
            .and_then(pcap::Capture::setnonblock)
            .map_err(|e| failed(what(), e))?;
        let mut open = Open { link: link(capture.get_datalink()), capture, interface: interface.index };
        open.capture.filter(&setup.selection.expression(), true).map_err(|e| failed(what(), e))?;
        Ok(Box::new(open))
    }

    fn link(linktype: Linktype) -> Link {
        Link::of_linktype(u16::try_from(linktype.0).unwrap_or(u16::MAX))
    }

    impl Capture for Open {
        fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
            if !wait.is_zero() {
                let what = || "cannot wait for packets".to_owned();
                receive::ready(self.capture.as_fd(), wait).sys("poll", what)?;
            }
            let packet = match self.capture.next_packet() {
                Ok(packet) => packet,
                Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => return Ok(Event::Nothing),
                Err(e) => return Err(failed("cannot receive packets".to_owned(), e)),
            };
            Ok(Event::Packet(Captured {
                seconds: packet.header.ts.tv_sec,
                nanoseconds: packet.header.ts.tv_usec as u32,
                direction: Direction::Unknown,
                interface: self.interface,
                link: self.link,
                bytes: packet.data,
                length: packet.header.len as usize,
                offloaded: false,
                recorded: None,
                fragments: 0,
            }))
        }

        fn is_cut(&self) -> bool {
            true
        }

        fn dropped(&mut self) -> Result<Losses> {
            let stats = self.capture.stats().map_err(|e| failed("cannot count dropped packets".to_owned(), e))?;
            let interface = u64::from(stats.if_dropped);
            Ok(Losses { interface, ..Losses::of_kernel(stats.dropped.into()) })
        }

        // The interface's own count of drops, in /sys.
        fn reads_files(&self) -> bool {
            true
        }

        fn linktype(&self) -> Option<u16> {
            Some(self.link.linktype())
        }
    }
}
