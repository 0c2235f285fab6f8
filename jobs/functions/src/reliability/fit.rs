//! What the functions that fit a law share: their options, and a fit as a row.

use super::{confidence, with_lives};
use crate::estimation::life::{Bounds, Estimate, Fit, Law, Options};
use crate::sql::{Argument, Columns, Constants, Kind, Row};

pub(super) const BOUNDS: Argument = Argument::optional(
    "bounds",
    Kind::Choice(&["wald", "profile"]),
    "How bounds are made, a literal: 'wald' (normal approximation on the scale of log, the default) or 'profile' (likelihood \
ratio), which holds its confidence better in small samples and costs some twenty times as much.",
);

pub(super) fn options(constants: &Constants, correlation: bool) -> Options {
    let bounds = if constants.text(BOUNDS.name) == Some("profile") { Bounds::Profile } else { Bounds::Wald };
    Options { confidence: confidence(constants), bounds, correlation }
}

/// Fits a law and gives the figures asked for.
pub(super) fn fitted(law: Law, columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
    with_lives(columns, |lives| Some(vec![of_fit(&law.fit(lives, &options(constants, false)))]))
}

/// All that a fit knows, by name.
pub(super) fn of_fit(fit: &Fit) -> Row {
    let mut row: Row = vec![
        ("outcome", fit.outcome.name().into()),
        ("failures", fit.failures.into()),
        ("suspensions", fit.suspensions.into()),
        ("log_likelihood", fit.log_likelihood.into()),
        ("aic", fit.aic.into()),
        ("bic", fit.bic.into()),
        ("median", fit.median.into()),
        ("correlation", fit.correlation.into()),
    ];
    if let [_, covariance, _, _] = fit.covariance[..] {
        row.push(("covariance", covariance.into()));
    }
    row.extend(estimate(["b10", "b10_standard_error", "b10_lower", "b10_upper"], fit.b10));
    row.extend(estimate(["mean", "mean_standard_error", "mean_lower", "mean_upper"], fit.mean));
    for parameter in &fit.parameters {
        row.extend(estimate(names(parameter.name), parameter.estimate));
    }
    row
}

fn estimate(names: [&'static str; 4], estimate: Estimate) -> [(&'static str, crate::sql::Value); 4] {
    [
        (names[0], estimate.value.into()),
        (names[1], estimate.standard_error.into()),
        (names[2], estimate.lower.into()),
        (names[3], estimate.upper.into()),
    ]
}

/// The names that reliability engineers use for a law's parameters.
fn names(parameter: &str) -> [&'static str; 4] {
    match parameter {
        "scale" => ["eta", "eta_standard_error", "eta_lower", "eta_upper"],
        "shape" => ["beta", "beta_standard_error", "beta_lower", "beta_upper"],
        "location" => ["gamma", "gamma_standard_error", "gamma_lower", "gamma_upper"],
        "mu" => ["mu", "mu_standard_error", "mu_lower", "mu_upper"],
        "sigma" => ["sigma", "sigma_standard_error", "sigma_lower", "sigma_upper"],
        _ => ["rate", "rate_standard_error", "rate_lower", "rate_upper"],
    }
}
