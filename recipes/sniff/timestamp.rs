//! Times of packets: local time of day as tcpdump prints it, and RFC 3339 in UTC for JSON.

use std::fmt::Write;

use crate::packet::text::Text;
use crate::packet::{calendar, text};
use crate::sys::local_time;

const DAY: i64 = 86_400;
/// Offsets from UTC change at whole quarters of an hour.
const QUARTER: i64 = 900;

/// The local clock; asks for the zone's offset once a quarter of an hour (of packet time).
#[derive(Debug, Default)]
pub struct LocalClock {
    quarter: Option<i64>,
    offset: i64,
    /// The second that was last written, and its text.
    second: Option<i64>,
    text: Text,
}

impl LocalClock {
    /// Local time in seconds: as if the epoch had been at local midnight.
    fn local(&mut self, seconds: i64) -> i64 {
        let quarter = seconds.div_euclid(QUARTER);
        if self.quarter != Some(quarter) {
            (self.quarter, self.offset) = (Some(quarter), local_time::offset(seconds));
        }
        seconds.saturating_add(self.offset)
    }

    /// Appends "HH:MM:SS.ffffff", local time.
    pub fn time_of_day(&mut self, out: &mut Text, seconds: i64, nanoseconds: u32) {
        // Packets come in the order of time, thousands in a second.
        if self.second != Some(seconds) {
            let local = self.local(seconds);
            self.text.clear();
            time(&mut self.text, local);
            self.second = Some(seconds);
        }
        out.push_str(self.text.as_str());
        out.push('.');
        text::six_digits(out, nanoseconds / 1000);
    }

    /// Appends "YYYY-MM-DD HH:MM:SS.ffffff", local time.
    pub fn date_and_time(&mut self, out: &mut Text, seconds: i64, nanoseconds: u32) {
        date(out, self.local(seconds));
        out.push(' ');
        self.time_of_day(out, seconds, nanoseconds);
    }
}

/// "YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ" (RFC 3339, UTC).
pub fn rfc3339(seconds: i64, nanoseconds: u32) -> String {
    text::written(|out| {
        date(out, seconds);
        out.push('T');
        time(out, seconds);
        let _ = write!(out, ".{nanoseconds:09}Z");
    })
}

fn time(out: &mut Text, seconds: i64) {
    let second = seconds.rem_euclid(DAY);
    for (before, n) in [("", second / 3600), (":", second / 60 % 60), (":", second % 60)] {
        out.push_str(before);
        text::two_digits(out, n as u32);
    }
}

fn date(out: &mut Text, seconds: i64) {
    let (year, month, day) = calendar::date(seconds.div_euclid(DAY));
    let _ = write!(out, "{year:04}-{month:02}-{day:02}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000007Z"),
            (951_782_400, "2000-02-29T00:00:00.000000007Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000000007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000007Z"),
            (-1, "1969-12-31T23:59:59.000000007Z"),
        ] {
            assert_eq!(rfc3339(seconds, 7), text);
        }
    }
}
