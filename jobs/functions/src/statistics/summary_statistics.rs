//! `summary_statistics`.

use crate::estimation::summary::summary;
use crate::sql::{Argument, Columns, Constants, Estimator, Figure, Kind, Row, Shape};

const SAMPLE: Argument = Argument::required(
    "sample",
    Kind::Sample,
    "The numbers: one a row, or a list of them a row, of which all rows together are the sample. Nulls do not count.",
);

const FIGURES: &[Figure] = &[
    Figure::Count("count"),
    Figure::Number("mean"),
    Figure::Number("stddev"),
    Figure::Number("min"),
    Figure::Number("p05"),
    Figure::Number("p50"),
    Figure::Number("p95"),
    Figure::Number("max"),
];

#[derive(Debug)]
pub(crate) struct SummaryStatistics;

impl Estimator for SummaryStatistics {
    const NAME: &'static str = "summary_statistics";
    const ARGUMENTS: &'static [Argument] = &[SAMPLE];
    const ABOUT: &'static str = "\
What a sample of numbers looks like: how many there are, their mean, the standard deviation of the sample (over n - 1, null of a \
single number), extremes, and exact percentiles by linear interpolation (definition 7 of Hyndman and Fan 1996, as `percentile_cont` \
has it). Without numbers the count is 0 and the other figures are null; where a number is NaN or infinite, they are null too.";
    const EXAMPLE: &'static str = "select tail, parameter, summary_statistics(samples)['p95'] as p95\nfrom staging.stg_telemetry group by tail, parameter";
    const RESULT: Shape = Shape::Row(FIGURES);

    fn estimate(columns: &mut Columns, _: &Constants) -> Option<Vec<Row>> {
        let mut sample = columns.take_numbers(0, f64::NAN);
        let (count, summary) = (sample.len(), summary(&mut sample));
        columns.give_numbers(0, sample);
        let mut figures = Vec::with_capacity(FIGURES.len());
        figures.push(("count", count.into()));
        if let Some(summary) = summary {
            figures.extend([
                ("mean", summary.mean.into()),
                ("stddev", summary.standard_deviation.into()),
                ("min", summary.min.into()),
                ("p05", summary.p05.into()),
                ("p50", summary.p50.into()),
                ("p95", summary.p95.into()),
                ("max", summary.max.into()),
            ]);
        }
        Some(vec![figures])
    }
}
