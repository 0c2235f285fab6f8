//! The three-parameter Weibull law against published figures and a second computation.

use super::super::{Outcome, weibull, weibull3};
use super::{PROFILE, WALD, ball_bearings, lives, near, nist, parameter, shock_absorbers, within};
use crate::estimation::sample::Lives;

/// Fatigue of alloy T7987, thousands of cycles: Meeker & Escobar 1998, page 131, as the R package weibulltools has them.
fn alloy() -> Lives {
    let failed = [
        94, 96, 99, 99, 104, 108, 112, 114, 117, 117, 118, 121, 121, 123, 129, 131, 133, 135, 136, 139, 139, 140, 141,
        141, 143, 144, 149, 149, 152, 152, 159, 159, 159, 159, 162, 168, 168, 169, 170, 170, 171, 172, 173, 176, 177,
        180, 180, 184, 187, 188, 189, 190, 196, 197, 203, 205, 211, 213, 224, 226, 227, 256, 257, 269, 271, 274, 291,
    ];
    lives(&failed.map(f64::from), &[300.0; 5])
}

/// Expected: weibulltools 2.1.0, its tests of ml_estimation; mu is log scale and sigma one over shape.
#[test]
fn alloy_fatigue_agrees_with_weibulltools() {
    let fit = weibull3::fit(&alloy(), &WALD);
    near(fit.parameter("scale").map(f64::ln), 4.5352074, 1e-7);
    near(fit.parameter("shape").map(f64::recip), 0.7577107, 2e-6);
    near(fit.parameter("location"), 92.9954070, 1e-7);
    near(fit.log_likelihood, -363.936, 1e-6);
    let (shape, scale) = (fit.parameter("shape").unwrap(), fit.parameter("scale").unwrap());
    near(parameter(&fit, "scale").standard_error, scale * 0.01017858_f64.sqrt(), 2e-4);
    near(parameter(&fit, "shape").standard_error, shape * shape * 0.008060892_f64.sqrt(), 2e-4);
    near(parameter(&fit, "location").standard_error, 3.79367868_f64.sqrt(), 2e-4);
    near(fit.covariance[1], shape * shape * scale * 0.003263930, 2e-4);
    near(fit.covariance[2], -shape * shape * 0.095700751, 2e-4);
    near(fit.covariance[5], -scale * 0.06641272, 4e-4);
    near(weibull::fit(&alloy(), &WALD).log_likelihood, -376.0949, 1e-6);
}

/// Expected: the likelihood maximised, and profiled by nested searches, with SciPy's simplex method; standard errors by
/// numdifftools' second derivatives.
#[test]
fn ball_bearings_agree_with_a_second_computation() {
    let fit = weibull3::fit(&ball_bearings(), &PROFILE);
    near(fit.parameter("scale"), 63.87234624, 2e-8);
    near(fit.parameter("shape"), 1.59399952, 3e-8);
    near(fit.parameter("location"), 14.878344364, 4e-8);
    near(fit.log_likelihood, -112.850_243_399_973_75, 1e-13);
    near(parameter(&fit, "scale").standard_error, 11.2698874, 1e-7);
    near(parameter(&fit, "shape").standard_error, 0.3523507, 1e-6);
    near(parameter(&fit, "location").standard_error, 5.0805472, 1e-6);
    within(parameter(&fit, "scale"), 44.816_142_647_929, 95.544_125_086_663, 1e-8);
    near(parameter(&fit, "shape").upper, 2.610_097_099_735, 1e-8);
    near(fit.b10.value, 30.444_706_99, 1e-7);
    within(fit.b10, 19.094_748_919_941, 40.612_642_956_083, 1e-8);
}

/// Expected: as above.
#[test]
fn likelihood_ratio_bounds_of_alloy_fatigue_agree_with_a_second_computation() {
    let fit = weibull3::fit(&alloy(), &PROFILE);
    within(parameter(&fit, "scale"), 76.160_427_256_243, 113.897_414_395_134, 1e-8);
    near(parameter(&fit, "shape").upper, 1.693_194_188_334, 1e-8);
    within(fit.b10, 103.561_598_020_139, 117.711_505_656_760, 1e-8);
}

/// A bound of the location is where the two-parameter law of the ages above it has lost half the quantile.
#[test]
fn at_a_likelihood_ratio_bound_of_the_location_the_likelihood_has_fallen_by_half_the_quantile() {
    let fit = weibull3::fit(&alloy(), &PROFILE);
    let bounds = parameter(&fit, "location");
    for bound in [bounds.lower.unwrap(), bounds.upper.unwrap()] {
        let mut shifted = alloy();
        shifted.exits.iter_mut().for_each(|exit| *exit -= bound);
        let there = weibull::fit(&shifted, &WALD).log_likelihood.unwrap();
        near(fit.log_likelihood.unwrap() - there, 0.5 * 3.841_458_820_694_124, 1e-7);
    }
}

#[test]
fn with_a_location_between_the_other_laws_fit_no_worse_than_without() {
    for sample in [nist(), shock_absorbers(), ball_bearings(), alloy()] {
        let (two, three) = (weibull::fit(&sample, &WALD), weibull3::fit(&sample, &WALD));
        assert_eq!(three.outcome, Outcome::Fitted);
        assert!(three.log_likelihood >= two.log_likelihood);
        let location = parameter(&three, "location");
        assert!(
            location.lower >= Some(0.0) && location.upper <= Some(sample.exits.iter().copied().fold(1e9, f64::min))
        );
    }
}

/// Left-skewed ages, whose likelihood would put the location below zero.
#[test]
fn where_no_positive_location_is_likelier_it_is_zero_with_one_sided_bounds() {
    let sample = lives(&[40.0, 70.0, 85.0, 92.0, 96.0, 99.0, 101.0, 103.0, 104.0, 105.0], &[]);
    let two = weibull::fit(&sample, &WALD);
    for options in [WALD, PROFILE] {
        let three = weibull3::fit(&sample, &options);
        assert_eq!(three.outcome, Outcome::Fitted);
        let location = parameter(&three, "location");
        assert_eq!((location.value, location.standard_error, location.lower), (Some(0.0), None, Some(0.0)));
        assert!(location.upper.is_some_and(|upper| upper > 0.0 && upper < 40.0));
        near(three.parameter("shape"), two.parameter("shape").unwrap(), 1e-12);
        near(three.log_likelihood, two.log_likelihood.unwrap(), 1e-12);
        near(three.aic, two.aic.unwrap() + 2.0, 1e-12);
        near(parameter(&three, "shape").standard_error, parameter(&two, "shape").standard_error.unwrap(), 1e-10);
        assert!(three.covariance.is_empty());
    }
}

#[test]
fn where_the_likelihood_only_rises_towards_the_first_failure_there_is_no_maximum() {
    let falling_rate = lives(&[1.0, 1.1, 1.4, 2.0, 4.0, 9.0, 30.0, 100.0, 400.0], &[]);
    let fit = weibull3::fit(&falling_rate, &PROFILE);
    assert_eq!(fit.outcome, Outcome::NoMaximum);
    assert!(fit.parameters.is_empty() && fit.log_likelihood.is_none());
}
