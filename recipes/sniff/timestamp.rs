//! Times of packets: in the forms of tcpdump's `-t`, and RFC 3339 in UTC for JSON.

use crate::packet::text::{Text, written};
use crate::packet::{calendar, text};
use crate::sys::local_time;

const DAY: i64 = 86_400;
const SECOND: u32 = 1_000_000_000;

/// How the time of a packet is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeForm {
    /// Local time of day.
    #[default]
    OfDay,
    /// Not at all (`-t`).
    Untold,
    /// Seconds since the epoch (`-tt`).
    Epoch,
    /// Since the packet before it (`-ttt`).
    SincePrevious,
    /// Local date and time (`-tttt`).
    DateAndTime,
    /// Since the first packet (`-ttttt`).
    SinceFirst,
}

/// How exactly the time is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Precision {
    /// In microseconds
    #[default]
    Micro,
    /// In nanoseconds
    Nano,
}

/// Writes the times of packets.
#[derive(Debug, Default)]
pub struct Clock {
    form: TimeForm,
    precision: Precision,
    /// The second that was last written, and its text up to the point.
    second: Option<i64>,
    text: Text,
    /// What time is counted from: seconds, and units of the precision.
    origin: Option<(i64, u32)>,
}

impl Clock {
    /// One that writes in this form.
    pub fn new(form: TimeForm, precision: Precision) -> Self {
        Clock { form, precision, ..Clock::default() }
    }

    /// Appends the time and a blank; nothing where times are untold.
    #[inline]
    pub fn write(&mut self, out: &mut Text, seconds: i64, nanoseconds: u32) {
        let units = match self.precision {
            Precision::Micro => nanoseconds / 1000,
            Precision::Nano => nanoseconds,
        };
        match self.form {
            TimeForm::Untold => return,
            TimeForm::SincePrevious | TimeForm::SinceFirst => return self.since(out, seconds, units),
            // Packets come in the order of time, thousands in a second.
            _ if self.second != Some(seconds) => self.turn(seconds),
            _ => {}
        }
        out.push_str(self.text.as_str());
        self.fraction(out, units);
    }

    /// The text of another second.
    #[cold]
    fn turn(&mut self, seconds: i64) {
        self.second = Some(seconds);
        self.text.clear();
        if self.form == TimeForm::Epoch {
            self.text.push_str(itoa::Buffer::new().format(seconds));
            return;
        }
        // As if the epoch had been at local midnight.
        let local = seconds.saturating_add(local_time::offset(seconds));
        if self.form == TimeForm::DateAndTime {
            date(&mut self.text, local);
            self.text.push(' ');
        }
        time(&mut self.text, local.rem_euclid(DAY));
    }

    /// Appends the time since the origin: a sign or a blank, hours (beyond a day, too), minutes, seconds.
    fn since(&mut self, out: &mut Text, seconds: i64, units: u32) {
        let now = (seconds, units);
        let origin = *self.origin.get_or_insert(now);
        let (from, to) = if now < origin { (now, origin) } else { (origin, now) };
        let borrow = to.1 < from.1;
        let apart = to.0.saturating_sub(from.0) - i64::from(borrow);
        let units = if borrow { to.1 + self.unit() - from.1 } else { to.1 - from.1 };
        out.push(if now < origin { '-' } else { ' ' });
        time(out, apart);
        self.fraction(out, units);
        if self.form == TimeForm::SincePrevious {
            self.origin = Some(now);
        }
    }

    /// Units of the precision in a second.
    fn unit(&self) -> u32 {
        match self.precision {
            Precision::Micro => SECOND / 1000,
            Precision::Nano => SECOND,
        }
    }

    #[inline]
    fn fraction(&self, out: &mut Text, units: u32) {
        match self.precision {
            Precision::Micro => {
                let ([a, b], [c, d], [e, f]) = (pair(units / 10_000), pair(units / 100), pair(units));
                out.ascii([b'.', a, b, c, d, e, f, b' ']);
            }
            Precision::Nano => {
                out.push('.');
                text::decimal(out, units / 100_000_000 % 10);
                let ([a, b], [c, d]) = (pair(units / 1_000_000), pair(units / 10_000));
                let ([e, f], [g, h]) = (pair(units / 100), pair(units));
                out.ascii([a, b, c, d, e, f, g, h, b' ']);
            }
        }
    }
}

/// The last two decimal digits of `n`.
#[inline]
fn pair(n: u32) -> [u8; 2] {
    const PAIRS: [[u8; 2]; 100] = {
        let mut table = [[0; 2]; 100];
        let mut n = 0;
        while n < 100 {
            table[n] = [b'0' + n as u8 / 10, b'0' + n as u8 % 10];
            n += 1;
        }
        table
    };
    PAIRS[(n % 100) as usize]
}

/// "YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ" (RFC 3339, UTC).
pub fn rfc3339(seconds: i64, nanoseconds: u32) -> String {
    written(|out| append_rfc3339(out, seconds, nanoseconds))
}

/// Appends "YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ".
pub fn append_rfc3339(out: &mut Text, seconds: i64, nanoseconds: u32) {
    date(out, seconds);
    out.push('T');
    time(out, seconds.rem_euclid(DAY));
    let units = nanoseconds % SECOND;
    out.push('.');
    text::decimal(out, units / 100_000_000);
    for unit in [1_000_000, 10_000, 100, 1] {
        out.ascii(pair(units / unit));
    }
    out.push('Z');
}

/// Appends "HH:MM:SS" of `seconds` that are not negative.
fn time(out: &mut Text, seconds: i64) {
    match seconds / 3600 {
        hours @ 0..100 => out.ascii(pair(hours as u32)),
        hours => out.push_str(itoa::Buffer::new().format(hours)),
    }
    for n in [seconds / 60 % 60, seconds % 60] {
        out.push(':');
        out.ascii(pair(n as u32));
    }
}

/// Appends "YYYY-MM-DD" of local seconds.
fn date(out: &mut Text, seconds: i64) {
    let (year, month, day) = calendar::date(seconds.div_euclid(DAY));
    if (0..1000).contains(&year) {
        out.push_str(&"000"[year.max(1).ilog10() as usize..]);
    }
    out.push_str(itoa::Buffer::new().format(year));
    for n in [month, day] {
        out.push('-');
        out.ascii(pair(n as u32));
    }
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
            (-59_999_999_999, "0068-09-03T13:20:01.000000007Z"),
        ] {
            assert_eq!(rfc3339(seconds, 7), text);
        }
        assert_eq!(rfc3339(0, 987_654_321), "1970-01-01T00:00:00.987654321Z");
    }

    fn told(form: TimeForm, precision: Precision, times: &[(i64, u32)]) -> Vec<String> {
        let mut clock = Clock::new(form, precision);
        times.iter().map(|&(seconds, nanoseconds)| written(|out| clock.write(out, seconds, nanoseconds))).collect()
    }

    #[test]
    fn time_since_another_packet_has_a_sign_and_goes_beyond_a_day() {
        let times = [(0, 5000), (1, 4999), (1, 5000), (0, 999_999_999), (400_000, 0)];
        let micro = [
            " 00:00:00.000000 ",
            " 00:00:00.999999 ",
            " 00:00:00.000001 ",
            "-00:00:00.000006 ",
            " 111:06:39.000001 ",
        ];
        assert_eq!(told(TimeForm::SincePrevious, Precision::Micro, &times), micro);
        let nano = [
            " 00:00:00.000000000 ",
            " 00:00:00.999999999 ",
            " 00:00:01.000000000 ",
            " 00:00:00.999994999 ",
            " 111:06:39.999995000 ",
        ];
        assert_eq!(told(TimeForm::SinceFirst, Precision::Nano, &times), nano);
        let extremes = [(i64::MIN, 1), (i64::MAX, 0)];
        assert_eq!(told(TimeForm::SinceFirst, Precision::Nano, &extremes)[1], " 2562047788015215:30:06.999999999 ");
    }

    #[test]
    fn seconds_since_the_epoch_are_as_they_were_captured() {
        let times = [(0, 1), (1_700_000_000, 123_456_789), (1_700_000_000, 999_999_999), (i64::MIN, 0)];
        let micro = ["0.000000 ", "1700000000.123456 ", "1700000000.999999 ", "-9223372036854775808.000000 "];
        assert_eq!(told(TimeForm::Epoch, Precision::Micro, &times), micro);
        assert_eq!(told(TimeForm::Epoch, Precision::Nano, &times)[1], "1700000000.123456789 ");
        assert_eq!(told(TimeForm::Untold, Precision::Nano, &times), ["", "", "", ""]);
        assert_eq!(told(TimeForm::OfDay, Precision::Micro, &[(i64::MAX, 0)])[0].len(), 16);
        assert!(told(TimeForm::DateAndTime, Precision::Nano, &[(i64::MAX, 0)])[0].ends_with(".000000000 "));
    }
}
