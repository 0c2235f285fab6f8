//! The exponential law: a constant rate of failure.
//!
//! It owns that law's estimates from whole lives. Counts of failures over hours, with exact bounds, are not its matter.

use super::bounds::{exponentials, profile};
use super::{B10_FAILED, Bounds, Curve, Estimate, Facts, Fit, Law, Options, Outcome, Parameter};
use crate::estimation::sample::Lives;

/// Fits `rate`, failures per unit of time, as failures over time watched (Lawless 2003, section 4.1).
///
/// The logarithms of rate, mean and B10 life share a standard error, one over the root of the failures. A failure at
/// age 0 is admitted, since the law has a density there. Without failures the outcome is [`Outcome::NoFailures`]: the
/// rate is then 0 with an upper bound, and the mean and the B10 life have a lower one each, all at the *one-sided*
/// confidence asked. It is exact: 2 T over the chi-squared quantile with two degrees of freedom, which is T over
/// −log(1 − confidence), for a time T watched (Nelson 1982, chapter 8, section 2).
pub fn fit(lives: &Lives, options: &Options) -> Fit {
    let facts = match Facts::of(lives) {
        Ok(facts) => facts,
        Err(outcome) => return Fit::without(Law::Exponential, lives, outcome),
    };
    if facts.failures == 0.0 {
        return without_failures(lives, facts.exposure, options);
    }
    let rate = facts.failures / facts.exposure;
    if !(rate > 0.0 && rate.is_finite()) {
        return Fit::without(Law::Exponential, lives, Outcome::NoMaximum);
    }
    let curve = Curve::Exponential { rate };
    let log_likelihood = facts.failures * (rate.ln() - 1.0);
    let fit = Fit::with_curve(Law::Exponential, lives, options, curve, log_likelihood, 1.0);
    let log_error = facts.failures.sqrt().recip();
    let positive = |log: f64| {
        let estimate = Estimate::positive(log, log_error, options);
        if options.bounds == Bounds::Wald { estimate } else { estimate.within(likelihood_bounds(log, &facts, options)) }
    };
    let parameter = Parameter { name: "rate", estimate: positive(rate.ln()) };
    let fit = Fit {
        parameters: vec![parameter],
        covariance: vec![rate * rate / facts.failures],
        b10: reciprocal(parameter.estimate, -(-B10_FAILED).ln_1p(), curve.quantile(B10_FAILED)),
        mean: reciprocal(parameter.estimate, 1.0, curve.mean()),
        ..fit
    };
    fit.checked(lives)
}

/// The bounds of the rate, from its logarithm, by the likelihood ratio (Lawless 2003, section 4.1.1).
fn likelihood_bounds(log_rate: f64, facts: &Facts, options: &Options) -> (Option<f64>, Option<f64>) {
    // Up to a constant, as a function of the logarithm of the rate over its estimate.
    let log_likelihood = |ratio: f64| facts.failures * (ratio - ratio.exp());
    let width = facts.failures.sqrt().recip();
    let unlimited = (f64::NEG_INFINITY, f64::INFINITY);
    let (lower, upper) = profile(log_likelihood, (0.0, -facts.failures), width, unlimited, options);
    exponentials((lower.map(|ratio| log_rate + ratio), upper.map(|ratio| log_rate + ratio)))
}

/// The estimate of `factor` over the rate.
fn reciprocal(rate: Estimate, factor: f64, value: f64) -> Estimate {
    let relative = rate.standard_error.zip(rate.value).map(|(error, rate)| error / rate);
    let over = |bound: Option<f64>| bound.map_or(f64::NAN, |bound| factor / bound);
    Estimate::finite(value, relative.map_or(f64::NAN, |error| error * value), over(rate.upper), over(rate.lower))
}

fn without_failures(lives: &Lives, exposure: f64, options: &Options) -> Fit {
    let fit = Fit::without(Law::Exponential, lives, Outcome::NoFailures);
    if exposure <= 0.0 {
        return fit;
    }
    let mean = exposure / -(-options.confidence).ln_1p();
    let bounded = options.is_confident() && mean > 0.0 && mean.is_finite();
    let at_least = |bound: f64| Estimate { lower: Some(bound).filter(|_| bounded), ..Estimate::default() };
    let upper = Some(mean.recip()).filter(|bound| bounded && bound.is_finite());
    let rate = Estimate { value: Some(0.0), standard_error: None, lower: Some(0.0), upper };
    Fit {
        parameters: vec![Parameter { name: "rate", estimate: rate }],
        mean: at_least(mean),
        b10: at_least(mean * -(-B10_FAILED).ln_1p()),
        ..fit
    }
}
