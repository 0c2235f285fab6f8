//! `cumulative_incidence`.

use std::collections::BTreeSet;

use super::{CONFIDENCE, DURATION, ENTRY, confidence};
use crate::estimation::survival::{CompetingLives, cumulative_incidence};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Kind, Row, Shape, bounds};

const MODE: Argument =
    Argument::nullable("mode", Kind::Name, "What ended the life, a text or whole number; null for a suspension.");

const FIGURES: &[Figure] = &[
    Figure::Text("mode"),
    Figure::Number("time"),
    Figure::Count("at_risk"),
    Figure::Count("failures"),
    Figure::Number("incidence"),
    Figure::Number("standard_error"),
    Figure::Number("lower"),
    Figure::Number("upper"),
];

#[derive(Debug)]
pub(crate) struct CumulativeIncidence;

impl Estimator for CumulativeIncidence {
    const NAME: &'static str = "cumulative_incidence";
    const ARGUMENTS: &'static [Argument] = &[DURATION, MODE, ENTRY, CONFIDENCE];
    const ABOUT: &'static str = "\
The share of units that each failure mode has ended by an age while the other modes compete, a list with a row for each \
mode and age at which it ended a life (Aalen and Johansen 1978), with Greenwood-type standard errors and bounds on the scale of \
log(-log). Empty without failures, null where a duration is negative or not finite, or an entry not below its duration.";
    const EXAMPLE: &'static str = "select unnest(cumulative_incidence(hours_at_end, ended_by)) as step\nfrom reliability.int_installation where part_number = '3242M018-1'";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        let names: BTreeSet<&str> = columns.names(1).iter().flatten().map(String::as_str).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mode = |name: &Option<String>| match name {
            // Modes are numbered from 1 in the order of their names.
            Some(name) => names.binary_search(name).map_or(0, |place| u32::try_from(place + 1).unwrap_or(0)),
            None => 0,
        };
        let modes = columns.names(1).iter().map(mode).collect();
        let lives =
            CompetingLives { exits: columns.take_numbers(0, f64::NAN), modes, entries: columns.take_numbers(2, 0.0) };
        let estimated = cumulative_incidence(&lives, confidence(constants));
        columns.give_numbers(0, lives.exits);
        columns.give_numbers(2, lives.entries);
        let Ok(modes) = estimated else { return None };
        let mut rows = Vec::new();
        for mode in modes {
            let name = names.get(mode.mode as usize - 1).map(String::as_str);
            for step in mode.steps {
                let mut row: Row = vec![
                    ("mode", name.into()),
                    ("time", step.time.into()),
                    ("at_risk", step.at_risk.into()),
                    ("failures", step.failures.into()),
                    ("incidence", step.incidence.into()),
                    ("standard_error", step.standard_error.into()),
                ];
                row.extend(bounds(["lower", "upper"], step.bounds));
                rows.push(row);
            }
        }
        Some(rows)
    }
}
