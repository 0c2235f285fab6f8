//! Functions over lives of units and over the failures of repairable systems.
//!
//! One file a function: its face in SQL, and nothing computed.

mod crow_amsaa;
mod cumulative_incidence;
mod exponential_fit;
mod fit;
mod histories;
mod kaplan_meier;
mod life_fit;
mod log_rank;
mod lognormal_fit;
mod mean_cumulative_function;
mod nelson_aalen;
mod weibull3_fit;
mod weibull_fit;

use crate::estimation::sample::Lives;
use crate::sql::{Argument, Columns, Constants, Kind};

pub(crate) use crow_amsaa::CrowAmsaaFit;
pub(crate) use cumulative_incidence::CumulativeIncidence;
pub(crate) use exponential_fit::ExponentialFit;
pub(crate) use kaplan_meier::KaplanMeier;
pub(crate) use life_fit::LifeFit;
pub(crate) use log_rank::LogRankTest;
pub(crate) use lognormal_fit::LognormalFit;
pub(crate) use mean_cumulative_function::MeanCumulativeFunction;
pub(crate) use nelson_aalen::NelsonAalen;
pub(crate) use weibull_fit::WeibullFit;
pub(crate) use weibull3_fit::Weibull3Fit;

pub(crate) const DURATION: Argument = Argument::required(
    "duration",
    Kind::Number,
    "Age at which the unit was last seen, in one unit of time, such as flight hours.",
);
pub(crate) const OBSERVED: Argument =
    Argument::required("observed", Kind::Flag, "Whether a failure ended the life; a suspension otherwise.");
pub(crate) const ENTRY: Argument =
    Argument::optional("entry", Kind::Number, "Age at which the unit was first seen; 0 where null or left out.");
pub(crate) const CONFIDENCE: Argument = Argument::optional(
    "confidence",
    Kind::Share,
    "Two-sided confidence of the bounds, a literal; 0.95 where it is left out.",
);

/// The confidence that a call asks for.
pub(crate) fn confidence(constants: &Constants) -> f64 {
    constants.number(CONFIDENCE.name).unwrap_or(0.95)
}

/// Does something with the lives in columns (duration, observed, entry), which are moved out and back.
pub(crate) fn with_lives<T>(columns: &mut Columns, estimate: impl FnOnce(&Lives) -> T) -> T {
    let lives = Lives {
        exits: columns.take_numbers(0, f64::NAN),
        observed: columns.take_flags(1),
        entries: columns.take_numbers(2, 0.0),
    };
    let estimated = estimate(&lives);
    columns.give_numbers(0, lives.exits);
    columns.give_flags(1, lives.observed);
    columns.give_numbers(2, lives.entries);
    estimated
}
