//! Exact bounds of one rate, and the counts at which to raise an alert.
//!
//! It never approximates a small count by a normal law.

use super::{RateFlaw, is_probability};
use crate::estimation::numeric::{chi_squared_quantile, normal_quantile, poisson_cdf};

/// Means up to which the distribution function is summed; its logarithms keep seven digits there, and its time is
/// still milliseconds.
const EXACT_MEAN_MAX: f64 = 1e8;

/// Means up to which a float holds every count.
const MEAN_MAX: f64 = 9_007_199_254_740_992.0;

/// A rate with exact two-sided bounds, in events per unit of exposure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateBounds {
    pub rate: f64,
    pub lower: f64,
    pub upper: f64,
}

/// The rate of `count` events in `exposure`, with exact bounds at the two-sided `confidence`; with no event the lower
/// bound is 0, and the upper one has the same tail as otherwise.
///
/// `χ²(α/2; 2k)/(2T)` and `χ²(1−α/2; 2k+2)/(2T)` (Garwood 1936).
///
/// # Errors
/// [`RateFlaw`]: an exposure that is not positive and finite, a bad confidence, or a rate beyond a float's range.
pub fn rate_bounds(count: u64, exposure: f64, confidence: f64) -> Result<RateBounds, RateFlaw> {
    check(exposure, confidence)?;
    let tail = 0.5 - 0.5 * confidence;
    let lower = if count == 0 { 0.0 } else { chi_squared_quantile(tail, 2.0 * count as f64) / 2.0 };
    let upper = chi_squared_quantile(1.0 - tail, 2.0 * count as f64 + 2.0) / 2.0;
    let bounds = RateBounds { rate: count as f64 / exposure, lower: lower / exposure, upper: upper / exposure };
    let finite = bounds.rate.is_finite() && bounds.lower.is_finite() && bounds.upper.is_finite();
    finite.then_some(bounds).ok_or(RateFlaw::OutOfRange)
}

/// The mean time between removals that is exceeded at the one-sided `confidence`; needs no removal.
///
/// `2T/χ²(confidence; 2k+2)`: the bound of a time-truncated test (Epstein 1954; MIL-HDBK-781A).
///
/// # Errors
/// As [`rate_bounds`].
pub fn mtbur_lower_bound(count: u64, exposure: f64, confidence: f64) -> Result<f64, RateFlaw> {
    check(exposure, confidence)?;
    let bound = exposure / (0.5 * chi_squared_quantile(confidence, 2.0 * count as f64 + 2.0));
    bound.is_finite().then_some(bound).ok_or(RateFlaw::OutOfRange)
}

/// The smallest count `n` that a Poisson count of this `mean` does not exceed with at least the given `probability`: an
/// alert is raised above it.
///
/// Beyond a mean of 1e8 by the expansion of Cornish & Fisher (1938) to its second correction, which may be off by one
/// in a count that differs from the mean by tens of thousands.
///
/// # Errors
/// [`RateFlaw::InvalidMean`]; [`RateFlaw::InvalidConfidence`] for a probability not strictly within 0 and 1.
pub fn alert_count(mean: f64, probability: f64) -> Result<u64, RateFlaw> {
    if !(0.0..=MEAN_MAX).contains(&mean) {
        return Err(RateFlaw::InvalidMean);
    }
    if !is_probability(probability) {
        return Err(RateFlaw::InvalidConfidence);
    }
    let normal = normal_quantile(probability);
    let deviation = mean.sqrt();
    if mean > EXACT_MEAN_MAX {
        let skewed = mean + normal * deviation + (normal * normal - 1.0) / 6.0;
        let corrected = skewed + (normal - normal.powi(3)) / (72.0 * deviation);
        // A count is the whole number at or above where the continuous curve, half a count off, crosses.
        return Ok((corrected - 0.5).ceil().max(0.0) as u64);
    }
    let enough = |count: u64| poisson_cdf(count, mean) >= probability;
    if enough(0) {
        return Ok(0);
    }
    // Doubling steps from the normal approximation to a count on either side, then halving between them.
    let start = (mean + normal * deviation).max(0.0) as u64;
    let (mut below, mut above) = if enough(start) { (0, start) } else { (start, start) };
    let mut step = 1;
    if below == above {
        while !enough(above) {
            below = above;
            above += step;
            step *= 2;
        }
    } else {
        while above > step && enough(above - step) {
            above -= step;
            step *= 2;
        }
        below = above.saturating_sub(step);
    }
    while above - below > 1 {
        let middle = below + (above - below) / 2;
        if enough(middle) { above = middle } else { below = middle }
    }
    Ok(above)
}

fn check(exposure: f64, confidence: f64) -> Result<(), RateFlaw> {
    if !(exposure.is_finite() && exposure > 0.0) {
        return Err(RateFlaw::InvalidExposure);
    }
    if is_probability(confidence) { Ok(()) } else { Err(RateFlaw::InvalidConfidence) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::estimation::survival::testing::assert_close;

    #[test]
    fn bounds_are_those_of_chi_squared() {
        // Per 1000 hours, 95 %; mean time at 90 %. scipy.
        for (count, hours, rate, lower, upper, mtbur) in [
            (3, 10000.0, 0.3, 0.0618672, 0.8767273, 1496.8305),
            (0, 5000.0, 0.0, 0.0, 0.7377759, 2171.4724),
            (12, 28000.0, 0.4285714, 0.2214491, 0.748628, 1574.6627),
        ] {
            let bounds = rate_bounds(count, hours, 0.95).unwrap();
            assert_close(1000.0 * bounds.rate, rate, 1e-7);
            assert_close(1000.0 * bounds.lower, lower, 4e-7);
            assert_close(1000.0 * bounds.upper, upper, 1e-7);
            assert_close(mtbur_lower_bound(count, hours, 0.9).unwrap(), mtbur, 4e-8);
        }
    }

    #[test]
    fn bounds_of_counts_are_those_of_garwoods_table() {
        // Garwood 1936 (also Pearson & Hartley 1966, table 40), 95 %, to four figures; more digits from scipy.
        for (count, lower, upper) in [
            (0, 0.0, 3.6888794541139354),
            (1, 0.025317807984289876, 5.571643390938898),
            (5, 1.6234863901184207, 11.66833207932267),
            (10, 4.7953886961324335, 18.39035604201778),
            (100, 81.36399125092314, 121.62679379242638),
            (1_000_000, 998040.9833402939, 1001961.9119454322),
        ] {
            let bounds = rate_bounds(count, 1.0, 0.95).unwrap();
            assert_close(bounds.lower, lower, 1e-10);
            assert_close(bounds.upper, upper, 1e-10);
        }
    }

    #[test]
    fn without_removals_the_bound_is_the_rule_of_three() {
        // −ln(0.05) = 2.9957 (Hanley & Lippman-Hand 1983).
        assert_close(mtbur_lower_bound(0, 3000.0, 0.95).unwrap(), 3000.0 / 2.995732273553991, 1e-12);
    }

    #[test]
    fn alert_counts_are_poisson_quantiles() {
        // scipy.stats.poisson.ppf.
        for (mean, probability, count) in [
            (0.1, 0.95, 1),
            (3.2, 0.99, 8),
            (12.0, 0.975, 19),
            (250.0, 0.999, 300),
            (10000.0, 0.95, 10165),
            (1e6, 0.999, 1003092),
            (1e8, 0.99, 100023264),
            (1e9, 0.99, 1000073566),
            (1e9, 0.001, 999902280),
            (1e12, 0.999, 1000003090234),
            (1e-9, 0.5, 0),
            (5.0, 0.05, 2),
            (700.0, 1e-9, 547),
            (700.0, 0.999999999, 864),
        ] {
            assert_eq!(alert_count(mean, probability), Ok(count), "mean {mean}, probability {probability}");
        }
        assert_eq!(alert_count(0.0, 0.999), Ok(0));
    }

    #[test]
    fn bad_input_is_a_reason() {
        for exposure in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(rate_bounds(1, exposure, 0.9), Err(RateFlaw::InvalidExposure));
            assert_eq!(mtbur_lower_bound(1, exposure, 0.9), Err(RateFlaw::InvalidExposure));
        }
        for confidence in [0.0, 1.0, -0.1, f64::NAN] {
            assert_eq!(rate_bounds(1, 10.0, confidence), Err(RateFlaw::InvalidConfidence));
            assert_eq!(alert_count(1.0, confidence), Err(RateFlaw::InvalidConfidence));
        }
        for mean in [-1.0, f64::NAN, f64::INFINITY, 1e17] {
            assert_eq!(alert_count(mean, 0.9), Err(RateFlaw::InvalidMean));
        }
        assert_eq!(rate_bounds(5, 1e-320, 0.9), Err(RateFlaw::OutOfRange));
        assert_eq!(RateFlaw::InvalidMean.name(), "invalid_mean");
    }

    proptest! {
        #[test]
        fn an_alert_count_is_the_smallest_that_suffices(mean in 0.0_f64..2000.0, probability in 1e-6_f64..0.999999) {
            let count = alert_count(mean, probability).unwrap();
            prop_assert!(poisson_cdf(count, mean) >= probability);
            prop_assert!(count == 0 || poisson_cdf(count - 1, mean) < probability);
        }

        #[test]
        fn bounds_enclose_the_rate_and_the_mean_time_is_their_reciprocal(
            count in 0_u64..5000, exposure in 0.1_f64..1e7, confidence in 0.5_f64..0.999
        ) {
            let bounds = rate_bounds(count, exposure, confidence).unwrap();
            prop_assert!(bounds.lower <= bounds.rate && bounds.rate <= bounds.upper);
            let one_sided = mtbur_lower_bound(count, exposure, 0.5 + 0.5 * confidence).unwrap();
            prop_assert!((one_sided * bounds.upper - 1.0).abs() < 1e-9);
        }
    }
}
