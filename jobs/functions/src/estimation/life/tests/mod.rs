//! What the tests of the fits share: samples from the literature, and how figures are compared.

mod degenerate;
mod invariance;
mod published;
mod published3;
mod truncated;

use super::{Bounds, Estimate, Fit, Options, Parameter};
use crate::estimation::sample::Lives;

pub(super) const WALD: Options = Options { confidence: 0.95, bounds: Bounds::Wald, correlation: false };
pub(super) const PROFILE: Options = Options { bounds: Bounds::Profile, ..WALD };

/// Lives that failed and lives that were suspended at these ages.
pub(super) fn lives(failed: &[f64], suspended: &[f64]) -> Lives {
    let observed = (0..failed.len() + suspended.len()).map(|place| place < failed.len());
    Lives::new([failed, suspended].concat(), observed.collect())
}

/// NIST/SEMATECH e-Handbook of Statistical Methods, section 8.4.1.3.
pub(super) fn nist() -> Lives {
    let failed = [54.0, 187.0, 216.0, 240.0, 244.0, 335.0, 361.0, 373.0, 375.0, 386.0];
    lives(&failed, &[500.0; 10])
}

/// Vehicle shock absorbers, kilometres: Meeker & Escobar 1998, table C.2.
pub(super) fn shock_absorbers() -> Lives {
    let failed = [6700.0, 9120.0, 12200.0, 13150.0, 14300.0, 17520.0, 20100.0, 20900.0, 22700.0, 26510.0, 27490.0];
    let suspended = [
        6950.0, 7820.0, 8790.0, 9660.0, 9820.0, 11310.0, 11690.0, 11850.0, 11880.0, 12140.0, 12870.0, 13330.0, 13470.0,
        14040.0, 17540.0, 17890.0, 18450.0, 18960.0, 18980.0, 19410.0, 20100.0, 20150.0, 20320.0, 23490.0, 27410.0,
        27890.0, 28100.0,
    ];
    lives(&failed, &suspended)
}

/// Deep-groove ball bearings, millions of revolutions: Lieblein & Zelen 1956, as in Lawless 2003, example 3.2.2.
pub(super) fn ball_bearings() -> Lives {
    let failed = [
        17.88, 28.92, 33.00, 41.52, 42.12, 45.60, 48.40, 51.84, 51.96, 54.12, 55.56, 67.80, 68.64, 68.64, 68.88, 84.12,
        93.12, 98.64, 105.12, 105.84, 127.92, 128.04, 173.40,
    ];
    lives(&failed, &[])
}

/// A parameter's estimate.
pub(super) fn parameter(fit: &Fit, name: &str) -> Estimate {
    let found = fit.parameters.iter().find(|parameter| parameter.name == name);
    found.map(|Parameter { estimate, .. }| *estimate).unwrap()
}

/// Compares to within a share of the expected figure.
#[track_caller]
pub(super) fn near(found: impl Into<Option<f64>>, expected: f64, relative: f64) {
    let found = found.into().expect("a figure");
    assert!((found - expected).abs() <= relative * expected.abs(), "{found} instead of {expected}");
}

/// Compares both bounds.
#[track_caller]
pub(super) fn within(found: Estimate, lower: f64, upper: f64, relative: f64) {
    near(found.lower, lower, relative);
    near(found.upper, upper, relative);
}

/// Every figure of a fit.
pub(super) fn figures(fit: &Fit) -> Vec<Option<f64>> {
    let all = |estimate: Estimate| [estimate.value, estimate.standard_error, estimate.lower, estimate.upper];
    let parameters = fit.parameters.iter().flat_map(|parameter| all(parameter.estimate));
    let derived = all(fit.b10).into_iter().chain(all(fit.mean));
    let single = [fit.log_likelihood, fit.aic, fit.bic, fit.median, fit.correlation];
    parameters.chain(derived).chain(single).chain(fit.covariance.iter().map(|entry| Some(*entry))).collect()
}
