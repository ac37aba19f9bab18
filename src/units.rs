//! Sizes, times and rates as people write them.

use crate::error::{Error, Result};

const BINARY: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// "4 KiB", "1.5 GiB", "100 B": exact where the size is a whole number of its unit, else one decimal.
pub fn bytes(n: u64) -> String {
    for (unit, scale) in BINARY {
        if n >= scale {
            return match n % scale {
                0 => format!("{} {unit}", n / scale),
                _ => format!("{:.1} {unit}", n as f64 / scale as f64),
            };
        }
    }
    format!("{n} B")
}

/// Reads "4096", "4KiB", "4 KiB", "4K", "1.5G" (K, M, G, T are powers of 1024, as in dd and fio).
pub fn parse_bytes(text: &str) -> Result<u64> {
    let bad = || Error::usage(format!("'{text}' is not a size")).fix("write 4096, 4KiB, 64K, 1.5MiB or 2G");
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err(bad()),
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(scale).ok_or_else(bad);
    }
    let value = number.parse::<f64>().map_err(|_| bad())? * scale as f64;
    if value.is_finite() && value < u64::MAX as f64 { Ok(value.round() as u64) } else { Err(bad()) }
}

/// "812 ns", "1.43 us", "20.1 ms", "3.2 s": three significant digits.
pub fn nanoseconds(ns: f64) -> String {
    let (value, unit) = match ns {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    format!("{} {unit}", significant(value))
}

/// "9.81 GB/s" (decimal units, as networks and disks are rated) for bytes moved in nanoseconds.
pub fn rate(bytes: u64, ns: f64) -> String {
    let per_second = bytes as f64 / ns * 1e9;
    let (value, unit) = match per_second {
        r if r >= 1e9 => (r / 1e9, "GB/s"),
        r if r >= 1e6 => (r / 1e6, "MB/s"),
        r => (r / 1e3, "kB/s"),
    };
    format!("{} {unit}", significant(value))
}

fn significant(value: f64) -> String {
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Reads "5s", "250ms", "2m", "1h", or seconds as "2.5".
pub fn parse_duration(text: &str) -> Result<std::time::Duration> {
    let bad = || Error::usage(format!("'{text}' is not a duration")).fix("write 5s, 250ms, 2m or 1h");
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let scale = match unit {
        "ms" => 1e-3,
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let seconds = number.parse::<f64>().map_err(|_| bad())? * scale;
    std::time::Duration::try_from_secs_f64(seconds).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, n) in
            [("4096", 4096), ("4KiB", 4096), ("4 KiB", 4096), ("64k", 65536), ("1.5M", 1572864), ("0", 0)]
        {
            assert_eq!(parse_bytes(text).unwrap(), n, "{text}");
        }
        for bad in ["", "x", "4Q", "1.2.3K", "-1", "99999999999999T", "NaN", "."] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_written_in_their_natural_unit() {
        assert_eq!([0, 100, 4096, 1 << 30, 1536].map(bytes), ["0 B", "100 B", "4 KiB", "1 GiB", "1.5 KiB"]);
    }

    #[test]
    fn times_keep_three_digits() {
        assert_eq!([1.0, 812.4, 1430.0, 2.01e7].map(nanoseconds), ["1.00 ns", "812 ns", "1.43 us", "20.1 ms"]);
    }

    #[test]
    fn durations_are_read() {
        assert_eq!(parse_duration("250ms").unwrap().as_millis(), 250);
        assert_eq!(parse_duration("2m").unwrap().as_secs(), 120);
        for bad in ["", "s", "5 parsecs", "-1s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
