//! The two-parameter Weibull law, H(t) = (t/η)^β, and the likelihood that the three-parameter law builds on.
//!
//! It owns the sums over a sample that all figures of the law come from: each is one pass with an exponential per life,
//! over the logarithms of its ages. It never moves the origin of ages on its own account.

use super::bounds::{covariance, delta, exponentials, profile};
use super::{B10_FAILED, Bounds, Curve, Estimate, Facts, Fit, Law, Options, Outcome, Parameter};
use crate::estimation::numeric::{digamma, ln_gamma, root_around, root_near};
use crate::estimation::sample::Lives;

/// Shapes are sought from a millionth to a thousand millions, given by their logarithms.
const LOG_SHAPE_LIMITS: (f64, f64) = (-14.0, 21.0);

/// How far the search for a shape first steps, in its logarithm.
const LOG_SHAPE_STEP: f64 = 0.25;

/// Fits `shape` (β) and `scale` (η, in the unit of the sample; the age by which 63.2 % have failed).
///
/// The scale is eliminated, η^β = Σ (exit^β − entry^β) / failures, and the shape is the zero of what is then left of the
/// score (Lawless 2003, section 5.2.1; with left truncation Kalbfleisch & Prentice 2002, section 3.2, each life's
/// likelihood over its survival at entry). Without truncation there is just one; with it there may be none, which is
/// [`Outcome::NoMaximum`]. Standard errors are from the observed information; bounds by [`Bounds`], those of the shape,
/// the scale and the B10 life alike. At least two failures at different ages are needed.
pub fn fit(lives: &Lives, options: &Options) -> Fit {
    let facts = match Facts::of_two_ages(lives) {
        Ok(facts) => facts,
        Err(outcome) => return Fit::without(Law::Weibull, lives, outcome),
    };
    let likelihood = Likelihood::new(lives, &facts, 0.0);
    let found = likelihood.shape_log(None).and_then(|shape_log| {
        let maximum = likelihood.maximum(shape_log);
        let covariance = covariance(likelihood.information(&maximum))?;
        Some((maximum, covariance))
    });
    match found {
        Some((maximum, covariance)) => describe(&likelihood, &maximum, &covariance, options),
        None => Fit::without(Law::Weibull, lives, Outcome::NoMaximum),
    }
}

/// All figures from the place of the maximum and the covariance of the logarithms of scale and shape.
fn describe(likelihood: &Likelihood<'_>, maximum: &Maximum, covariance: &[[f64; 2]; 2], options: &Options) -> Fit {
    let lives = likelihood.lives;
    let unit = likelihood.unit_log;
    let shape = maximum.shape();
    let curve = Curve::Weibull { shape, scale: (maximum.scale_log + unit).exp(), location: 0.0 };
    let fit = Fit::with_curve(Law::Weibull, lives, options, curve, maximum.log_likelihood, 2.0);
    let error = |gradient| delta(gradient, covariance);
    let mut shape_estimate = Estimate::positive(maximum.shape_log, error([0.0, 1.0]), options);
    if options.bounds == Bounds::Profile {
        let along = |shape_log: f64| likelihood.maximum(shape_log).log_likelihood;
        let at = (maximum.shape_log, maximum.log_likelihood);
        let bounds = profile(along, at, error([0.0, 1.0]), LOG_SHAPE_LIMITS, options);
        shape_estimate = shape_estimate.within(exponentials(bounds));
    }
    // The scale is the age at which the cumulative hazard is one; the age of any other hazard is found the same way.
    let age = |hazard: f64| {
        let log = maximum.scale_log + hazard.ln() / shape;
        let log_error = error([1.0, -hazard.ln() / shape]);
        let estimate = Estimate::positive(log + unit, log_error, options);
        if options.bounds == Bounds::Wald {
            return estimate;
        }
        let along = |log: f64| likelihood.with_age(log, hazard, maximum.shape_log);
        let unlimited = (f64::NEG_INFINITY, f64::INFINITY);
        let (lower, upper) = profile(along, (log, maximum.log_likelihood), log_error, unlimited, options);
        estimate.within(exponentials((lower.map(|log| log + unit), upper.map(|log| log + unit))))
    };
    let scale = age(1.0);
    let [[of_scale, of_both], [_, of_shape]] = *covariance;
    let eta = scale.value.unwrap_or(f64::NAN);
    let matrix = vec![shape * shape * of_shape, shape * eta * of_both, shape * eta * of_both, eta * eta * of_scale];
    let mean_log = maximum.scale_log + unit + ln_gamma(1.0 + shape.recip());
    let mean_error = error([1.0, -digamma(1.0 + shape.recip()) / shape]);
    let fit = Fit {
        parameters: vec![
            Parameter { name: "shape", estimate: shape_estimate },
            Parameter { name: "scale", estimate: scale },
        ],
        covariance: matrix,
        b10: age(-(-B10_FAILED).ln_1p()),
        mean: Estimate::positive(mean_log, mean_error, options),
        ..fit
    };
    fit.checked(lives)
}

/// The likelihood of a sample under the Weibull law of ages above a location. Ages are taken by their logarithms, in
/// units of the largest one, so that nothing overflows.
pub(super) struct Likelihood<'a> {
    lives: &'a Lives,
    /// The logarithms of the ages at exit and, where a life was truncated, at entry; of those after the location.
    logs: Vec<(f64, Option<f64>)>,
    /// The logarithm of the largest age above the location.
    pub(super) unit_log: f64,
    pub(super) failures: f64,
    /// Over the failures, the sum of the logarithms of their ages, and the logarithm of a first guess of the shape.
    log_ages: f64,
    guess: f64,
}

/// A point of the likelihood: the logarithms of the shape and, in units of the largest age, of the scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Maximum {
    pub(super) shape_log: f64,
    pub(super) scale_log: f64,
    pub(super) log_likelihood: f64,
}

/// The cumulative hazard over all lives, between entry and exit, and its first two derivatives by the shape.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hazards {
    pub(super) sum: f64,
    pub(super) first: f64,
    pub(super) second: f64,
}

impl Maximum {
    pub(super) fn shape(&self) -> f64 {
        self.shape_log.exp()
    }
}

impl<'a> Likelihood<'a> {
    /// Of ages above `location`, which is below the first failure.
    pub(super) fn new(lives: &'a Lives, facts: &Facts, location: f64) -> Self {
        let unit_log = (facts.largest_exit - location).ln();
        let (mut sum, mut squares) = (0.0, 0.0);
        let mut logs = Vec::with_capacity(lives.len());
        for (exit, observed, entry) in lives.iter().filter(|(exit, ..)| *exit > location) {
            let log = (exit - location).ln() - unit_log;
            if observed {
                sum += log;
                squares += log * log;
            }
            logs.push((log, (entry > location).then(|| (entry - location).ln() - unit_log)));
        }
        let mean = sum / facts.failures;
        let deviation = (squares / facts.failures - mean * mean).max(0.0).sqrt();
        // The logarithm of a Weibull age has the standard deviation π/√6 over the shape.
        let guess = (1.2825 / deviation).ln().clamp(-3.0, 10.0);
        Self { lives, logs, unit_log, failures: facts.failures, log_ages: sum, guess }
    }

    /// The sums at a shape, for a scale given by its logarithm.
    pub(super) fn hazards(&self, shape: f64, scale_log: f64) -> Hazards {
        let mut hazards = Hazards::default();
        for (exit_log, entry_log) in &self.logs {
            let log = exit_log - scale_log;
            let at_exit = (shape * log).exp();
            match entry_log {
                None => {
                    hazards.sum += at_exit;
                    hazards.first += at_exit * log;
                    hazards.second += at_exit * log * log;
                }
                Some(entry_log) => {
                    let entry_log = entry_log - scale_log;
                    let (apart, both) = (log - entry_log, log + entry_log);
                    // Written so that a short watch is not the difference of two large figures.
                    let between = -at_exit * (-shape * apart).exp_m1();
                    let at_entry = at_exit - between;
                    hazards.sum += between;
                    hazards.first += between * log + at_entry * apart;
                    hazards.second += between * log * log + at_entry * apart * both;
                }
            }
        }
        hazards
    }

    /// The logarithm of the most likely shape, sought from a guess of it.
    pub(super) fn shape_log(&self, guess: Option<f64>) -> Option<f64> {
        let score_and_slope = |shape_log: f64| {
            let shape = shape_log.exp();
            let hazards = self.hazards(shape, 0.0);
            let mean = hazards.first / hazards.sum;
            let inner = shape * (self.log_ages - self.failures * mean);
            let variance = hazards.second / hazards.sum - mean * mean;
            (self.failures + inner, inner - self.failures * shape * shape * variance)
        };
        let guess = guess.unwrap_or(self.guess);
        let near = root_near(score_and_slope, guess, LOG_SHAPE_LIMITS);
        near.or_else(|| root_around(|log| score_and_slope(log).0, guess, LOG_SHAPE_STEP, LOG_SHAPE_LIMITS))
    }

    /// The point with the most likely scale for a shape.
    pub(super) fn maximum(&self, shape_log: f64) -> Maximum {
        let shape = shape_log.exp();
        let hazard_log = (self.hazards(shape, 0.0).sum / self.failures).ln();
        // The hazards add up to the failures at that scale.
        let log_likelihood = self.densities(shape_log, hazard_log) - self.failures;
        Maximum { shape_log, scale_log: hazard_log / shape, log_likelihood }
    }

    /// The failures' part of the log-likelihood, where `scaled` is the logarithm of the scale times the shape.
    fn densities(&self, shape_log: f64, scaled: f64) -> f64 {
        let powers = (shape_log.exp() - 1.0) * self.log_ages;
        self.failures * (shape_log - scaled - self.unit_log) + powers
    }

    /// The largest log-likelihood of the shapes for which the cumulative hazard at an age, given by its logarithm in
    /// units of the largest age, is `hazard`: H(t) = hazard (t/age)^β.
    pub(super) fn with_age(&self, age_log: f64, hazard: f64, guess: f64) -> f64 {
        self.with_age_within(age_log, hazard, guess, LOG_SHAPE_LIMITS)
    }

    /// The same among some shapes only; where none of them is a maximum, at the end towards it.
    pub(super) fn with_age_within(&self, age_log: f64, hazard: f64, guess: f64, limits: (f64, f64)) -> f64 {
        let score = |shape_log: f64| {
            let shape = shape_log.exp();
            let inner = self.log_ages - self.failures * age_log - hazard * self.hazards(shape, age_log).first;
            self.failures + shape * inner
        };
        let at_end = || if score(limits.0) > 0.0 { limits.1 } else { limits.0 };
        let shape_log = root_around(score, guess, LOG_SHAPE_STEP, limits).unwrap_or_else(at_end);
        let shape = shape_log.exp();
        let scaled = shape * age_log - hazard.ln();
        self.densities(shape_log, scaled) - hazard * self.hazards(shape, age_log).sum
    }

    /// The observed information of the logarithms of scale and shape, at a maximum (Lawless 2003, section 5.2.1).
    pub(super) fn information(&self, maximum: &Maximum) -> [[f64; 2]; 2] {
        let shape = maximum.shape();
        let hazards = self.hazards(shape, maximum.scale_log);
        let scale = shape * shape * hazards.sum;
        let both = -shape * shape * hazards.first;
        let own = self.failures + shape * shape * hazards.second;
        [[scale, both], [both, own]]
    }
}
