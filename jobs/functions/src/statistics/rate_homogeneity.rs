//! `rate_homogeneity`.

use super::{COUNT, EXPOSURE, tallies};
use crate::estimation::rates::homogeneity;
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape};

const FIGURES: &[Figure] = &[
    Figure::Text("outcome"),
    Figure::Number("pooled_rate"),
    Figure::Number("chi_square"),
    Figure::Count("degrees_of_freedom"),
    Figure::Number("p_value"),
    Figure::Number("p_value_adjusted"),
    Figure::Number("p_value_exact"),
    Figure::Number("dispersion"),
    Figure::Number("expected_min"),
];

#[derive(Debug)]
pub(crate) struct RateHomogeneity;

impl Estimator for RateHomogeneity {
    const NAME: &'static str = "rate_homogeneity";
    const ARGUMENTS: &'static [Argument] = &[COUNT, EXPOSURE];
    const ABOUT: &'static str = "\
Tests whether groups, a row each, share one Poisson rate, before they are pooled: the chi-squared statistic of counts given their \
sum (Fisher 1925), its probability, the dispersion (statistic over degrees of freedom) and the least count expected. Where that is \
below 5 the probability is rough: read `p_value_exact` (two groups) or `p_value_adjusted` (Haldane 1937) instead. `outcome` is `ok`, or why there is no test: `no_data`, `one_group`, `no_events`, \
`invalid_count`, `invalid_exposure` or `out_of_range`.";
    const EXAMPLE: &'static str =
        "select rate_homogeneity(failures, hours) as test from reliability.repair_trend where scope = 'tail'";
    const RESULT: Shape = Shape::Row(FIGURES);

    fn estimate(columns: &mut Columns, _: &Constants) -> Option<Vec<Row>> {
        let Some(groups) = tallies(columns) else { return Some(vec![vec![("outcome", "invalid_count".into())]]) };
        match homogeneity(&groups) {
            Ok(test) => Some(vec![vec![
                ("outcome", "ok".into()),
                ("pooled_rate", test.pooled_rate.into()),
                ("chi_square", test.chi_square.into()),
                ("degrees_of_freedom", test.degrees_of_freedom.into()),
                ("p_value", test.p_value.into()),
                ("p_value_adjusted", test.p_value_adjusted.into()),
                ("p_value_exact", test.p_value_exact.into()),
                ("dispersion", test.dispersion.into()),
                ("expected_min", test.expected_min.into()),
            ]]),
            Err(flaw) => Some(vec![vec![("outcome", flaw.name().into())]]),
        }
    }
}
