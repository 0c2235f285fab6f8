//! Rates of small groups, drawn towards what all groups have in common.
//!
//! It owns the gamma prior that the groups themselves tell. It never invents one: where the counts vary no more than
//! Poisson's law lets them, every group gets the pooled rate.

use statrs::function::gamma::digamma;

use super::poisson::rate_bounds;
use super::{RateFlaw, Tally, is_probability, pooled};
use crate::estimation::numeric::{chi_squared_quantile, ln_gamma, root};

/// The least shape that is searched: a prior so wide that it hardly draws at all.
const SHAPE_MIN: f64 = 1e-6;

/// The largest shape that is searched, over the largest expected count: the prior then outweighs every group
/// a thousandfold, which is the pooled rate in all but name.
const SHAPE_MAX_OVER_EXPECTED: f64 = 1e3;

/// Points per factor of e at which the likelihood is first looked at; it is smooth on that scale.
const POINTS_PER_FACTOR: f64 = 2.0;

/// Log-likelihood by which the prior must beat a single rate: below it a difference is rounding.
const GAIN_MIN: f64 = 1e-7;

/// Counts up to which differences of gamma and digamma functions are sums, which do not cancel at large shapes.
const SUM_MAX: u64 = 256;

/// What was learnt from all groups, and each group's rate in its light.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrinkage {
    /// Events per unit of exposure, all groups together.
    pub pooled_rate: f64,
    /// The spread of rates between groups; `None` where the counts show none.
    pub prior: Option<GammaPrior>,
    /// One for each group given, in the order given.
    pub groups: Vec<ShrunkRate>,
}

/// A gamma law of rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GammaPrior {
    /// The shape, as if that many events had been seen.
    pub shape: f64,
    /// The rate parameter, as if over that exposure.
    pub exposure: f64,
}

/// One group's rate, in events per unit of exposure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShrunkRate {
    /// Its own count over its exposure; `None` without exposure.
    pub raw: Option<f64>,
    /// The posterior mean.
    pub rate: f64,
    /// Equal-tailed bounds of the posterior.
    pub lower: f64,
    pub upper: f64,
    /// The share of the group's own rate in `rate`; the rest is the prior's mean.
    pub weight: f64,
}

/// Draws each group's rate towards the others by an empirical-Bayes gamma prior; bounds at the two-sided `confidence`.
///
/// Rates are gamma with shape `a` and rate `b`, counts Poisson, so that counts are negative binomial; `a` and `b`
/// maximise that likelihood (Gaver & O'Muircheartaigh 1987; Carlin & Louis 2000, chapter 3). The posterior of a group
/// with `k` in `T` is gamma with `a+k` and `b+T`: mean `(a+k)/(b+T)`, bounds `χ²(p; 2(a+k))/(2(b+T))`. They take the
/// prior as known, so that with few groups they are somewhat narrow (Morris 1983).
///
/// Where no prior has a higher likelihood than one common rate (no over-dispersion), `prior` is `None`, `weight` is
/// 0, and each group has the pooled rate with its exact bounds (Garwood 1936). A group without exposure has the prior.
///
/// # Errors
/// [`RateFlaw`]: bad exposures or confidence, fewer than two groups with an exposure, no events, or a rate out of a
/// float's range.
pub fn shrinkage(groups: &[Tally], confidence: f64) -> Result<Shrinkage, RateFlaw> {
    if !is_probability(confidence) {
        return Err(RateFlaw::InvalidConfidence);
    }
    let total = pooled(groups)?;
    let pooled_rate = total.count as f64 / total.exposure;
    if !pooled_rate.is_normal() {
        return Err(RateFlaw::OutOfRange);
    }
    let prior = Likelihood::new(groups, total).prior();
    let rates: Result<Vec<ShrunkRate>, RateFlaw> = match prior {
        Some(prior) => groups.iter().map(|group| posterior(group, prior, confidence)).collect(),
        None => {
            let bounds = rate_bounds(total.count, total.exposure, confidence)?;
            let common =
                ShrunkRate { raw: None, rate: pooled_rate, lower: bounds.lower, upper: bounds.upper, weight: 0.0 };
            groups.iter().map(|group| Ok(ShrunkRate { raw: raw(group), ..common })).collect()
        }
    };
    Ok(Shrinkage { pooled_rate, prior, groups: rates? })
}

fn raw(group: &Tally) -> Option<f64> {
    (group.exposure > 0.0).then(|| group.count as f64 / group.exposure).filter(|rate| rate.is_finite())
}

fn posterior(group: &Tally, prior: GammaPrior, confidence: f64) -> Result<ShrunkRate, RateFlaw> {
    let shape = prior.shape + group.count as f64;
    let exposure = prior.exposure + group.exposure;
    let tail = 0.5 - 0.5 * confidence;
    let bound = |probability: f64| 0.5 * chi_squared_quantile(probability, 2.0 * shape) / exposure;
    let (lower, upper) = (bound(tail), bound(1.0 - tail));
    if !(lower.is_finite() && upper.is_finite()) {
        return Err(RateFlaw::OutOfRange);
    }
    Ok(ShrunkRate { raw: raw(group), rate: shape / exposure, lower, upper, weight: group.exposure / exposure })
}

/// The negative binomial likelihood of the counts. Exposures are in units of the pooled time per event, in which the
/// pooled rate is 1, so that the search does not depend on the caller's unit.
struct Likelihood {
    /// Count and expected count at the pooled rate.
    groups: Vec<(u64, f64)>,
    pooled_rate: f64,
    rate_min: f64,
    rate_max: f64,
}

impl Likelihood {
    fn new(groups: &[Tally], total: Tally) -> Self {
        let pooled_rate = total.count as f64 / total.exposure;
        let exposed = groups.iter().filter(|group| group.exposure > 0.0);
        let groups: Vec<(u64, f64)> =
            exposed.map(|group| (group.count, group.exposure / total.exposure * total.count as f64)).collect();
        let rates = groups.iter().map(|(count, expected)| *count as f64 / expected);
        let (rate_min, rate_max) =
            rates.fold((f64::INFINITY, 0.0_f64), |(low, high), rate| (low.min(rate), high.max(rate)));
        Self { groups, pooled_rate, rate_min, rate_max }
    }

    /// The best prior, in the caller's unit; `None` where one common rate is as good.
    fn prior(&self) -> Option<GammaPrior> {
        let expected_max = self.groups.iter().map(|(_, expected)| *expected).fold(0.0, f64::max);
        let (low, high) = (SHAPE_MIN.ln(), (SHAPE_MAX_OVER_EXPECTED * expected_max.max(1.0)).ln());
        let points = ((high - low) * POINTS_PER_FACTOR).ceil() as usize;
        let at = |point: usize| low + (high - low) * point as f64 / points as f64;
        let loss = |log_shape: f64| -self.at_shape(log_shape.exp()).unwrap_or(f64::NEG_INFINITY);

        // The likelihood may have more than one maximum, so that a coarse look comes first. One at the upper end has no
        // zero of the score beside it: there the prior is the pooled rate.
        let best = (0..=points).min_by(|one, other| loss(at(*one)).total_cmp(&loss(at(*other))))?;
        let score = |log_shape: f64| self.score(log_shape.exp()).unwrap_or(f64::NAN);
        let log_shape = root(score, at(best.saturating_sub(1)), at((best + 1).min(points)))?;
        if -loss(log_shape) < self.of_one_rate() + GAIN_MIN {
            return None;
        }
        let shape = log_shape.exp();
        let prior = GammaPrior { shape, exposure: shape / (self.mean_at(shape)? * self.pooled_rate) };
        (prior.exposure.is_finite() && prior.exposure > 0.0).then_some(prior)
    }

    /// The likeliest prior mean at a shape.
    fn mean_at(&self, shape: f64) -> Option<f64> {
        let score = |mean: f64| {
            let of_group =
                |(count, expected): &(u64, f64)| (*count as f64 - mean * expected) / (1.0 + mean * expected / shape);
            self.groups.iter().map(of_group).sum::<f64>()
        };
        // At the lowest of the groups' rates no term is negative, at the highest none positive.
        if self.rate_min == self.rate_max {
            return Some(self.rate_max);
        }
        root(score, self.rate_min, self.rate_max)
    }

    /// The log-likelihood at a shape and its likeliest mean, less what depends on the counts alone.
    fn at_shape(&self, shape: f64) -> Option<f64> {
        let mean = self.mean_at(shape)?;
        let of_group = |(count, expected): &(u64, f64)| {
            let ratio = mean * expected / shape;
            let counted = *count as f64;
            log_rising(shape, *count) + counted * ((mean * expected).ln() - ratio.ln_1p()) - shape * ratio.ln_1p()
        };
        Some(self.groups.iter().map(of_group).sum())
    }

    /// The slope of [`Self::at_shape`], whose mean is the likeliest and so adds nothing to it.
    fn score(&self, shape: f64) -> Option<f64> {
        let mean = self.mean_at(shape)?;
        let of_group = |(count, expected): &(u64, f64)| {
            let expected = mean * expected;
            harmonic_rise(shape, *count) - (expected / shape).ln_1p() + (expected - *count as f64) / (shape + expected)
        };
        Some(self.groups.iter().map(of_group).sum())
    }

    /// The log-likelihood of one common rate, less the same.
    fn of_one_rate(&self) -> f64 {
        self.groups.iter().map(|(count, expected)| *count as f64 * expected.ln() - expected).sum()
    }
}

/// `ln Γ(shape + count) − ln Γ(shape) − count · ln(shape)`.
fn log_rising(shape: f64, count: u64) -> f64 {
    if count <= SUM_MAX {
        return (1..count).map(|step| (step as f64 / shape).ln_1p()).sum();
    }
    ln_gamma(shape + count as f64) - ln_gamma(shape) - count as f64 * shape.ln()
}

/// `ψ(shape + count) − ψ(shape)`.
fn harmonic_rise(shape: f64, count: u64) -> f64 {
    if count <= SUM_MAX {
        return (0..count).map(|step| (shape + step as f64).recip()).sum();
    }
    digamma(shape + count as f64) - digamma(shape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{pumps, tallies};
    use super::*;
    use crate::estimation::survival::testing::assert_close;

    #[test]
    fn pumps_of_a_nuclear_plant_shrink_as_published() {
        // Gaver & O'Muircheartaigh 1987, table 3. The two score equations by mpmath's findroot, posterior
        // means and 95 % bounds by scipy's gamma law.
        let result = shrinkage(&pumps(), 0.95).unwrap();
        let prior = result.prior.unwrap();
        assert_close(prior.shape, 0.8222686496886464, 1e-10);
        assert_close(prior.exposure, 1.258954443370719, 1e-10);
        let expected = [
            (0, 0.0609158018478, 0.0219332432093, 0.119457554868),
            (1, 0.107325139234, 0.0111544511331, 0.309790427971),
            (4, 0.588135935248, 0.154007772927, 1.30773423198),
            (6, 0.789902312516, 0.082095647001, 2.28002662932),
            (9, 1.94414832767, 1.22998991712, 2.81915955208),
        ];
        for (group, rate, lower, upper) in expected {
            assert_close(result.groups[group].rate, rate, 1e-10);
            assert_close(result.groups[group].lower, lower, 1e-10);
            assert_close(result.groups[group].upper, upper, 1e-10);
        }
        assert_eq!(result.groups[0].raw, Some(5.0 / 94.32));
    }

    #[test]
    fn counts_without_overdispersion_get_the_pooled_rate() {
        let result = shrinkage(&tallies(&[(5, 100.0), (10, 200.0), (6, 100.0), (0, 0.0)]), 0.9).unwrap();
        assert_eq!(result.prior, None);
        let bounds = rate_bounds(21, 400.0, 0.9).unwrap();
        for group in &result.groups {
            assert_eq!((group.rate, group.lower, group.upper), (bounds.rate, bounds.lower, bounds.upper));
            assert_eq!(group.weight, 0.0);
        }
        assert_eq!((result.groups[2].raw, result.groups[3].raw), (Some(0.06), None));
    }

    #[test]
    fn exactly_equal_rates_get_the_pooled_rate() {
        let result = shrinkage(&tallies(&[(5, 100.0), (5, 100.0)]), 0.9).unwrap();
        assert_eq!((result.prior, result.groups[1].rate), (None, 0.05));
    }

    #[test]
    fn a_group_without_exposure_has_the_prior() {
        let mut groups = pumps();
        groups.push(Tally { count: 0, exposure: 0.0 });
        let result = shrinkage(&groups, 0.95).unwrap();
        let (prior, last) = (result.prior.unwrap(), result.groups[10]);
        assert_close(last.rate, prior.shape / prior.exposure, 1e-12);
        assert_eq!((last.raw, last.weight), (None, 0.0));
    }

    #[test]
    fn what_cannot_be_estimated_is_a_reason() {
        let reason = |groups: &[(u64, f64)]| shrinkage(&tallies(groups), 0.9).unwrap_err();
        assert_eq!(reason(&[]), RateFlaw::Empty);
        assert_eq!(reason(&[(3, 10.0)]), RateFlaw::OneGroup);
        assert_eq!(reason(&[(0, 10.0), (0, 20.0)]), RateFlaw::NoEvents);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 0.0] {
            assert_eq!(reason(&[(4, 10.0), (1, bad)]), RateFlaw::InvalidExposure);
        }
        assert_eq!(reason(&[(994, 3e-308), (1_000_000, 3e-308)]), RateFlaw::OutOfRange);
        assert_eq!(shrinkage(&pumps(), 1.0).unwrap_err(), RateFlaw::InvalidConfidence);
    }

    #[test]
    fn the_unit_of_exposure_does_not_matter() {
        let scaled: Vec<Tally> =
            pumps().iter().map(|group| Tally { exposure: 1e6 * group.exposure, ..*group }).collect();
        let (plain, scaled) = (shrinkage(&pumps(), 0.9).unwrap(), shrinkage(&scaled, 0.9).unwrap());
        for (one, other) in plain.groups.iter().zip(&scaled.groups) {
            assert_close(1e6 * other.rate, one.rate, 1e-9);
        }
    }

    #[test]
    fn large_counts_and_one_outlier_stay_finite() {
        for groups in [
            vec![(1_000_000, 1e6), (2_000_000, 1e6), (1_500_000, 1e6)],
            vec![(0, 1.0), (0, 1.0), (0, 1e9), (100_000, 1e-3)],
        ] {
            let result = shrinkage(&tallies(&groups), 0.95).unwrap();
            assert!(result.prior.is_some());
            for group in &result.groups {
                let figures = [group.rate, group.lower, group.upper, group.weight];
                assert!(figures.iter().all(|figure| figure.is_finite() && *figure >= 0.0), "{group:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shrunk_rate_lies_between_its_own_and_the_priors(
            groups in prop::collection::vec((0_u64..40, 1.0_f64..100.0), 2..12)
        ) {
            let groups = tallies(&groups);
            let Ok(result) = shrinkage(&groups, 0.9) else { return Ok(()) };
            let common = result.prior.map_or(result.pooled_rate, |prior| prior.shape / prior.exposure);
            for group in &result.groups {
                let (low, high) = (group.raw.unwrap().min(common), group.raw.unwrap().max(common));
                prop_assert!(low * (1.0 - 1e-9) <= group.rate && group.rate <= high * (1.0 + 1e-9));
                prop_assert!(group.lower <= group.upper);
            }
        }

        #[test]
        fn order_of_groups_does_not_matter(
            groups in prop::collection::vec((0_u64..40, 1.0_f64..100.0), 2..12)
        ) {
            let mut groups = tallies(&groups);
            let plain = shrinkage(&groups, 0.9);
            groups.reverse();
            let reversed = shrinkage(&groups, 0.9);
            match (plain, reversed) {
                (Ok(plain), Ok(reversed)) => {
                    prop_assert_eq!(plain.prior.is_some(), reversed.prior.is_some());
                    for (one, other) in plain.groups.iter().zip(reversed.groups.iter().rev()) {
                        prop_assert!((one.rate - other.rate).abs() <= 1e-9 * one.rate, "{} {}", one.rate, other.rate);
                    }
                }
                (plain, reversed) => prop_assert_eq!(plain, reversed),
            }
        }
    }
}
