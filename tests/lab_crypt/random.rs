//! `syskit crypt random --via rng`, and the race it is in.

use serde_json::Value;

use super::ran;

/// Two outputs, an odd length, then the race.
pub const SCRIPT: &str = "syskit crypt random --via rng --hex 300; syskit crypt random --via rng --hex 300
    syskit crypt random --via rng 1000003 | wc -c; syskit crypt random --via rng 0 | wc -c
    syskit bench random --quick --sizes 16,1KiB --json -";

#[test]
fn the_rng_type_gives_random_bytes_and_races() {
    let Some(ran) = ran("random") else { return };
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let mut lines = ran.out.splitn(5, '\n');
    let mut next = || lines.next().expect("a line");
    let (one, other) = (next(), next());
    assert!(one.len() == 600 && other.len() == 600 && one != other, "{one} {other}");
    assert_eq!((next().trim(), next().trim()), ("1000003", "0"));
    let report: Value = serde_json::from_str(next()).expect("the report");
    let text = report.to_string();
    assert!(text.contains("\"rng\"") && !text.contains("unavailable"), "{text}");
}
