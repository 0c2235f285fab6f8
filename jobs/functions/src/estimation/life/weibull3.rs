//! The three-parameter Weibull law: no failures before a location γ, then the two-parameter law of the age above it.
//!
//! It owns the search for the location, along the profile of the two-parameter likelihood. It never reports the corner
//! where that likelihood is infinite: there the law says nothing of the data.

use std::cell::Cell;

use super::bounds::{covariance, delta, exponentials, profile};
use super::weibull::{Likelihood, Maximum};
use super::{B10_FAILED, Bounds, Curve, Estimate, Facts, Fit, Law, Options, Outcome, Parameter};
use crate::estimation::numeric::{digamma, gamma, minimum, root_between};
use crate::estimation::sample::Lives;

/// The search tries locations whose distances to the first failure fall by tenths of a decade, over this many of them.
const TRIALS_PER_DECADE: i32 = 10;
const TRIALS_MAX: i32 = 80;

/// A location this near to the first failure, by the logarithm of their relative distance, is hardly apart from it.
const LOG_DISTANCE_MAX: f64 = 30.0;

/// Only shapes above one are taken, see [`fit`]; their logarithms.
const LOG_SHAPE_LIMITS: (f64, f64) = (0.0, 21.0);

/// Fits `shape` (β), `scale` (η) and `location` (γ), the latter two in the unit of the sample: H(t) = ((t − γ)/η)^β.
///
/// For a shape below one the likelihood grows without bound as γ nears the first failure, so that what is sought is a
/// local maximum (Lawless 2003, section 5.4.1; Smith 1985), and one with a shape above one: below it, without truncation,
/// a larger γ is always likelier. The highest one with 0 ≤ γ < first failure is taken; where there is none, the outcome
/// is [`Outcome::NoMaximum`].
///
/// The location cannot be below 0. Where the likelihood falls from there on, γ is 0: its lower bound is then 0, the
/// upper one is from the profile likelihood whatever was asked, it has no standard error, and the other figures'
/// errors are those of the two-parameter law. Inside, standard errors are from the observed information and γ has
/// plain Wald bounds, held within 0 and the first failure. They are trustworthy for shapes above two only (Smith 1985).
/// Profiles are over shapes above one, too: a lower bound of the shape that is not above one is not determined.
pub fn fit(lives: &Lives, options: &Options) -> Fit {
    let facts = match Facts::of_two_ages(lives) {
        Ok(facts) => facts,
        Err(outcome) => return Fit::without(Law::Weibull3, lives, outcome),
    };
    let search = Search { lives, facts };
    let found = search.highest().and_then(|place| {
        let covariance = search.covariance(&place)?;
        Some((place, covariance))
    });
    match found {
        Some((place, covariance)) => describe(&search, &place, &covariance, options),
        None => Fit::without(Law::Weibull3, lives, Outcome::NoMaximum),
    }
}

/// All figures from the place of the maximum and the covariance of the logarithms of scale and shape and the location.
fn describe(search: &Search<'_>, place: &Place, covariance: &[[f64; 3]; 3], options: &Options) -> Fit {
    let Place { location, maximum, unit_log, .. } = *place;
    let (shape, scale_log) = (maximum.shape(), maximum.scale_log + unit_log);
    let scale = scale_log.exp();
    let curve = Curve::Weibull { shape, scale, location };
    let fit = Fit::with_curve(Law::Weibull3, search.lives, options, curve, maximum.log_likelihood, 3.0);
    let error = |gradient: [f64; 3]| delta(gradient, covariance);
    let relative = |value: f64, gradient: [f64; 3]| {
        Estimate::positive(value.ln(), error(gradient.map(|part| part / value)), options)
    };
    let root = (-(-B10_FAILED).ln_1p()).powf(shape.recip());
    let b10_gradient = [scale * root, -scale * root * root.ln(), 1.0];
    let inverse = 1.0 + shape.recip();
    let mean_part = scale * gamma(inverse);
    let mean_gradient = [mean_part, -mean_part * digamma(inverse) / shape, 1.0];
    let mut estimates = [
        Estimate::positive(maximum.shape_log, error([0.0, 1.0, 0.0]), options),
        Estimate::positive(scale_log, error([1.0, 0.0, 0.0]), options),
        search.location(place, error([0.0, 0.0, 1.0]), options),
    ];
    let mut b10 = relative(curve.quantile(B10_FAILED), b10_gradient);
    if options.bounds == Bounds::Profile {
        let along = |profile: &dyn Fn(f64) -> f64, log: f64, log_error: f64, limits| {
            let at = (log, maximum.log_likelihood);
            exponentials(self::profile(profile, at, log_error, limits, options))
        };
        let unlimited = (f64::NEG_INFINITY, f64::INFINITY);
        let shapes = |log: f64| search.with_shape(log);
        let scales = |log: f64| search.with_age(0.0, log, 1.0, place);
        let ages = |log: f64| search.with_age(1.0, log, -(-B10_FAILED).ln_1p(), place);
        let b10_log = curve.quantile(B10_FAILED).ln();
        let b10_error = error(b10_gradient.map(|part| part / b10_log.exp()));
        estimates[0] = estimates[0].within(along(&shapes, maximum.shape_log, error([0.0, 1.0, 0.0]), LOG_SHAPE_LIMITS));
        estimates[1] = estimates[1].within(along(&scales, scale_log, error([1.0, 0.0, 0.0]), unlimited));
        b10 = b10.within(along(&ages, b10_log, b10_error, unlimited));
    }
    // To the order and the scales in which the parameters are given.
    let (order, factors) = ([1, 0, 2], [shape, scale, 1.0]);
    let entries = (0..3).flat_map(|row| (0..3).map(move |column| (row, column)));
    let matrix = entries.map(|(row, column)| factors[row] * factors[column] * covariance[order[row]][order[column]]);
    let names = ["shape", "scale", "location"];
    let parameters = names.into_iter().zip(estimates).map(|(name, estimate)| Parameter { name, estimate });
    let fit = Fit {
        parameters: parameters.collect(),
        covariance: if location > 0.0 { matrix.collect() } else { Vec::new() },
        b10,
        mean: relative(curve.mean(), mean_gradient),
        ..fit
    };
    fit.checked(search.lives)
}

/// A location with the most likely two-parameter law above it.
#[derive(Clone, Copy, Debug)]
struct Place {
    location: f64,
    unit_log: f64,
    maximum: Maximum,
    /// The derivative of the profile likelihood by the location.
    slope: f64,
}

struct Search<'a> {
    lives: &'a Lives,
    facts: Facts,
}

/// Sums over failures and over all lives, for the derivatives by the location; r is one over the age above it, in
/// the reciprocal of the sample's unit, H the cumulative hazard, β the shape and z the logarithm of age over scale.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Σ r and Σ r² of failures.
    reciprocals: f64,
    squares: f64,
    /// Σ r H, Σ r² H and Σ r H (1 + β z), at exit less at entry.
    first: f64,
    second: f64,
    mixed: f64,
}

impl Search<'_> {
    /// The local maximum with the highest likelihood, from 0 up.
    fn highest(&self) -> Option<Place> {
        let shape_log = Cell::new(None);
        let place = |location: f64| {
            let place = self.place(location, shape_log.get())?;
            // The shapes of neighbouring locations are near each other.
            shape_log.set(Some(place.maximum.shape_log));
            Some(place)
        };
        let slope = |location: f64| place(location).map_or(f64::NAN, |place| place.slope);
        let mut last = place(0.0)?;
        let mut best = Some(last).filter(|place| place.slope <= 0.0 && place.maximum.shape_log > 0.0);
        for trial in 1..=TRIALS_MAX {
            let left = 10_f64.powf(-f64::from(trial) / f64::from(TRIALS_PER_DECADE));
            let Some(next) = place(self.facts.first_failure * (1.0 - left)) else { break };
            if last.slope > 0.0 && next.slope <= 0.0 {
                let ends = ((last.location, last.slope), (next.location, next.slope));
                let found = root_between(slope, ends.0, ends.1, 1e-15 * next.location).and_then(place);
                let higher =
                    |place: &Place| best.is_none_or(|best| place.maximum.log_likelihood > best.maximum.log_likelihood);
                best = found.filter(higher).or(best);
            }
            if next.maximum.shape_log <= 0.0 {
                break;
            }
            last = next;
        }
        best
    }

    fn place(&self, location: f64, guess: Option<f64>) -> Option<Place> {
        let likelihood = Likelihood::new(self.lives, &self.facts, location);
        let maximum = likelihood.maximum(likelihood.shape_log(guess)?);
        let sums = self.sums(location, maximum.shape(), maximum.scale_log + likelihood.unit_log);
        let slope = maximum.shape() * sums.first - (maximum.shape() - 1.0) * sums.reciprocals;
        let finite = slope.is_finite() && maximum.log_likelihood.is_finite();
        finite.then_some(Place { location, unit_log: likelihood.unit_log, maximum, slope })
    }

    fn sums(&self, location: f64, shape: f64, scale_log: f64) -> Sums {
        let mut sums = Sums::default();
        let mut add = |age: f64, sign: f64| {
            let (log, reciprocal) = (age.ln() - scale_log, age.recip());
            let first = sign * (shape * log).exp() * reciprocal;
            sums.first += first;
            sums.second += first * reciprocal;
            sums.mixed += first * (1.0 + shape * log);
        };
        let (mut reciprocals, mut squares) = (0.0, 0.0);
        for (exit, observed, entry) in self.lives.iter().filter(|(exit, _, _)| *exit > location) {
            add(exit - location, 1.0);
            if entry > location {
                add(entry - location, -1.0);
            }
            if observed {
                reciprocals += (exit - location).recip();
                squares += (exit - location).powi(2).recip();
            }
        }
        Sums { reciprocals, squares, ..sums }
    }

    /// The covariance of the logarithms of scale and shape and of the location; with the latter held where it is 0.
    fn covariance(&self, place: &Place) -> Option<[[f64; 3]; 3]> {
        let maximum = &place.maximum;
        let two = Likelihood::new(self.lives, &self.facts, place.location).information(maximum);
        if place.location == 0.0 {
            let [[a, b], [c, d]] = covariance(two)?;
            return Some([[a, b, 0.0], [c, d, 0.0], [0.0; 3]]);
        }
        let shape = maximum.shape();
        let sums = self.sums(place.location, shape, maximum.scale_log + place.unit_log);
        let own = (shape - 1.0) * (sums.squares + shape * sums.second);
        let with_scale = shape * shape * sums.first;
        let with_shape = shape * (sums.reciprocals - sums.mixed);
        let [[a, b], [c, d]] = two;
        covariance([[a, b, with_scale], [c, d, with_shape], [with_scale, with_shape, own]])
    }

    /// The location with its bounds, which its range limits.
    fn location(&self, place: &Place, standard_error: f64, options: &Options) -> Estimate {
        let range = (0.0, self.facts.first_failure);
        let inside = place.location > 0.0;
        let estimate = if inside {
            Estimate::plain(place.location, standard_error, options)
        } else {
            Estimate { value: Some(0.0), ..Estimate::default() }
        };
        if inside && options.bounds == Bounds::Wald {
            let held = |bound: Option<f64>| bound.map(|bound| bound.clamp(range.0, range.1));
            return estimate.within((held(estimate.lower), held(estimate.upper)));
        }
        let guess = place.maximum.shape_log;
        // In logarithms of the distance to the first failure, towards which the likelihood changes ever faster.
        let first = range.1;
        let at_distance = |fall: f64| first * -(-fall).exp_m1();
        let along = |fall: f64| {
            let place = self.place(at_distance(fall), Some(guess));
            place.map_or(f64::NAN, |place| place.maximum.log_likelihood)
        };
        let at = (-(-place.location / first).ln_1p(), place.maximum.log_likelihood);
        let width = if inside { standard_error / (first - place.location) } else { 0.05 };
        let (lower, upper) = profile(along, at, width.min(0.2), (0.0, LOG_DISTANCE_MAX), options);
        let known = options.is_confident();
        let bound = |bound: Option<f64>, end: f64| Some(bound.map_or(end, at_distance)).filter(|_| known);
        estimate.within((bound(lower, range.0), bound(upper, range.1)))
    }

    /// The largest log-likelihood with a given shape.
    fn with_shape(&self, shape_log: f64) -> f64 {
        self.over_locations(self.facts.first_failure, |location| {
            Likelihood::new(self.lives, &self.facts, location).maximum(shape_log).log_likelihood
        })
    }

    /// The largest log-likelihood for which the cumulative hazard at an age is `hazard`, among shapes above one. The age
    /// is given by its logarithm; it counts from 0 if `moved` is one, and from the location if it is zero.
    fn with_age(&self, moved: f64, age_log: f64, hazard: f64, place: &Place) -> f64 {
        let age = age_log.exp();
        let end = if moved > 0.0 { age.min(self.facts.first_failure) } else { self.facts.first_failure };
        self.over_locations(end, |location| {
            let likelihood = Likelihood::new(self.lives, &self.facts, location);
            let log = (age - moved * location).ln() - likelihood.unit_log;
            likelihood.with_age_within(log, hazard, place.maximum.shape_log, LOG_SHAPE_LIMITS)
        })
    }

    /// The largest value over the locations from 0 to `end`, both of which may have it.
    fn over_locations(&self, end: f64, log_likelihood: impl Fn(f64) -> f64) -> f64 {
        let at = |share: f64| log_likelihood(share * end);
        let last = 1.0 - f64::EPSILON;
        let ends = at(0.0).max(at(last));
        minimum(|share| -at(share), 0.0, last).map_or(ends, |share| ends.max(at(share)))
    }
}
