//! `kaplan_meier`.

use super::{CONFIDENCE, DURATION, ENTRY, OBSERVED, confidence, with_lives};
use crate::estimation::survival::{SurvivalStep, kaplan_meier};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Row, Shape, bounds};

const FIGURES: &[Figure] = &[
    Figure::Number("time"),
    Figure::Count("at_risk"),
    Figure::Count("failures"),
    Figure::Count("suspensions"),
    Figure::Number("survival"),
    Figure::Number("standard_error"),
    Figure::Number("plain_lower"),
    Figure::Number("plain_upper"),
    Figure::Number("log_lower"),
    Figure::Number("log_upper"),
    Figure::Number("log_log_lower"),
    Figure::Number("log_log_upper"),
    Figure::Number("cumulative_hazard"),
    Figure::Number("cumulative_hazard_variance"),
];

#[derive(Debug)]
pub(crate) struct KaplanMeier;

impl Estimator for KaplanMeier {
    const NAME: &'static str = "kaplan_meier";
    const ARGUMENTS: &'static [Argument] = &[DURATION, OBSERVED, ENTRY, CONFIDENCE];
    const ABOUT: &'static str = "\
Survival of units by age, a list with a row for each age at which one failed (Kaplan and Meier 1958): survival, its \
standard error (Greenwood 1926), bounds plain, on the scale of log and of log(-log), and the cumulative hazard (Nelson, \
Aalen). Empty without failures, null where a duration is negative or not finite, or an entry not below its duration.";
    const EXAMPLE: &'static str = "select part_number, unnest(kaplan_meier(duration_hours, observed, entry_hours)) as step\nfrom reliability.int_life group by part_number";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        with_lives(columns, |lives| match kaplan_meier(lives, confidence(constants)) {
            Ok(steps) => Some(steps.iter().map(row).collect()),
            Err(_) => None,
        })
    }
}

fn row(step: &SurvivalStep) -> Row {
    let mut row: Row = vec![
        ("time", step.time.into()),
        ("at_risk", step.at_risk.into()),
        ("failures", step.failures.into()),
        ("suspensions", step.suspensions.into()),
        ("survival", step.survival.into()),
        ("standard_error", step.standard_error.into()),
        ("cumulative_hazard", step.cumulative_hazard.into()),
        ("cumulative_hazard_variance", step.cumulative_hazard_variance.into()),
    ];
    row.extend(bounds(["plain_lower", "plain_upper"], step.plain));
    row.extend(bounds(["log_lower", "log_upper"], step.log));
    row.extend(bounds(["log_log_lower", "log_log_upper"], step.log_log));
    row
}
