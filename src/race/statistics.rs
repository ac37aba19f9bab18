//! The statistics of a race: order statistics only, so that a stalled sample weighs no more than any other.

/// The value at quantile `q` (0 to 1) of ascending `sorted`, interpolated between neighbours; NaN when empty.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

/// Ascending order; for finite values.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// How many times larger the variance of a median is because rounds come in heats, each with a luck of its own
/// (where its buffers and page cache came to lie): at least 1, at most the rounds in a heat.
///
/// It is the F ratio of an analysis of variance over the sides of `median` on which `values` lie, which is what the
/// variance of a median depends on; `starts` are the first indices of the heats.
pub fn design_effect(values: &[f64], median: f64, starts: &[usize]) -> f64 {
    let ends = starts.iter().skip(1).copied().chain([values.len()]);
    let heats: Vec<(f64, f64)> = starts
        .iter()
        .zip(ends)
        .filter_map(|(start, end)| values.get(*start..end).filter(|heat| !heat.is_empty()))
        .map(|heat| (heat.len() as f64, heat.iter().filter(|v| **v > median).count() as f64))
        .collect();
    let (n, groups) = (heats.iter().map(|h| h.0).sum::<f64>(), heats.len() as f64);
    if groups < 2.0 || n <= groups {
        return 1.0;
    }
    let share = heats.iter().map(|h| h.1).sum::<f64>() / n;
    let between = heats.iter().map(|(n, above)| n * (above / n - share).powi(2)).sum::<f64>() / (groups - 1.0);
    let within = heats.iter().map(|(n, above)| above * (1.0 - above / n)).sum::<f64>() / (n - groups);
    match between / within {
        effect if effect.is_nan() => 1.0,
        effect => effect.clamp(1.0, n / groups),
    }
}

/// The bootstrap percentile interval of the median of ascending `sorted`, at `confidence` (0.95), widened as if there
/// were `effect` times fewer values.
///
/// It is computed exactly instead of by resampling: the median of a resample is at most the k-th smallest value
/// when at least half of its draws fall among the k smallest, which is a binomial probability. This is what
/// infinitely many resamples would give, without their randomness and cost.
pub fn bootstrap_median(sorted: &[f64], effect: f64, confidence: f64) -> (f64, f64) {
    let n = sorted.len();
    if n == 0 {
        return (f64::NAN, f64::NAN);
    }
    let effective = ((n as f64 / effect).round() as usize).clamp(1, n);
    // Of an even number there are two middle values: the lower bounds below and the upper above (no narrower).
    let rank = binomial_rank(effective, effective.div_ceil(2), (1.0 - confidence) / 2.0);
    let rank = ((rank as f64 - 0.5) * n as f64 / effective as f64 + 0.5) as usize;
    let rank = rank.clamp(1, n.div_ceil(2));
    (sorted[rank - 1], sorted[n - rank])
}

/// The smallest k for which a resample's `middle`-th smallest value is at most the k-th, with probability `p` or more.
fn binomial_rank(n: usize, middle: usize, p: f64) -> usize {
    let reaches = |k: usize| 1.0 - binomial_below(n, k as f64 / n as f64, middle) >= p;
    let (mut low, mut high) = (1, n);
    while low < high {
        let k = low.midpoint(high);
        if reaches(k) { high = k } else { low = k + 1 }
    }
    low.min(n.div_ceil(2))
}

/// The probability of fewer than `m` successes in `n` trials of probability `p`.
///
/// Sums the tail that does not hold the mode, from its largest term on until terms no longer count.
fn binomial_below(n: usize, p: f64, m: usize) -> f64 {
    if m == 0 || m > n {
        return if m == 0 { 0.0 } else { 1.0 };
    }
    if p <= 0.0 || p >= 1.0 {
        return if p <= 0.0 { 1.0 } else { 0.0 };
    }
    let odds = p / (1.0 - p);
    let tail = |first: usize, next: &dyn Fn(usize) -> Option<(usize, f64)>| {
        let (mut k, mut term) = (first, probability(n, p, first));
        let mut sum = term;
        while let Some((after, factor)) = next(k) {
            (k, term) = (after, term * factor);
            sum += term;
            if term <= sum * 1e-17 {
                break;
            }
        }
        sum
    };
    if (m as f64) <= n as f64 * p {
        tail(m - 1, &|k| (k > 0).then(|| (k - 1, k as f64 / ((n - k + 1) as f64 * odds))))
    } else {
        1.0 - tail(m, &|k| (k < n).then(|| (k + 1, (n - k) as f64 * odds / (k + 1) as f64)))
    }
}

/// The probability of exactly `k` successes in `n` trials of probability `p`.
fn probability(n: usize, p: f64, k: usize) -> f64 {
    let ln_choose = ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    (ln_choose + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp()
}

/// ln n!, by Stirling's series where it is exact to the last digits.
fn ln_factorial(n: usize) -> f64 {
    if n < 16 {
        return (2..=n).map(|k| k as f64).product::<f64>().ln();
    }
    let x = n as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

/// The exact two-sided sign test: how probable is a split of signs at least this uneven when neither is favoured,
/// with `effect` times fewer values than there are. Zeros say nothing and are left out.
pub fn sign_test(differences: &[f64], effect: f64) -> f64 {
    let above = differences.iter().filter(|d| **d > 0.0).count();
    let below = differences.iter().filter(|d| **d < 0.0).count();
    let n = ((above + below) as f64 / effect).floor() as usize;
    let fewer = (above.min(below) as f64 / effect).round() as usize;
    (2.0 * binomial_below(n, 0.5, fewer + 1)).min(1.0)
}

/// Two-sided 1 % points of Student's t for 1, 2, ... degrees of freedom; the last serves all that follow.
const STUDENT_1_PERCENT: [f64; 10] = [63.66, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250, 3.169];

/// Whether all `values` have one sign, and the medians of their heats lie further from 0 than the luck of heats
/// explains: Student's t over these medians at 1 %. It tells a large difference from few heats, which a sign test over
/// so few cannot.
pub fn heats_agree(values: &[f64], starts: &[usize]) -> bool {
    if !(values.iter().all(|v| *v > 0.0) || values.iter().all(|v| *v < 0.0)) {
        return false;
    }
    let ends = starts.iter().skip(1).copied().chain([values.len()]);
    let heats = starts.iter().zip(ends).filter_map(|(start, end)| values.get(*start..end));
    let medians: Vec<f64> = heats.filter(|h| !h.is_empty()).map(|h| quantile(&sorted(h), 0.5)).collect();
    let Some(freedom) = medians.len().checked_sub(1).filter(|f| *f > 0) else { return false };
    let (mean, sd) = mean_and_sd(&medians);
    // `sd` is over n: the error of the mean is sd / sqrt(n - 1).
    let t = mean.abs() / (sd / (freedom as f64).sqrt());
    t > STUDENT_1_PERCENT[freedom.min(STUDENT_1_PERCENT.len()) - 1]
}

/// The mean, and the standard deviation over n.
pub(super) fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bell of standard deviation 1 (Irwin-Hall of twelve).
    fn bell(rng: &mut fastrand::Rng) -> f64 {
        (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
    }

    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.5);
        assert_eq!([0.0, 0.9, 1.0].map(|q| quantile(&[0.0, 10.0], q)), [0.0, 9.0, 10.0]);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn binomial_tails_are_right_on_both_sides() {
        for (n, p, m, below) in [
            (10, 0.5, 3, 0.0546875),
            (10, 0.5, 8, 0.9453125),
            (4, 0.25, 1, 0.31640625),
            (20, 0.9, 20, 0.8784233454),
            (5, 0.3, 0, 0.0),
            (5, 0.3, 6, 1.0),
        ] {
            assert!((binomial_below(n, p, m) - below).abs() < 1e-9, "{n} {p} {m}");
        }
        assert!((binomial_below(5000, 0.5, 2501) - 0.505641).abs() < 1e-5, "no underflow");
        assert!(sign_test(&[1.0; 3000], 1.0) < 1e-300);
    }

    #[test]
    fn the_exact_bootstrap_is_what_resampling_gives() {
        let mut rng = fastrand::Rng::with_seed(7);
        for n in [7, 25, 101] {
            let data = sorted(&(0..n).map(|_| bell(&mut rng)).collect::<Vec<_>>());
            let medians = sorted(
                &(0..20_000)
                    .map(|_| quantile(&sorted(&(0..n).map(|_| data[rng.usize(..n)]).collect::<Vec<_>>()), 0.5))
                    .collect::<Vec<_>>(),
            );
            let (low, high) = bootstrap_median(&data, 1.0, 0.95);
            let rank = |v: f64| data.iter().position(|d| *d >= v).unwrap() as i64;
            assert!((rank(low) - rank(quantile(&medians, 0.025))).abs() <= 1, "{n}");
            assert!((rank(high) - rank(quantile(&medians, 0.975))).abs() <= 1, "{n}");
        }
    }

    #[test]
    fn the_interval_holds_the_true_median_about_as_often_as_it_says() {
        let mut rng = fastrand::Rng::with_seed(11);
        for n in [10, 30, 200] {
            let held = (0..1000)
                .filter(|_| {
                    let data = sorted(&(0..n).map(|_| bell(&mut rng)).collect::<Vec<_>>());
                    let (low, high) = bootstrap_median(&data, 1.0, 0.95);
                    low <= 0.0 && 0.0 <= high
                })
                .count();
            assert!((915..=990).contains(&held), "{n}: {held} of 1000");
        }
    }

    #[test]
    fn intervals_of_few_values_stay_within_them() {
        assert_eq!(bootstrap_median(&[3.0], 1.0, 0.95), (3.0, 3.0));
        assert_eq!(bootstrap_median(&[1.0, 2.0], 1.0, 0.95), (1.0, 2.0));
        assert_eq!(bootstrap_median(&[1.0, 2.0, 4.0], 1.0, 0.95), (1.0, 4.0));
        assert!(bootstrap_median(&[], 1.0, 0.95).0.is_nan());
    }

    #[test]
    fn the_sign_test_is_the_textbook_one() {
        assert_eq!(sign_test(&[], 1.0), 1.0);
        assert!((sign_test(&[1.0; 5], 1.0) - 0.0625).abs() < 1e-12);
        assert!((sign_test(&[1.0; 6], 1.0) - 0.03125).abs() < 1e-12);
        assert!((sign_test(&[-1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0], 1.0) - 0.0390625).abs() < 1e-12);
        assert_eq!(sign_test(&[1.0, -1.0], 1.0), 1.0);
    }

    #[test]
    fn heats_with_a_luck_of_their_own_count_for_less() {
        let mut rng = fastrand::Rng::with_seed(5);
        let starts: Vec<usize> = (0..20).map(|i| 10 * i).collect();
        let mut effect = |luck: f64| {
            let heats: Vec<f64> = (0..20).map(|_| luck * bell(&mut rng)).collect();
            let values: Vec<f64> = (0..200).map(|i| heats[i / 10] + bell(&mut rng)).collect();
            let median = quantile(&sorted(&values), 0.5);
            design_effect(&values, median, &starts)
        };
        let mut mean = |luck: f64| (0..100).map(|_| effect(luck)).sum::<f64>() / 100.0;
        let (none, some, much) = (mean(0.0), mean(0.5), mean(10.0));
        assert!(none < 1.3 && (1.8..5.0).contains(&some) && much > 8.0, "{none} {some} {much}");
        assert_eq!(design_effect(&[1.0, 2.0], 1.5, &[0]), 1.0);
        assert_eq!(design_effect(&[], 0.0, &[]), 1.0);
        assert_eq!(design_effect(&[0.0; 30], 0.0, &[0, 10, 20]), 1.0);
        assert_eq!(design_effect(&[0.0, 0.0, 1.0, 1.0], 0.5, &[0, 2]), 2.0, "heats are all that differs");
    }

    #[test]
    fn a_large_difference_shows_in_few_heats_and_luck_does_not() {
        let starts = [0, 5, 10];
        let heats = |medians: [f64; 3]| -> Vec<f64> {
            medians.iter().flat_map(|m| (0..5).map(move |i| m + 0.01 * f64::from(i - 2))).collect()
        };
        assert!(heats_agree(&heats([0.52, 0.55, 0.50]), &starts));
        assert!(heats_agree(&heats([-0.52, -0.55, -0.50]), &starts));
        assert!(!heats_agree(&heats([0.05, 0.30, 0.60]), &starts), "luck of that size could have made it");
        assert!(!heats_agree(&heats([-0.5, 0.5, 0.5]), &starts), "the heats disagree");
        assert!(!heats_agree(&[0.5; 20], &[0]), "one heat says nothing of luck");
        assert!(!heats_agree(&[], &[0]));
    }
}
