//! How far chance alone would go.

use fleet_functions::estimation::numeric::{ln_gamma, normal_quantile};

/// The probability that at least `count` of `total` events fall on a share of the exposure, each on its own (the exact
/// conditional test of two Poisson rates; Przyborowski and Wilenski 1940).
pub fn upper_tail(count: u64, total: u64, share: f64) -> f64 {
    if count == 0 || share >= 1.0 {
        return 1.0;
    }
    if count > total || share <= 0.0 {
        return 0.0;
    }
    let (p, q) = (share.ln(), (-share).ln_1p());
    let choose = |k: u64| ln_gamma(total as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((total - k) as f64 + 1.0);
    let mut term = (choose(count) + count as f64 * p + (total - count) as f64 * q).exp();
    let mut sum = term;
    for k in count..total {
        term *= (total - k) as f64 / (k + 1) as f64 * share / (1.0 - share);
        sum += term;
        if (k as f64) > total as f64 * share && term < sum * 1e-16 {
            break;
        }
    }
    sum.min(1.0)
}

/// An interval of 95 % for the share `count` of `total` (Wilson 1927); none of nothing.
pub fn share_bounds(count: i64, total: i64) -> Option<(f64, f64)> {
    if total <= 0 {
        return None;
    }
    let (n, z) = (total as f64, normal_quantile(0.975));
    let share = count as f64 / n;
    let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    let middle = share + z * z / (2.0 * n);
    Some((((middle - spread) / scale).max(0.0), ((middle + spread) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_a_fair_coin() {
        assert!((upper_tail(8, 10, 0.5) - 56.0 / 1024.0).abs() < 1e-12);
        assert!((upper_tail(1, 3, 0.5) - 7.0 / 8.0).abs() < 1e-12);
        assert_eq!([upper_tail(0, 5, 0.2), upper_tail(6, 5, 0.2), upper_tail(2, 5, 0.0)], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn a_large_total_does_not_overflow() {
        let tail = upper_tail(50_100, 100_000, 0.5);
        assert!((0.25..0.28).contains(&tail), "{tail}");
    }

    /// Newcombe (1998), table I: 15 of 148 and 0 of 20, Wilson's score without correction.
    #[test]
    fn published_intervals_of_shares() {
        for (count, total, lower, upper) in [(15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)] {
            let bounds = share_bounds(count, total).unwrap();
            assert!((bounds.0 - lower).abs() < 5e-5 && (bounds.1 - upper).abs() < 5e-5, "{bounds:?}");
        }
        assert_eq!(share_bounds(0, 0), None);
    }
}
