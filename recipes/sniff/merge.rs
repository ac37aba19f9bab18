//! Packets of several rings, by their time.
//!
//! What is promised: those of one ring come in the ring's order, and a packet comes before every other that has a later time,
//! be it of whatever ring, unless its own block is handed over later than `hold` after the other's was. A ring hands a block
//! over some milliseconds after it was begun, so that only a thread which does not get to run for longer breaks the order.
//! The price: where a ring has nothing at hand, the others' packets wait for `hold`. No clock but the steady one is asked, so
//! that setting the time stops nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::sys::packet_ring::Block;
use crate::sys::packet_socket::Arrival;

/// A run of packets in the order of their time.
pub(super) trait Packets {
    /// Goes on to the next.
    fn advance(&mut self) -> Option<Arrival>;
    /// Packets that it has not come to.
    fn left(&self) -> u32;
}

impl Packets for Block {
    #[inline]
    fn advance(&mut self) -> Option<Arrival> {
        Block::advance(self)
    }

    fn left(&self) -> u32 {
        Block::left(self)
    }
}

/// Merges the packets of blocks. It holds as many blocks as were pushed and not read to their end.
pub(super) struct Merge<B = Block> {
    rings: Vec<Queue<B>>,
    hold: Duration,
    /// Since when the block is at hand that has the next packet and is held back.
    held: Option<Instant>,
}

struct Queue<B> {
    blocks: VecDeque<Held<B>>,
    /// The next packet, which is the one at hand in the first block.
    head: Option<Arrival>,
    unreadable: u64,
}

struct Held<B> {
    block: B,
    since: Instant,
    /// Whether it was at hand for so long that nothing earlier can come.
    ripe: bool,
}

impl<B: Packets> Queue<B> {
    /// Makes sure that the head is the next packet, if there is one.
    #[inline]
    fn refill(&mut self) {
        while self.head.is_none() {
            let Some(first) = self.blocks.front_mut() else { return };
            self.head = first.block.advance();
            if self.head.is_none() {
                self.unreadable += u64::from(first.block.left());
                self.blocks.pop_front();
            }
        }
    }
}

impl<B: Packets> Merge<B> {
    /// Of so many rings, holding blocks back for so long.
    pub(super) fn new(rings: usize, hold: Duration) -> Self {
        let queue = || Queue { blocks: VecDeque::new(), head: None, unreadable: 0 };
        Merge { rings: (0..rings).map(|_| queue()).collect(), hold, held: None }
    }

    /// Takes the next block of a ring.
    pub(super) fn push(&mut self, ring: usize, block: B, now: Instant) {
        self.rings[ring].blocks.push_back(Held { block, since: now, ripe: false });
    }

    /// The ring that has the next packet, if that can be told. `now` is given where all that was handed over by then was
    /// pushed.
    #[inline]
    pub(super) fn pick(&mut self, now: Option<Instant>) -> Option<usize> {
        let (mut first, mut complete) = (None, true);
        for (number, queue) in self.rings.iter_mut().enumerate() {
            queue.refill();
            match queue.head {
                None => complete = false,
                Some(head) => {
                    let time = (head.seconds, head.nanoseconds);
                    if first.is_none_or(|(earliest, _)| time < earliest) {
                        first = Some((time, number));
                    }
                }
            }
        }
        self.held = None;
        let (_, number) = first?;
        if complete {
            return Some(number);
        }
        let held = self.rings[number].blocks.front_mut()?;
        held.ripe |= now.is_some_and(|now| now.saturating_duration_since(held.since) >= self.hold);
        self.held = Some(held.since);
        held.ripe.then_some(number)
    }

    /// The packet that was picked, and its block.
    #[inline]
    pub(super) fn take(&mut self, ring: usize) -> Option<(Arrival, &mut B)> {
        let queue = &mut self.rings[ring];
        let arrival = queue.head.take()?;
        Some((arrival, &mut queue.blocks.front_mut()?.block))
    }

    /// How long until the packet that could not be picked can be, if nothing comes.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        self.held.map_or(Duration::MAX, |since| (since + self.hold).saturating_duration_since(now))
    }

    /// Packets of blocks that could not be read.
    pub(super) fn unreadable(&self) -> u64 {
        self.rings.iter().map(|queue| queue.unreadable).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets at these seconds, and some that cannot be read.
    struct Run(VecDeque<i64>, u32);

    impl Packets for Run {
        fn advance(&mut self) -> Option<Arrival> {
            self.0.pop_front().map(|seconds| Arrival { seconds, ..Arrival::default() })
        }

        fn left(&self) -> u32 {
            self.1
        }
    }

    fn run(times: impl IntoIterator<Item = i64>) -> Run {
        Run(times.into_iter().collect(), 0)
    }

    const HOLD: Duration = Duration::from_millis(40);

    const NONE: [i64; 0] = [];

    fn all(merge: &mut Merge<Run>, now: Option<Instant>) -> Vec<i64> {
        let mut times = Vec::new();
        while let Some(ring) = merge.pick(now) {
            times.push(merge.take(ring).expect("it was picked").0.seconds);
        }
        times
    }

    #[test]
    fn packets_come_by_their_time_and_wait_for_rings_that_have_none() {
        let start = Instant::now();
        let mut merge = Merge::new(2, HOLD);
        assert_eq!(all(&mut merge, Some(start)), NONE);
        merge.push(0, run([1, 4, 5, 9]), start);
        assert_eq!(all(&mut merge, Some(start)), NONE);
        assert_eq!(merge.patience(start), HOLD);
        merge.push(1, run([2, 3]), start);
        merge.push(1, run([6, 7]), start);
        assert_eq!(all(&mut merge, None), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(all(&mut merge, Some(start + HOLD / 2)), NONE);
        assert_eq!(merge.patience(start + HOLD / 2), HOLD / 2);
        assert_eq!(all(&mut merge, Some(start + HOLD)), [9]);
        assert_eq!((all(&mut merge, None), merge.patience(start)), (vec![], Duration::MAX));
    }

    #[test]
    fn a_block_that_waited_is_read_whole_but_what_came_meanwhile_goes_first() {
        let start = Instant::now();
        let mut merge = Merge::new(3, HOLD);
        merge.push(2, run([5, 8]), start);
        merge.push(0, run([6, 7, 9]), start + HOLD);
        assert_eq!(all(&mut merge, Some(start + HOLD)), [5]);
        assert_eq!(all(&mut merge, Some(start + HOLD * 2)), [6, 7, 8, 9]);
    }

    #[test]
    fn a_time_that_goes_back_stops_nothing_and_what_cannot_be_read_is_counted() {
        let start = Instant::now();
        let mut merge = Merge::new(2, HOLD);
        merge.push(0, Run([9, 3].into(), 4), start);
        merge.push(1, Run([].into(), 2), start);
        merge.push(1, run([5]), start);
        assert_eq!(all(&mut merge, Some(start + HOLD)), [5, 9, 3]);
        assert_eq!(merge.unreadable(), 6);
    }
}
