//! Functions over samples of numbers, over counts and exposures, and over costs.
//!
//! One file a function: its face in SQL, and nothing computed.

mod mtbur_lower_bound;
mod optimal_replacement;
mod poisson_quantile;
mod poisson_rate;
mod rate_homogeneity;
mod shrunken_rates;
mod summary_statistics;

use crate::estimation::rates::Tally;
use crate::sql::{Argument, Columns, Kind};

pub(crate) use mtbur_lower_bound::MtburLowerBound;
pub(crate) use optimal_replacement::OptimalReplacement;
pub(crate) use poisson_quantile::PoissonQuantile;
pub(crate) use poisson_rate::PoissonRate;
pub(crate) use rate_homogeneity::RateHomogeneity;
pub(crate) use shrunken_rates::ShrunkenRates;
pub(crate) use summary_statistics::SummaryStatistics;

const COUNT: Argument = Argument::required("count", Kind::Number, "Events, a whole number.");
const EXPOSURE: Argument =
    Argument::required("exposure", Kind::Number, "What they happened in, such as flight hours or unit hours.");

/// A count as such: none where the number is negative, has a fraction or is not finite.
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number < 2f64.powi(53)).then_some(number as u64)
}

/// The tallies in columns (count, exposure); none where a count is no count.
fn tallies(columns: &Columns) -> Option<Vec<Tally>> {
    let tally =
        |(count, exposure): (Option<f64>, Option<f64>)| Some(Tally { count: whole(count?)?, exposure: exposure? });
    columns.numbers(0).into_iter().zip(columns.numbers(1)).map(tally).collect()
}
