//! Counting system calls by name, with the bytes they returned; pure.

use std::collections::HashMap;
use std::hash::Hash;

use super::names;
use super::record::Syscall;

/// A system call: AUDIT_ARCH_* and number.
type Call = (u32, u64);

/// Counts calls of the threads `T`.
pub struct Tally<T> {
    under_way: HashMap<T, Call>,
    counts: HashMap<Call, Count>,
}

#[derive(Default)]
struct Count {
    calls: u64,
    errors: u64,
    returned: u64,
    sum: u128,
    least: u64,
    most: u64,
}

impl<T: Eq + Hash> Tally<T> {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Tally { under_way: HashMap::new(), counts: HashMap::new() }
    }

    /// `thread` enters a call: it counts from here, for it may never return (exit).
    pub fn enters(&mut self, thread: T, arch: u32, number: u64) {
        self.counts.entry((arch, number)).or_default().calls += 1;
        self.under_way.insert(thread, (arch, number));
    }

    /// `thread` returns from the call it entered; one entered before counting began is not counted.
    pub fn returns(&mut self, thread: &T, value: i64, failed: bool) {
        let Some(call) = self.under_way.remove(thread) else { return };
        let count = self.counts.entry(call).or_default();
        match u64::try_from(value).ok().filter(|_| !failed) {
            Some(value) => {
                count.least = if count.returned == 0 { value } else { count.least.min(value) };
                count.most = count.most.max(value);
                count.returned += 1;
                count.sum += u128::from(value);
            }
            None => count.errors += 1,
        }
    }

    /// The counts over `operations` operations, the most frequent first.
    pub fn per_operation(&self, operations: u64) -> Vec<Syscall> {
        let each = |n: u64| n as f64 / operations.max(1) as f64;
        let mut all: Vec<Syscall> = self
            .counts
            .iter()
            .map(|((arch, number), count)| {
                let name = names::name(*arch, *number);
                let moves = names::returns_bytes(&name) && count.returned > 0;
                Syscall {
                    name,
                    per_operation: each(count.calls),
                    errors_per_operation: each(count.errors),
                    mean_bytes: moves.then(|| count.sum as f64 / count.returned as f64),
                    even: moves && count.least == count.most,
                }
            })
            .collect();
        all.sort_by(|a, b| b.per_operation.total_cmp(&a.per_operation).then_with(|| a.name.cmp(&b.name)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCH: u32 = if cfg!(target_arch = "aarch64") { 0xc000_00b7 } else { 0xc000_003e };
    const READ: u64 = libc::SYS_read as u64;
    const LSEEK: u64 = libc::SYS_lseek as u64;

    #[test]
    fn calls_errors_and_bytes_over_two_threads() {
        let mut tally = Tally::new();
        tally.enters(1, ARCH, READ);
        tally.enters(2, ARCH, READ);
        tally.returns(&2, -11, true);
        tally.returns(&1, 4096, false);
        tally.enters(1, ARCH, READ);
        tally.returns(&1, 0, false);
        tally.enters(1, ARCH, LSEEK);
        tally.returns(&1, 77, false);
        let all = tally.per_operation(2);
        let names: Vec<(&str, f64, f64)> =
            all.iter().map(|s| (s.name.as_str(), s.per_operation, s.errors_per_operation)).collect();
        assert_eq!(names, [("read", 1.5, 0.5), ("lseek", 0.5, 0.0)]);
        assert_eq!((all[0].mean_bytes, all[0].even), (Some(2048.0), false));
        assert_eq!(all[1].mean_bytes, None, "an offset is no count of bytes");
    }

    #[test]
    fn a_return_without_an_entry_is_not_counted_and_an_exit_without_a_return_is() {
        let mut tally = Tally::new();
        tally.returns(&1, 5, false);
        tally.enters(1, ARCH, libc::SYS_exit_group as u64);
        let all = tally.per_operation(1);
        assert_eq!((all.len(), all[0].name.as_str(), all[0].per_operation), (1, "exit_group", 1.0));
    }
}
