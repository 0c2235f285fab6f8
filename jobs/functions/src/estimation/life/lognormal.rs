//! The lognormal law: the logarithm of the age is normal.
//!
//! It owns the censored and truncated normal likelihood of the logarithms. It never moves the origin of ages.

use std::cell::Cell;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

use super::bounds::{covariance, delta, exponentials, profile};
use super::{B10_FAILED, Bounds, Curve, Estimate, Facts, Fit, Law, Options, Outcome, Parameter};
use crate::estimation::numeric::{normal_hazard, normal_log_pdf, normal_log_sf, normal_quantile, root_around};
use crate::estimation::sample::Lives;

/// The search stops where the slopes of the mean log-likelihood of a failure are below this; the steps that follow
/// square the distance to the maximum.
const SLOPE_MAX: f64 = 1e-5;
const SEARCH_STEPS_MAX: u64 = 200;
const POLISH_STEPS_MAX: usize = 20;

/// Steps of the search remembered.
const MEMORY: usize = 5;

/// A maximum is reached once the log-likelihood stands to gain less than half of this from a step.
const GAIN_MAX: f64 = 1e-18;

/// Sigmas are sought within a factor of e^23 of the standard deviation of the logarithms.
const LOG_SIGMA_LIMITS: (f64, f64) = (-23.0, 23.0);

/// Fits `mu` and `sigma`, mean and standard deviation of the natural logarithm of the age in the unit of the sample.
///
/// Maximises the likelihood with right censoring and left truncation (Meeker & Escobar 1998, sections 8.2 and 11.3.2;
/// Lawless 2003, section 5.2) by a quasi-Newton search that Newton's steps on the exact second derivatives finish.
/// Without truncation there is just one maximum (Burridge 1981); with it there may be none, which is
/// [`Outcome::NoMaximum`]. Standard errors are from the observed information; Wald bounds are plain for `mu` and on the
/// logarithm for the rest. At least two failures at different ages are needed.
pub fn fit(lives: &Lives, options: &Options) -> Fit {
    match Facts::of_two_ages(lives) {
        Err(outcome) => Fit::without(Law::Lognormal, lives, outcome),
        Ok(facts) => match Likelihood::new(lives, &facts).maximum() {
            Ok((likelihood, maximum, covariance)) => describe(&likelihood, &maximum, &covariance, options),
            Err(outcome) => Fit::without(Law::Lognormal, lives, outcome),
        },
    }
}

/// All figures from the place of the maximum and the covariance of mu and the logarithm of sigma, both in units of the
/// spread of the logarithms.
fn describe(likelihood: &Likelihood<'_>, maximum: &Terms, covariance: &[[f64; 2]; 2], options: &Options) -> Fit {
    let Likelihood { lives, centre, spread, .. } = *likelihood;
    let sigma_unit = maximum.sigma_log.exp();
    let (mu, sigma) = (centre + spread * maximum.mu, spread * sigma_unit);
    let curve = Curve::Lognormal { mu, sigma };
    let fit = Fit::with_curve(Law::Lognormal, lives, options, curve, maximum.value, 2.0);
    let error = |gradient| delta(gradient, covariance);
    let unlimited = (f64::NEG_INFINITY, f64::INFINITY);
    // The logarithm of the age that this many sigmas above mu stand for: mu itself, and the B10 life.
    let quantile = |deviations: f64| {
        let log = maximum.mu + deviations * sigma_unit;
        let log_error = error([1.0, deviations * sigma_unit]);
        let wald = Estimate::plain(centre + spread * log, spread * log_error, options);
        if options.bounds == Bounds::Wald {
            return wald;
        }
        let along = |log: f64| likelihood.with_quantile(log, deviations, maximum.sigma_log);
        let (lower, upper) = profile(along, (log, maximum.value), log_error, unlimited, options);
        let back = |bound: Option<f64>| bound.map(|log| centre + spread * log);
        wald.within((back(lower), back(upper)))
    };
    let mut sigma_estimate = Estimate::positive(sigma.ln(), error([0.0, 1.0]), options);
    if options.bounds == Bounds::Profile {
        let along = |sigma_log: f64| likelihood.with_sigma(sigma_log, maximum.mu);
        let at = (maximum.sigma_log, maximum.value);
        let (lower, upper) = profile(along, at, error([0.0, 1.0]), LOG_SIGMA_LIMITS, options);
        let back = |bound: Option<f64>| bound.map(|log| log + spread.ln());
        sigma_estimate = sigma_estimate.within(exponentials((back(lower), back(upper))));
    }
    let b10 = quantile(normal_quantile(B10_FAILED));
    let b10_value = curve.quantile(B10_FAILED);
    let bound = |bound: Option<f64>| bound.map_or(f64::NAN, f64::exp);
    let b10_error = b10.standard_error.map_or(f64::NAN, |error| b10_value * error);
    let [[of_mu, of_both], [_, of_sigma]] = *covariance;
    let square = spread * spread;
    let (own, both) = (square * sigma_unit * sigma_unit * of_sigma, square * sigma_unit * of_both);
    // The gradient of mu + sigma²/2 in the same units.
    let mean_error = error([spread, sigma * sigma]);
    let fit = Fit {
        parameters: vec![
            Parameter { name: "mu", estimate: quantile(0.0) },
            Parameter { name: "sigma", estimate: sigma_estimate },
        ],
        covariance: vec![square * of_mu, both, both, own],
        b10: Estimate::finite(b10_value, b10_error, bound(b10.lower), bound(b10.upper)),
        mean: Estimate::positive(mu + 0.5 * sigma * sigma, mean_error, options),
        ..fit
    };
    fit.checked(lives)
}

/// The likelihood of a sample. Logarithms of ages are taken from their mean, in units of their standard deviation, so
/// that the search is over figures of order one.
#[derive(Clone, Copy)]
struct Likelihood<'a> {
    lives: &'a Lives,
    centre: f64,
    spread: f64,
    failures: f64,
    /// What the densities of ages have beside those of the standardised logarithms.
    constant: f64,
}

/// The log-likelihood at a mu and the logarithm of a sigma, and its derivatives by the two.
#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    mu: f64,
    sigma_log: f64,
    value: f64,
    gradient: [f64; 2],
    /// By mu twice, by both, by the logarithm of sigma twice.
    hessian: [f64; 3],
}

impl<'a> Likelihood<'a> {
    fn new(lives: &'a Lives, facts: &Facts) -> Self {
        // About the first failure, so that logarithms close together keep their digits.
        let origin = facts.first_failure.ln();
        let (mut count, mut sum, mut squares, mut of_failures) = (0.0, 0.0, 0.0, 0.0);
        for (exit, observed, _) in lives.iter().filter(|(exit, _, _)| *exit > 0.0) {
            let log = exit.ln() - origin;
            count += 1.0;
            sum += log;
            squares += log * log;
            of_failures += if observed { log } else { 0.0 };
        }
        let mean = sum / count;
        let spread = (squares / count - mean * mean).max(f64::MIN_POSITIVE).sqrt();
        let constant = -of_failures - facts.failures * (origin + spread.ln());
        Self { lives, centre: origin + mean, spread, failures: facts.failures, constant }
    }

    /// The maximum and the covariance there.
    fn maximum(self) -> Result<(Self, Terms, [[f64; 2]; 2]), Outcome> {
        let [mut mu, mut sigma_log] = self.search().ok_or(Outcome::NotConverged)?;
        for _ in 0..POLISH_STEPS_MAX {
            if !(LOG_SIGMA_LIMITS.0..=LOG_SIGMA_LIMITS.1).contains(&sigma_log) {
                return Err(Outcome::NoMaximum);
            }
            let terms = self.terms(mu, sigma_log);
            let [by_mu, by_both, by_sigma] = terms.hessian;
            let Some(covariance) = covariance([[-by_mu, -by_both], [-by_both, -by_sigma]]) else {
                return Err(Outcome::NoMaximum);
            };
            let step = covariance.map(|row| row[0] * terms.gradient[0] + row[1] * terms.gradient[1]);
            let gain = step[0] * terms.gradient[0] + step[1] * terms.gradient[1];
            if gain <= GAIN_MAX * self.failures {
                let found = terms.value.is_finite();
                return found.then_some((self, terms, covariance)).ok_or(Outcome::NotConverged);
            }
            mu += step[0];
            sigma_log += step[1];
        }
        Err(Outcome::NotConverged)
    }

    /// A point near the maximum.
    fn search(&self) -> Option<[f64; 2]> {
        let line = MoreThuenteLineSearch::new();
        let solver = LBFGS::new(line, MEMORY).with_tolerance_grad(SLOPE_MAX).ok()?;
        let solver = solver.with_tolerance_cost(0.0).ok()?;
        let problem = Search { likelihood: self, last: Cell::new(None) };
        let executor =
            Executor::new(problem, solver).configure(|state| state.param(vec![0.0, 0.0]).max_iters(SEARCH_STEPS_MAX));
        let result = executor.ctrlc(false).timer(false).run().ok()?;
        match result.state.get_best_param()?.as_slice() {
            &[mu, sigma_log] => Some([mu, sigma_log]),
            _ => None,
        }
    }

    /// One pass over the sample (Lawless 2003, section 5.2.2 and appendix; the derivatives of a location-scale law).
    fn terms(&self, mu: f64, sigma_log: f64) -> Terms {
        let rate = (-sigma_log).exp();
        let shift = self.centre + self.spread * mu;
        let mut terms = Terms { mu, sigma_log, value: self.constant - self.failures * sigma_log, ..Terms::default() };
        terms.gradient[1] = -self.failures;
        // Adds a function of the standardised age with its first two derivatives.
        let mut add = |z: f64, value: f64, first: f64, second: f64| {
            terms.value += value;
            terms.gradient[0] -= first * rate;
            terms.gradient[1] -= first * z;
            terms.hessian[0] += second * rate * rate;
            terms.hessian[1] += (second * z + first) * rate;
            terms.hessian[2] += (second * z + first) * z;
        };
        for (exit, observed, entry) in self.lives.iter() {
            if exit > 0.0 {
                let z = (exit.ln() - shift) / self.spread * rate;
                if observed {
                    add(z, normal_log_pdf(z), -z, -1.0);
                } else {
                    let (log, hazard) = survival(z);
                    add(z, log, -hazard, -hazard * (hazard - z));
                }
            }
            if entry > 0.0 {
                let z = (entry.ln() - shift) / self.spread * rate;
                let (log, hazard) = survival(z);
                add(z, -log, hazard, hazard * (hazard - z));
            }
        }
        terms
    }

    /// The largest log-likelihood with a given sigma.
    fn with_sigma(&self, sigma_log: f64, guess: f64) -> f64 {
        let width = sigma_log.exp();
        let score = |mu: f64| self.terms(mu * width, sigma_log).gradient[0];
        let mu = root_around(score, guess / width, 0.1, (-1e6, 1e6));
        mu.map_or(f64::NAN, |mu| self.terms(mu * width, sigma_log).value)
    }

    /// The largest log-likelihood with a given mu + `deviations` sigma.
    fn with_quantile(&self, log: f64, deviations: f64, guess: f64) -> f64 {
        let at = |sigma_log: f64| self.terms(log - deviations * sigma_log.exp(), sigma_log);
        let score = |sigma_log: f64| {
            let [by_mu, by_sigma] = at(sigma_log).gradient;
            by_sigma - by_mu * deviations * sigma_log.exp()
        };
        let sigma_log = root_around(score, guess, 0.1, LOG_SIGMA_LIMITS);
        sigma_log.map_or(f64::NAN, |sigma_log| at(sigma_log).value)
    }
}

/// The logarithm of the survival of the standard normal law and its hazard.
fn survival(z: f64) -> (f64, f64) {
    let log = normal_log_sf(z);
    // Far out the difference of logarithms has no digits left.
    let hazard = if z > 30.0 { normal_hazard(z) } else { (normal_log_pdf(z) - log).exp() };
    (log, hazard)
}

/// The mean negative log-likelihood of a failure, as the solver takes it. It asks for the value and the slopes of one
/// point in turn, and a pass over the sample gives both.
struct Search<'a> {
    likelihood: &'a Likelihood<'a>,
    last: Cell<Option<Terms>>,
}

impl Search<'_> {
    fn terms(&self, point: &[f64]) -> Result<Terms, Error> {
        let &[mu, sigma_log] = point else {
            return Err(Error::msg("there are two parameters"));
        };
        match self.last.get() {
            Some(terms) if terms.mu == mu && terms.sigma_log == sigma_log => Ok(terms),
            _ => {
                let terms = self.likelihood.terms(mu, sigma_log);
                self.last.set(Some(terms));
                Ok(terms)
            }
        }
    }
}

impl CostFunction for Search<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, point: &Vec<f64>) -> Result<f64, Error> {
        let value = -self.terms(point)?.value / self.likelihood.failures;
        if value.is_nan() { Err(Error::msg("the likelihood is not a number")) } else { Ok(value) }
    }
}

impl Gradient for Search<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, point: &Vec<f64>) -> Result<Vec<f64>, Error> {
        Ok(self.terms(point)?.gradient.map(|slope| -slope / self.likelihood.failures).to_vec())
    }
}
