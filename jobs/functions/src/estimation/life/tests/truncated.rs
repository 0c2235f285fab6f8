//! Left truncation, against other software and for likelihoods without a maximum.

use super::super::{Law, Outcome, exponential, lognormal, weibull, weibull3};
use super::{PROFILE, WALD, near, parameter, within};
use crate::estimation::sample::Lives;

/// Drawn from a Weibull law: exit, whether observed, entry.
const DRAWN: [(f64, bool, f64); 24] = [
    (98.6, true, 41.6),
    (138.4, false, 53.0),
    (102.6, true, 0.0),
    (59.5, false, 18.9),
    (22.1, false, 0.0),
    (53.8, true, 38.9),
    (37.8, true, 0.0),
    (40.3, false, 0.0),
    (53.5, false, 0.0),
    (159.6, false, 0.0),
    (106.3, false, 31.0),
    (44.1, true, 32.2),
    (163.0, false, 0.0),
    (46.6, false, 0.0),
    (4.2, true, 0.4),
    (57.6, true, 13.3),
    (58.4, true, 33.4),
    (20.7, true, 0.0),
    (119.9, true, 0.0),
    (78.6, false, 22.1),
    (7.4, true, 0.0),
    (51.4, false, 38.0),
    (170.7, false, 1.0),
    (63.2, true, 39.8),
];

fn sample(rows: &[(f64, bool, f64)]) -> Lives {
    Lives {
        exits: rows.iter().map(|row| row.0).collect(),
        observed: rows.iter().map(|row| row.1).collect(),
        entries: rows.iter().map(|row| row.2).collect(),
    }
}

/// Expected: estimates, errors and likelihood from lifelines 0.30.3 with `entry`, which stops at about 1e-7 (lognormal
/// 1e-5); more digits, bounds and B10 from the likelihood maximised and profiled by SciPy's simplex method.
#[test]
fn the_truncated_weibull_law_agrees_with_lifelines() {
    let fit = weibull::fit(&sample(&DRAWN), &WALD);
    near(fit.parameter("scale"), 116.166273, 3e-7);
    near(fit.parameter("shape"), 0.925261, 3e-7);
    near(parameter(&fit, "scale").standard_error, 36.243410, 1e-6);
    near(parameter(&fit, "shape").standard_error, 0.261099, 1e-6);
    near(fit.log_likelihood, -69.027_255_465_336_3, 1e-13);
    let fit = weibull::fit(&sample(&DRAWN), &PROFILE);
    near(fit.parameter("scale"), 116.166_250_36, 1e-8);
    within(parameter(&fit, "scale"), 60.284_821_75, 252.037_611_04, 1e-9);
    within(parameter(&fit, "shape"), 0.497_452_24, 1.522_769_89, 1e-8);
    near(fit.b10.standard_error, 7.705_802_07, 1e-7);
    within(fit.b10, 1.052_991_33, 30.016_230_17, 1e-8);
}

/// Expected: as above.
#[test]
fn the_truncated_lognormal_law_agrees_with_lifelines() {
    let fit = lognormal::fit(&sample(&DRAWN), &PROFILE);
    near(fit.parameter("mu"), 4.265911, 1e-5);
    near(fit.parameter("sigma"), 1.462126, 2e-5);
    near(fit.parameter("mu"), 4.265_928_30, 2e-9);
    near(fit.parameter("sigma"), 1.462_108_99, 3e-8);
    near(parameter(&fit, "mu").standard_error, 0.388_928_92, 1e-7);
    near(parameter(&fit, "sigma").standard_error, 0.230_812_41 * 1.462_108_99, 1e-7);
    near(fit.log_likelihood, -69.046_358_475_751_87, 1e-13);
    within(parameter(&fit, "mu"), 3.429_983_514_725_15, 5.143_484_735_979_5, 1e-10);
    within(parameter(&fit, "sigma"), 0.982_583_43, 2.471_984_85, 5e-9);
    near(fit.b10.standard_error, 6.149_141_5, 1e-7);
    within(fit.b10, 2.169_351_63, 25.823_908_08, 3e-9);
}

/// Expected: lifelines 0.30.3.
#[test]
fn the_truncated_exponential_law_agrees_with_lifelines() {
    let fit = exponential::fit(&sample(&DRAWN), &WALD);
    near(fit.mean.value, 116.225, 1e-12);
    near(fit.mean.standard_error, 33.551268, 1e-7);
    near(fit.log_likelihood, -69.066_335_610_919_77, 1e-13);
}

/// The same likelihood: a location is an entry that all share, for ages counted from it.
#[test]
fn the_three_parameter_law_uses_entries() {
    let rows =
        DRAWN.map(|(exit, observed, entry)| (exit + 40.0, observed, if entry > 0.0 { entry + 40.0 } else { 0.0 }));
    let fit = weibull3::fit(&sample(&rows), &WALD);
    if let (Outcome::Fitted, Some(location)) = (fit.outcome, fit.parameter("location")) {
        let shifted = rows.map(|(exit, observed, entry)| (exit - location, observed, (entry - location).max(0.0)));
        let two = weibull::fit(&sample(&shifted), &WALD);
        near(fit.log_likelihood, two.log_likelihood.unwrap(), 1e-12);
    }
    // A location between some entries and others.
    let rows = DRAWN.map(|(exit, observed, entry)| (100.0 + 0.3 * exit, observed, 2.4 * entry));
    let fit = weibull3::fit(&sample(&rows), &WALD);
    assert!(matches!(fit.outcome, Outcome::Fitted | Outcome::NoMaximum));
}

#[test]
fn entries_of_zero_are_as_none() {
    let mut rows = DRAWN;
    rows.iter_mut().for_each(|row| row.2 = 0.0);
    let with = sample(&rows);
    let without = Lives { entries: Vec::new(), ..with.clone() };
    for law in Law::ALL {
        assert_eq!(law.fit(&with, &PROFILE), law.fit(&without, &PROFILE));
    }
}

/// All units are watched from some age on and fail less and less: the likelihood keeps rising as the shape falls to 0.
#[test]
fn a_truncated_likelihood_without_maximum_is_named() {
    let rows =
        [(1.1, true, 1.0), (1.2, true, 1.0), (2.0, true, 1.0), (100.0, true, 1.0), (5e4, true, 1.0), (1e9, true, 1.0)];
    for law in [Law::Weibull, Law::Lognormal] {
        let fit = law.fit(&sample(&rows), &PROFILE);
        assert_eq!(fit.outcome, Outcome::NoMaximum, "{law:?}");
        assert!(fit.parameters.is_empty());
    }
}

/// Under truncation the likelihood of a falling hazard may have its maximum without a location.
#[test]
fn a_three_parameter_law_of_a_falling_hazard_is_not_taken() {
    let rows = [(1.0, true, 0.344), (1.0, true, 0.271), (5.0, true, 1.618)];
    assert!(weibull::fit(&sample(&rows), &WALD).parameter("shape") < Some(1.0));
    for options in [WALD, PROFILE] {
        assert_eq!(weibull3::fit(&sample(&rows), &options).outcome, Outcome::NoMaximum);
    }
}
