//! `mean_cumulative_function`.

use super::histories::{END, SYSTEM, TIME, histories};
use super::{CONFIDENCE, confidence};
use crate::estimation::recurrence::{MeanCumulativeStep, mean_cumulative_function};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape, bounds};

const FIGURES: &[Figure] = &[
    Figure::Number("time"),
    Figure::Count("at_risk"),
    Figure::Count("events"),
    Figure::Number("mean"),
    Figure::Number("variance_poisson"),
    Figure::Number("poisson_lower"),
    Figure::Number("poisson_upper"),
    Figure::Number("variance_robust"),
    Figure::Number("robust_lower"),
    Figure::Number("robust_upper"),
];

#[derive(Debug)]
pub(crate) struct MeanCumulativeFunction;

impl Estimator for MeanCumulativeFunction {
    const NAME: &'static str = "mean_cumulative_function";
    const ARGUMENTS: &'static [Argument] = &[TIME, END, SYSTEM, CONFIDENCE];
    const ABOUT: &'static str = "\
Events that one repairable system has had by an age, on average, a list with a row for each age with an event (Nelson 1988), with \
two variances: `variance_poisson` takes all events as independent, `variance_robust` only the systems (Lawless and Nadeau 1995), \
and bounds of each on the scale of log. Empty without events, null where ages are negative or not finite, or beyond the end.";
    const EXAMPLE: &'static str = "select unnest(mean_cumulative_function(tail_hours, null, tail)) as step\nfrom reliability.int_removal where ata = '36-11'";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        match mean_cumulative_function(&histories(columns), confidence(constants)) {
            Ok(steps) => Some(steps.iter().map(row).collect()),
            Err(_) => None,
        }
    }
}

fn row(step: &MeanCumulativeStep) -> Row {
    let mut row: Row = vec![
        ("time", step.time.into()),
        ("at_risk", step.at_risk.into()),
        ("events", step.events.into()),
        ("mean", step.mean.into()),
        ("variance_poisson", step.variance_poisson.into()),
        ("variance_robust", step.variance_robust.into()),
    ];
    row.extend(bounds(["poisson_lower", "poisson_upper"], step.bounds_poisson));
    row.extend(bounds(["robust_lower", "robust_upper"], step.bounds_robust));
    row
}
