//! `lognormal_fit`.

use super::fit::{BOUNDS, fitted};
use super::{CONFIDENCE, DURATION, ENTRY, OBSERVED};
use crate::estimation::life::Law;
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape};

const FIGURES: &[Figure] = &[
    Figure::Text("outcome"),
    Figure::Count("failures"),
    Figure::Count("suspensions"),
    Figure::Number("mu"),
    Figure::Number("mu_standard_error"),
    Figure::Number("mu_lower"),
    Figure::Number("mu_upper"),
    Figure::Number("sigma"),
    Figure::Number("sigma_standard_error"),
    Figure::Number("sigma_lower"),
    Figure::Number("sigma_upper"),
    Figure::Number("covariance"),
    Figure::Number("log_likelihood"),
    Figure::Number("aic"),
    Figure::Number("bic"),
    Figure::Number("median"),
    Figure::Number("b10"),
    Figure::Number("b10_standard_error"),
    Figure::Number("b10_lower"),
    Figure::Number("b10_upper"),
    Figure::Number("mean"),
    Figure::Number("mean_standard_error"),
    Figure::Number("mean_lower"),
    Figure::Number("mean_upper"),
];

#[derive(Debug)]
pub(crate) struct LognormalFit;

impl Estimator for LognormalFit {
    const NAME: &'static str = "lognormal_fit";
    const ARGUMENTS: &'static [Argument] = &[DURATION, OBSERVED, ENTRY, BOUNDS, CONFIDENCE];
    const ABOUT: &'static str = "\
Fits the lognormal law: the logarithm of a life is normal with mean mu and standard deviation sigma, by maximum likelihood (Meeker and Escobar 1998, section 8.3): parameters, standard errors and bounds, likelihood, AIC and BIC, the age \
b10 by which a tenth fails, the median and the mean. See `life_fit` for what `outcome` may be.";
    const EXAMPLE: &'static str = "select part_number, lognormal_fit(duration_hours, observed, entry_hours) as fit\nfrom reliability.int_life group by part_number";
    const RESULT: Shape = Shape::Row(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        fitted(Law::Lognormal, columns, constants)
    }
}
