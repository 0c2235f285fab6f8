//! `crow_amsaa`.

use super::histories::{END, SYSTEM, TIME, histories};
use super::{CONFIDENCE, confidence};
use crate::estimation::recurrence::{CrowAmsaa, Trend, crow_amsaa};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape, bounds};

const FIGURES: &[Figure] = &[
    Figure::Text("outcome"),
    Figure::Count("systems"),
    Figure::Count("events"),
    Figure::Number("beta"),
    Figure::Number("beta_lower"),
    Figure::Number("beta_upper"),
    Figure::Number("beta_unbiased"),
    Figure::Number("growth_rate"),
    Figure::Number("lambda"),
    Figure::Number("age"),
    Figure::Number("mtbf_cumulative"),
    Figure::Number("mtbf_instantaneous"),
    Figure::Number("mtbf_instantaneous_lower"),
    Figure::Number("mtbf_instantaneous_upper"),
    Figure::Number("laplace_u"),
    Figure::Number("laplace_p"),
    Figure::Number("mil_hdbk_189_chi2"),
    Figure::Count("mil_hdbk_189_degrees_of_freedom"),
    Figure::Number("mil_hdbk_189_p"),
    Figure::Text("trend"),
];

#[derive(Debug)]
pub(crate) struct CrowAmsaaFit;

impl Estimator for CrowAmsaaFit {
    const NAME: &'static str = "crow_amsaa";
    const ARGUMENTS: &'static [Argument] = &[TIME, END, SYSTEM, CONFIDENCE];
    const ABOUT: &'static str = "\
Fits the power-law process to the events of repairable systems, expected events = lambda * age^beta of one system, by maximum \
likelihood (Crow 1975; MIL-HDBK-189C, section 6.3), for one or several systems, time or failure truncated; with Laplace's test \
and that of MIL-HDBK-189, two-sided. `trend` is improving or deteriorating where the latter rejects at 5 %, else stable; null \
with too few events. `outcome` is `fitted`, or why there are no figures: `no_data`, `invalid_age`, `event_after_end`, \
`no_events`, `event_at_zero` or `events_only_at_end`.";
    const EXAMPLE: &'static str = "select ata, crow_amsaa(tail_hours, null, tail) as fit\nfrom reliability.int_removal where ended_by = 'FAILURE' group by ata";
    const RESULT: Shape = Shape::Row(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        match crow_amsaa(&histories(columns), confidence(constants)) {
            Ok(fit) => Some(vec![of_fit(&fit)]),
            Err(flaw) => Some(vec![vec![("outcome", flaw.name().into())]]),
        }
    }
}

fn of_fit(fit: &CrowAmsaa) -> Row {
    let mut row: Row = vec![
        ("outcome", "fitted".into()),
        ("systems", fit.systems.into()),
        ("events", fit.events.into()),
        ("beta", fit.beta.into()),
        ("beta_unbiased", fit.beta_unbiased.into()),
        ("growth_rate", fit.growth_rate.into()),
        ("lambda", fit.lambda.into()),
        ("age", fit.age.into()),
        ("mtbf_cumulative", fit.mtbf_cumulative.into()),
        ("mtbf_instantaneous", fit.mtbf_instantaneous.into()),
        ("trend", Some(fit.trend).filter(|trend| *trend != Trend::Undetermined).map(Trend::name).into()),
    ];
    row.extend(bounds(["beta_lower", "beta_upper"], fit.beta_bounds));
    row.extend(bounds(["mtbf_instantaneous_lower", "mtbf_instantaneous_upper"], fit.mtbf_instantaneous_bounds));
    if let Some(test) = fit.laplace {
        row.extend([("laplace_u", test.statistic.into()), ("laplace_p", test.p_value.into())]);
    }
    if let Some(test) = fit.mil_hdbk_189 {
        row.extend([
            ("mil_hdbk_189_chi2", test.chi_square.into()),
            ("mil_hdbk_189_degrees_of_freedom", test.degrees_of_freedom.into()),
            ("mil_hdbk_189_p", test.p_value.into()),
        ]);
    }
    row
}
