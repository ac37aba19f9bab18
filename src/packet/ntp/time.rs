//! NTP's timestamps (RFC 5905 section 6): seconds since 1900 in 32 bits, and 32 bits of fraction.

use std::fmt;

use crate::packet::calendar::date;

/// From 1900 to 1970, in seconds.
const TO_UNIX: i64 = 2_208_988_800;

/// A timestamp as it stands in the packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Seconds since 1970: of the time between 1968 and 2104 that the 32 bits can mean (RFC 4330 section 3).
    pub fn unix_seconds(self) -> i64 {
        let seconds = (self.0 >> 32) as i64;
        let era = if seconds & 0x8000_0000 == 0 { 1 << 32 } else { 0 };
        seconds + era - TO_UNIX
    }

    /// Nanoseconds of that second.
    pub fn nanoseconds(self) -> u32 {
        (((self.0 & 0xffff_ffff) * 1_000_000_000) >> 32) as u32
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC; "none" where it is zero.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("none");
        }
        let seconds = self.unix_seconds();
        let ((year, month, day), of_day) = (date(seconds.div_euclid(86_400)), seconds.rem_euclid(86_400));
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let nanoseconds = self.nanoseconds();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanoseconds:09}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_at_their_edges() {
        for (seconds, text) in [
            // 1 January 1970; the first and last second of the second era; a leap day; the oldest that is meant.
            (2_208_988_800_u64, "1970-01-01T00:00:00.500000000Z"),
            (0, "2036-02-07T06:28:16.500000000Z"),
            (0x7fff_ffff, "2104-02-26T09:42:23.500000000Z"),
            (0x8000_0000, "1968-01-20T03:14:08.500000000Z"),
            (2_208_988_800 + 1_709_164_800, "2024-02-29T00:00:00.500000000Z"),
        ] {
            assert_eq!(Timestamp(seconds << 32 | 1 << 31).to_string(), text);
        }
        assert_eq!(Timestamp(0).to_string(), "none");
    }
}
