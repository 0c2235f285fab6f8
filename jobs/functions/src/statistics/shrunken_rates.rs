//! `shrunken_rates`.

use super::{COUNT, EXPOSURE, tallies};
use crate::estimation::rates::shrinkage;
use crate::reliability::{CONFIDENCE, confidence};
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Kind, Row, Shape};

const GROUP: Argument = Argument::required("group", Kind::Name, "The group, a text or whole number, such as a tail.");

const FIGURES: &[Figure] = &[
    Figure::Text("group"),
    Figure::Number("raw_rate"),
    Figure::Number("rate"),
    Figure::Number("lower"),
    Figure::Number("upper"),
    Figure::Number("weight"),
    Figure::Number("pooled_rate"),
];

#[derive(Debug)]
pub(crate) struct ShrunkenRates;

impl Estimator for ShrunkenRates {
    const NAME: &'static str = "shrunken_rates";
    const ARGUMENTS: &'static [Argument] = &[COUNT, EXPOSURE, GROUP, CONFIDENCE];
    const ABOUT: &'static str = "\
Rates of groups, a row each, drawn towards their common rate the more the less was seen of them (empirical Bayes with a gamma \
prior by maximum marginal likelihood; Carlin and Louis 2000, section 3.3): a list with a row for each group, with credible bounds and the \
weight of its own rate. Where groups differ no more than Poisson counts do, all have the common rate. Null where nothing can be \
estimated: one group, no events, a count that is none or an exposure that is not positive.";
    const EXAMPLE: &'static str = "select unnest(shrunken_rates(failures, hours, tail)) as rate\nfrom reliability.repair_trend where scope = 'tail' and ata = '36'";
    const RESULT: Shape = Shape::Table(FIGURES);

    fn estimate(columns: &mut Columns, constants: &Constants) -> Option<Vec<Row>> {
        let shrunk = shrinkage(&tallies(columns)?, confidence(constants)).ok()?;
        let row = |(name, group): (&Option<String>, &crate::estimation::rates::ShrunkRate)| -> Row {
            vec![
                ("group", name.as_deref().into()),
                ("raw_rate", group.raw.into()),
                ("rate", group.rate.into()),
                ("lower", group.lower.into()),
                ("upper", group.upper.into()),
                ("weight", group.weight.into()),
                ("pooled_rate", shrunk.pooled_rate.into()),
            ]
        };
        Some(columns.names(2).iter().zip(&shrunk.groups).map(row).collect())
    }
}
