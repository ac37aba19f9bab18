//! The verdict on a pair of contenders that ran in the same rounds.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::statistics;

/// Confidence of every interval.
pub const CONFIDENCE: f64 = 0.95;
/// A difference must also pass the exact sign test at this level. Stopping when the interval is narrow makes some
/// 5 % tests come out wrong in 6 % of races; at this level it is 3 % (tests/race_method/verdicts.rs).
pub const SIGNIFICANCE: f64 = 0.03;
/// Fewer rounds than this cannot pass the sign test, whatever they show.
pub const VERDICT_ROUNDS: usize = 7;

/// One contender against another: how many times as fast, with what certainty.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The contender that it is compared with.
    pub against: String,
    /// The other's time over this one's, the median of the rounds: above 1 this one is faster.
    pub ratio: f64,
    /// Lower end of the 95 % bootstrap interval of the ratio.
    pub ratio_low: f64,
    /// Upper end of the 95 % bootstrap interval of the ratio.
    pub ratio_high: f64,
    /// Probability of so uneven a split of rounds if there were no difference (exact sign test, two-sided).
    pub sign_test_p: f64,
    /// Rounds in which both ran.
    pub rounds: usize,
    /// How many times as far as rounds the heats (fresh fixtures) differ; the interval and the test are that much more
    /// careful. 1 where they do not differ more than rounds do.
    pub design_effect: f64,
    /// What that amounts to.
    pub verdict: Verdict,
}

/// What a comparison amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies above 1 and a test agrees: the sign test over the rounds or Student's over the heats.
    Faster,
    /// The interval lies below 1 and a test agrees.
    Slower,
    /// The interval holds 1: a tie.
    NoDifferenceFound,
    /// The interval does not hold 1 but no test is convinced: counts as a tie.
    Uncertain,
    /// Too few rounds for any verdict.
    TooFewRounds,
}

impl Comparison {
    /// Compares by the time per operation of each round, in the order of the rounds; `heats` are the rounds with which
    /// a fresh fixture came.
    pub fn new(against: &str, own_ns: &[f64], other_ns: &[f64], heats: &[usize]) -> Self {
        let logs: Vec<f64> =
            own_ns.iter().zip(other_ns).map(|(own, other)| positive(*other).ln() - positive(*own).ln()).collect();
        let sorted = statistics::sorted(&logs);
        let median = statistics::quantile(&sorted, 0.5);
        let effect = statistics::design_effect(&logs, median, heats);
        let (low, high) = statistics::bootstrap_median(&sorted, effect, CONFIDENCE);
        let sign_test_p = statistics::sign_test(&logs, effect);
        let verdict = match logs.len() {
            n if n < VERDICT_ROUNDS => Verdict::TooFewRounds,
            _ if low <= 0.0 && high >= 0.0 => Verdict::NoDifferenceFound,
            _ if sign_test_p > SIGNIFICANCE && !statistics::heats_agree(&logs, heats) => Verdict::Uncertain,
            _ if low > 0.0 => Verdict::Faster,
            _ => Verdict::Slower,
        };
        Comparison {
            against: against.to_owned(),
            ratio: median.exp(),
            ratio_low: low.exp(),
            ratio_high: high.exp(),
            sign_test_p,
            rounds: logs.len(),
            design_effect: effect,
            verdict,
        }
    }

    /// Half the width of the interval as a fraction of the ratio: the precision reached.
    pub fn half_width(&self) -> f64 {
        (self.ratio_high - self.ratio_low) / (2.0 * self.ratio)
    }

    /// Whether a difference was found.
    pub fn differs(&self) -> bool {
        matches!(self.verdict, Verdict::Faster | Verdict::Slower)
    }
}

/// A sample shorter than the clock can tell counts as a nanosecond: there is no logarithm of nothing.
fn positive(ns: f64) -> f64 {
    ns.max(1e-3)
}

/// "1.43x faster (1.40-1.46)", "no difference found (0.98-1.02)".
impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (ratio, low, high) = match self.verdict {
            Verdict::Slower => (1.0 / self.ratio, 1.0 / self.ratio_high, 1.0 / self.ratio_low),
            _ => (self.ratio, self.ratio_low, self.ratio_high),
        };
        let digits = digits(ratio, self.differs());
        let interval = format!("({low:.digits$}-{high:.digits$})");
        match self.verdict {
            Verdict::Faster => write!(f, "{ratio:.digits$}x faster {interval}"),
            Verdict::Slower => write!(f, "{ratio:.digits$}x slower {interval}"),
            Verdict::NoDifferenceFound => write!(f, "no difference found {interval}"),
            Verdict::Uncertain => write!(f, "too uncertain to tell {interval}"),
            Verdict::TooFewRounds => write!(f, "too few rounds to tell {interval}"),
        }
    }
}

/// Enough digits that a difference found does not read as 1.00x.
fn digits(ratio: f64, differs: bool) -> usize {
    match ratio {
        r if r >= 99.5 => 0,
        r if r >= 9.95 => 1,
        r if differs && r < 1.02 => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(own: f64, other: f64, rounds: usize, wobble: f64) -> String {
        let wobbled = |base: f64, phase: usize| -> Vec<f64> {
            (0..rounds).map(|i| base * (1.0 + wobble * (((i * 7 + phase) % 11) as f64 / 5.0 - 1.0))).collect()
        };
        Comparison::new("other", &wobbled(own, 0), &wobbled(other, 3), &[0]).to_string()
    }

    #[test]
    fn a_difference_is_told_with_its_interval() {
        assert!(words(100.0, 143.0, 50, 0.02).starts_with("1.4"), "{}", words(100.0, 143.0, 50, 0.02));
        assert!(words(100.0, 143.0, 50, 0.02).contains("x faster (1.4"));
        assert!(words(143.0, 100.0, 50, 0.02).contains("x slower (1.4"));
        assert_eq!(words(1.0, 250.0, 8, 0.0), "250x faster (250-250)");
        assert_eq!(words(1000.0, 1004.0, 40, 0.0), "1.004x faster (1.004-1.004)");
    }

    #[test]
    fn what_is_equal_is_a_tie() {
        let there_and_back: Vec<f64> = (0..55).map(|i| if i % 2 == 0 { 100.0 } else { 103.0 }).collect();
        let back_and_there: Vec<f64> = there_and_back.iter().map(|t| 203.0 - t).collect();
        let tie = Comparison::new("other", &there_and_back, &back_and_there, &[0]);
        assert_eq!(tie.to_string(), "no difference found (0.97-1.03)");
    }

    #[test]
    fn six_rounds_give_no_verdict() {
        assert_eq!(words(100.0, 200.0, 6, 0.0), "too few rounds to tell (2.00-2.00)");
        assert_eq!(words(100.0, 200.0, 7, 0.0), "2.00x faster (2.00-2.00)");
    }

    #[test]
    fn an_interval_that_excludes_1_is_not_enough() {
        // Five rounds against two: the bootstrap of seven is sure, the sign test is not.
        let own = [100.0, 100.0, 100.0, 100.0, 100.0, 100.0, 300.0];
        let c = Comparison::new("other", &own, &[150.0; 7], &[0]);
        assert!(c.ratio_low > 1.0 && c.sign_test_p > SIGNIFICANCE, "{c:?}");
        assert_eq!((c.to_string().as_str(), c.differs()), ("too uncertain to tell (1.50-1.50)", false));
    }

    #[test]
    fn a_sample_of_no_time_is_no_crash() {
        assert!(Comparison::new("x", &[0.0; 9], &[0.0; 9], &[0]).ratio == 1.0);
    }
}
