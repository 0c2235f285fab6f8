//! What the figures mean: pure judgements of rows, each with the numbers that it rests on.
//!
//! Nothing here asks for data, and nothing is said that a figure does not carry.

pub mod alerts;
pub mod chance;
pub mod coverage;
pub mod lives;
pub mod parts;
pub mod steps;
pub mod trends;
pub mod units;

/// A finding that chance alone would give with less than this probability stands out.
pub const SIGNIFICANCE: f64 = 0.05;
