//! Where the sequence numbers of each connection began, so that those of a line can count from there.

use std::collections::HashMap;
use std::mem;

use super::{Flags, Tcp};
use crate::packet::Addresses;

/// So many connections are remembered at least, and twice as many at most: those met longest ago go first.
const REMEMBERED: usize = 1 << 16;

/// The ends of a connection, the smaller first.
// Words by name: arrays are hashed and compared as bytes, by calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    low: (u64, u64),
    high: (u64, u64),
    family_and_ports: u64,
}

/// The numbers that are shown as 0, of the smaller and of the greater end.
type Bases = [u32; 2];

/// The connections met so far: bounded, however many there are.
///
/// Numbers count as tcpdump has them: from the first segment with ACK that was seen of a connection, anew with each SYN;
/// that segment itself is shown with absolute numbers.
#[derive(Debug, Default)]
pub struct Flows {
    recent: HashMap<Ends, Bases, foldhash::fast::RandomState>,
    older: HashMap<Ends, Bases, foldhash::fast::RandomState>,
}

impl Flows {
    /// What is taken off the sequence and acknowledgement numbers of this segment when it is shown.
    pub fn bases(&mut self, tcp: &Tcp) -> (u32, u32) {
        let Some(addresses) = tcp.addresses().filter(|_| tcp.flags().has(Flags::ACK)) else { return (0, 0) };
        let (ends, swapped) = ends(addresses, tcp.source_port(), tcp.destination_port());
        let known = if tcp.flags().has(Flags::SYN) { None } else { self.find(&ends) };
        match (known, swapped) {
            (Some([sequence, acknowledgement]), false) => (sequence, acknowledgement),
            (Some([acknowledgement, sequence]), true) => (sequence, acknowledgement),
            (None, _) => {
                let own = [tcp.sequence(), tcp.acknowledgement().wrapping_sub(1)];
                self.remember(ends, if swapped { [own[1], own[0]] } else { own });
                (0, 0)
            }
        }
    }

    fn find(&mut self, ends: &Ends) -> Option<Bases> {
        if let Some(bases) = self.recent.get(ends) {
            return Some(*bases);
        }
        let bases = self.older.remove(ends)?;
        self.remember(*ends, bases);
        Some(bases)
    }

    fn remember(&mut self, ends: Ends, bases: Bases) {
        if self.recent.len() == REMEMBERED {
            self.older = mem::take(&mut self.recent);
        }
        self.recent.insert(ends, bases);
    }
}

/// Both ends in an order that is the same for both directions, and whether the source is the greater.
fn ends(addresses: Addresses, source_port: u16, destination_port: u16) -> (Ends, bool) {
    let half = |bytes: &[u8; 16], at: usize| u64::from_ne_bytes(*bytes[at..].first_chunk().expect("16 bytes"));
    let (family, source, destination) = match addresses {
        Addresses::V4(source, destination) => {
            (4, (u32::from_ne_bytes(*source).into(), 0), (u32::from_ne_bytes(*destination).into(), 0))
        }
        Addresses::V6(source, destination) => {
            (6, (half(source, 0), half(source, 8)), (half(destination, 0), half(destination, 8)))
        }
    };
    let swapped = (source, source_port) > (destination, destination_port);
    let (low, high, ports) = if swapped {
        (destination, source, [destination_port, source_port])
    } else {
        (source, destination, [source_port, destination_port])
    };
    let family_and_ports = family << 32 | u64::from(ports[0]) << 16 | u64::from(ports[1]);
    (Ends { low, high, family_and_ports }, swapped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Carried, Layer, Link, walk};

    /// The numbers of a segment between ports of 10.0.0.1 and 10.0.0.2, as they are shown.
    fn shown(flows: &mut Flows, ports: [u16; 2], flags: u8, numbers: [u32; 2]) -> (u32, u32) {
        let mut p = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        if ports[0] == 80 {
            (p[15], p[19]) = (2, 1);
        }
        p.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
        p.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
        p.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
        let Some(Layer::Tcp(tcp)) = walk(Carried::frame(Link::Ip, &p, p.len())).last() else { panic!("TCP") };
        let (sequence, acknowledgement) = flows.bases(&tcp);
        (tcp.sequence().wrapping_sub(sequence), tcp.acknowledgement().wrapping_sub(acknowledgement))
    }

    #[test]
    fn numbers_count_from_the_start_of_their_connection() {
        let mut flows = Flows::default();
        let (client, server) = ([999, 80], [80, 999]);
        assert_eq!(shown(&mut flows, client, 2, [1000, 0]), (1000, 0), "no ACK yet");
        assert_eq!(shown(&mut flows, server, 0x12, [u32::MAX, 1001]), (u32::MAX, 1001));
        assert_eq!(shown(&mut flows, client, 0x10, [1001, 0]), (1, 1));
        assert_eq!(shown(&mut flows, server, 0x10, [0, 1006]), (1, 6), "wrapped around");
        assert_eq!(shown(&mut flows, [998, 80], 0x10, [7, 8]), (7, 8), "another connection");
        assert_eq!(shown(&mut flows, server, 0x12, [50, 2001]), (50, 2001), "a new one between the same ends");
        assert_eq!(shown(&mut flows, client, 0x10, [2001, 51]), (1, 1));
    }

    #[test]
    fn a_scan_does_not_make_it_forget_who_speaks_nor_grow() {
        let mut flows = Flows::default();
        shown(&mut flows, [999, 80], 0x10, [1000, 2000]);
        for round in 0..5 {
            for port in 1000..=u16::MAX {
                shown(&mut flows, [port, 81 + round], 0x10, [1, 1]);
                if port % 1000 == 0 {
                    assert_eq!(shown(&mut flows, [999, 80], 0x10, [1005, 2000]), (5, 1));
                }
            }
        }
        assert!(flows.recent.len() + flows.older.len() <= 2 * REMEMBERED);
    }
}
