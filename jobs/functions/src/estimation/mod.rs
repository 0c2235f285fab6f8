//! The estimators: plain Rust over plain slices, with no SQL and no Arrow in them.
//!
//! Every figure that data may fail to determine is an `Option`, and a result says why it has none. No estimator
//! panics, and none returns a number that is not finite.

pub mod life;
pub mod numeric;
pub mod rates;
pub mod recurrence;
pub mod replacement;
pub mod sample;
pub mod summary;
pub mod survival;
