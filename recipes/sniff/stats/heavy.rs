//! Counters by key in bounded memory: those who do much are kept, the rest is summed up.
//!
//! Where the table is full its lesser half goes into the rest (lossy counting): what is kept counts at most
//! [`Heavy::short_by`] bytes too few, and nothing that counts more than that is missing.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// So many are kept at least, once there were so many.
pub(super) const KEPT: usize = 8192;

/// Packets and bytes.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub(in super::super) struct Count {
    /// Packets.
    pub(super) packets: u64,
    /// Bytes on the wire, the link's headers included.
    pub(super) bytes: u64,
}

impl Count {
    pub(super) fn add(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }

    pub(super) fn plus(self, other: Count) -> Count {
        Count { packets: self.packets + other.packets, bytes: self.bytes + other.bytes }
    }
}

/// What went the one way and the other.
pub(super) type Ways = [Count; 2];

fn bytes(ways: &Ways) -> u64 {
    ways[0].bytes + ways[1].bytes
}

/// Counters by key.
pub(super) struct Heavy<K> {
    kept: HashMap<K, Ways, Keyed>,
    /// How many keys went into the rest; one that came back counts again.
    pub(super) others: u64,
    /// What they did.
    pub(super) rest: Ways,
    /// By how many bytes a count may be too low.
    pub(super) short_by: u64,
}

impl<K: Hash + Eq + Copy> Heavy<K> {
    pub(super) fn new() -> Self {
        Heavy { kept: HashMap::with_hasher(Keyed::new()), others: 0, rest: Ways::default(), short_by: 0 }
    }

    /// The counters of `key`.
    #[inline]
    pub(super) fn of(&mut self, key: K) -> &mut Ways {
        if self.kept.len() >= 2 * KEPT {
            self.prune();
        }
        self.kept.entry(key).or_default()
    }

    #[cold]
    fn prune(&mut self) {
        let mut sizes: Vec<u64> = self.kept.values().map(bytes).collect();
        let (_, most, _) = sizes.select_nth_unstable(KEPT - 1);
        let (most, mut room) = (*most, KEPT);
        let (others, rest) = (&mut self.others, &mut self.rest);
        self.kept.retain(|_, ways| {
            if bytes(ways) > most || room == 0 {
                return true;
            }
            room -= 1;
            *others += 1;
            *rest = [rest[0].plus(ways[0]), rest[1].plus(ways[1])];
            false
        });
        self.short_by += most;
    }

    /// The `most` with the most bytes, in that order.
    pub(super) fn top(&self, most: usize) -> Vec<(K, Ways)>
    where
        K: Ord,
    {
        let mut all: Vec<(K, Ways)> = self.kept.iter().map(|(key, ways)| (*key, *ways)).collect();
        let order = |a: &(K, Ways), b: &(K, Ways)| bytes(&b.1).cmp(&bytes(&a.1)).then(a.0.cmp(&b.0));
        if all.len() > most {
            all.select_nth_unstable_by(most, order);
            all.truncate(most);
        }
        all.sort_by(order);
        all
    }
}

/// A quick hash of addresses with a key that whoever sends packets does not know.
#[derive(Clone, Copy)]
struct Keyed {
    seed: u64,
    factor: u64,
}

impl Keyed {
    fn new() -> Self {
        let random = RandomState::new();
        Keyed { seed: random.hash_one(1), factor: random.hash_one(2) | 1 }
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded { state: self.seed, factor: self.factor }
    }
}

/// Each word is mixed in and multiplied by the key, and the halves of the product folded.
struct Folded {
    state: u64,
    factor: u64,
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.write_u64(u64::from_ne_bytes(*word)));
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.write_u64(u64::from_ne_bytes(last));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.factor);
        self.state = (product as u64 ^ (product >> 64) as u64).rotate_left(23);
    }

    #[inline]
    fn write_u128(&mut self, word: u128) {
        self.write_u64(word as u64);
        self.write_u64((word >> 64) as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        let product = u128::from(self.state) * u128::from(self.factor);
        product as u64 ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_much_is_found_among_millions() {
        let mut heavy = Heavy::new();
        let mut sent = Count::default();
        for n in 0..1_000_000_u128 {
            // A scan of others, and ten that speak now and then.
            let key = if n.is_multiple_of(100) { n / 100 % 10 } else { 1000 + n };
            heavy.of(key)[0].add(60);
            sent.add(60);
            assert!(heavy.kept.len() <= 2 * KEPT);
        }
        let top = heavy.top(10);
        let mut keys: Vec<u128> = top.iter().map(|(key, _)| *key).collect();
        keys.sort_unstable();
        assert_eq!(keys, (0..10).collect::<Vec<_>>());
        assert!(top.iter().all(|(_, ways)| ways[0].bytes + heavy.short_by >= 60_000 && ways[0].bytes <= 60_000));
        assert!(heavy.short_by < 60_000, "{}", heavy.short_by);
        let kept = heavy.top(usize::MAX).iter().fold(heavy.rest[0], |sum, (_, ways)| sum.plus(ways[0]));
        assert_eq!(kept, sent, "nothing is lost");
    }

    #[test]
    fn a_few_are_counted_exactly() {
        let mut heavy = Heavy::new();
        for n in 0..10_000_u128 {
            heavy.of(n % 100)[usize::from(n % 3 == 0)].add(100 + (n % 100) as u64);
        }
        let top = heavy.top(3);
        assert_eq!(top.iter().map(|(key, _)| *key).collect::<Vec<_>>(), [99, 98, 97]);
        assert_eq!((top[0].1[0].plus(top[0].1[1]).bytes, heavy.others, heavy.short_by), (19_900, 0, 0));
    }
}
