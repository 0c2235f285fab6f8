//! What the functions share: their arguments, the accumulators that gather a sample, and results of several figures.
//!
//! A function names its arguments once, and from that follow its signature, its documentation and its errors. Nothing
//! is computed here: that is done in `estimation`.

mod aggregate;
mod argument;
mod columns;
mod figures;
mod gathering;
mod lists;
mod scalar;

pub(crate) use aggregate::{Aggregate, Estimator};
pub(crate) use argument::{Argument, Constants, Kind};
pub(crate) use columns::Columns;
pub(crate) use figures::{Figure, Row, Shape, Value, bounds};
pub(crate) use scalar::{Formula, Scalar};
