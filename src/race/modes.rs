//! Whether the samples of a contender fall into two clusters: what a median hides.

use super::statistics::{mean_and_sd, quantile, sorted};

/// How the samples of one contender spread over the run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// The middle of the fast cluster.
    pub fast: f64,
    /// The middle of the slow cluster.
    pub slow: f64,
    /// The share of samples in the slow cluster, 0 to 1.
    pub slow_share: f64,
    /// True where the samples change cluster again and again; false where the run moved from one to the other.
    pub alternates: bool,
}

/// Fewer samples than this are too few to tell two modes from one.
const MODES_FROM: usize = 20;
/// Two clusters must be this many of their own standard deviations apart (Ashman's D; 2.65 for halves of a bell).
const APART: f64 = 4.0;
/// Each cluster must hold this share: fewer are outliers, not a mode.
const SHARE: f64 = 0.1;
/// Modes nearer than this (in logarithms: 5 %) are of no practical interest.
const NEAREST: f64 = 0.05;

/// Two clusters in `times` (positive, in the order they were taken), if there are two.
pub fn two_modes(times: &[f64]) -> Option<Split> {
    let n = times.len();
    if n < MODES_FROM {
        return None;
    }
    let logs: Vec<f64> = times.iter().map(|t| t.max(f64::MIN_POSITIVE).ln()).collect();
    let ranked = sorted(&logs);
    let cut = best_cut(&ranked)?;
    let (fast, slow) = ranked.split_at(cut);
    let ((fast_mean, fast_sd), (slow_mean, slow_sd)) = (mean_and_sd(fast), mean_and_sd(slow));
    let distance = slow_mean - fast_mean;
    let spread = ((fast_sd * fast_sd + slow_sd * slow_sd) / 2.0).sqrt();
    // Between two modes there is a valley: a wide plateau has none.
    let valley = (fast_mean + distance / 3.0)..(slow_mean - distance / 3.0);
    let between = ranked.iter().filter(|v| valley.contains(v)).count();
    if distance < NEAREST || distance < APART * spread || between * 20 > n {
        return None;
    }
    let edge = fast[cut - 1].midpoint(slow[0]);
    let changes = logs.windows(2).filter(|w| (w[0] > edge) != (w[1] > edge)).count();
    let slow_share = slow.len() as f64 / n as f64;
    let expected = 2.0 * slow_share * (1.0 - slow_share) * n as f64;
    Some(Split {
        fast: quantile(fast, 0.5).exp(),
        slow: quantile(slow, 0.5).exp(),
        slow_share,
        alternates: changes as f64 > 0.3 * expected,
    })
}

/// Where to cut ascending `ranked` so that the two parts are as far apart as can be (Otsu's criterion).
fn best_cut(ranked: &[f64]) -> Option<usize> {
    let n = ranked.len();
    let total: f64 = ranked.iter().sum();
    let mut below = 0.0;
    let mut best = None;
    for (i, value) in ranked.iter().enumerate() {
        below += value;
        let (left, right) = ((i + 1) as f64, (n - i - 1) as f64);
        if left < SHARE * n as f64 || right < SHARE * n as f64 {
            continue;
        }
        let gap = (total - below) / right - below / left;
        let score = left * right * gap * gap;
        if best.is_none_or(|(high, _)| score > high) {
            best = Some((score, i + 1));
        }
    }
    best.map(|(_, cut)| cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bell of standard deviation 1 (Irwin-Hall of twelve).
    fn bell(rng: &mut fastrand::Rng) -> f64 {
        (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
    }

    #[test]
    fn two_modes_are_found_and_one_is_left_alone() {
        let mut rng = fastrand::Rng::with_seed(3);
        let (mut found, mut alarms) = (0, 0);
        for _ in 0..200 {
            let two: Vec<f64> = (0..100)
                .map(|_| if rng.f64() < 0.3 { 200.0 } else { 130.0 } * (0.05 * bell(&mut rng)).exp())
                .collect();
            found += usize::from(two_modes(&two).is_some_and(|s| s.alternates));
            let one: Vec<f64> = (0..100).map(|_| 100.0 * (0.2 * bell(&mut rng)).exp()).collect();
            let flat: Vec<f64> = (0..100).map(|_| 100.0 + 100.0 * rng.f64()).collect();
            let tail: Vec<f64> = (0..100).map(|_| 100.0 - 20.0 * rng.f64().max(1e-9).ln()).collect();
            alarms += [one, flat, tail].iter().filter(|v| two_modes(v).is_some()).count();
        }
        assert!(found >= 195, "{found} of 200 found");
        assert!(alarms <= 3, "{alarms} of 600 called bimodal");
    }

    #[test]
    fn a_step_in_mid_run_is_no_alternation() {
        let step: Vec<f64> = (0..100).map(|i| if i < 50 { 100.0 } else { 200.0 } + f64::from(i % 7)).collect();
        assert!(!two_modes(&step).unwrap().alternates);
    }

    #[test]
    fn odd_input_does_no_harm() {
        assert_eq!(two_modes(&[]), None);
        assert_eq!(two_modes(&[5.0; 50]), None);
        assert_eq!(two_modes(&[0.0; 50]), None);
    }
}
