//! Samples from which little or nothing can be had: every law names why, and gives no figure that is not finite.

use super::super::{Law, Options, Outcome, best, exponential, weibull};
use super::{PROFILE, WALD, figures, lives, near, nist, parameter};
use crate::estimation::sample::{Flaw, Lives};

/// What each law makes of a sample, in the order of `Law::ALL`.
fn outcomes(sample: &Lives) -> [Outcome; 4] {
    let outcome = |law: Law| {
        let fits = [WALD, PROFILE].map(|options| law.fit(sample, &Options { correlation: true, ..options }));
        for fit in &fits {
            assert!(figures(fit).into_iter().flatten().all(f64::is_finite), "{fit:?}");
        }
        assert_eq!(fits[0].outcome, fits[1].outcome);
        fits[0].outcome
    };
    Law::ALL.map(outcome)
}

#[test]
fn an_empty_sample_is_named() {
    assert_eq!(outcomes(&Lives::default()), [Outcome::Flawed(Flaw::Empty); 4]);
    assert_eq!(Outcome::Flawed(Flaw::Empty).name(), "no_data");
}

#[test]
fn impossible_durations_are_named() {
    for bad in [-1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for sample in [lives(&[5.0, 7.0, bad], &[9.0]), lives(&[5.0, 7.0], &[bad])] {
            assert_eq!(outcomes(&sample), [Outcome::Flawed(Flaw::Invalid); 4]);
        }
    }
    for entry in [7.0, 8.0, -1.0, f64::NAN] {
        let sample = Lives { entries: vec![0.0, entry, 0.0], ..lives(&[5.0, 7.0], &[9.0]) };
        assert_eq!(outcomes(&sample), [Outcome::Flawed(Flaw::Invalid); 4]);
    }
}

#[test]
fn without_failures_only_the_exponential_law_bounds_the_mean() {
    let sample = lives(&[], &[100.0, 300.0, 600.0]);
    assert_eq!(outcomes(&sample), [Outcome::NoFailures; 4]);
    let fit = exponential::fit(&sample, &Options { confidence: 0.9, ..WALD });
    // 2 T over the 90 % quantile of the chi-squared law with two degrees of freedom.
    near(fit.mean.lower, 2000.0 / 4.605_170_185_988_091, 1e-12);
    near(fit.b10.lower, -(0.9_f64.ln()) * 2000.0 / 4.605_170_185_988_091, 1e-12);
    assert_eq!((fit.mean.value, fit.mean.upper, fit.aic), (None, None, None));
    let rate = parameter(&fit, "rate");
    assert_eq!((rate.value, rate.lower), (Some(0.0), Some(0.0)));
    near(rate.upper, 4.605_170_185_988_091 / 2000.0, 1e-12);
    assert_eq!(best::fit(&sample, &WALD).law, Law::Exponential);
    assert_eq!(best::choice(&best::all(&sample, &WALD)), None);
    assert_eq!(outcomes(&lives(&[], &[0.0, 0.0])), [Outcome::NoFailures; 4]);
}

#[test]
fn one_failure_is_enough_for_the_exponential_law_alone() {
    let sample = lives(&[50.0], &[80.0, 20.0]);
    assert_eq!(outcomes(&sample), [Outcome::Fitted, Outcome::OneFailure, Outcome::OneFailure, Outcome::OneFailure]);
    near(exponential::fit(&sample, &WALD).mean.value, 150.0, 1e-12);
    assert_eq!(best::fit(&sample, &WALD).law, Law::Exponential);
}

#[test]
fn failures_at_one_age_do_not_tell_a_shape() {
    let expected = [Outcome::Fitted, Outcome::AllEqual, Outcome::AllEqual, Outcome::AllEqual];
    assert_eq!(outcomes(&lives(&[50.0; 5], &[])), expected);
    assert_eq!(outcomes(&lives(&[50.0; 5], &[90.0, 10.0])), expected);
}

#[test]
fn a_failure_at_age_zero_is_a_flaw_save_for_the_exponential_law() {
    let zero = Outcome::Flawed(Flaw::ZeroFailure);
    assert_eq!(outcomes(&lives(&[0.0, 5.0, 9.0], &[])), [Outcome::Fitted, zero, zero, zero]);
    assert_eq!(outcomes(&lives(&[0.0, 0.0], &[])), [Outcome::NoMaximum, zero, zero, zero]);
}

#[test]
fn suspensions_at_age_zero_change_nothing_but_the_counts() {
    let mut sample = nist();
    sample.exits.extend([0.0; 7]);
    sample.observed.extend([false; 7]);
    for law in [Law::Exponential, Law::Weibull, Law::Lognormal] {
        let (with, without) = (law.fit(&sample, &PROFILE), law.fit(&nist(), &PROFILE));
        assert_eq!(with.suspensions, without.suspensions + 7);
        near(with.log_likelihood, without.log_likelihood.unwrap(), 1e-13);
        near(with.b10.lower, without.b10.lower.unwrap(), 1e-9);
        near(with.aic, without.aic.unwrap(), 1e-13);
    }
}

#[test]
fn ages_of_any_size_are_fitted_or_named() {
    let samples = [
        lives(&[1e-300, 2e-300, 4e-300], &[3e-300]),
        lives(&[1e300, 1.2e300, 1.5e300], &[1.1e300]),
        lives(&[1e-300, 1.0, 1e300], &[2.0]),
        lives(&[5e-324, 1.0], &[]),
        lives(&[1.0, 1.0 + f64::EPSILON], &[]),
        lives(&[1e6, 1e6 + 1.0, 1e6 + 2.0], &[1e6 + 3.0]),
        lives(&[1.0, 2.0], &[1e9; 50]),
        lives(&[1e9, 2e9], &[1.0; 50]),
        lives(&[f64::MAX, f64::MAX / 2.0], &[f64::MAX]),
    ];
    for sample in samples {
        outcomes(&sample);
    }
}

#[test]
fn a_confidence_outside_its_range_gives_no_bounds() {
    for confidence in [-0.5, 0.0, 1.0, 2.0, f64::NAN] {
        for options in [WALD, PROFILE] {
            let fit = weibull::fit(&nist(), &Options { confidence, ..options });
            let shape = parameter(&fit, "shape");
            assert!(shape.value.is_some() && shape.standard_error.is_some());
            assert_eq!((shape.lower, shape.upper), (None, None));
            assert!(figures(&fit).into_iter().flatten().all(f64::is_finite));
        }
    }
}

#[test]
fn the_names_of_outcomes_are_stable() {
    let outcomes = [
        Outcome::Fitted,
        Outcome::NoFailures,
        Outcome::OneFailure,
        Outcome::AllEqual,
        Outcome::NoMaximum,
        Outcome::NotConverged,
        Outcome::Flawed(Flaw::Invalid),
        Outcome::Flawed(Flaw::ZeroFailure),
    ];
    let names = outcomes.map(Outcome::name);
    let expected = [
        "fitted",
        "no_failures",
        "one_failure",
        "all_equal",
        "no_maximum",
        "not_converged",
        "invalid_duration",
        "failure_at_zero",
    ];
    assert_eq!(names, expected);
    assert_eq!(Law::ALL.map(Law::name), ["exponential", "weibull2", "weibull3", "lognormal"]);
}
