//! On the loopback interface a packet between two processes of the command passes twice, sent and received: it is shown
//! once, as it is sent.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

/// More than the kernel holds between the two (net.core.netdev_max_backlog is 1000 a processor).
const REMEMBERED: usize = 4096;
/// Headers, and a part of the data.
const LOOKED_AT: usize = 128;

/// Packets that were sent over loopback and were not received yet.
#[derive(Default)]
pub(super) struct Twice {
    sent: VecDeque<u64>,
}

impl Twice {
    /// A packet was sent.
    pub(super) fn note(&mut self, packet: &[u8], length: u32) {
        if self.sent.len() == REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(mark(packet, length));
    }

    /// Whether a packet that was received is one that was sent; each counts once.
    pub(super) fn is_known(&mut self, packet: &[u8], length: u32) -> bool {
        let mark = mark(packet, length);
        let known = self.sent.iter().position(|sent| *sent == mark);
        known.and_then(|at| self.sent.remove(at)).is_some()
    }
}

fn mark(packet: &[u8], length: u32) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(packet.get(..LOOKED_AT).unwrap_or(packet));
    hasher.write_u32(length);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_counts_once_and_memory_is_bounded() {
        let mut twice = Twice::default();
        twice.note(b"a", 1);
        twice.note(b"a", 1);
        assert!(twice.is_known(b"a", 1) && twice.is_known(b"a", 1) && !twice.is_known(b"a", 1));
        assert!(!twice.is_known(b"b", 1));
        for n in 0..2 * REMEMBERED as u32 {
            twice.note(&n.to_ne_bytes(), 4);
        }
        assert_eq!(twice.sent.len(), REMEMBERED);
        assert!(!twice.is_known(&0u32.to_ne_bytes(), 4));
        assert!(twice.is_known(&(REMEMBERED as u32).to_ne_bytes(), 4));
    }
}
