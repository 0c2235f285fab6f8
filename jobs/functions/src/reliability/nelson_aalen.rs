//! `nelson_aalen`.

use super::{CONFIDENCE, DURATION, ENTRY, OBSERVED, confidence, with_lives};
use crate::estimation::survival::{HazardStep, nelson_aalen};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape, bounds};

const FIGURES: &[Figure] = &[
    Figure::Number("time"),
    Figure::Count("at_risk"),
    Figure::Count("failures"),
    Figure::Number("cumulative_hazard"),
    Figure::Number("variance"),
    Figure::Number("lower"),
    Figure::Number("upper"),
];

#[derive(Debug)]
pub(crate) struct NelsonAalen;

impl Estimator for NelsonAalen {
    const NAME: &'static str = "nelson_aalen";
    const ARGUMENTS: &'static [Argument] = &[DURATION, OBSERVED, ENTRY, CONFIDENCE];
    const ABOUT: &'static str = "\
Cumulative hazard of units by age, a list with a row for each age at which one failed: the sum of failures over units at \
risk (Nelson 1972, Aalen 1978), its variance, the sum of failures over squared units at risk, and bounds on the scale of \
log. Empty without failures, null where a duration is negative or not finite, or an entry not below its duration.";
    const EXAMPLE: &'static str = "select part_number, unnest(nelson_aalen(duration_hours, observed)) as step\nfrom reliability.int_life group by part_number";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        with_lives(columns, |lives| match nelson_aalen(lives, confidence(constants)) {
            Ok(steps) => Some(steps.iter().map(row).collect()),
            Err(_) => None,
        })
    }
}

fn row(step: &HazardStep) -> Row {
    let mut row: Row = vec![
        ("time", step.time.into()),
        ("at_risk", step.at_risk.into()),
        ("failures", step.failures.into()),
        ("cumulative_hazard", step.cumulative_hazard.into()),
        ("variance", step.variance.into()),
    ];
    row.extend(bounds(["lower", "upper"], step.bounds));
    row
}
