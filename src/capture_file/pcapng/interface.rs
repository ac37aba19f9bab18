//! The interfaces of a section, and the time that their packets' timestamps stand for.

use super::{Body, Options};

/// if_name: what the system calls it.
pub(in crate::capture_file) const NAME: u16 = 2;
/// if_tsresol: the unit of timestamps, a power of ten or (high bit) of two.
pub(in crate::capture_file) const RESOLUTION: u16 = 9;
/// if_tsoffset: seconds to add to timestamps.
const OFFSET: u16 = 14;

/// Longer than any system's names, in bytes; more is not kept, as a file may describe many interfaces.
const LONGEST_NAME: usize = 256;

const SECOND: u64 = 1_000_000_000;

/// An interface of a section.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) link: u16,
    /// 0 for no bound.
    pub(super) snaplen: u32,
    pub(super) name: Option<Box<str>>,
    unit: Unit,
    /// Seconds to add.
    offset: i64,
}

/// A second is so many units of a timestamp.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Microsecond,
    Nanosecond,
    /// The power of ten: up to 127.
    Ten(u8),
    /// The power of two: up to 127.
    Two(u8),
}

impl Interface {
    /// Reads its description.
    pub(super) fn parse(body: &Body) -> Option<Self> {
        let (link, snaplen) = (body.half(0)?, body.word(4)?);
        let options = Options::new(body.bytes.get(8..).unwrap_or_default(), body.big);
        let mut interface = Interface { link, snaplen, name: None, unit: Unit::Microsecond, offset: 0 };
        for (code, value) in options {
            match (code, value) {
                (NAME, value) => interface.name = Some(name(value)),
                (RESOLUTION, [6]) => interface.unit = Unit::Microsecond,
                (RESOLUTION, [9]) => interface.unit = Unit::Nanosecond,
                (RESOLUTION, [power @ 0..0x80]) => interface.unit = Unit::Ten(*power),
                (RESOLUTION, [power]) => interface.unit = Unit::Two(power & 0x7f),
                (OFFSET, value) => interface.offset = seconds(value, body.big).unwrap_or(0),
                _ => {}
            }
        }
        Some(interface)
    }

    /// Seconds since the epoch and nanoseconds of that second.
    #[inline]
    pub(super) fn time(&self, units: u64) -> (i64, u32) {
        let (seconds, nanoseconds) = match self.unit {
            Unit::Microsecond => (units / 1_000_000, units % 1_000_000 * 1000),
            Unit::Nanosecond => (units / SECOND, units % SECOND),
            Unit::Ten(power) => ten(power, units),
            Unit::Two(power) => two(power, units),
        };
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        (seconds.saturating_add(self.offset), nanoseconds as u32)
    }
}

fn name(value: &[u8]) -> Box<str> {
    let value = value.get(..LONGEST_NAME).unwrap_or(value);
    // Some writers count the zero at the end.
    String::from_utf8_lossy(value).trim_end_matches('\0').into()
}

fn seconds(value: &[u8], big: bool) -> Option<i64> {
    let bytes = value.try_into().ok()?;
    Some(if big { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) })
}

/// Seconds, and nanoseconds of the next.
fn ten(power: u8, units: u64) -> (u64, u64) {
    // 10^20 and more of them are a second: more than 64 bits count.
    let Some(second) = 10_u64.checked_pow(power.into()) else {
        let unit = 10_u64.checked_pow((power - 9).into());
        return (0, unit.map_or(0, |unit| units / unit));
    };
    let rest = u128::from(units % second) * u128::from(SECOND) / u128::from(second);
    (units / second, rest as u64)
}

fn two(power: u8, units: u64) -> (u64, u64) {
    let whole = units.checked_shr(power.into()).unwrap_or(0);
    let rest = u128::from(units) & ((1 << power) - 1);
    (whole, ((rest * u128::from(SECOND)) >> power) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(unit: Unit, offset: i64, units: u64) -> (i64, u32) {
        Interface { link: 1, snaplen: 0, name: None, unit, offset }.time(units)
    }

    #[test]
    fn every_unit_counts_its_seconds() {
        for (unit, units, expected) in [
            (Unit::Microsecond, 1_500_000, (1, 500_000_000)),
            (Unit::Nanosecond, 1_500_000_001, (1, 500_000_001)),
            (Unit::Ten(0), 7, (7, 0)),
            (Unit::Ten(3), 1_234, (1, 234_000_000)),
            (Unit::Ten(12), 1_234_567_890_123, (1, 234_567_890)),
            (Unit::Ten(19), u64::MAX, (1, 844_674_407)),
            (Unit::Ten(20), u64::MAX, (0, 184_467_440)),
            (Unit::Ten(28), u64::MAX, (0, 1)),
            (Unit::Ten(127), u64::MAX, (0, 0)),
            (Unit::Two(0), 7, (7, 0)),
            (Unit::Two(10), 1536, (1, 500_000_000)),
            (Unit::Two(63), u64::MAX, (1, 999_999_999)),
            (Unit::Two(64), u64::MAX, (0, 999_999_999)),
            (Unit::Two(127), u64::MAX, (0, 0)),
        ] {
            assert_eq!(time(unit, 0, units), expected, "{unit:?} {units}");
        }
        assert_eq!(time(Unit::Microsecond, -10, 1_500_000), (-9, 500_000_000));
        assert_eq!(time(Unit::Ten(0), i64::MAX, u64::MAX), (i64::MAX, 0));
        assert_eq!(time(Unit::Ten(0), i64::MIN, 0), (i64::MIN, 0));
    }
}
