//! Whether groups share one rate.
//!
//! It never says which group differs; that is for the groups' own bounds.

use statrs::function::beta::checked_beta_reg;

use super::{RateFlaw, Tally, pooled};
use crate::estimation::numeric::chi_squared_sf;

/// Expected counts below which the chi-squared law is not to be trusted (Cochran 1954).
const EXPECTED_MIN: f64 = 5.0;

/// Counts of two groups up to which the exact test is made; above, the chi-squared one is as good.
const EXACT_COUNT_MAX: u64 = 1000;

/// The test's outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homogeneity {
    /// Events per unit of exposure, all groups together.
    pub pooled_rate: f64,
    /// `Σ (count − expected)²/expected`.
    pub chi_square: f64,
    /// Groups with an exposure, less one.
    pub degrees_of_freedom: usize,
    /// The chi-squared law's probability of a statistic at least as large where all share one rate.
    pub p_value: f64,
    /// Chi-squared over its degrees of freedom: near 1 where all share one rate, above where they differ.
    pub dispersion: f64,
    /// The smallest expected count.
    pub expected_min: f64,
    /// Whether any expected count is below 5, so that one of the next two is to be read instead of `p_value`.
    pub small_expected: bool,
    /// By a scaled chi-squared law with the statistic's exact mean and variance; `None` where it does not vary.
    pub p_value_adjusted: Option<f64>,
    /// Exact, for two groups of up to 1000 events together.
    pub p_value_exact: Option<f64>,
}

/// Tests whether all groups share one rate; groups without exposure are left aside.
///
/// Given the total, the counts are multinomial with shares of the exposure, so that the dispersion statistic is
/// Pearson's (Fisher 1925, chapter 3). Its exact variance is `2(g−1) + (Σ 1/share − g² − 2g + 2)/N` (Haldane 1937),
/// which `p_value_adjusted` matches. Two groups are a binomial: `p_value_exact` is twice the smaller tail
/// (Przyborowski & Wilenski 1940).
///
/// # Errors
/// [`RateFlaw`]: bad exposures, fewer than two groups, no events, or a figure out of a float's range.
pub fn homogeneity(groups: &[Tally]) -> Result<Homogeneity, RateFlaw> {
    let total = pooled(groups)?;
    let events = total.count as f64;
    let compared: Vec<&Tally> = groups.iter().filter(|group| group.exposure > 0.0).collect();
    let (mut chi_square, mut reciprocal_shares, mut expected_min) = (0.0, 0.0, f64::INFINITY);
    for group in &compared {
        let share = group.exposure / total.exposure;
        let expected = events * share;
        chi_square += (group.count as f64 - expected).powi(2) / expected;
        reciprocal_shares += share.recip();
        expected_min = expected_min.min(expected);
    }
    let pooled_rate = events / total.exposure;
    if ![chi_square, reciprocal_shares, pooled_rate].iter().all(|figure| figure.is_finite()) {
        return Err(RateFlaw::OutOfRange);
    }
    let degrees_of_freedom = compared.len() - 1;
    Ok(Homogeneity {
        pooled_rate,
        chi_square,
        degrees_of_freedom,
        p_value: chi_squared_sf(chi_square, degrees_of_freedom as f64),
        dispersion: chi_square / degrees_of_freedom as f64,
        expected_min,
        small_expected: expected_min < EXPECTED_MIN,
        p_value_adjusted: adjusted(chi_square, compared.len() as f64, reciprocal_shares, events),
        p_value_exact: match compared[..] {
            [one, other] if total.count <= EXACT_COUNT_MAX => exact(one, other),
            _ => None,
        },
    })
}

/// The tail of `c·χ²(ν)` with `c` and `ν` from the statistic's mean and variance.
fn adjusted(chi_square: f64, groups: f64, reciprocal_shares: f64, events: f64) -> Option<f64> {
    let mean = groups - 1.0;
    let variance = 2.0 * mean + (reciprocal_shares - groups * groups - 2.0 * groups + 2.0) / events;
    // With one event and equal shares the statistic is the same whichever group has it.
    if variance <= 1e-9 * mean {
        return None;
    }
    let p_value = chi_squared_sf(chi_square * 2.0 * mean / variance, 2.0 * mean * mean / variance);
    p_value.is_finite().then_some(p_value)
}

fn exact(one: &Tally, other: &Tally) -> Option<f64> {
    let share = one.exposure / (one.exposure + other.exposure);
    let at_least = |count: u64, of: u64, share: f64| match count {
        0 => Some(1.0),
        _ => checked_beta_reg(count as f64, (of - count) as f64 + 1.0, share).ok(),
    };
    let total = one.count + other.count;
    let tail = at_least(one.count, total, share)?.min(at_least(other.count, total, 1.0 - share)?);
    Some((2.0 * tail).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{pumps, tallies};
    use super::*;
    use crate::estimation::survival::testing::assert_close;

    #[test]
    fn pumps_of_a_nuclear_plant_differ() {
        // Gaver & O'Muircheartaigh 1987, table 3; scipy.
        let test = homogeneity(&pumps()).unwrap();
        assert_close(test.chi_square, 257.34237037037036, 1e-12);
        assert_close(test.p_value, 2.8069590820606873e-50, 1e-9);
        assert_close(test.expected_min, 0.2245508982035928, 1e-12);
        assert_eq!((test.degrees_of_freedom, test.small_expected), (9, true));
        assert!(test.p_value_adjusted.unwrap() < 1e-20);
        assert_eq!(test.p_value_exact, None);
    }

    #[test]
    fn two_groups_have_the_binomial_test() {
        // scipy: twice the smaller tail of binom(13, 0.4) at 3, and chisquare.
        let test = homogeneity(&tallies(&[(3, 1000.0), (10, 1500.0)])).unwrap();
        assert_close(test.p_value_exact.unwrap(), 0.337159397376, 1e-11);
        assert_close(test.chi_square, 1.5512820512820515, 1e-12);
        assert_close(test.p_value, 0.21294627515559755, 1e-10);
        let swapped = homogeneity(&tallies(&[(10, 1500.0), (3, 1000.0)])).unwrap();
        assert_close(swapped.p_value_exact.unwrap(), 0.337159397376, 1e-11);
    }

    #[test]
    fn the_binomial_test_keeps_its_digits_up_to_a_thousand_events() {
        // scipy, twice the smaller tail.
        for (counts, shares, p_value) in [
            ([450, 550], [0.5, 0.5], 0.0017305360849763027),
            ([30, 970], [0.05, 0.95], 0.0025541358349595654),
            ([999, 1], [0.98, 0.02], 7.205847990691865e-8),
            ([1, 999], [0.3, 0.7], 1.076726490393336e-152),
        ] {
            let test = homogeneity(&tallies(&[(counts[0], shares[0]), (counts[1], shares[1])])).unwrap();
            assert_close(test.p_value_exact.unwrap(), p_value, 1e-10);
        }
    }

    #[test]
    fn equal_rates_are_not_told_apart() {
        let test = homogeneity(&tallies(&[(4, 100.0), (8, 200.0), (20, 500.0)])).unwrap();
        assert_close(test.pooled_rate, 0.04, 1e-14);
        assert!(test.chi_square < 1e-25 && test.p_value > 0.999 && test.dispersion < 1e-25);
        let halves = homogeneity(&tallies(&[(6, 100.0), (6, 100.0)])).unwrap();
        assert_eq!(halves.p_value_exact, Some(1.0));
    }

    #[test]
    fn the_adjusted_law_has_the_exact_mean_and_variance_of_small_counts() {
        // Enumeration of multinomial(6; 0.2, 0.3, 0.5) in scipy: mean 2, variance 3.5556; its exact tail is 0.0279.
        let test = homogeneity(&tallies(&[(4, 20.0), (1, 30.0), (1, 50.0)])).unwrap();
        assert_close(test.chi_square, 8.22222222222222, 1e-12);
        assert_close(test.p_value, 0.016389553790213618, 1e-10);
        assert_close(test.p_value_adjusted.unwrap(), 0.012899616089420876, 1e-10);
        assert!(test.small_expected);
    }

    #[test]
    fn one_event_in_equal_groups_has_nothing_to_vary() {
        let test = homogeneity(&tallies(&[(1, 10.0), (0, 10.0)])).unwrap();
        assert_eq!(test.p_value_adjusted, None);
        assert_close(test.p_value_exact.unwrap(), 1.0, 1e-12);
    }

    #[test]
    fn nothing_to_compare_is_a_reason() {
        let reason = |groups: &[(u64, f64)]| homogeneity(&tallies(groups)).unwrap_err();
        assert_eq!(reason(&[]), RateFlaw::Empty);
        assert_eq!(reason(&[(0, 0.0)]), RateFlaw::Empty);
        assert_eq!(reason(&[(4, 10.0), (0, 0.0)]), RateFlaw::OneGroup);
        assert_eq!(reason(&[(0, 10.0), (0, 5.0)]), RateFlaw::NoEvents);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 0.0] {
            assert_eq!(reason(&[(4, 10.0), (1, bad)]), RateFlaw::InvalidExposure);
        }
    }

    #[test]
    fn order_of_groups_does_not_matter() {
        let mut groups = pumps();
        let plain = homogeneity(&groups).unwrap();
        groups.reverse();
        assert_close(homogeneity(&groups).unwrap().chi_square, plain.chi_square, 1e-12);
    }
}
