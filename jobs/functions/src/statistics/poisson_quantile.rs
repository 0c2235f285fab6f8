//! `poisson_quantile`.

use crate::estimation::rates::alert_count;
use crate::sql::{Argument, Figure, Formula, Kind, Row};

const MEAN: Argument = Argument::required("mean", Kind::Number, "Events expected.");
const PROBABILITY: Argument = Argument::required("probability", Kind::Number, "Between 0 and 1, such as 0.95.");

#[derive(Debug)]
pub(crate) struct PoissonQuantile;

impl Formula for PoissonQuantile {
    const NAME: &'static str = "poisson_quantile";
    const ARGUMENTS: &'static [Argument] = &[MEAN, PROBABILITY];
    const ABOUT: &'static str = "\
The smallest count that a Poisson law of this mean does not exceed with this probability: an alert level for a count. Null where \
the mean is negative or the probability not between 0 and 1.";
    const EXAMPLE: &'static str = "select poisson_quantile(4.2, 0.95) -- 8";
    const FIGURES: &'static [Figure] = &[Figure::Number("poisson_quantile")];

    fn compute(numbers: &[Option<f64>]) -> Row {
        let &[Some(mean), Some(probability)] = numbers else { return Row::new() };
        vec![("poisson_quantile", alert_count(mean, probability).ok().map(|count| count as f64).into())]
    }
}
