//! `life_fit`.

use super::fit::{BOUNDS, of_fit, options};
use super::{CONFIDENCE, DURATION, ENTRY, OBSERVED, with_lives};
use crate::estimation::life::best;
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape};

const FIGURES: &[Figure] = &[
    Figure::Text("distribution"),
    Figure::Flag("best"),
    Figure::Text("outcome"),
    Figure::Count("failures"),
    Figure::Count("suspensions"),
    Figure::Number("eta"),
    Figure::Number("eta_standard_error"),
    Figure::Number("eta_lower"),
    Figure::Number("eta_upper"),
    Figure::Number("beta"),
    Figure::Number("beta_standard_error"),
    Figure::Number("beta_lower"),
    Figure::Number("beta_upper"),
    Figure::Number("gamma"),
    Figure::Number("gamma_standard_error"),
    Figure::Number("gamma_lower"),
    Figure::Number("gamma_upper"),
    Figure::Number("mu"),
    Figure::Number("mu_standard_error"),
    Figure::Number("mu_lower"),
    Figure::Number("mu_upper"),
    Figure::Number("sigma"),
    Figure::Number("sigma_standard_error"),
    Figure::Number("sigma_lower"),
    Figure::Number("sigma_upper"),
    Figure::Number("rate"),
    Figure::Number("rate_standard_error"),
    Figure::Number("rate_lower"),
    Figure::Number("rate_upper"),
    Figure::Number("log_likelihood"),
    Figure::Number("aic"),
    Figure::Number("bic"),
    Figure::Number("median"),
    Figure::Number("b10"),
    Figure::Number("b10_lower"),
    Figure::Number("b10_upper"),
    Figure::Number("mean"),
    Figure::Number("mean_lower"),
    Figure::Number("mean_upper"),
    Figure::Number("correlation"),
];

#[derive(Debug)]
pub(crate) struct LifeFit;

impl Estimator for LifeFit {
    const NAME: &'static str = "life_fit";
    const ARGUMENTS: &'static [Argument] = &[DURATION, OBSERVED, ENTRY, BOUNDS, CONFIDENCE];
    const ABOUT: &'static str = "\
Fits the laws `weibull2`, `weibull3`, `lognormal` and `exponential` by maximum likelihood, a list with a row for each: its \
parameters and figures as in the function of that law, and the correlation of its probability plot. `best` marks the law of the \
least AIC (Burnham and Anderson 2002, section 2.2). `outcome` is `fitted`, or why there are no figures: `no_data`, \
`invalid_duration` (negative or not finite, or an entry not below its duration), `failure_at_zero`, `no_failures`, \
`one_failure`, `all_equal`, `no_maximum` or `not_converged`. Suspensions are censored on the right, entries truncate on the left.";
    const EXAMPLE: &'static str = "select part_number, unnest(life_fit(duration_hours, observed, entry_hours)) as fit\nfrom reliability.int_life group by part_number";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        with_lives(columns, |lives| {
            let fits = best::all(lives, &options(constants, true));
            let best = best::choice(&fits);
            let row = |(place, fit)| -> Row {
                let mut row = of_fit(fit);
                row.push(("distribution", fit.law.name().into()));
                row.push(("best", (best == Some(place)).into()));
                row
            };
            Some(fits.iter().enumerate().map(row).collect())
        })
    }
}
