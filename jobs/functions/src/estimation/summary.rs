//! What a sample of numbers looks like: its mean, its spread, its extremes and percentiles.

/// Figures of a sample without NaN and infinities, in the unit of its numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub count: usize,
    pub mean: f64,
    /// Of the sample, over n − 1. None of a single number, or where it leaves the range of a double.
    pub standard_deviation: Option<f64>,
    pub min: f64,
    pub p05: f64,
    pub p50: f64,
    pub p95: f64,
    pub max: f64,
}

/// The figures of a sample, none where it is empty or a number is NaN or infinite. The sample is left in another order.
///
/// The figures do not depend on the order of the numbers: the percentiles and extremes not at all, the others but for
/// their last digits, and a constant sample deviates by exactly 0.
pub fn summary(sample: &mut [f64]) -> Option<Summary> {
    if sample.is_empty() || !sample.iter().all(|number| number.is_finite()) {
        return None;
    }
    let (min, max) =
        sample.iter().fold((f64::MAX, f64::MIN), |(min, max), number| (min.min(*number), max.max(*number)));
    let mean = mean(sample, min, max);
    let [p05, p50, p95] = quantiles(sample, [0.05, 0.5, 0.95]);
    let standard_deviation = standard_deviation(sample, mean);
    Some(Summary { count: sample.len(), mean, standard_deviation, min, p05, p50, p95, max })
}

/// The quantiles of ascending probabilities by linear interpolation between order statistics, definition 7 of Hyndman and
/// Fan (1996): what SQL calls `percentile_cont`. The sample is not empty, and is left in another order.
fn quantiles<const N: usize>(sample: &mut [f64], probabilities: [f64; N]) -> [f64; N] {
    // What lies before is in its place: none of it is above what follows.
    let mut placed = 0;
    probabilities.map(|probability| {
        let position = (sample.len() - 1) as f64 * probability;
        let below = position as usize;
        let (_, lower, above) = sample[placed..].select_nth_unstable_by(below - placed, f64::total_cmp);
        placed = below;
        let (lower, share) = (*lower, position - below as f64);
        match above.iter().copied().min_by(f64::total_cmp) {
            Some(upper) if share > 0.0 => (lower + share * (upper - lower)).clamp(lower, upper),
            _ => lower,
        }
    })
}

/// About the middle of the range, so that neither a common offset costs digits nor a sum leaves the range of a double.
fn mean(sample: &[f64], min: f64, max: f64) -> f64 {
    let (middle, weight) = (0.5 * min + 0.5 * max, (sample.len() as f64).recip());
    let offset: f64 = sample.iter().map(|number| weight * (number - middle)).sum();
    (middle + offset).clamp(min, max)
}

/// In a second pass, corrected for the rounding of the mean (Chan, Golub and LeVeque 1983, equation 1.7).
fn standard_deviation(sample: &[f64], mean: f64) -> Option<f64> {
    if sample.len() < 2 {
        return None;
    }
    let (sum, squares) = sample.iter().fold((0.0, 0.0), |(sum, squares), number| {
        let deviation = number - mean;
        (sum + deviation, squares + deviation * deviation)
    });
    let count = sample.len() as f64;
    let variance = (squares - sum * sum / count) / (count - 1.0);
    variance.is_finite().then(|| variance.max(0.0).sqrt())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "{found:e} instead of {expected:e}");
    }

    /// Expected: NumPy's `percentile` and `std(ddof=1)`.
    #[test]
    fn the_numbers_up_to_ten_have_their_known_figures() {
        let found = summary(&mut [7.0, 1.0, 10.0, 3.0, 5.0, 4.0, 2.0, 9.0, 8.0, 6.0]).unwrap();
        assert_eq!((found.count, found.min, found.max), (10, 1.0, 10.0));
        near(found.mean, 5.5, 1e-15);
        near(found.standard_deviation.unwrap(), 3.0276503540974917, 1e-15);
        near(found.p05, 1.45, 1e-15);
        near(found.p50, 5.5, 1e-15);
        near(found.p95, 9.55, 1e-15);
    }

    /// NIST Statistical Reference Datasets, univariate: the certified standard deviations are 0.1, with offsets of
    /// 1e6 (NumAcc3) and 1e7 (NumAcc4) that leave a sum of squares no digit.
    #[test]
    fn a_large_offset_costs_no_digits_of_the_deviation() {
        for (offset, relative) in [(1_000_000.0, 1e-9), (10_000_000.0, 1e-8)] {
            let mut sample = vec![offset + 0.2];
            (0..500).for_each(|_| sample.extend([offset + 0.1, offset + 0.3]));
            let found = summary(&mut sample).unwrap();
            near(found.mean, offset + 0.2, 1e-15);
            near(found.standard_deviation.unwrap(), 0.1, relative);
        }
    }

    #[test]
    fn one_number_has_no_deviation_and_equal_ones_none_at_all() {
        let alone = summary(&mut [7.25]).unwrap();
        let figures = [alone.mean, alone.min, alone.p05, alone.p50, alone.p95, alone.max];
        assert_eq!((figures, alone.standard_deviation), ([7.25; 6], None));
        let equal = summary(&mut [0.1; 1000]).unwrap();
        assert_eq!((equal.mean, equal.standard_deviation, equal.p95), (0.1, Some(0.0), 0.1));
    }

    #[test]
    fn an_empty_sample_and_one_that_is_not_finite_have_no_figures() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(summary(&mut [1.0, number, 2.0]), None);
        }
        assert_eq!(summary(&mut []), None);
    }

    #[test]
    fn the_largest_numbers_have_figures_that_are_finite_or_none() {
        let found = summary(&mut [f64::MAX, f64::MIN, f64::MAX, f64::MAX]).unwrap();
        assert_eq!((found.standard_deviation, found.min, found.max), (None, f64::MIN, f64::MAX));
        assert!([found.mean, found.p05, found.p50, found.p95].iter().all(|figure| figure.is_finite()), "{found:?}");
    }

    proptest! {
        /// Quantiles as they are written down, over a sorted copy.
        #[test]
        fn the_percentiles_are_those_of_the_sorted_sample(sample in prop::collection::vec(-1e6..1e6_f64, 1..200)) {
            let mut sorted = sample.clone();
            sorted.sort_by(f64::total_cmp);
            let quantile = |probability: f64| {
                let position = (sorted.len() - 1) as f64 * probability;
                let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
                below + position.fract() * (above - below)
            };
            let found = summary(&mut sample.clone()).unwrap();
            for (found, probability) in [(found.p05, 0.05), (found.p50, 0.5), (found.p95, 0.95)] {
                prop_assert!((found - quantile(probability)).abs() <= 1e-9, "{found} at {probability}");
            }
            prop_assert!(found.min <= found.mean && found.mean <= found.max);
            prop_assert_eq!((found.min, found.max), (sorted[0], sorted[sorted.len() - 1]));
        }

        #[test]
        fn no_sample_of_finite_numbers_gives_a_figure_that_is_not(
            sample in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 1..20)
        ) {
            let found = summary(&mut sample.clone()).unwrap();
            let figures = [found.mean, found.p05, found.p50, found.p95, found.standard_deviation.unwrap_or_default()];
            prop_assert!(figures.iter().all(|figure| figure.is_finite()), "{:?}", found);
        }
    }
}
