//! `poisson_rate`.

use super::{COUNT, EXPOSURE, whole};
use crate::estimation::rates::rate_bounds;
use crate::sql::{Argument, Figure, Formula, Kind, Row};

const CONFIDENCE: Argument =
    Argument::optional("confidence", Kind::Number, "Two-sided confidence of the bounds; 0.95 where it is left out.");

#[derive(Debug)]
pub(crate) struct PoissonRate;

impl Formula for PoissonRate {
    const NAME: &'static str = "poisson_rate";
    const ARGUMENTS: &'static [Argument] = &[COUNT, EXPOSURE, CONFIDENCE];
    const ABOUT: &'static str = "\
The rate of events, count / exposure, with the exact bounds of a Poisson count (Garwood 1936). Without events the lower bound is 0 \
and the upper one still says something. Null figures where the count is no count or the exposure not positive.";
    const EXAMPLE: &'static str = "select 1000 * poisson_rate(3, 10000)['upper'] -- 0.8767";
    const FIGURES: &'static [Figure] = &[Figure::Number("rate"), Figure::Number("lower"), Figure::Number("upper")];

    fn compute(numbers: &[Option<f64>]) -> Row {
        let &[Some(count), Some(exposure), confidence] = numbers else { return Row::new() };
        let bounds = whole(count).and_then(|count| rate_bounds(count, exposure, confidence.unwrap_or(0.95)).ok());
        bounds.map_or_else(Row::new, |bounds| {
            vec![("rate", bounds.rate.into()), ("lower", bounds.lower.into()), ("upper", bounds.upper.into())]
        })
    }
}
