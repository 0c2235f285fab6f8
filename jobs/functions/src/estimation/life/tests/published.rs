//! The two-parameter laws and the exponential one against published figures.

use super::super::{Law, Options, best, exponential, goodness, lognormal, weibull};
use super::{PROFILE, WALD, ball_bearings, lives, near, nist, parameter, shock_absorbers, within};
use crate::estimation::sample::Lives;

/// Diesel generator fans, hours: Nelson 1982, page 318, as the R package survival gives them (genfan).
fn fans() -> Lives {
    let failed = [450.0, 1150.0, 1150.0, 1600.0, 2070.0, 2070.0, 2080.0, 3100.0, 3450.0, 4600.0, 6100.0, 8750.0];
    let suspended = [
        460.0, 1560.0, 1660.0, 1850.0, 1850.0, 1850.0, 1850.0, 1850.0, 2030.0, 2030.0, 2030.0, 2200.0, 3000.0, 3000.0,
        3000.0, 3000.0, 3200.0, 3750.0, 3750.0, 4150.0, 4150.0, 4150.0, 4150.0, 4300.0, 4300.0, 4300.0, 4300.0, 4850.0,
        4850.0, 4850.0, 4850.0, 5000.0, 5000.0, 5000.0, 6100.0, 6100.0, 6100.0, 6300.0, 6450.0, 6450.0, 6700.0, 7450.0,
        7800.0, 7800.0, 8100.0, 8100.0, 8200.0, 8500.0, 8500.0, 8500.0, 8750.0, 8750.0, 9400.0, 9900.0, 10100.0,
        10100.0, 10100.0, 11500.0,
    ];
    lives(&failed, &suspended)
}

/// Bearing cages of aircraft engines, hours: Abernethy et al. 1983, in Meeker & Escobar 1998, table C.5.
fn bearing_cages() -> Lives {
    let failed = [230.0, 334.0, 423.0, 990.0, 1009.0, 1510.0];
    let suspended = [
        (50.0, 288),
        (150.0, 148),
        (250.0, 124),
        (350.0, 111),
        (450.0, 106),
        (550.0, 99),
        (650.0, 110),
        (750.0, 114),
        (850.0, 119),
        (950.0, 127),
        (1050.0, 123),
        (1150.0, 93),
        (1250.0, 47),
        (1350.0, 41),
        (1450.0, 27),
        (1550.0, 11),
        (1650.0, 6),
        (1850.0, 1),
        (2050.0, 2),
    ];
    let suspended: Vec<f64> = suspended.iter().flat_map(|(age, count)| std::iter::repeat_n(*age, *count)).collect();
    lives(&failed, &suspended)
}

/// Remission times in weeks: Freireich et al. 1963, in Kalbfleisch & Prentice 2002, table 1.3.
fn leukemia() -> (Lives, Lives) {
    let failed = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
    let suspended = [6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0];
    let placebo = [
        1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0, 8.0, 8.0, 8.0, 8.0, 11.0, 11.0, 12.0, 12.0, 15.0, 17.0, 22.0, 23.0,
    ];
    (lives(&failed, &suspended), lives(&placebo, &[]))
}

#[test]
fn the_weibull_law_agrees_with_nist() {
    let fit = weibull::fit(&nist(), &WALD);
    assert_eq!((fit.failures, fit.suspensions), (10, 10));
    // Published, to their digits.
    near(fit.parameter("scale"), 606.528, 1e-6);
    near(fit.parameter("shape"), 1.7208, 1e-5);
    near(fit.log_likelihood, -75.13462, 1e-7);
    near(fit.mean.value, 540.737, 1e-6);
    near(fit.aic, 154.26924, 1e-7);
    near(fit.bic, 2.0 * 20_f64.ln() + 150.26924, 1e-7);
    // By the Python packages reliability 0.9.0 and surpyval 0.25.
    let (scale, shape) = (parameter(&fit, "scale"), parameter(&fit, "shape"));
    near(scale.standard_error, 124.9106, 1e-5);
    near(shape.standard_error, 0.502151, 1e-5);
    near(fit.covariance[0], 0.502151 * 0.502151, 1e-5);
    near(fit.covariance[1], -28.3136, 1e-5);
    near(fit.covariance[2], -28.3136, 1e-5);
    near(fit.covariance[3], 124.9106 * 124.9106, 1e-5);
    within(scale, 405.0893, 908.1348, 1e-6);
    within(shape, 0.971266, 3.048745, 1e-6);
    near(fit.b10.value, 164.0224, 1e-6);
    within(fit.b10, 83.8751, 320.755, 1e-6);
}

/// Expected: the profile likelihood on a second way, with SciPy's general minimisers.
#[test]
fn likelihood_ratio_bounds_of_the_weibull_law_agree_with_a_second_computation() {
    let fit = weibull::fit(&nist(), &PROFILE);
    within(parameter(&fit, "scale"), 437.5567, 1118.8777, 1e-6);
    within(parameter(&fit, "shape"), 0.905645, 2.885738, 1e-6);
    within(fit.b10, 59.8546, 271.9495, 1e-6);
}

#[test]
fn the_lognormal_and_the_exponential_law_agree_with_nist() {
    let fit = lognormal::fit(&nist(), &WALD);
    near(fit.parameter("mu"), 6.226016, 1e-6);
    near(fit.parameter("sigma"), 0.908914, 1e-6);
    near(fit.aic, 154.39254, 1e-7);
    near(exponential::fit(&nist(), &WALD).aic, 155.11138, 1e-7);
}

#[test]
fn the_least_criterion_chooses_the_weibull_law_for_nist() {
    let fits = best::all(&nist(), &WALD);
    assert_eq!(best::choice(&fits).map(|place| fits[place].law), Some(Law::Weibull));
    assert_eq!(best::fit(&nist(), &PROFILE), weibull::fit(&nist(), &PROFILE));
}

/// Expected: the Python package reliability 0.9.0; scale and shape with errors also in the SAS/QC user's guide, the
/// first example of PROC RELIABILITY.
#[test]
fn generator_fans_agree_with_nelson() {
    let fit = weibull::fit(&fans(), &WALD);
    assert_eq!((fit.failures, fit.suspensions), (12, 58));
    near(fit.parameter("scale"), 26296.845, 1e-7);
    near(fit.parameter("shape"), 1.0584458, 1e-7);
    near(fit.log_likelihood, -135.15272, 1e-7);
    within(parameter(&fit, "shape"), 0.644082, 1.739386, 1e-6);
    within(parameter(&fit, "scale"), 10552.07, 65534.45, 1e-6);
    near(fit.b10.value, 3137.24, 1e-6);
    within(fit.b10, 1686.21, 5836.93, 2e-6);
    let constant = exponential::fit(&fans(), &WALD);
    near(constant.mean.value, 28703.3333, 1e-8);
    near(constant.parameter("rate"), 12.0 / 344_440.0, 1e-12);
    near(constant.log_likelihood, -135.177222, 1e-8);
}

/// Expected: surpyval 0.25 and lifelines 0.30.3, which stop some digits short of the maximum.
#[test]
fn remission_times_agree_with_lifelines() {
    let (treated, placebo) = leukemia();
    let fit = weibull::fit(&treated, &WALD);
    near(fit.parameter("scale"), 33.765212, 3e-6);
    near(fit.parameter("shape"), 1.353732, 3e-6);
    let fit = weibull::fit(&placebo, &WALD);
    near(fit.parameter("scale"), 9.482141, 1e-6);
    near(fit.parameter("shape"), 1.3705, 1e-6);
}

/// Expected: the R package weibulltools 2.1.0, its tests of ml_estimation, whose confidence is 90 % and whose bounds of
/// mu are plain; in its terms mu is log scale and sigma one over shape. The estimates are those of Meeker & Escobar
/// 1998, table 8.1.
#[test]
fn shock_absorbers_agree_with_meeker_and_escobar() {
    let options = Options { confidence: 0.9, ..WALD };
    let fit = weibull::fit(&shock_absorbers(), &options);
    let (scale, shape) = (parameter(&fit, "scale"), parameter(&fit, "shape"));
    near(scale.value.map(f64::ln), 10.2298631, 2e-8);
    near(shape.value.map(f64::recip), 0.3164092, 5e-6);
    near(scale.lower.map(f64::ln), 10.0491099, 1e-7);
    near(scale.upper.map(f64::ln), 10.4106162, 1e-7);
    near(shape.upper.map(f64::recip), 0.2163041, 5e-6);
    near(shape.lower.map(f64::recip), 0.4628426, 5e-6);
    near(fit.log_likelihood, -123.9954, 1e-6);
    let fit = lognormal::fit(&shock_absorbers(), &options);
    near(fit.parameter("mu"), 10.1447710, 1e-7);
    near(fit.parameter("sigma"), 0.5300683, 1e-6);
    within(parameter(&fit, "mu"), 9.9076238, 10.3819182, 1e-6);
    within(parameter(&fit, "sigma"), 0.3736577, 0.7519514, 2e-6);
    for (found, expected) in fit.covariance.iter().zip([0.020786504, 0.009739824, 0.009739824, 0.012697422]) {
        near(*found, expected, 2e-6);
    }
    near(fit.log_likelihood, -124.6085, 1e-6);
    let fit = exponential::fit(&shock_absorbers(), &WALD);
    near(fit.mean.value, 56818.19, 1e-6);
    within(fit.mean, 31465.93, 102596.9, 1e-6);
}

/// Expected: shape, B10 life and likelihood-ratio bounds from Meeker & Escobar 1998, example 8.16; scale, more digits
/// and likelihood from the R package survival (survreg).
#[test]
fn bearing_cages_agree_with_meeker_and_escobar() {
    let fit = weibull::fit(&bearing_cages(), &PROFILE);
    assert_eq!((fit.failures, fit.suspensions), (6, 1697));
    near(fit.parameter("shape"), 2.035319, 1e-6);
    near(fit.parameter("scale"), 11792.17817, 1e-8);
    near(fit.log_likelihood, -76.436896, 1e-8);
    near(fit.b10.value, 3903.0, 1e-4);
    within(fit.b10, 2093.0, 22144.0, 1e-3);
}

/// Expected: the manual of Altair Compose, its example of wblfit.
#[test]
fn a_complete_sample_agrees_with_a_vendors_manual() {
    let failed = [
        13.22, 9.41, 8.58, 7.98, 4.12, 16.1, 5.62, 2.28, 9.69, 28.2, 13.84, 5.62, 5.26, 6.91, 8.92, 9.07, 9.83, 1.86,
        12.66, 5.44,
    ];
    let fit = weibull::fit(&lives(&failed, &[]), &WALD);
    near(fit.parameter("scale"), 10.411, 5e-5);
    near(fit.parameter("shape"), 1.7397, 3e-5);
    within(parameter(&fit, "scale"), 7.974, 13.594, 5e-5);
    within(parameter(&fit, "shape"), 1.2667, 2.3893, 4e-5);
}

/// A complete sample has closed forms: mean and deviation of the logarithms, and errors σ/√n and σ/√(2n).
#[test]
fn a_complete_lognormal_sample_has_its_closed_form() {
    let sample = ball_bearings();
    let logs: Vec<f64> = sample.exits.iter().map(|exit| exit.ln()).collect();
    let mu = logs.iter().sum::<f64>() / 23.0;
    let sigma = (logs.iter().map(|log| (log - mu).powi(2)).sum::<f64>() / 23.0).sqrt();
    let fit = lognormal::fit(&sample, &WALD);
    near(fit.parameter("mu"), mu, 1e-13);
    near(fit.parameter("sigma"), sigma, 1e-13);
    near(parameter(&fit, "mu").standard_error, sigma / 23_f64.sqrt(), 1e-12);
    near(parameter(&fit, "sigma").standard_error, sigma / 46_f64.sqrt(), 1e-12);
    near(fit.mean.value, (mu + 0.5 * sigma * sigma).exp(), 1e-13);
}

/// A complete sample's likelihood ratio for mu has a closed form too: n log(1 + (mu − m)²/s²) is the quantile.
#[test]
fn likelihood_ratio_bounds_of_a_complete_lognormal_sample_have_their_closed_form() {
    let fit = lognormal::fit(&ball_bearings(), &PROFILE);
    let (mu, sigma) = (parameter(&fit, "mu"), parameter(&fit, "sigma").value.unwrap());
    // The 95 % quantile of the chi-squared law with one degree of freedom.
    let half = sigma * ((3.841_458_820_694_124_f64 / 23.0).exp_m1()).sqrt();
    within(mu, mu.value.unwrap() - half, mu.value.unwrap() + half, 1e-10);
    // For sigma, n (r − 1 − log r) with r the ratio of the variances.
    let bounds = parameter(&fit, "sigma");
    for bound in [bounds.lower.unwrap(), bounds.upper.unwrap()] {
        let ratio = (sigma / bound).powi(2);
        near(23.0 * (ratio - 1.0 - ratio.ln()), 3.841_458_820_694_124, 1e-9);
    }
}

/// The points by hand: with S from 20 units, halfway up each step of 1/20.
#[test]
fn the_probability_plot_is_halfway_up_the_steps_of_the_product_limit_estimate() {
    let points = goodness::plot(&nist());
    assert_eq!(points.len(), 10);
    for (place, point) in points.iter().enumerate() {
        near(point.failed, (place as f64 + 0.5) / 20.0, 1e-12);
    }
    // Two of four fail at 1, one is suspended, and the last, which comes into view at 1, fails at 3.
    let mut sample = lives(&[1.0, 1.0, 3.0], &[2.0]);
    sample.entries = vec![0.0, 0.0, 1.0, 0.0];
    let shares: Vec<f64> = goodness::plot(&sample).iter().map(|point| point.failed).collect();
    near(shares[0], 1.0 / 3.0, 1e-12);
    near(shares[1], 5.0 / 6.0, 1e-12);
}

/// Expected: NumPy's corrcoef of the points.
#[test]
fn the_correlation_of_the_plot_agrees_with_a_second_computation() {
    let options = Options { correlation: true, ..WALD };
    near(weibull::fit(&nist(), &options).correlation, 0.957_572_277_024_411_4, 1e-10);
    near(lognormal::fit(&nist(), &options).correlation, 0.928_413_820_976_160_4, 1e-10);
    near(exponential::fit(&nist(), &options).correlation, 0.915_902_628_803_869, 1e-10);
    assert_eq!(weibull::fit(&lives(&[1.0, 2.0], &[3.0]), &options).correlation, None);
}
