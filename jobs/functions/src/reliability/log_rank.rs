//! `log_rank`.

use std::collections::BTreeMap;

use super::{DURATION, ENTRY, OBSERVED, with_lives};
use crate::estimation::sample::Lives;
use crate::estimation::survival::log_rank;
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Kind, Row, Shape};

const GROUP: Argument =
    Argument::required("group", Kind::Name, "The group that the unit is of, a text or whole number.");

const FIGURES: &[Figure] = &[
    Figure::Number("chi_square"),
    Figure::Count("degrees_of_freedom"),
    Figure::Number("p_value"),
    Figure::Text("outcome"),
];

#[derive(Debug)]
pub(crate) struct LogRankTest;

impl Estimator for LogRankTest {
    const NAME: &'static str = "log_rank";
    const ARGUMENTS: &'static [Argument] = &[DURATION, OBSERVED, GROUP, ENTRY];
    const ABOUT: &'static str = "\
Tests whether groups of units share one survival curve (Mantel 1966; Peto and Peto 1972): the statistic, its degrees of \
freedom and the probability of one at least as large if they do. `outcome` is `ok`, or why there is no test: \
`one_group`, `no_failures`, `no_overlap`, `no_data`, `invalid_duration`.";
    const EXAMPLE: &'static str = "select part_number, log_rank(duration_hours, observed, tail) as test\nfrom reliability.int_life group by part_number";
    const RESULT: Shape = Shape::Row(FIGURES);

    fn estimate(columns: &mut Columns, _: &Constants) -> Option<Vec<Row>> {
        let groups = columns.names(2).to_vec();
        // The entry stands fourth here, and third where lives are read.
        let entries = columns.take_numbers(3, 0.0);
        let tested = with_lives(columns, |lives| {
            let mut by_group: BTreeMap<&Option<String>, Lives> = BTreeMap::new();
            for (index, (exit, observed, _)) in lives.iter().enumerate() {
                let group = by_group.entry(&groups[index]).or_default();
                group.exits.push(exit);
                group.observed.push(observed);
                group.entries.extend(entries.get(index));
            }
            log_rank(&by_group.into_values().collect::<Vec<_>>())
        });
        columns.give_numbers(3, entries);
        match tested {
            Ok(test) => Some(vec![vec![
                ("chi_square", test.chi_square.into()),
                ("degrees_of_freedom", test.degrees_of_freedom.into()),
                ("p_value", test.p_value.into()),
                ("outcome", "ok".into()),
            ]]),
            Err(flaw) => Some(vec![vec![("outcome", flaw.name().into())]]),
        }
    }
}
