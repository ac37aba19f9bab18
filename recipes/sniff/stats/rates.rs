//! Packets and bytes by the second, of which the most is kept.

use super::heavy::Count;

/// Seconds that are counted at a time: files need not be in the order of time.
const WINDOW: usize = 16;

/// Counts by the second of their times.
#[derive(Debug, Default)]
pub(super) struct Rates {
    seconds: [(i64, Count); WINDOW],
    peak: Count,
}

impl Rates {
    #[inline]
    pub(super) fn add(&mut self, second: i64, bytes: u64) {
        let slot = &mut self.seconds[second.rem_euclid(WINDOW as i64) as usize];
        if slot.0 != second {
            self.peak = most(self.peak, slot.1);
            *slot = (second, Count::default());
        }
        slot.1.add(bytes);
    }

    /// The most packets of a second, and the most bytes, each for itself.
    pub(super) fn peak(&self) -> Count {
        self.seconds.iter().fold(self.peak, |peak, (_, count)| most(peak, *count))
    }
}

fn most(a: Count, b: Count) -> Count {
    Count { packets: a.packets.max(b.packets), bytes: a.bytes.max(b.bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_found_out_of_order_too() {
        let mut rates = Rates::default();
        for second in [-3, 7, 8, 7, 9, 8, 7, 100, 101] {
            rates.add(second, 50 + u64::from(second == 101) * 1000);
        }
        assert_eq!(rates.peak(), Count { packets: 3, bytes: 1050 });
    }
}
