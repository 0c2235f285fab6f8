//! `mtbur_lower_bound`.

use super::{COUNT, EXPOSURE, whole};
use crate::estimation::rates::mtbur_lower_bound;
use crate::sql::{Argument, Figure, Formula, Kind, Row};

const CONFIDENCE: Argument =
    Argument::optional("confidence", Kind::Number, "One-sided confidence of the bound; 0.90 where it is left out.");

#[derive(Debug)]
pub(crate) struct MtburLowerBound;

impl Formula for MtburLowerBound {
    const NAME: &'static str = "mtbur_lower_bound";
    const ARGUMENTS: &'static [Argument] = &[COUNT, EXPOSURE, CONFIDENCE];
    const ABOUT: &'static str = "\
What the mean time between unscheduled removals exceeds, 2T/χ²(confidence; 2k+2) for k removals in T unit hours (MIL-HDBK-781A, \
time-terminated). Known without a removal too. Null where the count is no count or the exposure not positive.";
    const EXAMPLE: &'static str = "select mtbur_lower_bound(0, 5000) -- 2171.5 hours";
    const FIGURES: &'static [Figure] = &[Figure::Number("mtbur_lower_bound")];

    fn compute(numbers: &[Option<f64>]) -> Row {
        let &[Some(count), Some(exposure), confidence] = numbers else { return Row::new() };
        let bound = whole(count).and_then(|count| mtbur_lower_bound(count, exposure, confidence.unwrap_or(0.9)).ok());
        vec![("mtbur_lower_bound", bound.into())]
    }
}
