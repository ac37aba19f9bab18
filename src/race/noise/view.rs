//! The noise record as text.

use std::fmt;

use super::record::{Noise, Reason, Trust};

/// "trust fair: 3 of 40 rounds disturbed", then a line for each reason.
pub fn lines(noise: &Noise) -> Vec<String> {
    let during = &noise.record.during;
    let mut seen = vec![format!("{} of {} rounds disturbed", during.disturbed, during.rounds)];
    let mut shown = |share: Option<f64>, what: &str| {
        seen.extend(share.map(|s| format!("{what} {:.1} %", s * 100.0)));
    };
    shown(during.waited, "waited for others");
    shown(during.others, "other processes");
    shown(during.stolen.filter(|_| noise.record.setting.machine.is_virtual), "stolen");
    let mut lines = vec![format!("trust {}: {}", noise.trust, seen.join(", "))];
    lines.extend(noise.reasons.iter().map(line));
    lines
}

fn line(reason: &Reason) -> String {
    let word = match reason.at_best {
        Trust::Good => "note".to_owned(),
        other => format!("{other} at best"),
    };
    format!("  {word}: {}; {}", reason.what, reason.advice)
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trust::Poor => "poor",
            Trust::Fair => "fair",
            Trust::Good => "good",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::race::noise::Record;

    #[test]
    fn the_grade_its_figures_and_its_reasons() {
        let mut record = Record::default();
        (record.during.rounds, record.during.disturbed) = (40, 3);
        record.during.others = Some(0.012);
        let reason = |at_best, what: &str| Reason { at_best, what: what.into(), advice: "do".into() };
        let reasons = vec![reason(Trust::Fair, "this"), reason(Trust::Good, "that")];
        assert_eq!(
            lines(&Noise { trust: Trust::Fair, reasons, record }),
            [
                "trust fair: 3 of 40 rounds disturbed, other processes 1.2 %",
                "  fair at best: this; do",
                "  note: that; do"
            ]
        );
    }
}
